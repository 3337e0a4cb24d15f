//! The handle that the rest of the program holds.

use std::sync::mpsc::Sender;

use camino::Utf8Path;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::oneshot;

use crate::readers::Readers;
use crate::writer::{self, Durability, Job, Undo};
use crate::{Error, Result, migrate};

/// The database; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    jobs: Sender<Job>,
    readers: Readers,
}

impl Store {
    /// Opens the file, makes it if it is not there, and brings it to the newest format.
    ///
    /// # Errors
    /// When it cannot be read or written, is damaged, or was made by a newer Stepwell.
    pub fn open(path: &Utf8Path) -> Result<Self> {
        let path = path.to_owned();
        let mut connection = open_writer(&path).map_err(|error| Error::at(error, &path))?;
        migrate::migrate(&mut connection, &path)?;
        keep_undo_in_memory(&connection).map_err(|error| Error::at(error, &path))?;
        let jobs = writer::start(connection, path.clone())?;
        Ok(Self {
            jobs,
            readers: Readers::new(path),
        })
    }

    /// Runs a change and commits it; it survives the death of the process.
    ///
    /// # Errors
    /// The change's own error, after which nothing of it stays, or that of the commit.
    pub async fn write<T, F>(&self, change: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.commit(Durability::Process, change).await
    }

    /// The same; it survives the loss of power too.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_durable<T, F>(&self, change: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.commit(Durability::Power, change).await
    }

    /// Runs queries on one snapshot of the database, off the async threads.
    ///
    /// # Errors
    /// Those of the queries.
    pub async fn read<T, F>(&self, read: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let readers = self.readers.clone();
        let task = tokio::task::spawn_blocking(move || readers.with(read));
        task.await.map_err(|_| Error::Closed)?
    }

    async fn commit<T, F>(&self, durability: Durability, change: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let work: writer::Work = Box::new(move |connection| {
            let result = connection.map_or(Err(Error::Closed), change);
            let undo = if result.is_ok() {
                Undo::Keep
            } else {
                Undo::Undo
            };
            let finish = move |commit: Result<()>| {
                let outcome = match (result, commit) {
                    (Ok(value), Ok(())) => Ok(value),
                    (_, Err(error)) | (Err(error), Ok(())) => Err(error),
                };
                // An asker that went away needs no answer.
                drop(reply.send(outcome));
            };
            (undo, Box::new(finish))
        });
        self.jobs
            .send(Job { work, durability })
            .map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }
}

/// The journal is synced at checkpoints only; what must survive a power loss is synced by us.
fn open_writer(path: &Utf8Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    compile_once(&connection)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// What a change overwrites, so that it can be undone alone, stays in memory until it is done. SQLite
/// would write all of that to a file from 64 KB on: that is 16 pages, and one submission has more. It is
/// not asked for a migration, which may change all there is.
fn keep_undo_in_memory(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// Has each statement compiled once for a connection, whatever values it is given. SQLite would see
/// whether the new values ask for another plan (`LIMIT ?` does), and rusqlite takes the values away
/// from a statement that it keeps: so each use of it would compile it anew.
pub(crate) fn compile_once(connection: &Connection) -> rusqlite::Result<()> {
    let plans_stay = DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
    connection.set_db_config(plans_stay, true).map(drop)
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_that_is_kept_is_compiled_once() {
        let connection = open_writer(":memory:".into()).expect("opened");
        let table = "CREATE TABLE t (a, b); CREATE INDEX t_by_a ON t (a)";
        connection.execute_batch(table).expect("made");
        let query = "SELECT b FROM t WHERE a = ? AND b = ? LIMIT ?";
        let mut compiled = 0;
        for number in 1..=5 {
            let mut statement = connection.prepare_cached(query).expect("compiles");
            let mut rows = statement.query([number; 3]).expect("asked");
            assert!(rows.next().expect("read").is_none());
            drop(rows);
            compiled += statement.reset_status(StatementStatus::RePrepare);
        }
        assert_eq!(compiled, 0);
    }
}
