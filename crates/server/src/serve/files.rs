//! The folders of a server, and its private files. A file is complete or not there.

use std::os::unix::fs::DirBuilderExt as _;

use stepwell_data::folder::{DataFolder, LOCAL_DATASTORES};
use stepwell_data::home::write_private;
use uuid::Uuid;

/// Makes the data folder itself, for its owner's eyes only.
pub(super) fn make_root(folder: &DataFolder) -> std::io::Result<()> {
    let root = folder.root();
    if root.exists() {
        return Ok(());
    }
    if let Some(parent) = root.parent() {
        fs_err::create_dir_all(parent)?;
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(root)
}

/// Makes the folders in it.
pub(super) fn make_folders(folder: &DataFolder) -> std::io::Result<()> {
    let root = folder.root();
    let ignore = root.join(".gitignore");
    if !ignore.exists() {
        fs_err::write(ignore, "*\n")?;
    }
    for datastore in LOCAL_DATASTORES {
        fs_err::create_dir_all(folder.datastore(datastore))?;
    }
    fs_err::create_dir_all(root.join("runs"))?;
    fs_err::create_dir_all(folder.environments())
}

/// The token of the folder, made anew: whoever knew the old one is a stranger.
pub(super) fn replace_token(folder: &DataFolder) -> std::io::Result<()> {
    match std::fs::remove_file(folder.token()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    token(folder).map(drop)
}

/// The token of the folder. It stays the same from server to server, as steps hold it.
pub(super) fn token(folder: &DataFolder) -> std::io::Result<String> {
    let path = folder.token();
    if let Ok(token) = fs_err::read_to_string(&path)
        && token.trim().len() >= 32
    {
        return Ok(token.trim().to_owned());
    }
    let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    write_private(&path, token.as_bytes())?;
    Ok(token)
}
