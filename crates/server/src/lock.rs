//! One server a data folder: advisory locks that the system drops when the process dies.
//!
//! The folder itself is locked, which nobody can delete without all that is in it, and a file in it
//! for those file systems that lock no folders. Who holds them is asked of the system, by device and
//! inode: no file is believed.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;

use camino::Utf8Path;
use rustix::fs::{FlockOperation, flock};
use stepwell_data::folder::DataFolder;

/// The locks, held until they are dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
    /// `None` on a file system that locks no folders.
    _folder: Option<File>,
}

/// Why there is no lock.
#[derive(Debug)]
pub(crate) enum LockError {
    /// Another server holds it.
    Held {
        /// Its process id, if the system says.
        pid: Option<u32>,
    },
    /// The file cannot be made.
    Io(std::io::Error),
}

impl Lock {
    /// Takes the locks, or says who has them.
    pub(crate) fn take(folder: &DataFolder) -> Result<Self, LockError> {
        let held = || LockError::Held {
            pid: holder(folder),
        };
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        let file = options.open(folder.lock()).map_err(LockError::Io)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| held())?;
        let root = File::open(folder.root()).map_err(LockError::Io)?;
        let root = match flock(&root, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Some(root),
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(held()),
            Err(_) => None,
        };
        Ok(Self {
            _file: file,
            _folder: root,
        })
    }
}

/// The process that holds the locks of a folder, whether or not it answers.
#[must_use]
pub fn holder(folder: &DataFolder) -> Option<u32> {
    let inodes: Vec<u64> = [folder.lock().as_path(), folder.root()]
        .iter()
        .filter_map(|path| Some(std::fs::metadata(path).ok()?.ino()))
        .collect();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let mut holders = locks.lines().filter_map(|line| flock_of(line, &inodes));
    holders.find(|pid| has_open(*pid, folder))
}

/// The process of a line such as `1: FLOCK  ADVISORY  WRITE 4242 08:01:131 0 EOF`, if it is a lock
/// of one of these inodes.
fn flock_of(line: &str, inodes: &[u64]) -> Option<u32> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (kind, pid, place) = (fields.get(1)?, fields.get(4)?, fields.get(5)?);
    let inode = place.rsplit(':').next()?.parse().ok()?;
    (*kind == "FLOCK" && inodes.contains(&inode)).then(|| pid.parse().ok())?
}

/// Inodes are numbered by each file system: the process must have one of these files open.
fn has_open(pid: u32, folder: &DataFolder) -> bool {
    let id = |path: &std::path::Path| {
        let about = std::fs::metadata(path).ok()?;
        Some((about.dev(), about.ino()))
    };
    let wanted = [
        folder.lock().as_std_path(),
        Utf8Path::as_std_path(folder.root()),
    ]
    .map(id);
    let open = std::fs::read_dir(format!("/proc/{pid}/fd"));
    let mut open = open.into_iter().flatten().flatten();
    open.any(|entry| id(&entry.path()).is_some_and(|found| wanted.contains(&Some(found))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_served_once_even_when_the_lock_file_is_deleted() {
        let guard = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(guard.path()).expect("UTF-8");
        let folder = DataFolder::new(root);
        assert_eq!(holder(&folder), None);
        let first = Lock::take(&folder).expect("it is free");
        for _ in 0..2 {
            let this = Some(std::process::id());
            assert_eq!(holder(&folder), this);
            match Lock::take(&folder) {
                Err(LockError::Held { pid }) => assert_eq!(pid, this),
                other => panic!("{other:?}"),
            }
            std::fs::remove_file(folder.lock()).expect("deleted");
        }
        drop(first);
        Lock::take(&folder).expect("it is free again");
    }
}
