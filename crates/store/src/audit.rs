//! The audit: who changed what, when, from where, and what came of it.
//!
//! Invariant: it holds at most [`RECORDS_MAX`] records, none older than [`AGE_MAX_MS`], give or take
//! the few that were added since it was last cut.

use rusqlite::{Connection, Row, params};
use stepwell_model::Timestamp;

use crate::Result;

/// How many records are kept.
pub const RECORDS_MAX: i64 = 100_000;

/// How long a record is kept: 400 days.
pub const AGE_MAX_MS: i64 = 400 * 24 * 3_600_000;

/// After so many new records the audit is cut again.
const CUT_EVERY: i64 = 256;

/// How long equal records are counted as one.
const HOUR_MS: i64 = 3_600_000;

/// Whether a record stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// One record for each change.
    Each,
    /// Equal ones of an hour are counted in one record.
    Hourly,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number, which grows; 0 for one that is to be added.
    pub seq: i64,
    /// When the change was asked for; the first one, when several are counted.
    pub at: Timestamp,
    /// When the last one was asked for.
    pub last: Timestamp,
    /// How many there were.
    pub count: u64,
    /// What kind of caller: `folder`, `token`, `step` or `page`.
    pub kind: String,
    /// The id of the token, or of the step's run; empty for the folder's own token.
    pub who: String,
    /// The name of the token.
    pub name: String,
    /// The address it came from.
    pub address: String,
    /// The HTTP method.
    pub method: String,
    /// The path, or the pattern of it for what is counted.
    pub path: String,
    /// The HTTP status of the answer.
    pub status: u16,
}

/// Adds a record, or counts it.
///
/// # Errors
/// Those of the database.
pub fn add(connection: &Connection, record: &Record, detail: Detail) -> Result<()> {
    let at = record.at.as_millis();
    let hour = match detail {
        Detail::Each => None,
        Detail::Hourly => Some(at / HOUR_MS),
    };
    let insert = "INSERT INTO audit (at_ms, last_ms, kind, who, name, address, method, path,
        status, hour) VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (hour, who, method, path, status) WHERE hour IS NOT NULL
        DO UPDATE SET count = count + 1, last_ms = excluded.last_ms RETURNING seq";
    let values = params![
        at,
        record.kind,
        record.who,
        record.name,
        record.address,
        record.method,
        record.path,
        record.status,
        hour,
    ];
    let mut statement = connection.prepare_cached(insert)?;
    let seq: i64 = statement.query_row(values, |row| row.get(0))?;
    if seq % CUT_EVERY == 0 {
        cut(connection, seq, record.at)?;
    }
    Ok(())
}

fn cut(connection: &Connection, newest: i64, now: Timestamp) -> Result<()> {
    let delete = "DELETE FROM audit WHERE seq <= ?1 OR (last_ms < ?2 AND seq < ?3)";
    let oldest = now.as_millis() - AGE_MAX_MS;
    let values = params![newest - RECORDS_MAX, oldest, newest];
    connection.prepare_cached(delete)?.execute(values)?;
    Ok(())
}

/// Records, newest first, at most `limit` of them that are older than `before`.
///
/// # Errors
/// Those of the database.
pub fn list(connection: &Connection, before: Option<i64>, limit: usize) -> Result<Vec<Record>> {
    let query = "SELECT seq, at_ms, last_ms, count, kind, who, name, address, method, path, status
        FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map(params![before.unwrap_or(i64::MAX), limit], row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn row(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        seq: row.get(0)?,
        at: Timestamp::from_millis(row.get(1)?),
        last: Timestamp::from_millis(row.get(2)?),
        count: row.get(3)?,
        kind: row.get(4)?,
        who: row.get(5)?,
        name: row.get(6)?,
        address: row.get(7)?,
        method: row.get(8)?,
        path: row.get(9)?,
        status: row.get(10)?,
    })
}
