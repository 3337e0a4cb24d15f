//! Tokens: who may ask, known by the digest of what they say.

use rusqlite::{Connection, OptionalExtension, Row, params};
use stepwell_model::Timestamp;
use uuid::Uuid;

use crate::columns::time;
use crate::{Error, Result};

/// A token, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: Uuid,
    /// Its name; only one that is not revoked has it.
    pub name: String,
    /// The name of its role.
    pub role: String,
    /// The BLAKE3 digest of its text.
    pub hash: [u8; 32],
    /// When it was made.
    pub created: Timestamp,
    /// Who made it, in words.
    pub created_by: String,
    /// From when on it is of no use.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub used: Option<Timestamp>,
}

const SELECT: &str = "SELECT id, name, role, hash, created_ms, created_by, expires_ms, revoked_ms,
    used_ms FROM tokens";

/// Adds a token.
///
/// # Errors
/// [`Error::Conflict`] when its name is taken, and those of the database.
pub fn insert(connection: &Connection, token: &Token) -> Result<()> {
    let taken = "SELECT 1 FROM tokens WHERE name = ? AND revoked_ms IS NULL";
    if connection.prepare_cached(taken)?.exists([&token.name])? {
        let message = format!("there is a token `{}` already", token.name);
        return Err(Error::Conflict(message));
    }
    let insert = "INSERT INTO tokens (id, name, role, hash, created_ms, created_by, expires_ms)
        VALUES (?, ?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(insert)?.execute(params![
        token.id.as_bytes(),
        token.name,
        token.role,
        token.hash,
        token.created.as_millis(),
        token.created_by,
        token.expires.map(Timestamp::as_millis),
    ])?;
    Ok(())
}

/// All tokens, also revoked ones, the oldest first.
///
/// # Errors
/// Those of the database.
pub fn list(connection: &Connection) -> Result<Vec<Token>> {
    let query = format!("{SELECT} ORDER BY created_ms, id");
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map([], row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Revokes a token that is not revoked yet; the token as it is now.
///
/// # Errors
/// Those of the database.
pub fn revoke(connection: &Connection, id: Uuid, at: Timestamp) -> Result<Option<Token>> {
    let update = "UPDATE tokens SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL";
    let values = params![at.as_millis(), id.as_bytes()];
    connection.prepare_cached(update)?.execute(values)?;
    let query = format!("{SELECT} WHERE id = ?");
    let mut statement = connection.prepare_cached(&query)?;
    Ok(statement.query_row([id.as_bytes()], row).optional()?)
}

/// Remembers when a token was last used.
///
/// # Errors
/// Those of the database.
pub fn used(connection: &Connection, id: Uuid, at: Timestamp) -> Result<()> {
    let update = "UPDATE tokens SET used_ms = ? WHERE id = ?";
    let values = params![at.as_millis(), id.as_bytes()];
    connection.prepare_cached(update)?.execute(values)?;
    Ok(())
}

fn row(row: &Row<'_>) -> rusqlite::Result<Token> {
    Ok(Token {
        id: Uuid::from_bytes(row.get(0)?),
        name: row.get(1)?,
        role: row.get(2)?,
        hash: row.get(3)?,
        created: Timestamp::from_millis(row.get(4)?),
        created_by: row.get(5)?,
        expires: time(row.get(6)?),
        revoked: time(row.get(7)?),
        used: time(row.get(8)?),
    })
}
