//! Schedules: what the user wants, how far each has come, and the ledger of its times.
//!
//! What a trigger or an outcome says is the server's to read; here they are texts. The one rule of
//! this module: a firing (a schedule, a time, a path) is due, waits or has fired at most once.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use stepwell_model::{RunId, Timestamp};
use uuid::Uuid;

use crate::Result;
use crate::columns::{self, id};

/// A schedule as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its number in the database; given when it is inserted.
    pub seq: i64,
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// What it starts.
    pub starts: Starts,
    /// When it fires.
    pub trigger_json: String,
    /// When the trigger was set: recurrences without a start begin there.
    pub trigger_set: Timestamp,
    /// Its policies.
    pub policy_json: String,
    /// What its runs are to be.
    pub submission_json: String,
    /// How far it has come.
    pub progress: Progress,
    /// Who made it.
    pub user: String,
    /// When it was made.
    pub created: Timestamp,
    /// When the user last changed it.
    pub changed: Timestamp,
}

/// What a schedule starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starts {
    /// A published pipeline.
    Pipeline(Uuid),
    /// The default version of an endpoint, at the time.
    Endpoint(Uuid),
}

/// How far a schedule has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Whether it fires.
    pub enabled: bool,
    /// Every time up to here is in the ledger.
    pub cursor: Timestamp,
    /// Times up to here passed while it was disabled.
    pub disabled_until: Timestamp,
}

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number; given when it is inserted.
    pub seq: i64,
    /// The logical time, or the first of several.
    pub at: Timestamp,
    /// The path that changed, for schedules on data.
    pub path: String,
    /// The last of the times.
    pub last: Timestamp,
    /// How many they are.
    pub count: u64,
    /// `due`, `queued`, `fired` or `skipped`.
    pub outcome: String,
    /// The whole outcome.
    pub outcome_json: String,
    /// The run that was fired.
    pub run: Option<RunId>,
    /// When this was written.
    pub recorded: Timestamp,
}

/// What is to be known of a watched file from now on; no fingerprint for one that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The path below the watched folder.
    pub path: String,
    /// What it looks like, and whether it still has to settle.
    pub seen: Option<(String, bool)>,
}

const SELECT: &str = "SELECT seq, id, name, description, pipeline, endpoint, trigger_json,
    trigger_set_ms, policy_json, submission_json, enabled, cursor_ms, disabled_until_ms, user,
    created_ms, changed_ms FROM schedules";

/// Inserts a schedule; gives its number.
///
/// # Errors
/// Those of the database.
pub fn insert(connection: &Connection, schedule: &Schedule) -> Result<i64> {
    let insert = "INSERT INTO schedules (id, name, description, pipeline, endpoint, trigger_json,
        trigger_set_ms, policy_json, submission_json, enabled, cursor_ms, disabled_until_ms, user,
        created_ms, changed_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let (pipeline, endpoint) = targets(schedule.starts);
    connection.prepare_cached(insert)?.execute(params![
        schedule.id.as_bytes(),
        schedule.name,
        schedule.description,
        pipeline,
        endpoint,
        schedule.trigger_json,
        schedule.trigger_set.as_millis(),
        schedule.policy_json,
        schedule.submission_json,
        schedule.progress.enabled,
        schedule.progress.cursor.as_millis(),
        schedule.progress.disabled_until.as_millis(),
        schedule.user,
        schedule.created.as_millis(),
        schedule.changed.as_millis(),
    ])?;
    Ok(connection.last_insert_rowid())
}

/// Writes back what the user can change; the progress has its own way.
///
/// # Errors
/// Those of the database.
pub fn update(connection: &Connection, schedule: &Schedule) -> Result<()> {
    let update = "UPDATE schedules SET name = ?, description = ?, trigger_json = ?,
        trigger_set_ms = ?, policy_json = ?, submission_json = ?, changed_ms = ? WHERE seq = ?";
    connection.prepare_cached(update)?.execute(params![
        schedule.name,
        schedule.description,
        schedule.trigger_json,
        schedule.trigger_set.as_millis(),
        schedule.policy_json,
        schedule.submission_json,
        schedule.changed.as_millis(),
        schedule.seq,
    ])?;
    Ok(())
}

/// Removes a schedule with its ledger and what it knows of files; its runs stay.
///
/// # Errors
/// Those of the database.
pub fn remove(connection: &Connection, seq: i64) -> Result<()> {
    for delete in [
        "DELETE FROM schedule_files WHERE schedule = ?",
        "DELETE FROM schedule_ledger WHERE schedule = ?",
        "DELETE FROM schedules WHERE seq = ?",
    ] {
        connection.prepare_cached(delete)?.execute([seq])?;
    }
    Ok(())
}

/// The schedule of an id.
///
/// # Errors
/// Those of the database.
pub fn find(connection: &Connection, id: Uuid) -> Result<Option<Schedule>> {
    let query = format!("{SELECT} WHERE id = ?");
    let mut statement = connection.prepare_cached(&query)?;
    Ok(statement.query_row([id.as_bytes()], read).optional()?)
}

/// Which schedules to list; what is `None` does not matter.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Of this published pipeline.
    pub pipeline: Option<Uuid>,
    /// Of this endpoint.
    pub endpoint: Option<Uuid>,
    /// Only those that fire.
    pub enabled_only: bool,
    /// Made before the one of this number.
    pub before: Option<i64>,
}

/// Schedules, newest first.
///
/// # Errors
/// Those of the database.
pub fn list(connection: &Connection, filter: Filter, limit: usize) -> Result<Vec<Schedule>> {
    let query = format!(
        "{SELECT} WHERE (?1 IS NULL OR pipeline = ?1) AND (?2 IS NULL OR endpoint = ?2)
         AND (NOT ?3 OR enabled) AND (?4 IS NULL OR seq < ?4) ORDER BY seq DESC LIMIT ?5"
    );
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(
        params![
            filter.pipeline.as_ref().map(Uuid::as_bytes),
            filter.endpoint.as_ref().map(Uuid::as_bytes),
            filter.enabled_only,
            filter.before,
            i64::try_from(limit).unwrap_or(i64::MAX),
        ],
        read,
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Writes down how far a schedule has come.
///
/// # Errors
/// Those of the database.
pub fn advance(connection: &Connection, seq: i64, progress: Progress) -> Result<()> {
    let update = "UPDATE schedules SET enabled = ?, cursor_ms = ?, disabled_until_ms = ?
                  WHERE seq = ?";
    connection.prepare_cached(update)?.execute(params![
        progress.enabled,
        progress.cursor.as_millis(),
        progress.disabled_until.as_millis(),
        seq,
    ])?;
    Ok(())
}

/// What became of a line that was to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is in the ledger.
    Written,
    /// The firing had a run before; nothing was changed.
    Known,
}

/// Writes a line. A firing's line replaces what was said of it while it had no run; times that do
/// not fire are added, unless a firing that was due or waited is what does not fire.
///
/// # Errors
/// Those of the database.
pub fn record(connection: &Connection, schedule: i64, line: &Line) -> Result<Recorded> {
    let begins = matches!(line.outcome.as_str(), "due" | "queued");
    let find = "SELECT seq, outcome FROM schedule_ledger WHERE schedule = ? AND at_ms = ?
                AND path = ? AND outcome IN ('due', 'queued', 'fired')";
    let before: Option<(i64, String)> = connection
        .prepare_cached(find)?
        .query_row(params![schedule, line.at.as_millis(), line.path], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    match before {
        Some((_, outcome)) if begins && outcome == "fired" => return Ok(Recorded::Known),
        Some((seq, outcome))
            if line.outcome != "skipped" || (outcome != "fired" && line.count == 1) =>
        {
            let update = "UPDATE schedule_ledger SET outcome = ?, outcome_json = ?, run = ?,
                          recorded_ms = ? WHERE seq = ?";
            connection.prepare_cached(update)?.execute(params![
                line.outcome,
                line.outcome_json,
                line.run.map(id),
                line.recorded.as_millis(),
                seq,
            ])?;
        }
        _ => {
            let insert = "INSERT INTO schedule_ledger (schedule, at_ms, path, last_ms, count,
                outcome, outcome_json, run, recorded_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
            connection.prepare_cached(insert)?.execute(params![
                schedule,
                line.at.as_millis(),
                line.path,
                line.last.as_millis(),
                line.count,
                line.outcome,
                line.outcome_json,
                line.run.map(id),
                line.recorded.as_millis(),
            ])?;
        }
    }
    Ok(Recorded::Written)
}

/// Every firing that is not settled: due, waiting, or fired with a run that is not over. In the
/// order in which they came; each with the number of its schedule.
///
/// # Errors
/// Those of the database.
pub fn open(connection: &Connection) -> Result<Vec<(i64, Line)>> {
    let query = format!(
        "SELECT schedule, {LINE} FROM schedule_ledger l WHERE outcome IN ('due', 'queued')
         UNION ALL
         SELECT schedule, {LINE} FROM runs r JOIN schedule_ledger l ON l.run = r.id
         WHERE r.status NOT IN ('Completed', 'Failed', 'Canceled')
         AND r.kind IN ('pipeline', 'script')"
    );
    let mut statement = connection.prepare(&query)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, read_line(row, 1)?)))?;
    let mut lines = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    lines.sort_by_key(|(_, line)| line.seq);
    Ok(lines)
}

/// Lines of a schedule, newest first, before one of a number.
///
/// # Errors
/// Those of the database.
pub fn ledger(
    connection: &Connection,
    schedule: i64,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<Line>> {
    let query = format!(
        "SELECT {LINE} FROM schedule_ledger l WHERE schedule = ?1 AND (?2 IS NULL OR l.seq < ?2)
         ORDER BY l.seq DESC LIMIT ?3"
    );
    lines(connection, &query, schedule, before, limit)
}

/// The lines of a schedule that have fired, newest first, before one of a number.
///
/// # Errors
/// Those of the database.
pub fn fired(
    connection: &Connection,
    schedule: i64,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<Line>> {
    let query = format!(
        "SELECT {LINE} FROM schedule_ledger l WHERE schedule = ?1 AND outcome = 'fired'
         AND (?2 IS NULL OR l.seq < ?2) ORDER BY l.seq DESC LIMIT ?3"
    );
    lines(connection, &query, schedule, before, limit)
}

/// The schedules whose runs those are.
///
/// # Errors
/// Those of the database.
pub fn of_run(connection: &Connection, run: RunId) -> Result<Option<Uuid>> {
    let query = "SELECT s.id FROM schedule_ledger l JOIN schedules s ON s.seq = l.schedule
                 WHERE l.run = ?";
    let mut statement = connection.prepare_cached(query)?;
    let found = statement.query_row([id(run)], |row| row.get(0).map(Uuid::from_bytes));
    Ok(found.optional()?)
}

/// What a schedule knows of files: path, fingerprint, and whether it has to settle.
///
/// # Errors
/// Those of the database.
pub fn files(connection: &Connection, schedule: i64) -> Result<Vec<(String, String, bool)>> {
    let query = "SELECT path, fingerprint, settling FROM schedule_files WHERE schedule = ?";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map([schedule], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Remembers and forgets files.
///
/// # Errors
/// Those of the database.
pub fn change_files(connection: &Connection, schedule: i64, changes: &[FileChange]) -> Result<()> {
    for change in changes {
        match &change.seen {
            Some((fingerprint, settling)) => {
                let put = "INSERT INTO schedule_files (schedule, path, fingerprint, settling)
                    VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                    fingerprint = excluded.fingerprint, settling = excluded.settling";
                let put = connection.prepare_cached(put)?.execute(params![
                    schedule,
                    change.path,
                    fingerprint,
                    settling
                ]);
                put?;
            }
            None => {
                let delete = "DELETE FROM schedule_files WHERE schedule = ? AND path = ?";
                connection
                    .prepare_cached(delete)?
                    .execute(params![schedule, change.path])?;
            }
        }
    }
    Ok(())
}

/// Forgets every file of a schedule.
///
/// # Errors
/// Those of the database.
pub fn forget_files(connection: &Connection, schedule: i64) -> Result<()> {
    let delete = "DELETE FROM schedule_files WHERE schedule = ?";
    connection.prepare_cached(delete)?.execute([schedule])?;
    Ok(())
}

/// How many schedules fire.
///
/// # Errors
/// Those of the database.
pub fn count_enabled(connection: &Connection) -> Result<usize> {
    let count = "SELECT count(*) FROM schedules WHERE enabled";
    Ok(connection
        .prepare_cached(count)?
        .query_row([], |row| row.get(0))?)
}

const LINE: &str = "l.seq, l.at_ms, l.path, l.last_ms, l.count, l.outcome, l.outcome_json, l.run,
    l.recorded_ms";

fn lines(
    connection: &Connection,
    query: &str,
    schedule: i64,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<Line>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map(params![schedule, before, limit], |row| read_line(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read_line(row: &Row<'_>, from: usize) -> rusqlite::Result<Line> {
    let time = |column: usize| row.get(column).map(Timestamp::from_millis);
    Ok(Line {
        seq: row.get(from)?,
        at: time(from + 1)?,
        path: row.get(from + 2)?,
        last: time(from + 3)?,
        count: row.get(from + 4)?,
        outcome: row.get(from + 5)?,
        outcome_json: row.get(from + 6)?,
        run: row.get::<_, Option<_>>(from + 7)?.map(columns::run_id),
        recorded: time(from + 8)?,
    })
}

fn targets(starts: Starts) -> (Option<[u8; 16]>, Option<[u8; 16]>) {
    match starts {
        Starts::Pipeline(pipeline) => (Some(pipeline.into_bytes()), None),
        Starts::Endpoint(endpoint) => (None, Some(endpoint.into_bytes())),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Schedule> {
    let time = |column: usize| row.get(column).map(Timestamp::from_millis);
    let uuid = |column: usize| -> rusqlite::Result<Option<Uuid>> {
        Ok(row
            .get::<_, Option<[u8; 16]>>(column)?
            .map(Uuid::from_bytes))
    };
    let starts = match (uuid(4)?, uuid(5)?) {
        (None, Some(endpoint)) => Starts::Endpoint(endpoint),
        (pipeline, _) => Starts::Pipeline(pipeline.unwrap_or_default()),
    };
    Ok(Schedule {
        seq: row.get(0)?,
        id: uuid(1)?.unwrap_or_default(),
        name: row.get(2)?,
        description: row.get(3)?,
        starts,
        trigger_json: row.get(6)?,
        trigger_set: time(7)?,
        policy_json: row.get(8)?,
        submission_json: row.get(9)?,
        progress: Progress {
            enabled: row.get(10)?,
            cursor: time(11)?,
            disabled_until: time(12)?,
        },
        user: row.get(13)?,
        created: time(14)?,
        changed: time(15)?,
    })
}
