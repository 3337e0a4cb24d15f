//! What lies in a folder of a datastore, and a fingerprint of each file.
//!
//! Folders of this machine are walked, and links in them are not followed: nothing outside is seen,
//! and no circle is walked. Every other datastore lists itself, and its tag of a file is taken.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_datastore::Registry;
use stepwell_schedule::Listing;

use super::ports::Lister;
use crate::clock::Ask;

/// The most files of one watched folder.
const FILES_MAX: usize = 1_000_000;

/// The datastores of the workspace.
pub(crate) struct Datastores(pub(crate) Arc<Registry>);

impl Lister for Datastores {
    fn list(&self, datastore: &str, path: &str) -> Ask<Result<Listing, String>> {
        let (found, path) = (self.0.get(datastore), path.trim_matches('/').to_owned());
        Box::pin(async move {
            let datastore = found.map_err(|error| error.to_string())?;
            let Some(root) = datastore.root() else {
                let entries = datastore.below(&path).await;
                let entries = entries.map_err(|error| error.to_string())?;
                let named = entries.into_iter().filter_map(|entry| {
                    let below = below(&entry.path, &path)?.to_owned();
                    Some((below, entry.etag))
                });
                return Ok(named.collect());
            };
            let root = root.join(&path);
            let walked = tokio::task::spawn_blocking(move || walk(&root)).await;
            let walked = walked.map_err(|error| error.to_string())?;
            walked.map_err(|error| error.to_string())
        })
    }
}

/// A file's path below a folder.
fn below<'a>(file: &'a str, folder: &str) -> Option<&'a str> {
    match folder {
        "" => Some(file),
        folder => file.strip_prefix(folder)?.strip_prefix('/'),
    }
}

/// Every file below a folder; none when it is not there.
fn walk(root: &Utf8Path) -> std::io::Result<Listing> {
    let mut found = Listing::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs_err::read_dir(&folder) {
            Ok(entries) => entries,
            // It may come, or it went away while we looked.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let Ok(path) = Utf8PathBuf::from_path_buf(entry.path()) else {
                continue;
            };
            let Ok(about) = entry.metadata() else {
                continue;
            };
            if about.is_dir() {
                folders.push(path);
            } else if about.is_file()
                && let Ok(below) = path.strip_prefix(root)
            {
                found.insert(below.to_string(), fingerprint(&about));
            }
            if found.len() > FILES_MAX {
                return Err(std::io::Error::other(format!(
                    "there are more than {FILES_MAX} files"
                )));
            }
        }
    }
    Ok(found)
}

fn fingerprint(about: &std::fs::Metadata) -> String {
    use std::os::unix::fs::MetadataExt as _;
    format!(
        "{}:{}.{:09}",
        about.len(),
        about.mtime(),
        about.mtime_nsec()
    )
}
