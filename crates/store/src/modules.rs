//! Modules: parts of pipelines that are published on their own.
//!
//! What a version does is text of the client's; here are its names, states and the default version.
//! A version is never taken away.

use rusqlite::{Connection, OptionalExtension, Row, params};
use stepwell_model::Timestamp;
use uuid::Uuid;

use crate::{Error, Result};

/// A module without its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique in the workspace.
    pub name: String,
    /// A description for people.
    pub description: String,
    /// The word for its status.
    pub status: String,
    /// The version that a step gets which names none.
    pub default_version: Option<String>,
    /// When it was made.
    pub created: Timestamp,
}

/// One version of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its id.
    pub id: Uuid,
    /// The module.
    pub module: Uuid,
    /// Its version.
    pub version: String,
    /// A description for people.
    pub description: String,
    /// A word by which modules are grouped.
    pub category: Option<String>,
    /// The word for its status.
    pub status: String,
    /// What it does, as JSON of the client's.
    pub definition_json: String,
    /// When it was published.
    pub created: Timestamp,
    /// When it last changed.
    pub changed: Timestamp,
}

const MODULE: &str =
    "SELECT id, name, description, status, default_version, created_ms FROM modules";
const VERSION: &str = "SELECT id, module, version, description, category, status,
    definition_json, created_ms, changed_ms FROM module_versions";

/// Keeps a module as it is given, new or changed.
///
/// # Errors
/// [`Error::Conflict`] if another module has the name or the default version does not exist; else
/// those of the database.
pub fn save(connection: &Connection, module: &Module) -> Result<()> {
    if let Some(other) = find_named(connection, &module.name)?
        && other.id != module.id
    {
        return Err(Error::Conflict(format!(
            "there is already a module `{}`",
            module.name
        )));
    }
    if let Some(version) = &module.default_version {
        let known = versions(connection, module.id)?;
        if !known.iter().any(|each| each.version == *version) {
            return Err(Error::Conflict(format!(
                "module `{}` has no version `{version}`",
                module.name
            )));
        }
    }
    let upsert = "INSERT INTO modules (id, name, description, status, default_version, created_ms)
        VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name,
        description = excluded.description, status = excluded.status,
        default_version = excluded.default_version";
    connection.prepare_cached(upsert)?.execute(params![
        module.id.as_bytes(),
        module.name,
        module.description,
        module.status,
        module.default_version,
        module.created.as_millis(),
    ])?;
    Ok(())
}

/// The module of an id.
///
/// # Errors
/// Those of the database.
pub fn find(connection: &Connection, module: Uuid) -> Result<Option<Module>> {
    let mut statement = connection.prepare_cached(&format!("{MODULE} WHERE id = ?"))?;
    let found = statement.query_row([module.as_bytes()], read_module);
    Ok(found.optional()?)
}

/// The module of a name.
///
/// # Errors
/// Those of the database.
pub fn find_named(connection: &Connection, name: &str) -> Result<Option<Module>> {
    let mut statement = connection.prepare_cached(&format!("{MODULE} WHERE name = ?"))?;
    Ok(statement.query_row([name], read_module).optional()?)
}

/// All modules, sorted by name.
///
/// # Errors
/// Those of the database.
pub fn list(connection: &Connection) -> Result<Vec<Module>> {
    let mut statement = connection.prepare_cached(&format!("{MODULE} ORDER BY name"))?;
    let rows = statement.query_map([], read_module)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Publishes a version; an empty `version` is given the next whole number. Returns the version.
///
/// # Errors
/// [`Error::Conflict`] if the module has the version; else those of the database.
pub fn publish(connection: &Connection, version: &Version) -> Result<String> {
    let known = versions(connection, version.module)?;
    let number = match version.version.is_empty() {
        true => next_number(&known),
        false => version.version.clone(),
    };
    if known.iter().any(|each| each.version == number) {
        return Err(Error::Conflict(format!(
            "the module already has a version `{number}`"
        )));
    }
    let insert = "INSERT INTO module_versions (id, module, version, description, category, status,
        definition_json, created_ms, changed_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(insert)?.execute(params![
        version.id.as_bytes(),
        version.module.as_bytes(),
        number,
        version.description,
        version.category,
        version.status,
        version.definition_json,
        version.created.as_millis(),
        version.changed.as_millis(),
    ])?;
    Ok(number)
}

/// One more than the highest whole number among the versions.
fn next_number(known: &[Version]) -> String {
    let numbers = known.iter().filter_map(|each| each.version.parse().ok());
    let highest: u64 = numbers.max().unwrap_or(0);
    highest.saturating_add(1).to_string()
}

/// Changes the description and the status of a version.
///
/// # Errors
/// Those of the database.
pub fn change_version(connection: &Connection, version: &Version) -> Result<()> {
    let update =
        "UPDATE module_versions SET description = ?, status = ?, changed_ms = ? WHERE id = ?";
    connection.prepare_cached(update)?.execute(params![
        version.description,
        version.status,
        version.changed.as_millis(),
        version.id.as_bytes(),
    ])?;
    Ok(())
}

/// The version of an id.
///
/// # Errors
/// Those of the database.
pub fn find_version(connection: &Connection, version: Uuid) -> Result<Option<Version>> {
    let mut statement = connection.prepare_cached(&format!("{VERSION} WHERE id = ?"))?;
    let found = statement.query_row([version.as_bytes()], read_version);
    Ok(found.optional()?)
}

/// The versions of a module in the order in which they were published.
///
/// # Errors
/// Those of the database.
pub fn versions(connection: &Connection, module: Uuid) -> Result<Vec<Version>> {
    let query = format!("{VERSION} WHERE module = ? ORDER BY seq");
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map([module.as_bytes()], read_version)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read_module(row: &Row<'_>) -> rusqlite::Result<Module> {
    Ok(Module {
        id: Uuid::from_bytes(row.get(0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        status: row.get(3)?,
        default_version: row.get(4)?,
        created: Timestamp::from_millis(row.get(5)?),
    })
}

fn read_version(row: &Row<'_>) -> rusqlite::Result<Version> {
    Ok(Version {
        id: Uuid::from_bytes(row.get(0)?),
        module: Uuid::from_bytes(row.get(1)?),
        version: row.get(2)?,
        description: row.get(3)?,
        category: row.get(4)?,
        status: row.get(5)?,
        definition_json: row.get(6)?,
        created: Timestamp::from_millis(row.get(7)?),
        changed: Timestamp::from_millis(row.get(8)?),
    })
}
