//! The model registry: names, versions, and the snapshot that holds each version's files.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use stepwell_model::{RunId, Timestamp};

use crate::columns::{self, id};
use crate::{Result, catalog};

/// A file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFile {
    /// Its path within the model.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

/// One version of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its version, from 1; 0 for one that is to be inserted.
    pub version: u64,
    /// The run that made it.
    pub run: Option<RunId>,
    /// The digest of the snapshot with its files.
    pub snapshot: String,
    /// Whether it is one file rather than a folder.
    pub is_file: bool,
    /// Its files.
    pub files: Vec<ModelFile>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Properties.
    pub properties: BTreeMap<String, String>,
    /// A description.
    pub description: String,
    /// The framework.
    pub framework: Option<String>,
    /// The framework's version.
    pub framework_version: Option<String>,
    /// When it was registered.
    pub created: Timestamp,
}

const SELECT: &str = "SELECT name, version, run, snapshot, is_file, files_json, tags_json,
    properties_json, description, framework, framework_version, created_ms FROM models";

/// Registers a model under the next version of its name.
///
/// # Errors
/// Those of the database.
pub fn insert(connection: &Connection, mut model: Model) -> Result<Model> {
    model.version = catalog::next_version(connection, "model", &model.name)?;
    let insert = "INSERT INTO models (name, version, run, snapshot, is_file, files_json,
        tags_json, properties_json, description, framework, framework_version, created_ms)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(insert)?.execute(params![
        model.name,
        model.version,
        model.run.map(id),
        model.snapshot,
        model.is_file,
        columns::json("model's files", &model.files)?,
        columns::json("model's tags", &model.tags)?,
        columns::json("model's properties", &model.properties)?,
        model.description,
        model.framework,
        model.framework_version,
        model.created.as_millis(),
    ])?;
    Ok(model)
}

/// One version of a model.
///
/// # Errors
/// Those of the database.
pub fn find(connection: &Connection, name: &str, version: u64) -> Result<Option<Model>> {
    let query = format!("{SELECT} WHERE name = ? AND version = ?");
    let mut statement = connection.prepare_cached(&query)?;
    statement
        .query_row(params![name, version], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// Models of a name, of a run, or all; newest first.
///
/// # Errors
/// Those of the database.
pub fn list(connection: &Connection, name: Option<&str>, run: Option<RunId>) -> Result<Vec<Model>> {
    let query = format!(
        "{SELECT} WHERE (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR run = ?2)
         ORDER BY created_ms DESC, name, version DESC"
    );
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(params![name, run.map(id)], |row| Ok(read(row)))?;
    rows.map(|row| row?).collect()
}

/// Writes back what can be changed of a model: description, tags, properties.
///
/// # Errors
/// Those of the database.
pub fn update(connection: &Connection, model: &Model) -> Result<()> {
    let update = "UPDATE models SET description = ?, tags_json = ?, properties_json = ?
                  WHERE name = ? AND version = ?";
    connection.prepare_cached(update)?.execute(params![
        model.description,
        columns::json("model's tags", &model.tags)?,
        columns::json("model's properties", &model.properties)?,
        model.name,
        model.version,
    ])?;
    Ok(())
}

/// Removes one version; gives whether it was there.
///
/// # Errors
/// Those of the database.
pub fn remove(connection: &Connection, name: &str, version: u64) -> Result<bool> {
    let delete = "DELETE FROM models WHERE name = ? AND version = ?";
    Ok(connection
        .prepare_cached(delete)?
        .execute(params![name, version])?
        > 0)
}

fn read(row: &Row<'_>) -> Result<Model> {
    let text = |column: usize| row.get::<_, String>(column);
    Ok(Model {
        name: text(0)?,
        version: row.get(1)?,
        run: row.get::<_, Option<_>>(2)?.map(columns::run_id),
        snapshot: text(3)?,
        is_file: row.get(4)?,
        files: columns::from_json("model's files", &text(5)?)?,
        tags: columns::from_json("model's tags", &text(6)?)?,
        properties: columns::from_json("model's properties", &text(7)?)?,
        description: text(8)?,
        framework: row.get(9)?,
        framework_version: row.get(10)?,
        created: Timestamp::from_millis(row.get(11)?),
    })
}
