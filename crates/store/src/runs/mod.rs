//! Runs of every kind: one row each, which is what people see of them.
//!
//! For scheduled runs the row is a projection of the journal and only [`crate::journal`] changes
//! its status; for interactive ones the program that opened it does, through [`end`].

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use stepwell_model::{Failure, RunId, RunKind, RunStatus, Timestamp, Usage, WaitReason};
use uuid::Uuid;

use crate::columns::{self, id};
use crate::{Result, experiments, search};

mod changes;
mod inputs;
mod listing;
mod ordered;

pub use changes::{Change, add_parameters, change, end};
pub use inputs::{RunInput, add_inputs, inputs};
pub use listing::{Filter, list};
pub use ordered::{Order, Ordered, list_ordered};

pub use crate::id_digits::find_abbreviated;

/// Where an output of a step lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputPlace {
    /// The name of the output.
    pub name: String,
    /// The datastore.
    pub datastore: String,
    /// The path below the datastore's root.
    pub path: String,
    /// The run of the step that makes it.
    pub run: RunId,
}

/// A run to insert.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// What sort it is.
    pub kind: RunKind,
    /// Its experiment's id.
    pub experiment: Uuid,
    /// A name for people.
    pub display_name: String,
    /// A description for people.
    pub description: String,
    /// Its first status.
    pub status: RunStatus,
    /// The run it belongs to.
    pub parent: Option<RunId>,
    /// The run at the top of its tree.
    pub root: RunId,
    /// Of a step: its place in the graph.
    pub step: Option<u32>,
    /// Of a step: the user's word for its kind.
    pub step_kind: Option<String>,
    /// Of a step: where it runs.
    pub target: Option<String>,
    /// The digest of its snapshot.
    pub snapshot: Option<String>,
    /// Who submitted it.
    pub user: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Properties.
    pub properties: BTreeMap<String, String>,
    /// Parameter values.
    pub parameters: BTreeMap<String, String>,
    /// Where its outputs are.
    pub outputs: Vec<OutputPlace>,
    /// When it was accepted.
    pub created: Timestamp,
    /// A text that makes a repeated submission the same run.
    pub idempotency_key: Option<String>,
    /// The published pipeline it is a run of.
    pub published: Option<Uuid>,
}

/// A run as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its place in the order of submission; the cursor of lists.
    pub seq: i64,
    /// Its id.
    pub id: RunId,
    /// What sort it is.
    pub kind: RunKind,
    /// Its experiment's name.
    pub experiment: String,
    /// Its number in the experiment; 0 when it has a parent.
    pub number: u64,
    /// A name for people.
    pub display_name: String,
    /// A description for people.
    pub description: String,
    /// How far it is.
    pub status: RunStatus,
    /// The run it belongs to.
    pub parent: Option<RunId>,
    /// The run at the top of its tree.
    pub root: RunId,
    /// Of a step: its place in the graph.
    pub step: Option<u32>,
    /// Of a step: the user's word for its kind.
    pub step_kind: Option<String>,
    /// Of a step: where it runs.
    pub target: Option<String>,
    /// The digest of its snapshot.
    pub snapshot: Option<String>,
    /// Who submitted it.
    pub user: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Properties.
    pub properties: BTreeMap<String, String>,
    /// Parameter values.
    pub parameters: BTreeMap<String, String>,
    /// Where its outputs are.
    pub outputs: Vec<OutputPlace>,
    /// Why it failed or never started.
    pub failure: Option<StoredFailure>,
    /// What it used.
    pub usage: Option<Usage>,
    /// The run of the step that is reused: its outputs, log and metrics are this one's.
    pub reused_from: Option<RunId>,
    /// The published pipeline it is a run of.
    pub published: Option<Uuid>,
    /// When its files and outputs were removed.
    pub pruned: Option<Timestamp>,
    /// When it was accepted.
    pub created: Timestamp,
    /// When its program, or its first step, started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What its attempt waits for.
    pub waiting: Option<Waiting>,
    /// How long its attempts have waited in the queues of clusters, in milliseconds.
    pub queued_ms: u64,
}

/// What a run waits for whose program has not started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What it waits for.
    #[serde(rename = "for")]
    pub reason: WaitReason,
    /// More, in words.
    #[serde(default)]
    pub detail: String,
    /// Since when.
    pub since: Timestamp,
}

/// Why a run failed or never started, as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFailure {
    /// A failure kind, or `skipped`.
    pub kind: String,
    /// One sentence.
    pub message: String,
    /// The last lines of a traceback.
    #[serde(default)]
    pub detail: String,
    /// What to do next.
    #[serde(default)]
    pub hint: String,
}

impl From<&Failure> for StoredFailure {
    fn from(failure: &Failure) -> Self {
        Self {
            kind: failure.kind.as_str().to_owned(),
            message: failure.summary.clone(),
            detail: failure.detail.clone(),
            hint: failure.hint.clone(),
        }
    }
}

/// Inserts a run; one without a parent gets the next number of its experiment.
///
/// # Errors
/// Those of the database.
pub fn insert(connection: &Connection, run: &NewRun) -> Result<()> {
    let number = match run.parent {
        Some(_) => 0,
        None => experiments::count_run(connection, run.experiment)?,
    };
    let insert = "INSERT INTO runs (id, kind, experiment, number, display_name, description,
        status, parent, root, step, step_kind, target, snapshot, user, tags_json, properties_json,
        parameters_json, outputs_json, created_ms, idempotency_key, started_ms, published)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let started = (run.status == RunStatus::Running).then_some(run.created.as_millis());
    connection.prepare_cached(insert)?.execute(params![
        id(run.id),
        run.kind.as_str(),
        run.experiment.as_bytes(),
        number,
        run.display_name,
        run.description,
        run.status.as_str(),
        run.parent.map(id),
        id(run.root),
        run.step,
        run.step_kind,
        run.target,
        run.snapshot,
        run.user,
        columns::json("run's tags", &run.tags)?,
        columns::json("run's properties", &run.properties)?,
        columns::json("run's parameters", &run.parameters)?,
        columns::json("run's outputs", &run.outputs)?,
        run.created.as_millis(),
        run.idempotency_key,
        started,
        run.published.as_ref().map(Uuid::as_bytes),
    ])?;
    let seq = connection.last_insert_rowid();
    search::add_names(connection, seq, &run.tags, &run.parameters)
}

const SELECT: &str = "SELECT r.seq, r.id, r.kind, e.name, r.number, r.display_name,
    r.description, r.status, r.parent, r.root, r.step, r.step_kind, r.target, r.snapshot, r.user,
    r.tags_json, r.properties_json, r.parameters_json, r.outputs_json, r.failure_json,
    r.usage_json, r.created_ms, r.started_ms, r.ended_ms, r.reused_from, r.published,
    r.pruned_ms, r.waiting_json, r.queued_ms
    FROM runs r JOIN experiments e ON e.id = r.experiment";

/// The run of that id.
///
/// # Errors
/// Those of the database.
pub fn find(connection: &Connection, run: RunId) -> Result<Option<Record>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE r.id = ?"))?;
    statement
        .query_row([id(run)], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// The run at the top of a run's tree; `None` when there is no such run.
///
/// # Errors
/// Those of the database.
pub fn root_of(connection: &Connection, run: RunId) -> Result<Option<RunId>> {
    let mut statement = connection.prepare_cached("SELECT root FROM runs WHERE id = ?")?;
    let found: Option<[u8; 16]> = statement
        .query_row([id(run)], |row| row.get(0))
        .optional()?;
    Ok(found.map(columns::run_id))
}

/// How far a run is and when it ended; `None` when there is no such run.
///
/// # Errors
/// Those of the database.
pub fn end_of(
    connection: &Connection,
    run: RunId,
) -> Result<Option<(RunStatus, Option<Timestamp>)>> {
    let query = "SELECT status, ended_ms FROM runs WHERE id = ?";
    let mut statement = connection.prepare_cached(query)?;
    let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?));
    let Some((status, ended)) = statement.query_row([id(run)], read).optional()? else {
        return Ok(None);
    };
    Ok(Some((columns::status(&status)?, columns::time(ended))))
}

/// The run that was submitted with that idempotency key.
///
/// # Errors
/// Those of the database.
pub fn find_by_key(connection: &Connection, key: &str) -> Result<Option<Record>> {
    let query = format!("{SELECT} WHERE r.idempotency_key = ?");
    let mut statement = connection.prepare_cached(&query)?;
    statement
        .query_row([key], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// The id of the run that was submitted with that idempotency key.
///
/// # Errors
/// Those of the database.
pub fn id_by_key(connection: &Connection, key: &str) -> Result<Option<RunId>> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM runs WHERE idempotency_key = ?")?;
    let found: Option<[u8; 16]> = statement.query_row([key], |row| row.get(0)).optional()?;
    Ok(found.map(columns::run_id))
}

/// The steps of a pipeline run, in the graph's order.
///
/// # Errors
/// Those of the database.
pub fn steps(connection: &Connection, pipeline: RunId) -> Result<Vec<Record>> {
    let filter = Filter {
        parent: Some(pipeline),
        kind: Some(RunKind::Step),
        ..Filter::default()
    };
    list(connection, &filter, usize::MAX)
}

/// How many steps a pipeline run has.
///
/// # Errors
/// Those of the database.
pub fn count_steps(connection: &Connection, pipeline: RunId) -> Result<u32> {
    let query = "SELECT count(*) FROM runs WHERE parent = ? AND kind = 'step'";
    Ok(connection
        .prepare_cached(query)?
        .query_row([id(pipeline)], |row| row.get(0))?)
}

/// The number of a run in the order of submission.
pub(crate) fn seq_of(connection: &Connection, run: RunId) -> Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT seq FROM runs WHERE id = ?")?;
    let found = statement.query_row([id(run)], |row| row.get(0));
    Ok(found.optional()?)
}

/// How many runs without a parent are not over.
///
/// # Errors
/// Those of the database.
pub fn count_open(connection: &Connection) -> Result<u64> {
    Ok(connection
        .prepare_cached(COUNT_OPEN)?
        .query_row([], |row| row.get(0))?)
}

/// In the words of the index `runs_open`, so that it is used.
const COUNT_OPEN: &str = "SELECT count(*) FROM runs INDEXED BY runs_open WHERE parent IS NULL
    AND status <> 'Completed' AND status <> 'Failed' AND status <> 'Canceled'
    AND kind <> 'step'";

fn read(row: &Row<'_>) -> Result<Record> {
    let text = |column: usize| row.get::<_, String>(column);
    let failure: Option<String> = row.get(19)?;
    let usage: Option<String> = row.get(20)?;
    let waiting: Option<String> = row.get(27)?;
    Ok(Record {
        seq: row.get(0)?,
        id: columns::run_id(row.get(1)?),
        kind: columns::kind(&text(2)?)?,
        experiment: text(3)?,
        number: row.get(4)?,
        display_name: text(5)?,
        description: text(6)?,
        status: columns::status(&text(7)?)?,
        parent: row.get::<_, Option<_>>(8)?.map(columns::run_id),
        root: columns::run_id(row.get(9)?),
        step: row.get(10)?,
        step_kind: row.get(11)?,
        target: row.get(12)?,
        snapshot: row.get(13)?,
        user: text(14)?,
        tags: columns::from_json("run's tags", &text(15)?)?,
        properties: columns::from_json("run's properties", &text(16)?)?,
        parameters: columns::from_json("run's parameters", &text(17)?)?,
        outputs: columns::from_json("run's outputs", &text(18)?)?,
        failure: failure
            .map(|text| columns::from_json("failure", &text))
            .transpose()?,
        usage: usage
            .map(|text| columns::from_json("usage", &text))
            .transpose()?,
        created: Timestamp::from_millis(row.get(21)?),
        started: columns::time(row.get(22)?),
        ended: columns::time(row.get(23)?),
        reused_from: row.get::<_, Option<_>>(24)?.map(columns::run_id),
        published: row.get::<_, Option<_>>(25)?.map(Uuid::from_bytes),
        pruned: columns::time(row.get(26)?),
        waiting: waiting
            .map(|text| columns::from_json("wait", &text))
            .transpose()?,
        queued_ms: row.get(28)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id_digits::{BY_FIRST_DIGITS, BY_LAST_DIGITS, TOP_LEVEL_BY_FIRST_DIGITS};

    /// How the database answers a query, without its own numbers.
    pub(super) fn plan(query: &str) -> String {
        let mut connection = Connection::open_in_memory().expect("opened");
        crate::migrate::migrate(&mut connection, &":memory:".into()).expect("made");
        let query = format!("EXPLAIN QUERY PLAN {query}");
        let mut statement = connection.prepare(&query).expect("compiles");
        let rows = statement.raw_query();
        let details = rows.mapped(|row| row.get::<_, String>("detail"));
        let details: Result<Vec<_>, _> = details.collect();
        details.expect("texts").join("; ")
    }

    #[test]
    fn open_runs_and_ids_by_their_digits_are_found_by_indexes() {
        for (query, index) in [
            (COUNT_OPEN, "INDEX runs_open"),
            (BY_FIRST_DIGITS, "COVERING INDEX sqlite_autoindex_runs_1"),
            (TOP_LEVEL_BY_FIRST_DIGITS, "INDEX runs_top_level_ids"),
            (BY_LAST_DIGITS, "INDEX runs_by_last_digits"),
        ] {
            let plan = plan(query);
            assert!(plan.contains(index), "{query}: {plan}");
        }
    }
}
