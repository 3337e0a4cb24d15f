//! The secrets of the workspace: their names, and their texts as sealed bytes.
//!
//! Nothing here opens the bytes. A name is found in any case of its letters, and keeps the one in
//! which it was written first.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use stepwell_model::Timestamp;

use crate::Result;

/// A secret, closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// What its text is, as who set it says.
    pub content_type: String,
    /// Its text, sealed.
    pub sealed: Vec<u8>,
    /// When it was set first.
    pub created: Timestamp,
    /// When it was set last.
    pub updated: Timestamp,
}

/// Keeps a secret, or gives the one of its name another text.
///
/// # Errors
/// Those of the database.
pub fn put(connection: &Connection, secret: &Secret) -> Result<()> {
    let upsert = "INSERT INTO secrets (name, content_type, sealed, created_ms, updated_ms)
        VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET
        content_type = excluded.content_type, sealed = excluded.sealed,
        updated_ms = excluded.updated_ms";
    let values = params![
        secret.name,
        secret.content_type,
        secret.sealed,
        secret.created.as_millis(),
        secret.updated.as_millis()
    ];
    connection.prepare_cached(upsert)?.execute(values)?;
    Ok(())
}

/// The secret of a name.
///
/// # Errors
/// Those of the database.
pub fn find(connection: &Connection, name: &str) -> Result<Option<Secret>> {
    let query = "SELECT name, content_type, sealed, created_ms, updated_ms FROM secrets
        WHERE name = ?";
    let mut statement = connection.prepare_cached(query)?;
    Ok(statement.query_row([name], read).optional()?)
}

/// All secrets, sorted by name.
///
/// # Errors
/// Those of the database.
pub fn list(connection: &Connection) -> Result<Vec<Secret>> {
    let query = "SELECT name, content_type, sealed, created_ms, updated_ms FROM secrets
        ORDER BY name";
    let mut statement = connection.prepare_cached(query)?;
    Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
}

/// Forgets a secret; gives whether it was there.
///
/// # Errors
/// Those of the database.
pub fn remove(connection: &Connection, name: &str) -> Result<bool> {
    let delete = "DELETE FROM secrets WHERE name = ?";
    Ok(connection.prepare_cached(delete)?.execute([name])? > 0)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Secret> {
    Ok(Secret {
        name: row.get(0)?,
        content_type: row.get(1)?,
        sealed: row.get(2)?,
        created: Timestamp::from_millis(row.get(3)?),
        updated: Timestamp::from_millis(row.get(4)?),
    })
}
