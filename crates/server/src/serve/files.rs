//! The folders of a server, and its private files. A file is whole or not there.

use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

use camino::Utf8Path;
use stepwell_data::folder::{DataFolder, LOCAL_DATASTORES};
use uuid::Uuid;

pub(super) fn make_folders(folder: &DataFolder) -> std::io::Result<()> {
    let root = folder.root();
    let new = !root.exists();
    fs_err::create_dir_all(root)?;
    if new {
        fs_err::set_permissions(root, std::fs::Permissions::from_mode(0o700))?;
    }
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

/// The token of the folder. It stays the same from server to server, as steps hold it.
pub(super) fn token(folder: &DataFolder) -> std::io::Result<String> {
    let path = folder.token();
    if let Ok(token) = fs_err::read_to_string(&path)
        && token.trim().len() >= 32
    {
        return Ok(token.trim().to_owned());
    }
    let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    write_private(&path, &token)?;
    Ok(token)
}

/// Writes a file that only its owner may read, whole or not at all.
pub(super) fn write_private(path: &Utf8Path, text: &str) -> std::io::Result<()> {
    let aside = path.with_extension("new");
    // One that a killed server left may have other permissions.
    drop(std::fs::remove_file(&aside));
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    fs_err::rename(aside, path)
}
