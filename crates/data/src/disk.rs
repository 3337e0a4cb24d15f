//! How much room a folder takes, for `stepwell doctor`.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use camino::Utf8Path;

use crate::Result;

/// What lies beneath a folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Everything that is not a folder; a link counts as itself.
    pub files: u64,
    /// The room taken on disk, that of folders included.
    pub bytes: u64,
}

/// Adds up what lies beneath `dir`.
///
/// The folder may be in use: what vanishes while it is counted is not counted, and is no error.
/// Symbolic links are not followed.
///
/// # Errors
///
/// When a folder cannot be read for another reason than having vanished.
pub fn usage(dir: &Utf8Path) -> Result<Usage> {
    let mut usage = Usage::default();
    let mut folders = vec![PathBuf::from(dir)];
    while let Some(folder) = folders.pop() {
        let Some(entries) = unless_gone(fs_err::read_dir(&folder))? else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let Some(metadata) = unless_gone(entry.metadata())? else {
                continue;
            };
            // The unit of `st_blocks` is 512 bytes, whatever the file system's block size.
            usage.bytes += metadata.blocks() * 512;
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                usage.files += 1;
            }
        }
    }
    Ok(usage)
}

fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_counts_every_file_beneath_and_no_link_target() {
        let temp = camino_tempfile::tempdir().expect("a folder");
        let dir = temp.path();
        fs_err::create_dir(dir.join("inner")).expect("created");
        fs_err::write(dir.join("inner/data"), [7; 10_000]).expect("written");
        std::os::unix::fs::symlink("/usr", dir.join("link")).expect("linked");
        let usage = usage(dir).expect("counted");
        assert_eq!(usage.files, 2);
        assert!((10_000..1_000_000).contains(&usage.bytes), "{usage:?}");
        assert_eq!(
            super::usage(&dir.join("gone")).expect("empty"),
            Usage::default()
        );
    }
}
