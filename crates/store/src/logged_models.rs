//! Models that runs have logged: folders of runs' files, with what is known of them.
//!
//! Invariant: two models have two folders, and a model's folder never changes.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use stepwell_model::{RunId, Timestamp};
use uuid::Uuid;

use crate::Result;
use crate::columns::{self, id};

/// A model that a run has logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedModel {
    /// Its id.
    pub id: String,
    /// The run whose files its own are among.
    pub run: RunId,
    /// Whether that run logged it; else it was made to hold the files.
    pub is_of_run: bool,
    /// The id of the run's experiment.
    pub experiment: Uuid,
    /// Its name.
    pub name: String,
    /// The folder of its files among those of the run.
    pub folder: String,
    /// The client's word for its kind.
    pub kind: String,
    /// The client's word for how far it is.
    pub status: String,
    /// Who logged it.
    pub user: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Parameters.
    pub params: BTreeMap<String, String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

const SELECT: &str = "SELECT m.id, m.run, m.is_of_run, r.experiment, m.name, m.folder, m.kind,
    m.status, m.user, m.tags_json, m.params_json, m.created_ms, m.updated_ms
    FROM logged_models m JOIN runs r ON r.id = m.run";

/// Whether a model of the run has this folder.
///
/// # Errors
/// Those of the database.
pub fn has_folder(connection: &Connection, run: RunId, folder: &str) -> Result<bool> {
    let query = "SELECT 1 FROM logged_models WHERE run = ? AND folder = ?";
    let mut statement = connection.prepare_cached(query)?;
    Ok(statement.exists(params![id(run), folder])?)
}

/// Adds a model.
///
/// # Errors
/// Those of the database.
pub fn insert(connection: &Connection, model: &LoggedModel) -> Result<()> {
    let insert = "INSERT INTO logged_models (id, run, is_of_run, name, folder, kind, status, user,
        tags_json, params_json, created_ms, updated_ms)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(insert)?.execute(params![
        model.id,
        id(model.run),
        model.is_of_run,
        model.name,
        model.folder,
        model.kind,
        model.status,
        model.user,
        columns::json("model's tags", &model.tags)?,
        columns::json("model's params", &model.params)?,
        model.created.as_millis(),
        model.updated.as_millis(),
    ])?;
    Ok(())
}

/// Stores a model's status, tags and parameters.
///
/// # Errors
/// Those of the database.
pub fn update(connection: &Connection, model: &LoggedModel) -> Result<()> {
    let update = "UPDATE logged_models SET status = ?, tags_json = ?, params_json = ?,
                  updated_ms = ? WHERE id = ?";
    connection.prepare_cached(update)?.execute(params![
        model.status,
        columns::json("model's tags", &model.tags)?,
        columns::json("model's params", &model.params)?,
        model.updated.as_millis(),
        model.id,
    ])?;
    Ok(())
}

/// The model of an id.
///
/// # Errors
/// Those of the database.
pub fn find(connection: &Connection, model: &str) -> Result<Option<LoggedModel>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE m.id = ?"))?;
    statement
        .query_row([model], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// The models of an experiment, newest first.
///
/// # Errors
/// Those of the database.
pub fn list(connection: &Connection, experiment: Uuid) -> Result<Vec<LoggedModel>> {
    let query = format!("{SELECT} WHERE r.experiment = ? ORDER BY m.seq DESC");
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map([experiment.as_bytes()], |row| Ok(read(row)))?;
    rows.map(|row| row?).collect()
}

/// Forgets a model; its files stay with the run.
///
/// # Errors
/// Those of the database.
pub fn remove(connection: &Connection, model: &str) -> Result<()> {
    for delete in [
        "DELETE FROM run_outputs WHERE model = ?",
        "DELETE FROM logged_models WHERE id = ?",
    ] {
        connection.prepare_cached(delete)?.execute([model])?;
    }
    Ok(())
}

/// Takes note that a run has logged models, each at a step of training.
///
/// # Errors
/// Those of the database.
pub fn add_outputs(connection: &Connection, run: RunId, models: &[(String, i64)]) -> Result<()> {
    let insert = "INSERT OR IGNORE INTO run_outputs (run, model, step) VALUES (?, ?, ?)";
    let mut statement = connection.prepare_cached(insert)?;
    for (model, step) in models {
        statement.execute(params![id(run), model, step])?;
    }
    Ok(())
}

/// The models that a run has logged, with their steps.
///
/// # Errors
/// Those of the database.
pub fn outputs(connection: &Connection, run: RunId) -> Result<Vec<(String, i64)>> {
    let query = "SELECT model, step FROM run_outputs WHERE run = ? ORDER BY step, model";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map([id(run)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> Result<LoggedModel> {
    let text = |column: usize| row.get::<_, String>(column);
    Ok(LoggedModel {
        id: text(0)?,
        run: columns::run_id(row.get(1)?),
        is_of_run: row.get(2)?,
        experiment: Uuid::from_bytes(row.get(3)?),
        name: text(4)?,
        folder: text(5)?,
        kind: text(6)?,
        status: text(7)?,
        user: text(8)?,
        tags: columns::from_json("model's tags", &text(9)?)?,
        params: columns::from_json("model's params", &text(10)?)?,
        created: Timestamp::from_millis(row.get(11)?),
        updated: Timestamp::from_millis(row.get(12)?),
    })
}
