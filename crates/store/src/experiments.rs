//! Experiments: names that group runs.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use stepwell_model::Timestamp;
use uuid::Uuid;

use crate::{NamedPart, Result, columns};

/// An experiment as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// How many runs without a parent it has had.
    pub runs: u64,
}

const COLUMNS: &str = "id, name, created_ms, tags_json, runs";

/// The experiment of that name, made with `id` if it does not exist.
///
/// # Errors
/// Those of the database.
pub fn ensure(connection: &Connection, name: &str, id: Uuid, now: Timestamp) -> Result<Experiment> {
    let insert = "INSERT INTO experiments (id, name, created_ms) VALUES (?, ?, ?)
                  ON CONFLICT (name) DO NOTHING";
    let made = params![id.as_bytes(), name, now.as_millis()];
    connection.prepare_cached(insert)?.execute(made)?;
    let found = find(connection, name)?;
    found.ok_or_else(|| rusqlite::Error::QueryReturnedNoRows.into())
}

/// The id of the experiment of that name, made with `id` if it does not exist.
///
/// # Errors
/// Those of the database.
pub fn ensure_id(connection: &Connection, name: &str, id: Uuid, now: Timestamp) -> Result<Uuid> {
    let query = "SELECT id FROM experiments WHERE name = ?";
    let mut statement = connection.prepare_cached(query)?;
    let known = statement.query_row([name], |row| row.get(0)).optional()?;
    match known {
        Some(known) => Ok(Uuid::from_bytes(known)),
        None => Ok(ensure(connection, name, id, now)?.id),
    }
}

/// The experiment of that name.
///
/// # Errors
/// Those of the database.
pub fn find(connection: &Connection, name: &str) -> Result<Option<Experiment>> {
    let query = format!("SELECT {COLUMNS} FROM experiments WHERE name = ?");
    let mut statement = connection.prepare_cached(&query)?;
    statement
        .query_row([name], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// The experiment of that id.
///
/// # Errors
/// Those of the database.
pub fn by_id(connection: &Connection, id: Uuid) -> Result<Option<Experiment>> {
    let query = format!("SELECT {COLUMNS} FROM experiments WHERE id = ?");
    let mut statement = connection.prepare_cached(&query)?;
    statement
        .query_row([id.as_bytes()], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// All experiments, sorted by name.
///
/// # Errors
/// Those of the database.
pub fn list(connection: &Connection, part: &NamedPart) -> Result<Vec<Experiment>> {
    let query = format!("SELECT {COLUMNS} FROM experiments WHERE name > ? ORDER BY name LIMIT ?");
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(part.values(), |row| Ok(read(row)))?;
    rows.map(|row| row?).collect()
}

/// What to change of an experiment's tags.
#[derive(Debug, Clone, Default)]
pub struct TagsChange {
    /// Tags to set.
    pub set: BTreeMap<String, String>,
    /// Tags to remove, before others are set.
    pub remove: Vec<String>,
}

/// Changes tags, and gives the experiment as it is then; `None` if there is none of that name.
///
/// # Errors
/// Those of the database.
pub fn change_tags(
    connection: &Connection,
    name: &str,
    change: TagsChange,
) -> Result<Option<Experiment>> {
    let Some(mut experiment) = find(connection, name)? else {
        return Ok(None);
    };
    experiment
        .tags
        .retain(|tag, _| !change.remove.contains(tag));
    experiment.tags.extend(change.set);
    let text = columns::json("experiment's tags", &experiment.tags)?;
    let update = "UPDATE experiments SET tags_json = ? WHERE name = ?";
    connection
        .prepare_cached(update)?
        .execute(params![text, name])?;
    Ok(Some(experiment))
}

/// Counts one more run without a parent, and gives its number.
pub(crate) fn count_run(connection: &Connection, id: Uuid) -> Result<u64> {
    let update = "UPDATE experiments SET runs = runs + 1 WHERE id = ? RETURNING runs";
    let mut statement = connection.prepare_cached(update)?;
    Ok(statement.query_row([id.as_bytes()], |row| row.get(0))?)
}

fn read(row: &Row<'_>) -> Result<Experiment> {
    Ok(Experiment {
        id: Uuid::from_bytes(row.get(0)?),
        name: row.get(1)?,
        created: Timestamp::from_millis(row.get(2)?),
        tags: columns::from_json("experiment's tags", &row.get::<_, String>(3)?)?,
        runs: row.get(4)?,
    })
}
