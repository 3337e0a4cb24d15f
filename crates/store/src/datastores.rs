//! The register of datastores: where each is, and its credentials as sealed bytes.
//!
//! Nothing here opens the bytes. The two local datastores of every workspace have no rows.

use rusqlite::{Connection, params};
use stepwell_model::Timestamp;

use crate::Result;

/// A registered datastore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datastore {
    /// Its name.
    pub name: String,
    /// Where it is, as JSON without credentials.
    pub definition_json: String,
    /// Its credentials, sealed; absent when it has none.
    pub sealed: Option<Vec<u8>>,
    /// When it was registered last.
    pub created: Timestamp,
}

/// Registers a datastore, or replaces the one of its name.
///
/// # Errors
/// Those of the database.
pub fn put(connection: &Connection, datastore: &Datastore) -> Result<()> {
    let upsert = "INSERT INTO datastores (name, definition_json, sealed, created_ms)
        VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET
        definition_json = excluded.definition_json, sealed = excluded.sealed,
        created_ms = excluded.created_ms";
    let values = params![
        datastore.name,
        datastore.definition_json,
        datastore.sealed,
        datastore.created.as_millis()
    ];
    connection.prepare_cached(upsert)?.execute(values)?;
    Ok(())
}

/// All registered datastores, sorted by name.
///
/// # Errors
/// Those of the database.
pub fn list(connection: &Connection) -> Result<Vec<Datastore>> {
    let query = "SELECT name, definition_json, sealed, created_ms FROM datastores ORDER BY name";
    let mut statement = connection.prepare_cached(query)?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Datastore {
            name: row.get(0)?,
            definition_json: row.get(1)?,
            sealed: row.get(2)?,
            created: Timestamp::from_millis(row.get(3)?),
        })
    };
    Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
}

/// Forgets a datastore; gives whether it was there.
///
/// # Errors
/// Those of the database.
pub fn remove(connection: &Connection, name: &str) -> Result<bool> {
    let delete = "DELETE FROM datastores WHERE name = ?";
    Ok(connection.prepare_cached(delete)?.execute([name])? > 0)
}
