//! Connections that read: lent out one job at a time and kept for the next.

use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::{Connection, OpenFlags};

use crate::store::compile_once;
use crate::{Error, Result};

/// How many idle connections are kept.
const IDLE_MAX: usize = 8;

#[derive(Debug, Clone)]
pub(crate) struct Readers {
    path: Utf8PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
}

/// Reads a database that a server may have open at the same time; nothing of it is changed.
///
/// # Errors
/// When it is not there or cannot be read, and those of the read.
pub fn peek<T>(path: &Utf8Path, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    Readers::new(path.to_owned()).with(read)
}

impl Readers {
    pub(crate) fn new(path: Utf8PathBuf) -> Self {
        Self {
            path,
            idle: Arc::default(),
        }
    }

    /// Runs a read on a connection of its own; it sees one snapshot from first to last query.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open().map_err(|error| Error::at(error, &self.path))?,
        };
        // Compiled once for each connection.
        connection.prepare_cached("BEGIN")?.execute([])?;
        let result = read(&connection);
        connection.prepare_cached("COMMIT")?.execute([])?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
        result
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.set_prepared_statement_cache_capacity(64);
        compile_once(&connection)?;
        Ok(connection)
    }
}
