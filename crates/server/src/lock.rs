//! One server a data folder: an advisory lock that the system drops when the process dies.

use std::fs::File;
use std::io::{Read as _, Write as _};

use camino::Utf8Path;
use rustix::fs::{FlockOperation, flock};

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Why there is no lock.
#[derive(Debug)]
pub(crate) enum LockError {
    /// Another server holds it.
    Held {
        /// Its process id, if it wrote one.
        pid: Option<u32>,
    },
    /// The file cannot be made or written.
    Io(std::io::Error),
}

impl Lock {
    /// Takes the lock, or says who has it.
    pub(crate) fn take(path: &Utf8Path) -> Result<Self, LockError> {
        let mut options = File::options();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(LockError::Io)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut text = String::new();
            let read = file.read_to_string(&mut text);
            let pid = read.ok().and_then(|_| text.trim().parse().ok());
            return Err(LockError::Held { pid });
        }
        file.set_len(0).map_err(LockError::Io)?;
        writeln!(file, "{}", std::process::id()).map_err(LockError::Io)?;
        Ok(Self { _file: file })
    }
}
