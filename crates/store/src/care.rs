//! The care of a database file: is it sound, is all of it in the one file, a copy of it.
//!
//! Each opens a connection of its own, beside whatever server has the database open.

use std::time::Duration;

use camino::Utf8Path;
use rusqlite::{Connection, OpenFlags};

use crate::Result;

/// How long to wait for whoever writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many faults are reported.
const FAULTS_MAX: u32 = 20;

fn open(database: &Utf8Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

/// Moves what is in the write-ahead log into the database file, so that the file alone is complete.
///
/// # Errors
/// Those of the database.
pub fn checkpoint(database: &Utf8Path) -> Result<()> {
    let connection = open(database)?;
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

/// What is wrong with the database, a line each; nothing when it is sound. It reads every page.
///
/// # Errors
/// Those of the database; a file that is none at all is one of them.
pub fn faults(database: &Utf8Path) -> Result<Vec<String>> {
    let connection = open(database)?;
    let mut statement = connection.prepare(&format!("PRAGMA quick_check({FAULTS_MAX})"))?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
    let lines: std::result::Result<Vec<String>, _> = lines.collect();
    Ok(lines?.into_iter().filter(|line| line != "ok").collect())
}

/// Writes a copy of the database as it is at one moment to a file that must not exist yet. Whoever
/// writes goes on meanwhile.
///
/// # Errors
/// Those of the database and the file system.
pub fn copy(database: &Utf8Path, to: &Utf8Path) -> Result<()> {
    let connection = open(database)?;
    connection.execute("VACUUM INTO ?", [to.as_str()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_database_is_copied_and_a_damaged_one_is_named() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let folder = guard.path();
        let path = folder.join("a.db");
        let made = Connection::open(&path).expect("a database");
        made.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (x TEXT);")
            .expect("made");
        let row = "x".repeat(3_000);
        for _ in 0..50 {
            made.execute("INSERT INTO t VALUES (?)", [&row])
                .expect("a row");
        }
        checkpoint(&path).expect("complete");
        assert_eq!(
            std::fs::metadata(folder.join("a.db-wal"))
                .expect("there")
                .len(),
            0
        );
        assert!(faults(&path).expect("read").is_empty());
        copy(&path, &folder.join("b.db")).expect("copied");
        copy(&path, &folder.join("b.db")).expect_err("never over a file that is there");
        assert!(faults(&folder.join("b.db")).expect("read").is_empty());
        drop(made);

        let mut bytes = std::fs::read(folder.join("b.db")).expect("read");
        for byte in &mut bytes[8_192..8_300] {
            *byte = 0xff;
        }
        std::fs::write(folder.join("b.db"), bytes).expect("written");
        let found = faults(&folder.join("b.db"));
        assert!(found.is_err() || found.is_ok_and(|found| !found.is_empty()));
    }
}
