//! What is known of a model's name rather than of one version: a description, tags, aliases; and the
//! stages of versions.
//!
//! A name with versions exists without a row here. Invariant: an alias names a version that was there
//! when it was set; what became of that version since is for those who ask.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use stepwell_model::Timestamp;

use crate::{Result, columns};

/// A model's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelName {
    /// The name.
    pub name: String,
    /// A description.
    pub description: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Versions by other names.
    pub aliases: BTreeMap<String, u64>,
    /// When it was first used.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

/// What is known of a version by MLflow alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// `None`, `Staging`, `Production` or `Archived`.
    pub stage: String,
    /// What the version was said to be made from.
    pub source: String,
    /// When that was last changed.
    pub updated: Timestamp,
}

const COLUMNS: &str = "name, description, tags_json, aliases_json, created_ms, updated_ms";

/// The names that have a row, or a version; sorted.
///
/// # Errors
/// Those of the database.
pub fn list(connection: &Connection) -> Result<Vec<ModelName>> {
    let query = format!(
        "SELECT {COLUMNS} FROM model_names
         UNION ALL SELECT name, '', '{{}}', '{{}}', min(created_ms), max(created_ms) FROM models
             WHERE name NOT IN (SELECT name FROM model_names) GROUP BY name
         ORDER BY name"
    );
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map([], |row| Ok(read(row)))?;
    rows.map(|row| row?).collect()
}

/// One of them.
///
/// # Errors
/// Those of the database.
pub fn find(connection: &Connection, name: &str) -> Result<Option<ModelName>> {
    let query = format!(
        "SELECT {COLUMNS} FROM model_names WHERE name = ?1
         UNION ALL SELECT * FROM (SELECT name, '', '{{}}', '{{}}', min(created_ms), max(created_ms)
             FROM models WHERE name = ?1 GROUP BY name)
         LIMIT 1"
    );
    let mut statement = connection.prepare_cached(&query)?;
    statement
        .query_row([name], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// Stores what is known of a name.
///
/// # Errors
/// Those of the database.
pub fn put(connection: &Connection, name: &ModelName) -> Result<()> {
    let put = "INSERT OR REPLACE INTO model_names (name, description, tags_json, aliases_json,
               created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(put)?.execute(params![
        name.name,
        name.description,
        columns::json("model's tags", &name.tags)?,
        columns::json("model's aliases", &name.aliases)?,
        name.created.as_millis(),
        name.updated.as_millis(),
    ])?;
    Ok(())
}

/// Forgets a name with all its versions. Their numbers are not given again.
///
/// # Errors
/// Those of the database.
pub fn remove(connection: &Connection, name: &str) -> Result<()> {
    for table in ["model_names", "models", "model_stages"] {
        connection.execute(&format!("DELETE FROM {table} WHERE name = ?"), [name])?;
    }
    Ok(())
}

/// The stage of a version, if one was set, or a source.
///
/// # Errors
/// Those of the database.
pub fn stage(connection: &Connection, name: &str, version: u64) -> Result<Option<Stage>> {
    let query = "SELECT stage, source, updated_ms FROM model_stages WHERE name = ? AND version = ?";
    let mut statement = connection.prepare_cached(query)?;
    let found = statement.query_row(params![name, version], |row| {
        Ok(Stage {
            stage: row.get(0)?,
            source: row.get(1)?,
            updated: Timestamp::from_millis(row.get(2)?),
        })
    });
    Ok(found.optional()?)
}

/// Stores the stage of a version.
///
/// # Errors
/// Those of the database.
pub fn put_stage(connection: &Connection, name: &str, version: u64, stage: &Stage) -> Result<()> {
    let put = "INSERT OR REPLACE INTO model_stages (name, version, stage, source, updated_ms)
               VALUES (?, ?, ?, ?, ?)";
    let at = stage.updated.as_millis();
    connection.prepare_cached(put)?.execute(params![
        name,
        version,
        stage.stage,
        stage.source,
        at
    ])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<ModelName> {
    Ok(ModelName {
        name: row.get(0)?,
        description: row.get(1)?,
        tags: columns::from_json("model's tags", &row.get::<_, String>(2)?)?,
        aliases: columns::from_json("model's aliases", &row.get::<_, String>(3)?)?,
        created: Timestamp::from_millis(row.get(4)?),
        updated: Timestamp::from_millis(row.get(5)?),
    })
}
