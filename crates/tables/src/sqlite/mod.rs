//! SQLite: a file of this machine. It has a type for each value and not for each column, so what a
//! column is declared as says what its values mean.
//!
//! - [`mod@read`]: rows of a table or a query;
//! - [`mod@write`]: rows into a table, in one transaction.

mod read;
mod write;

use std::time::Duration;

use camino::Utf8Path;
use rusqlite::{Connection, OpenFlags};
use stepwell_transfer::table::TableEnd;
use tokio::task::spawn_blocking;

use crate::error::{Error, Result};

pub(crate) use read::read;
pub(crate) use write::write;

/// How long another process may hold the file.
const PATIENCE: Duration = Duration::from_secs(30);

fn open(file: &Utf8Path, end: &TableEnd, flags: OpenFlags) -> Result<Connection> {
    let failed = |error: rusqlite::Error| Error::Connect {
        datastore: end.name.clone(),
        text: format!("`{file}`: {error}"),
    };
    if !file.is_file() {
        return Err(Error::refused(
            format!(
                "datastore `{}` is the file `{file}`, which is not there",
                end.name
            ),
            "make the database first, or register the datastore again with `overwrite=True`",
        ));
    }
    let connection = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let connection = connection.map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    Ok(connection)
}

fn fault(end: &TableEnd) -> impl Fn(rusqlite::Error) -> Error {
    let place = end.shown();
    move |error| Error::Database {
        place: place.clone(),
        text: error.to_string(),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::Usage(error.to_string())))
}

/// What a column holds by what it is declared as; nothing where its values must say.
/// <https://sqlite.org/datatype3.html>
fn declared(text: &str) -> Option<Declared> {
    let text = text.to_lowercase();
    let has = |part: &str| text.contains(part);
    Some(match text.as_str() {
        _ if text.starts_with("bool") => Declared::Bool,
        _ if has("timestamptz") || has("with time zone") => Declared::Instant,
        _ if has("timestamp") || has("datetime") => Declared::Timestamp,
        _ if text.starts_with("date") => Declared::Date,
        _ if text.starts_with("time") => Declared::Time,
        _ if text.starts_with("dec") || text.starts_with("numeric") => digits(&text)?,
        _ if has("json") => Declared::Json,
        _ if has("uuid") || has("uniqueidentifier") => Declared::Uuid,
        _ if has("int") => Declared::Int,
        _ if has("char") || has("clob") || has("text") => Declared::Text,
        _ if has("blob") => Declared::Bytes,
        _ if has("real") || has("floa") || has("doub") => Declared::Float,
        _ => return None,
    })
}

/// The digits of a `decimal(p, s)`.
fn digits(text: &str) -> Option<Declared> {
    let (_, inner) = text.split_once('(')?;
    let (inner, _) = inner.split_once(')')?;
    let (digits, scale) = inner.split_once(',').unwrap_or((inner, "0"));
    let digits: u8 = digits.trim().parse().ok()?;
    let scale: u8 = scale.trim().parse().ok()?;
    let fits = (1..=crate::value::DIGITS_MAX).contains(&digits) && scale <= digits;
    fits.then_some(Declared::Decimal(digits, scale))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Declared {
    Bool,
    Int,
    Float,
    Decimal(u8, u8),
    Text,
    Json,
    Uuid,
    Bytes,
    Date,
    Time,
    Timestamp,
    Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_says_what_values_are() {
        let cases = [
            ("INTEGER", Some(Declared::Int)),
            ("BOOLEAN", Some(Declared::Bool)),
            ("VARCHAR(20)", Some(Declared::Text)),
            ("decimal_text(20, 4)", Some(Declared::Decimal(20, 4))),
            ("NUMERIC", None),
            ("TIMESTAMP WITH TIME ZONE", Some(Declared::Instant)),
            ("DATETIME", Some(Declared::Timestamp)),
            ("date", Some(Declared::Date)),
            ("DOUBLE PRECISION", Some(Declared::Float)),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(declared(text), expected, "{text}");
        }
    }
}
