//! The register of datasets: what is saved, and the versions of what is registered.
//!
//! A row's definition and files are never changed. A name that is unregistered keeps its count of
//! versions, so that a number never stands for two things.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use stepwell_model::{DatasetDefinition, DatasetKind, Timestamp};
use uuid::Uuid;

use crate::{Error, NamedPart, Result, catalog, columns};

/// A file as it was when a version was registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetFile {
    /// The datastore's name.
    pub datastore: String,
    /// The path below its root.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last modified, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// The digest of its content, unless the file is large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What a datastore on another machine knows its content by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

impl DatasetFile {
    /// Whether this is the same file with the same content, as far as is known.
    fn equals(&self, other: &Self) -> bool {
        let content = match (&self.digest, &other.digest) {
            (Some(own), Some(others)) => own == others,
            _ if self.etag.is_some() || other.etag.is_some() => self.etag == other.etag,
            _ => self.modified_ns == other.modified_ns,
        };
        content
            && self.size == other.size
            && self.datastore == other.datastore
            && self.path == other.path
    }
}

/// A saved dataset, or one version of a registered one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// Its id.
    pub id: Uuid,
    /// Its name; absent when it is only saved.
    pub name: Option<String>,
    /// Its version, from 1; absent when it is only saved.
    pub version: Option<u64>,
    /// Whether it gives files or a table.
    pub kind: DatasetKind,
    /// Where its data is, and how it is read.
    pub definition: DatasetDefinition,
    /// Its files as they were.
    pub files: Vec<DatasetFile>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// A description.
    pub description: String,
    /// When it was saved or registered.
    pub created: Timestamp,
}

impl Dataset {
    fn equals(&self, other: &Self) -> bool {
        let files = || self.files.iter().zip(&other.files);
        self.kind == other.kind
            && self.definition == other.definition
            && self.files.len() == other.files.len()
            && files().all(|(own, others)| own.equals(others))
    }
}

/// What to do when the name to register is known already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownName {
    /// Add a version.
    NewVersion,
    /// Refuse.
    Refuse,
}

const SELECT: &str = "SELECT id, name, version, kind, definition_json, files_json, tags_json,
    description, created_ms FROM datasets";

/// Keeps a dataset without a name; one that is kept already stays as it is.
///
/// # Errors
/// Those of the database.
pub fn save(connection: &Connection, dataset: Dataset) -> Result<Dataset> {
    if let Some(known) = find(connection, dataset.id)? {
        return Ok(known);
    }
    insert(connection, &dataset)?;
    Ok(dataset)
}

/// Registers a dataset under the next version of its name. One that equals the newest version is
/// that version.
///
/// # Errors
/// [`Error::Conflict`] when the name is known and must not be; those of the database.
pub fn register(
    connection: &Connection,
    name: &str,
    mut dataset: Dataset,
    known: KnownName,
) -> Result<Dataset> {
    if let Some(newest) = find_named(connection, name, None)? {
        if newest.equals(&dataset) {
            return Ok(newest);
        }
        if known == KnownName::Refuse {
            return Err(Error::Conflict(format!(
                "there is a dataset `{name}` already; pass create_new_version=True to register \
                 another version"
            )));
        }
    }
    dataset.version = Some(catalog::next_version(connection, "dataset", name)?);
    dataset.name = Some(name.to_owned());
    insert(connection, &dataset)?;
    Ok(dataset)
}

fn insert(connection: &Connection, dataset: &Dataset) -> Result<()> {
    let insert = "INSERT INTO datasets (id, name, version, kind, definition_json, files_json,
        tags_json, description, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(insert)?.execute(params![
        dataset.id.as_bytes(),
        dataset.name,
        dataset.version,
        dataset.kind.as_str(),
        dataset.definition.text(),
        columns::json("dataset's files", &dataset.files)?,
        columns::json("dataset's tags", &dataset.tags)?,
        dataset.description,
        dataset.created.as_millis(),
    ])?;
    Ok(())
}

/// The dataset with an id.
///
/// # Errors
/// Those of the database.
pub fn find(connection: &Connection, id: Uuid) -> Result<Option<Dataset>> {
    let query = format!("{SELECT} WHERE id = ?");
    let mut statement = connection.prepare_cached(&query)?;
    statement
        .query_row([id.as_bytes()], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// A version of a name, or the newest.
///
/// # Errors
/// Those of the database.
pub fn find_named(
    connection: &Connection,
    name: &str,
    version: Option<u64>,
) -> Result<Option<Dataset>> {
    let query = format!(
        "{SELECT} WHERE name = ?1 AND (?2 IS NULL OR version = ?2) ORDER BY version DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(&query)?;
    statement
        .query_row(params![name, version], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// The newest version of every name, sorted by name, without the files.
///
/// # Errors
/// Those of the database.
pub fn list(connection: &Connection, part: &NamedPart) -> Result<Vec<Dataset>> {
    let query = "SELECT id, name, max(version), kind, definition_json, '[]', tags_json,
        description, created_ms FROM datasets WHERE name > ? GROUP BY name ORDER BY name LIMIT ?";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map(part.values(), |row| Ok(read(row)))?;
    rows.map(|row| row?).collect()
}

/// Writes back what can be changed: tags and description.
///
/// # Errors
/// Those of the database.
pub fn update(connection: &Connection, dataset: &Dataset) -> Result<()> {
    let update = "UPDATE datasets SET description = ?, tags_json = ? WHERE id = ?";
    connection.prepare_cached(update)?.execute(params![
        dataset.description,
        columns::json("dataset's tags", &dataset.tags)?,
        dataset.id.as_bytes(),
    ])?;
    Ok(())
}

/// Takes the name away from all its versions, which stay there under their ids; gives how many.
///
/// # Errors
/// Those of the database.
pub fn unregister(connection: &Connection, name: &str) -> Result<usize> {
    let update = "UPDATE datasets SET name = NULL, version = NULL WHERE name = ?";
    Ok(connection.prepare_cached(update)?.execute([name])?)
}

fn read(row: &Row<'_>) -> Result<Dataset> {
    let text = |column: usize| row.get::<_, String>(column);
    let kind = text(3)?;
    Ok(Dataset {
        id: Uuid::from_bytes(row.get(0)?),
        name: row.get(1)?,
        version: row.get(2)?,
        kind: DatasetKind::find(&kind).ok_or(Error::Unreadable {
            what: "kind of a dataset",
            reason: kind,
        })?,
        definition: DatasetDefinition::stored(text(4)?),
        files: columns::from_json("dataset's files", &text(5)?)?,
        tags: columns::from_json("dataset's tags", &text(6)?)?,
        description: text(7)?,
        created: Timestamp::from_millis(row.get(8)?),
    })
}
