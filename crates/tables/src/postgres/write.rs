//! Rows into a table of PostgreSQL, by `COPY … FROM STDIN` and in one transaction.
//!
//! Rows that are to be updated go into a temporary table first. Whoever reads the table meanwhile
//! sees what was there before.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::SinkExt as _;
use stepwell_datastore::definition::Database;
use stepwell_model::WriteMode;
use stepwell_transfer::table::TableEnd;
use tokio_postgres::{Client, CopyInSink};

use super::{connect, fault};
use crate::check::{self, Target};
use crate::copy::{Sink, Written, no_target};
use crate::create::{self, Dialect};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::Quote;
use crate::text;
use crate::value::{Batch, Heading, Kind, Value, names};

/// How much is sent at once.
const PIECE_BYTES: usize = 64 << 10;

/// The columns of a table, with whether each is a number, and its primary key.
const COLUMNS: &str = "SELECT a.attname::text, t.typcategory = 'N'
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attgenerated = ''
    ORDER BY a.attnum";

/// The columns of the indexes that take no two equal rows.
const INDEXES: &str = "SELECT i.indisprimary, array_agg(a.attname::text)
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
    WHERE i.indrelid = $1::text::regclass AND i.indisunique AND i.indpred IS NULL
        AND i.indexprs IS NULL AND i.indnkeyatts = i.indnatts
    GROUP BY i.indexrelid, i.indisprimary";

/// Writes rows to a table.
pub(crate) async fn write(place: &Database, sink: &Sink<'_>, rows: &mut Rows) -> Result<Written> {
    let end = sink.end;
    let headings = rows.columns().await?;
    let source = names(&headings);
    let mut client = connect(place, end).await?;
    let (target, numbers, make) = found_or_made(&client, sink, &headings).await?;
    let keys = check::keys(&source, &target, sink.mode, sink.keys)?;
    let table = Quote::Double.table(&end.path);
    let columns = Quote::Double.names(&source);
    let transaction = client.transaction().await.map_err(fault(end))?;
    if let Some(make) = make {
        transaction.batch_execute(&make).await.map_err(fault(end))?;
    }
    let into = match sink.mode {
        WriteMode::Append => table.clone(),
        WriteMode::Replace => {
            let delete = format!("DELETE FROM {table}");
            transaction
                .batch_execute(&delete)
                .await
                .map_err(fault(end))?;
            table.clone()
        }
        WriteMode::Upsert => {
            let make = format!(
                "CREATE TEMPORARY TABLE stepwell_rows ON COMMIT DROP AS \
                 SELECT {columns} FROM {table} WITH NO DATA"
            );
            transaction.batch_execute(&make).await.map_err(fault(end))?;
            "stepwell_rows".to_owned()
        }
    };
    let is_number: Vec<bool> = source.iter().map(|name| numbers.contains(name)).collect();
    let copy = format!("COPY {into} ({columns}) FROM STDIN");
    let copied = transaction.copy_in::<_, Bytes>(copy.as_str()).await;
    let copied = copied.map_err(fault(end))?;
    let mut copied = std::pin::pin!(copied);
    let mut buffer = Vec::with_capacity(PIECE_BYTES * 2);
    while let Some(batch) = rows.next().await? {
        send(&batch, &is_number, &mut buffer, copied.as_mut(), end).await?;
    }
    copied.send(Bytes::from(buffer)).await.map_err(fault(end))?;
    let written = copied.finish().await.map_err(fault(end))?;
    if sink.mode == WriteMode::Upsert {
        let merge = upsert(&table, &source, &keys);
        transaction
            .batch_execute(&merge)
            .await
            .map_err(fault(end))?;
    }
    transaction.commit().await.map_err(fault(end))?;
    Ok(Written::rows(written))
}

/// Sends rows as lines of text, with tabs between the values.
async fn send(
    batch: &Batch,
    is_number: &[bool],
    buffer: &mut Vec<u8>,
    mut copied: Pin<&mut CopyInSink<Bytes>>,
    end: &TableEnd,
) -> Result<()> {
    let mut columns: Vec<_> = batch.columns.iter().map(|each| each.values()).collect();
    let mut scratch = String::new();
    for _ in 0..batch.rows {
        for (index, (values, column)) in columns.iter_mut().zip(&batch.columns).enumerate() {
            if index > 0 {
                buffer.push(b'\t');
            }
            let value = match values.next().unwrap_or(Value::Null) {
                Value::Bool(value) if is_number[index] => Value::Int(i64::from(value)),
                value => value,
            };
            scratch.clear();
            match value {
                // A text goes as it is, without another copy of it.
                Value::Bytes(bytes) if is_text(column.kind) => escape(buffer, bytes),
                value => match text::write(&mut scratch, column.kind, value) {
                    true => escape(buffer, scratch.as_bytes()),
                    false => buffer.extend_from_slice(b"\\N"),
                },
            }
        }
        buffer.push(b'\n');
        if buffer.len() >= PIECE_BYTES {
            let piece = std::mem::replace(buffer, Vec::with_capacity(PIECE_BYTES * 2));
            let sent = copied.send(Bytes::from(piece)).await;
            if let Err(error) = sent {
                // What was wrong is in the server's answer, which finishing reads.
                return Err(fault(end)(copied.finish().await.err().unwrap_or(error)));
            }
        }
    }
    Ok(())
}

const fn is_text(kind: Kind) -> bool {
    matches!(kind, Kind::Text | Kind::Json | Kind::Field)
}

fn escape(buffer: &mut Vec<u8>, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some(at) = rest
        .iter()
        .position(|byte| matches!(byte, b'\\' | b'\n' | b'\r' | b'\t'))
    {
        buffer.extend_from_slice(&rest[..at]);
        buffer.extend_from_slice(match rest[at] {
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            _ => b"\\t",
        });
        rest = &rest[at + 1..];
    }
    buffer.extend_from_slice(rest);
}

fn upsert(table: &str, source: &[String], keys: &[String]) -> String {
    let columns = Quote::Double.names(source);
    let action = crate::sql::update(Quote::Double, source, keys);
    let keys = Quote::Double.names(keys);
    format!(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM stepwell_rows \
         ON CONFLICT ({keys}) DO {action}"
    )
}

/// The table and which of its columns are numbers, and the statement that makes it if it is not there.
async fn found_or_made(
    client: &Client,
    sink: &Sink<'_>,
    headings: &[Heading],
) -> Result<(Target, Vec<String>, Option<String>)> {
    let end = sink.end;
    match target(client, end).await? {
        Some((target, numbers)) => Ok((target, numbers, None)),
        None if sink.create => {
            let make = create::statement(Dialect::Postgres, &end.path, headings, sink.keys)?;
            let target = create::target(end.shown(), headings, sink.keys);
            Ok((target, numbers_of(headings), Some(make)))
        }
        None => Err(no_target(end)),
    }
}

/// The columns that are numbers in a table that is made for these.
fn numbers_of(headings: &[Heading]) -> Vec<String> {
    let is_number = |kind| {
        matches!(
            kind,
            Kind::Int(_) | Kind::Float32 | Kind::Float64 | Kind::Decimal(..)
        )
    };
    let numbers = headings.iter().filter(|heading| is_number(heading.kind));
    numbers.map(|heading| heading.name.clone()).collect()
}

/// The table, and which of its columns are numbers; nothing when it is not there.
async fn target(client: &Client, end: &TableEnd) -> Result<Option<(Target, Vec<String>)>> {
    let name = Quote::Double.table(&end.path);
    let found = match client.query(COLUMNS, &[&name]).await {
        Ok(found) => found,
        Err(error) => match error.as_db_error() {
            // No such table, or no such schema.
            Some(said) if matches!(said.code().code(), "42P01" | "3F000") => return Ok(None),
            _ => return Err(fault(end)(error)),
        },
    };
    let mut target = Target {
        table: end.shown(),
        ..Target::default()
    };
    let mut numbers = Vec::new();
    for row in found {
        let column: String = row.get(0);
        if row.get(1) {
            numbers.push(column.clone());
        }
        target.columns.push(column);
    }
    for row in client.query(INDEXES, &[&name]).await.map_err(fault(end))? {
        let columns: Vec<String> = row.get(1);
        match row.get(0) {
            true => target.primary_key = columns,
            false => target.unique.push(columns),
        }
    }
    Ok(Some((target, numbers)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_separates_values_and_rows_is_escaped() {
        let mut out = Vec::new();
        escape(&mut out, b"a\tb\\c\nd\r");
        assert_eq!(out, b"a\\tb\\\\c\\nd\\r");
    }

    #[test]
    fn only_what_is_no_key_is_updated() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let merge = upsert("\"t\"", &words("id name"), &words("id"));
        let expected = "ON CONFLICT (\"id\") DO UPDATE SET \"name\" = excluded.\"name\"";
        assert!(merge.ends_with(expected), "{merge}");
        let merge = upsert("\"t\"", &words("id"), &words("id"));
        assert!(merge.ends_with("DO NOTHING"), "{merge}");
    }
}
