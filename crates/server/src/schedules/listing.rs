//! What lies in a folder of a datastore, and what each file looks like from outside.

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_data::folder::{DataFolder, LOCAL_DATASTORES};
use stepwell_schedule::Listing;

use super::ports::Lister;

/// The most files of one watched folder.
const FILES_MAX: usize = 1_000_000;

/// The datastores in the data folder.
pub(crate) struct LocalLister {
    pub(crate) folder: DataFolder,
}

impl Lister for LocalLister {
    fn list(&self, datastore: &str, path: &str) -> Result<Listing, String> {
        if !LOCAL_DATASTORES.contains(&datastore) {
            return Err(format!(
                "there is no datastore `{datastore}` that can be watched"
            ));
        }
        let root = self
            .folder
            .datastore(datastore)
            .join(path.trim_matches('/'));
        let mut found = Listing::new();
        walk(&root, &mut found).map_err(|error| error.to_string())?;
        Ok(found)
    }
}

/// Every file below a folder; none when it is not there. Links are not followed, so that nothing
/// outside is seen and no circle is walked.
fn walk(root: &Utf8Path, found: &mut Listing) -> std::io::Result<()> {
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
    Ok(())
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
