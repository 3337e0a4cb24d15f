//! Runs of every kind: one row each, which is what people see of them.
//!
//! For scheduled runs the row is a projection of the journal and only [`crate::journal`] changes
//! its status; for interactive ones the program that opened it does, through [`end`].

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use serde::{Deserialize, Serialize};
use stepwell_model::{Failure, RunId, RunKind, RunStatus, Timestamp, Usage};
use uuid::Uuid;

use crate::columns::{self, id};
use crate::{Error, Result, experiments};

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
    /// `pipeline`, `step`, `script` or `interactive`.
    pub kind: String,
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
    /// The run of the step whose outputs, log and metrics stand in for its own.
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
    Ok(())
}

const SELECT: &str = "SELECT r.seq, r.id, r.kind, e.name, r.number, r.display_name,
    r.description, r.status, r.parent, r.root, r.step, r.step_kind, r.target, r.snapshot, r.user,
    r.tags_json, r.properties_json, r.parameters_json, r.outputs_json, r.failure_json,
    r.usage_json, r.created_ms, r.started_ms, r.ended_ms, r.reused_from, r.published,
    r.pruned_ms
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

/// Which runs to list; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this experiment.
    pub experiment: Option<String>,
    /// Whose parent is this.
    pub parent: Option<RunId>,
    /// In the tree of this run, itself not.
    pub root: Option<RunId>,
    /// Of this kind.
    pub kind: Option<String>,
    /// In this status.
    pub status: Option<RunStatus>,
    /// Of this published pipeline.
    pub published: Option<Uuid>,
    /// Only runs without a parent.
    pub top_level: bool,
    /// After this cursor.
    pub after: Option<i64>,
}

/// Runs newest first; children of one parent, and trees, in the order they were made.
///
/// # Errors
/// Those of the database.
pub fn list(connection: &Connection, filter: &Filter, limit: usize) -> Result<Vec<Record>> {
    let ascending = filter.parent.is_some() || filter.root.is_some();
    let mut query = format!("{SELECT} WHERE 1");
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut also = |condition: &str, value: Box<dyn ToSql>| {
        query.push_str(" AND ");
        query.push_str(condition);
        values.push(value);
    };
    if let Some(experiment) = &filter.experiment {
        also("e.name = ?", Box::new(experiment.clone()));
    }
    if let Some(parent) = filter.parent {
        also("r.parent = ?", Box::new(id(parent)));
    }
    if let Some(root) = filter.root {
        also("r.root = ?", Box::new(id(root)));
        also("r.id <> ?", Box::new(id(root)));
    }
    if let Some(kind) = &filter.kind {
        also("r.kind = ?", Box::new(kind.clone()));
    }
    if let Some(status) = filter.status {
        also("r.status = ?", Box::new(status.as_str()));
    }
    if let Some(pipeline) = filter.published {
        also("r.published = ?", Box::new(*pipeline.as_bytes()));
    }
    if let Some(after) = filter.after {
        also(
            if ascending { "r.seq > ?" } else { "r.seq < ?" },
            Box::new(after),
        );
    }
    if filter.top_level {
        query.push_str(" AND r.parent IS NULL");
    }
    query.push_str(if ascending {
        " ORDER BY r.seq"
    } else {
        " ORDER BY r.seq DESC"
    });
    query.push_str(" LIMIT ?");
    values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(rusqlite::params_from_iter(values), |row| Ok(read(row)))?;
    rows.map(|row| row?).collect()
}

/// The steps of a pipeline run, in the graph's order.
///
/// # Errors
/// Those of the database.
pub fn steps(connection: &Connection, pipeline: RunId) -> Result<Vec<Record>> {
    let filter = Filter {
        parent: Some(pipeline),
        kind: Some(RunKind::Step.as_str().to_owned()),
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

/// How many runs without a parent are not over.
///
/// # Errors
/// Those of the database.
pub fn count_open(connection: &Connection) -> Result<u64> {
    let query = "SELECT count(*) FROM runs WHERE parent IS NULL
                 AND status NOT IN ('Completed', 'Failed', 'Canceled')";
    Ok(connection
        .prepare_cached(query)?
        .query_row([], |row| row.get(0))?)
}

/// What to change of a run that its status does not depend on.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// A new name.
    pub display_name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// Tags to set.
    pub set_tags: BTreeMap<String, String>,
    /// Tags to remove.
    pub remove_tags: Vec<String>,
    /// Properties to add.
    pub add_properties: BTreeMap<String, String>,
}

/// Changes a run; gives it as it is now, or `None` when there is no such run.
///
/// # Errors
/// [`Error::Conflict`] when a property exists with another value; those of the database.
pub fn change(connection: &Connection, run: RunId, change: Change) -> Result<Option<Record>> {
    let Some(mut record) = find(connection, run)? else {
        return Ok(None);
    };
    record.display_name = change.display_name.unwrap_or(record.display_name);
    record.description = change.description.unwrap_or(record.description);
    record
        .tags
        .retain(|name, _| !change.remove_tags.contains(name));
    record.tags.extend(change.set_tags);
    for (name, value) in change.add_properties {
        match record.properties.get(&name) {
            Some(old) if *old != value => {
                return Err(Error::Conflict(format!(
                    "property `{name}` of run {run} is `{old}` and cannot become `{value}`"
                )));
            }
            _ => record.properties.insert(name, value),
        };
    }
    let update = "UPDATE runs SET display_name = ?, description = ?, tags_json = ?,
                  properties_json = ? WHERE id = ?";
    connection.prepare_cached(update)?.execute(params![
        record.display_name,
        record.description,
        columns::json("run's tags", &record.tags)?,
        columns::json("run's properties", &record.properties)?,
        id(run),
    ])?;
    Ok(Some(record))
}

/// Ends an interactive run; gives whether it was open.
///
/// # Errors
/// [`Error::Conflict`] when the run is one that the engine ends itself; those of the database.
pub fn end(
    connection: &Connection,
    run: RunId,
    status: RunStatus,
    failure: Option<&StoredFailure>,
    now: Timestamp,
) -> Result<bool> {
    let Some(record) = find(connection, run)? else {
        return Ok(false);
    };
    if record.kind != RunKind::Interactive.as_str() {
        let kind = record.kind;
        return Err(Error::Conflict(format!(
            "run {run} is a {kind} run, which ends by itself"
        )));
    }
    let failure = failure
        .map(|failure| columns::json("failure", failure))
        .transpose()?;
    let update = "UPDATE runs SET status = ?, failure_json = ?, ended_ms = ?
                  WHERE id = ? AND ended_ms IS NULL";
    let values = params![status.as_str(), failure, now.as_millis(), id(run)];
    Ok(connection.prepare_cached(update)?.execute(values)? > 0)
}

fn read(row: &Row<'_>) -> Result<Record> {
    let text = |column: usize| row.get::<_, String>(column);
    let failure: Option<String> = row.get(19)?;
    let usage: Option<String> = row.get(20)?;
    Ok(Record {
        seq: row.get(0)?,
        id: columns::run_id(row.get(1)?),
        kind: text(2)?,
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
    })
}
