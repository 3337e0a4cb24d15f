//! The one writer: takes jobs from a channel and commits them in groups.
//!
//! A job runs in a savepoint: its error undoes its own changes and nobody else's. Every job of a
//! group learns of the commit together; those that want to survive a power loss are passed on to
//! a second thread, which syncs the WAL once for all that wait.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::Connection;

use crate::{Error, Result};

/// How many jobs may share a commit.
const GROUP_MAX: usize = 512;

/// What survives what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Survives the death of the process.
    Process,
    /// Survives the loss of power.
    Power,
}

/// Tells the asker how it ended: `Ok` once it is as durable as was asked.
type Finish = Box<dyn FnOnce(Result<()>) + Send>;

/// Work for the writer: runs on the connection, unless there is none to run on because the
/// transaction could not begin, and gives back who waits for it.
pub(crate) type Work = Box<dyn FnOnce(Option<&Connection>) -> (Undo, Finish) + Send>;

/// Whether a job's changes stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undo {
    Keep,
    Undo,
}

pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) durability: Durability,
}

/// Starts the two threads; they end when the sender is dropped.
pub(crate) fn start(connection: Connection, path: Utf8PathBuf) -> Result<Sender<Job>> {
    let (jobs, inbox) = channel();
    let (sync, to_sync) = channel();
    let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
        let storage = |error: std::io::Error| Error::Storage {
            path: path.clone(),
            reason: error.to_string(),
        };
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map_err(storage)
            .map(drop)
    };
    let (for_writer, for_sync) = (path.clone(), path.clone());
    spawn(
        "store-sync",
        Box::new(move || sync_loop(&to_sync, &for_sync)),
    )?;
    spawn(
        "store-writer",
        Box::new(move || write_loop(connection, &inbox, &sync, &for_writer)),
    )?;
    Ok(jobs)
}

fn write_loop(
    connection: Connection,
    inbox: &Receiver<Job>,
    sync: &Sender<Finish>,
    path: &Utf8PathBuf,
) {
    while let Ok(first) = inbox.recv() {
        let group = std::iter::once(first)
            .chain(inbox.try_iter().take(GROUP_MAX - 1))
            .collect();
        let (finishes, result) = commit_group(&connection, group);
        let error = result.err().map(|error| error.to_string());
        for (finish, durability) in finishes {
            match (&error, durability) {
                (Some(reason), _) => {
                    finish(Err(Error::Storage {
                        path: path.clone(),
                        reason: reason.clone(),
                    }));
                }
                (None, Durability::Process) => finish(Ok(())),
                // The sync thread outlives this loop, so the send cannot fail.
                (None, Durability::Power) => drop(sync.send(finish)),
            }
        }
    }
}

fn commit_group(
    connection: &Connection,
    group: Vec<Job>,
) -> (Vec<(Finish, Durability)>, rusqlite::Result<()>) {
    let mut finishes = Vec::with_capacity(group.len());
    if let Err(error) = run(connection, "BEGIN IMMEDIATE") {
        for job in group {
            finishes.push(((job.work)(None).1, job.durability));
        }
        return (finishes, Err(error));
    }
    for job in group {
        let _in_transaction = run(connection, "SAVEPOINT job");
        // One bad change must not end the thread that all others need; its asker hears that the
        // answer was lost.
        let done = catch_unwind(AssertUnwindSafe(|| (job.work)(Some(connection))));
        if !matches!(done, Ok((Undo::Keep, _))) {
            let _in_transaction = run(connection, "ROLLBACK TO job");
        }
        let _in_transaction = run(connection, "RELEASE job");
        match done {
            Ok((_, finish)) => finishes.push((finish, job.durability)),
            Err(_) => tracing::error!("a change of the database panicked; nothing of it stays"),
        }
    }
    let result = run(connection, "COMMIT");
    if result.is_err() {
        let _already_rolled_back = run(connection, "ROLLBACK");
    }
    (finishes, result)
}

/// Runs a statement that is run for every commit, without compiling it every time.
fn run(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(drop)
}

/// Syncs the WAL for all that wait at the moment, then tells them.
fn sync_loop(waiting: &Receiver<Finish>, path: &Utf8Path) {
    let wal = Utf8PathBuf::from(format!("{path}-wal"));
    while let Ok(first) = waiting.recv() {
        let group: Vec<Finish> = std::iter::once(first).chain(waiting.try_iter()).collect();
        // An in-memory database has no WAL and nothing to sync.
        let result = match File::open(&wal) {
            Ok(file) => file.sync_data(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        let reason = result.err().map(|error| error.to_string());
        for finish in group {
            finish(match &reason {
                None => Ok(()),
                Some(reason) => Err(Error::Storage {
                    path: wal.clone(),
                    reason: reason.clone(),
                }),
            });
        }
    }
}
