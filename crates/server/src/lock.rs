//! One server a data folder: advisory locks that the system drops when the process dies.
//!
//! The folder itself is locked, which nobody can delete without all that is in it, and a file in it
//! for those file systems that lock no folders. Who holds them is asked of the system, by device and
//! inode: no file is believed, and a file that is a hard link to another folder's is not either.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FlockOperation, flock};
use stepwell_data::folder::DataFolder;
use stepwell_data::home;

/// The locks, held until they are dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    root: Root,
}

/// Why there is no lock.
#[derive(Debug)]
pub(crate) enum LockError {
    /// Another server holds it.
    Held {
        /// Its process id, if the system says.
        pid: Option<u32>,
    },
    /// The server of another folder holds the file, which is a hard link to that folder's.
    Shared,
    /// The file cannot be made.
    Io(io::Error),
}

impl Lock {
    /// Takes the locks, or says who has them.
    pub(crate) fn take(folder: &DataFolder) -> Result<Self, LockError> {
        let held = || LockError::Held {
            pid: holder(folder),
        };
        let root = Root::open(folder.root()).map_err(LockError::Io)?;
        let is_locked = match flock(&root.opened, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => true,
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(held()),
            // The file system locks no folders.
            Err(_) => false,
        };
        let file = open(folder).map_err(LockError::Io)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let is_a_link = is_locked && file.metadata().is_ok_and(|file| file.nlink() > 1);
            return Err(if is_a_link { LockError::Shared } else { held() });
        }
        Ok(Self { file, root })
    }

    /// The folder that is locked.
    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// Gives the folder files of its own in place of hard links to those of another folder.
    pub(crate) fn unshare(&mut self, folder: &DataFolder) -> io::Result<()> {
        home::unshare(folder)?;
        if self.file.metadata()?.nlink() > 1 {
            std::fs::remove_file(folder.lock())?;
            let file = open(folder)?;
            flock(&file, FlockOperation::NonBlockingLockExclusive)?;
            self.file = file;
        }
        Ok(())
    }
}

fn open(folder: &DataFolder) -> io::Result<File> {
    let mut options = File::options();
    let options = options.read(true).write(true).create(true).truncate(false);
    options.open(folder.lock())
}

/// The folder that a server opened, and the path at which it was.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    opened: Arc<File>,
    path: Utf8PathBuf,
}

impl Root {
    fn open(path: &Utf8Path) -> io::Result<Self> {
        Ok(Self {
            opened: Arc::new(File::open(path)?),
            path: path.to_owned(),
        })
    }

    /// Whether its path still leads to it: it may have been deleted, moved or replaced.
    pub(crate) fn is_in_place(&self) -> bool {
        use io::ErrorKind::{NotADirectory, NotFound};
        match (std::fs::metadata(&self.path), self.opened.metadata()) {
            (Ok(there), Ok(opened)) => home::identity_of(&there) == home::identity_of(&opened),
            (Err(error), _) => !matches!(error.kind(), NotFound | NotADirectory),
            (_, Err(_)) => true,
        }
    }

    /// Its device and inode, while its path leads to it.
    pub(crate) fn identity(&self) -> Option<String> {
        let opened = self.opened.metadata().ok()?;
        self.is_in_place().then(|| home::identity_of(&opened))
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
    holders.find(|pid| has_open(*pid, folder.root()))
}

/// The process of a line such as `1: FLOCK  ADVISORY  WRITE 4242 08:01:131 0 EOF`, if it is a lock
/// of one of these inodes.
fn flock_of(line: &str, inodes: &[u64]) -> Option<u32> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (kind, pid, place) = (fields.get(1)?, fields.get(4)?, fields.get(5)?);
    let inode = place.rsplit(':').next()?.parse().ok()?;
    (*kind == "FLOCK" && inodes.contains(&inode)).then(|| pid.parse().ok())?
}

/// Inodes are numbered by each file system, and the lock's file may be a hard link to another
/// folder's: the process must have the folder itself open.
fn has_open(pid: u32, root: &Utf8Path) -> bool {
    let Ok(wanted) = home::identity(root) else {
        return false;
    };
    let open = std::fs::read_dir(format!("/proc/{pid}/fd"));
    let mut open = open.into_iter().flatten().flatten();
    open.any(|entry| {
        std::fs::metadata(entry.path()).is_ok_and(|found| home::identity_of(&found) == wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_served_once_even_when_the_lock_file_is_deleted() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let root = guard.path();
        let folder = DataFolder::new(root);
        assert_eq!(holder(&folder), None);
        let first = Lock::take(&folder).expect("it is free");
        for is_deleted in [false, true] {
            if is_deleted {
                std::fs::remove_file(folder.lock()).expect("deleted");
            }
            let this = Some(std::process::id());
            assert_eq!(holder(&folder), this);
            match Lock::take(&folder) {
                Err(LockError::Held { pid }) => assert_eq!(pid, this),
                other => panic!("{other:?}"),
            }
        }
        drop(first);
        Lock::take(&folder).expect("it is free again");
    }

    #[test]
    fn a_folder_of_hard_links_is_another_folder() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let top = guard.path();
        let [original, copy] = ["original", "copy"].map(|name| {
            std::fs::create_dir(top.join(name)).expect("a folder");
            DataFolder::new(top.join(name))
        });
        std::fs::write(original.database(), "content").expect("written");
        let first = Lock::take(&original).expect("it is free");
        for file in [DataFolder::lock, DataFolder::database] {
            std::fs::hard_link(file(&original), file(&copy)).expect("linked");
        }
        assert_eq!(holder(&copy), None, "its server is not the original's");
        assert!(matches!(Lock::take(&copy), Err(LockError::Shared)));
        drop(first);
        let mut own = Lock::take(&copy).expect("nobody has the files");
        assert!(matches!(Lock::take(&original), Err(LockError::Shared)));
        own.unshare(&copy).expect("files of its own");
        std::fs::write(copy.database(), "changed").expect("written");
        let original_text = std::fs::read_to_string(original.database());
        assert_eq!(original_text.expect("there"), "content");
        let _both = Lock::take(&original).expect("it shares nothing");
        assert_eq!(holder(&copy), Some(std::process::id()));
        assert!(matches!(Lock::take(&copy), Err(LockError::Held { .. })));
    }

    #[test]
    fn a_folder_knows_when_its_path_leads_elsewhere() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let path = guard.path().join("data");
        std::fs::create_dir(&path).expect("a folder");
        let root = Root::open(&path).expect("it is there");
        assert_eq!(root.identity(), home::identity(&path).ok());
        let aside = path.with_file_name("aside");
        std::fs::rename(&path, &aside).expect("renamed");
        assert_eq!(root.identity(), None, "moved");
        std::fs::create_dir(&path).expect("a folder");
        assert_eq!(root.identity(), None, "replaced");
        std::fs::remove_dir(&path).expect("removed");
        std::fs::rename(&aside, &path).expect("renamed");
        assert!(root.is_in_place(), "it is back");
    }
}
