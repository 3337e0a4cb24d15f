//! Endpoints: a name that stands for one of several published pipelines, each a version of it.
//!
//! Invariant: an endpoint has its default version; a number stands for one pipeline for ever, and
//! a pipeline is one version at most.

use rusqlite::{Connection, OptionalExtension, Row, params};
use stepwell_model::Timestamp;
use uuid::Uuid;

use crate::{Error, Result};

/// An endpoint as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its place in the order in which they were made; the cursor of lists.
    pub seq: i64,
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// A description for people.
    pub description: String,
    /// Whether it can be started.
    pub active: bool,
    /// The version that is started when none is asked for.
    pub default_version: u64,
    /// Its versions, from 0, with their pipelines.
    pub versions: Vec<(u64, Uuid)>,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub changed: Timestamp,
}

impl Endpoint {
    /// The pipeline of a version.
    #[must_use]
    pub fn pipeline(&self, version: u64) -> Option<Uuid> {
        let found = self.versions.iter().find(|(number, _)| *number == version);
        found.map(|(_, pipeline)| *pipeline)
    }
}

/// What to change of an endpoint; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// A new name.
    pub name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// Whether it can be started.
    pub active: Option<bool>,
    /// The version that is started when none is asked for.
    pub default_version: Option<u64>,
}

const SELECT: &str = "SELECT seq, id, name, description, active, default_version, created_ms,
    changed_ms FROM endpoints";

/// Makes an endpoint whose version 0 is a pipeline.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken; those of the database.
pub fn create(
    connection: &Connection,
    id: Uuid,
    name: &str,
    description: &str,
    pipeline: Uuid,
    at: Timestamp,
) -> Result<()> {
    free(connection, name)?;
    let insert = "INSERT INTO endpoints (id, name, description, default_version, created_ms,
        changed_ms) VALUES (?, ?, ?, 0, ?, ?)";
    let at = at.as_millis();
    connection.prepare_cached(insert)?.execute(params![
        id.as_bytes(),
        name,
        description,
        at,
        at
    ])?;
    insert_version(connection, id, 0, pipeline)
}

fn free(connection: &Connection, name: &str) -> Result<()> {
    match find_named(connection, name)? {
        None => Ok(()),
        Some(known) => Err(Error::Conflict(format!(
            "there is an endpoint `{name}` already: {}",
            known.id
        ))),
    }
}

fn insert_version(
    connection: &Connection,
    endpoint: Uuid,
    version: u64,
    pipeline: Uuid,
) -> Result<()> {
    let insert = "INSERT INTO endpoint_versions (endpoint, version, pipeline) VALUES (?, ?, ?)";
    let values = params![endpoint.as_bytes(), version, pipeline.as_bytes()];
    connection.prepare_cached(insert)?.execute(values)?;
    Ok(())
}

/// The endpoint of that id.
///
/// # Errors
/// Those of the database.
pub fn find(connection: &Connection, id: Uuid) -> Result<Option<Endpoint>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?"))?;
    let found = statement.query_row([id.as_bytes()], read).optional()?;
    found
        .map(|found| with_versions(connection, found))
        .transpose()
}

/// The endpoint of that name.
///
/// # Errors
/// Those of the database.
pub fn find_named(connection: &Connection, name: &str) -> Result<Option<Endpoint>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE name = ?"))?;
    let found = statement.query_row([name], read).optional()?;
    found
        .map(|found| with_versions(connection, found))
        .transpose()
}

/// Endpoints, newest first.
///
/// # Errors
/// Those of the database.
pub fn list(
    connection: &Connection,
    active_only: bool,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<Endpoint>> {
    let query = format!(
        "{SELECT} WHERE (?1 OR active) AND (?2 IS NULL OR seq < ?2) ORDER BY seq DESC LIMIT ?3"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(params![!active_only, before, limit], read)?;
    rows.map(|row| with_versions(connection, row?)).collect()
}

/// Adds a pipeline as the next version, and makes it the default if wanted; gives the endpoint as
/// it is then, or `None` when there is none.
///
/// # Errors
/// [`Error::Conflict`] when the pipeline is a version already; those of the database.
pub fn add(
    connection: &Connection,
    id: Uuid,
    pipeline: Uuid,
    make_default: bool,
    at: Timestamp,
) -> Result<Option<Endpoint>> {
    let Some(known) = find(connection, id)? else {
        return Ok(None);
    };
    if let Some((version, _)) = known.versions.iter().find(|(_, known)| *known == pipeline) {
        return Err(Error::Conflict(format!(
            "pipeline {pipeline} is version {version} of endpoint `{}` already",
            known.name
        )));
    }
    let newest = known.versions.iter().map(|(version, _)| *version).max();
    let next = newest.map_or(0, |newest| newest + 1);
    insert_version(connection, id, next, pipeline)?;
    let change_to = Change {
        default_version: make_default.then_some(next),
        ..Change::default()
    };
    change(connection, id, change_to, at)
}

/// Changes an endpoint; gives it as it is then, or `None` when there is none.
///
/// # Errors
/// [`Error::Conflict`] when the name is taken or there is no such version; those of the database.
pub fn change(
    connection: &Connection,
    id: Uuid,
    change: Change,
    at: Timestamp,
) -> Result<Option<Endpoint>> {
    let Some(mut endpoint) = find(connection, id)? else {
        return Ok(None);
    };
    if let Some(name) = change.name.filter(|name| *name != endpoint.name) {
        free(connection, &name)?;
        endpoint.name = name;
    }
    if let Some(version) = change.default_version {
        if endpoint.pipeline(version).is_none() {
            return Err(Error::Conflict(format!(
                "endpoint `{}` has no version {version}",
                endpoint.name
            )));
        }
        endpoint.default_version = version;
    }
    endpoint.description = change.description.unwrap_or(endpoint.description);
    endpoint.active = change.active.unwrap_or(endpoint.active);
    endpoint.changed = at;
    let update = "UPDATE endpoints SET name = ?, description = ?, active = ?, default_version = ?,
                  changed_ms = ? WHERE id = ?";
    connection.prepare_cached(update)?.execute(params![
        endpoint.name,
        endpoint.description,
        endpoint.active,
        endpoint.default_version,
        at.as_millis(),
        id.as_bytes(),
    ])?;
    Ok(Some(endpoint))
}

fn with_versions(connection: &Connection, mut endpoint: Endpoint) -> Result<Endpoint> {
    let query = "SELECT version, pipeline FROM endpoint_versions WHERE endpoint = ?
                 ORDER BY version";
    let mut statement = connection.prepare_cached(query)?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, Uuid::from_bytes(row.get(1)?)));
    let rows = statement.query_map([endpoint.id.as_bytes()], read)?;
    endpoint.versions = rows.collect::<rusqlite::Result<_>>()?;
    Ok(endpoint)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Endpoint> {
    Ok(Endpoint {
        seq: row.get(0)?,
        id: Uuid::from_bytes(row.get(1)?),
        name: row.get(2)?,
        description: row.get(3)?,
        active: row.get(4)?,
        default_version: row.get(5)?,
        versions: Vec::new(),
        created: Timestamp::from_millis(row.get(6)?),
        changed: Timestamp::from_millis(row.get(7)?),
    })
}
