//! Small registers of the workspace: environments, compute targets, settings, version counters.

use rusqlite::{Connection, OptionalExtension, params};
use stepwell_model::Timestamp;

use crate::{NamedPart, Result};

/// A registered environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Its version, from 1.
    pub version: u64,
    /// Its definition as JSON, as it came.
    pub definition_json: String,
    /// When it was registered.
    pub created: Timestamp,
}

/// A compute target that the user created or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compute {
    /// Its name.
    pub name: String,
    /// The user's word for its kind.
    pub kind: String,
    /// How many steps may run on it at once.
    pub slots: Option<u32>,
    /// What it was created with, as JSON.
    pub settings_json: String,
}

/// The next version of a name; one that was removed never comes back.
pub(crate) fn next_version(connection: &Connection, kind: &str, name: &str) -> Result<u64> {
    let upsert = "INSERT INTO versions (kind, name, version) VALUES (?, ?, 1)
        ON CONFLICT (kind, name) DO UPDATE SET version = version + 1 RETURNING version";
    let mut statement = connection.prepare_cached(upsert)?;
    Ok(statement.query_row(params![kind, name], |row| row.get(0))?)
}

/// Registers a definition; one equal to the newest of its name gives that version again.
///
/// # Errors
/// Those of the database.
pub fn register_environment(
    connection: &Connection,
    name: &str,
    definition_json: &str,
    now: Timestamp,
) -> Result<Environment> {
    if let Some(newest) = find_environment(connection, name, None)?
        && newest.definition_json == definition_json
    {
        return Ok(newest);
    }
    let version = next_version(connection, "environment", name)?;
    let insert = "INSERT INTO environments (name, version, definition_json, created_ms)
                  VALUES (?, ?, ?, ?)";
    let values = params![name, version, definition_json, now.as_millis()];
    connection.prepare_cached(insert)?.execute(values)?;
    let definition_json = definition_json.to_owned();
    Ok(Environment {
        name: name.to_owned(),
        version,
        definition_json,
        created: now,
    })
}

/// A version of an environment, or the newest.
///
/// # Errors
/// Those of the database.
pub fn find_environment(
    connection: &Connection,
    name: &str,
    version: Option<u64>,
) -> Result<Option<Environment>> {
    let query = "SELECT name, version, definition_json, created_ms FROM environments
        WHERE name = ?1 AND (?2 IS NULL OR version = ?2) ORDER BY version DESC LIMIT 1";
    let mut statement = connection.prepare_cached(query)?;
    Ok(statement
        .query_row(params![name, version], read_environment)
        .optional()?)
}

/// The newest version of every environment, sorted by name.
///
/// # Errors
/// Those of the database.
pub fn list_environments(connection: &Connection, part: &NamedPart) -> Result<Vec<Environment>> {
    let query = "SELECT name, max(version), definition_json, created_ms FROM environments
                 WHERE name > ? GROUP BY name ORDER BY name LIMIT ?";
    let mut statement = connection.prepare_cached(query)?;
    Ok(statement
        .query_map(part.values(), read_environment)?
        .collect::<Result<_, _>>()?)
}

fn read_environment(row: &rusqlite::Row<'_>) -> rusqlite::Result<Environment> {
    Ok(Environment {
        name: row.get(0)?,
        version: row.get(1)?,
        definition_json: row.get(2)?,
        created: Timestamp::from_millis(row.get(3)?),
    })
}

/// Creates or changes a compute target.
///
/// # Errors
/// Those of the database.
pub fn put_compute(connection: &Connection, compute: &Compute) -> Result<()> {
    let upsert = "INSERT INTO computes (name, kind, slots, settings_json) VALUES (?, ?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, slots = excluded.slots,
        settings_json = excluded.settings_json";
    let values = params![
        compute.name,
        compute.kind,
        compute.slots,
        compute.settings_json
    ];
    connection.prepare_cached(upsert)?.execute(values)?;
    Ok(())
}

/// The compute targets that the user created, sorted by name.
///
/// # Errors
/// Those of the database.
pub fn list_computes(connection: &Connection) -> Result<Vec<Compute>> {
    let query = "SELECT name, kind, slots, settings_json FROM computes ORDER BY name";
    let mut statement = connection.prepare_cached(query)?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Compute {
            name: row.get(0)?,
            kind: row.get(1)?,
            slots: row.get(2)?,
            settings_json: row.get(3)?,
        })
    };
    Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
}

/// Forgets a compute target; gives whether it was there.
///
/// # Errors
/// Those of the database.
pub fn remove_compute(connection: &Connection, name: &str) -> Result<bool> {
    let delete = "DELETE FROM computes WHERE name = ?";
    Ok(connection.prepare_cached(delete)?.execute([name])? > 0)
}

/// A setting of the workspace; `default` is stored when it has none.
///
/// # Errors
/// Those of the database.
pub fn setting(connection: &Connection, key: &str, default: &str) -> Result<String> {
    let insert = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING";
    connection.prepare_cached(insert)?.execute([key, default])?;
    let query = "SELECT value FROM meta WHERE key = ?";
    Ok(connection
        .prepare_cached(query)?
        .query_row([key], |row| row.get(0))?)
}

/// Forgets a setting of the workspace: whoever reads it next says what it is.
///
/// # Errors
/// Those of the database.
pub fn remove_setting(connection: &Connection, key: &str) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM meta WHERE key = ?")?
        .execute([key])?;
    Ok(())
}

/// Changes a setting of the workspace.
///
/// # Errors
/// Those of the database.
pub fn put_setting(connection: &Connection, key: &str, value: &str) -> Result<()> {
    let upsert = "INSERT INTO meta (key, value) VALUES (?, ?)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    connection.prepare_cached(upsert)?.execute([key, value])?;
    Ok(())
}
