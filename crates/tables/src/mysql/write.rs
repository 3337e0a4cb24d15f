//! Rows into a table of MySQL: many rows in one prepared statement, all of them in one transaction.
//!
//! A table whose engine has no transactions is refused: half of the rows would stay after a failure.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, TxOpts, Value as Bound};
use stepwell_datastore::definition::Database;
use stepwell_model::WriteMode;
use stepwell_transfer::table::TableEnd;

use super::{connect, fault};
use crate::check::{self, Target};
use crate::copy::{Sink, Written, no_target};
use crate::create::{self, Dialect};
use crate::error::{Error, Result};
use crate::rows::Rows;
use crate::sql::Quote;
use crate::text;
use crate::value::{Batch, Heading, Kind, Value, misfit, names};

/// How many rows one statement has.
const ROWS_MAX: usize = 1_000;

/// How many values one statement has; the server takes 65,535.
const VALUES_MAX: usize = 20_000;

/// How many bytes one statement has, about; the server takes 16 MB unless it is configured otherwise.
const STATEMENT_BYTES_MAX: usize = 4 << 20;

const COLUMNS: &str = "SELECT column_name, column_type FROM information_schema.columns
    WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ?
        AND extra NOT LIKE '%GENERATED%' ORDER BY ordinal_position";

/// A part of a column, and an expression, have no name.
const INDEXES: &str = "SELECT index_name, IF(sub_part IS NULL, COALESCE(column_name, ''), '')
    FROM information_schema.statistics
    WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? AND non_unique = 0
    ORDER BY index_name, seq_in_index";

const ENGINE: &str =
    "SELECT t.engine, COALESCE(e.transactions, 'NO') FROM information_schema.tables t
    LEFT JOIN information_schema.engines e ON e.engine = t.engine
    WHERE t.table_schema = COALESCE(?, DATABASE()) AND t.table_name = ?";

/// Writes rows to a table.
pub(crate) async fn write(place: &Database, sink: &Sink<'_>, rows: &mut Rows) -> Result<Written> {
    let end = sink.end;
    let headings = rows.columns().await?;
    let source = names(&headings);
    let mut connection = connect(place, end).await?;
    let found = target(&mut connection, end).await?;
    let made = match found {
        Some(_) => None,
        None if sink.create => Some(create::statement(
            Dialect::MySql,
            &end.path,
            &headings,
            sink.keys,
        )?),
        None => return Err(no_target(end)),
    };
    let (target, declared) = found.unwrap_or_else(|| new_target(end, &headings, sink.keys));
    let keys = check::keys(&source, &target, sink.mode, sink.keys)?;
    let kinds = source.iter().map(|name| {
        let at = target.columns.iter().position(|column| column == name);
        at.and_then(|at| declared.get(at))
            .cloned()
            .unwrap_or_default()
    });
    let statement = Statement::new(end, &source, kinds.collect(), sink.mode, &keys);
    if let Some(make) = &made {
        // It commits what it is in, so it is on its own, and undone by hand.
        connection.query_drop(make).await.map_err(fault(end))?;
    }
    let written = insert(&mut connection, sink, statement, &source, rows).await;
    if written.is_err() && made.is_some() {
        drop(remove_empty(&mut connection, end).await);
    }
    written?;
    connection.disconnect().await.map_err(fault(end))?;
    Ok(Written::rows(rows.count.rows))
}

/// All rows, in one transaction.
async fn insert(
    connection: &mut Conn,
    sink: &Sink<'_>,
    mut statement: Statement,
    source: &[String],
    rows: &mut Rows,
) -> Result<()> {
    let end = sink.end;
    let begun = connection.start_transaction(TxOpts::default()).await;
    let mut transaction = begun.map_err(fault(end))?;
    if sink.mode == WriteMode::Replace {
        let delete = format!("DELETE FROM {}", Quote::Back.table(&end.path));
        transaction.query_drop(delete).await.map_err(fault(end))?;
    }
    while let Some(batch) = rows.next().await? {
        let mut columns: Vec<_> = batch.columns.iter().map(|each| each.values()).collect();
        for _ in 0..batch.rows {
            if statement.add(&mut columns, &batch, source)? {
                let (text, values) = statement.take();
                transaction
                    .exec_drop(text, values)
                    .await
                    .map_err(fault(end))?;
            }
        }
    }
    if !statement.values.is_empty() {
        let (text, values) = statement.take();
        transaction
            .exec_drop(text, values)
            .await
            .map_err(fault(end))?;
    }
    transaction.commit().await.map_err(fault(end))
}

/// Removes the table that was made, unless somebody else has put rows into it.
async fn remove_empty(connection: &mut Conn, end: &TableEnd) -> mysql_async::Result<()> {
    let table = Quote::Back.table(&end.path);
    let first = format!("SELECT 1 FROM {table} LIMIT 1");
    if connection.query_first::<u8, _>(first).await?.is_some() {
        return Ok(());
    }
    connection.query_drop(format!("DROP TABLE {table}")).await
}

/// A table that is made for these columns.
fn new_target(end: &TableEnd, headings: &[Heading], keys: &[String]) -> (Target, Vec<String>) {
    let target = create::target(end.shown(), headings, keys);
    let declared = headings
        .iter()
        .map(|each| Dialect::MySql.column(each.kind, false));
    (target, declared.map(|each| each.to_lowercase()).collect())
}

/// Rows that go in one statement.
struct Statement {
    insert: String,
    update: String,
    /// What the columns are declared as.
    declared: Vec<String>,
    values: Vec<Bound>,
    bytes: usize,
}

impl Statement {
    fn new(
        end: &TableEnd,
        columns: &[String],
        declared: Vec<String>,
        mode: WriteMode,
        keys: &[String],
    ) -> Self {
        let names = Quote::Back.names(columns);
        let others = columns.iter().filter(|name| !keys.contains(name));
        let set = others.map(|name| {
            let name = Quote::Back.name(name);
            format!("{name} = VALUES({name})")
        });
        let set = set.collect::<Vec<_>>().join(", ");
        let update = match (mode, keys.first()) {
            (WriteMode::Upsert, Some(key)) if set.is_empty() => {
                let key = Quote::Back.name(key);
                format!(" ON DUPLICATE KEY UPDATE {key} = {key}")
            }
            (WriteMode::Upsert, _) => format!(" ON DUPLICATE KEY UPDATE {set}"),
            (WriteMode::Append | WriteMode::Replace, _) => String::new(),
        };
        let table = Quote::Back.table(&end.path);
        Self {
            insert: format!("INSERT INTO {table} ({names}) VALUES "),
            update,
            declared,
            values: Vec::new(),
            bytes: 0,
        }
    }

    /// Takes a row; whether the statement is full.
    fn add<'a>(
        &mut self,
        row: &mut [impl Iterator<Item = Value<'a>>],
        batch: &Batch,
        names: &[String],
    ) -> Result<bool> {
        let width = self.declared.len();
        for (index, values) in row.iter_mut().enumerate() {
            let value = values.next().unwrap_or(Value::Null);
            let kind = batch.columns[index].kind;
            let bound = bind(value, kind, &self.declared[index], &names[index])?;
            self.bytes += match &bound {
                Bound::Bytes(bytes) => bytes.len() + 8,
                _ => 8,
            };
            self.values.push(bound);
        }
        let rows = self.values.len() / width.max(1);
        Ok(rows >= ROWS_MAX
            || self.values.len() + width > VALUES_MAX
            || self.bytes > STATEMENT_BYTES_MAX)
    }

    fn take(&mut self) -> (String, Vec<Bound>) {
        let values = std::mem::take(&mut self.values);
        self.bytes = 0;
        let width = self.declared.len();
        let row = format!("({})", vec!["?"; width].join(", "));
        let rows = vec![row.as_str(); values.len() / width.max(1)].join(", ");
        (format!("{}{rows}{}", self.insert, self.update), values)
    }
}

/// What is bound for a value; the server makes the column's type of it.
fn bind(value: Value<'_>, kind: Kind, declared: &str, name: &str) -> Result<Bound> {
    Ok(match (kind, value) {
        (_, Value::Null) => Bound::NULL,
        (_, Value::Bool(value)) => Bound::Int(i64::from(value)),
        (Kind::Int(_), Value::Int(value)) => Bound::Int(value),
        (_, Value::Float32(value)) if !value.is_finite() => {
            return Err(misfit(name, format!("MySQL has no number {value}")));
        }
        (_, Value::Float64(value)) if !value.is_finite() => {
            return Err(misfit(name, format!("MySQL has no number {value}")));
        }
        (_, Value::Float32(value)) => Bound::Float(value),
        (_, Value::Float64(value)) => Bound::Double(value),
        (Kind::Bytes, Value::Bytes(bytes)) => Bound::Bytes(bytes.to_vec()),
        (Kind::Field, Value::Bytes(bytes)) => field(bytes, declared),
        (Kind::Text | Kind::Json, Value::Bytes(bytes)) => Bound::Bytes(bytes.to_vec()),
        // The session is in UTC, and not every server takes an offset.
        (Kind::Instant, value) => as_text(Kind::Timestamp, value),
        (kind, value) => as_text(kind, value),
    })
}

fn as_text(kind: Kind, value: Value<'_>) -> Bound {
    let mut out = String::new();
    text::write(&mut out, kind, value);
    Bound::Bytes(out.into_bytes())
}

/// A field of a CSV file, of which a column that is declared so makes its value.
fn field(bytes: &[u8], declared: &str) -> Bound {
    let is = |kinds: &[&str]| kinds.iter().any(|kind| declared.contains(kind));
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    if is(&["blob", "binary", "bit(", "geometry"])
        && let Some(bytes) = text::bytes_of(text)
    {
        return Bound::Bytes(bytes);
    }
    if is(&["int(", "tinyint", "bit(1)"]) {
        match text {
            "true" | "t" => return Bound::Int(1),
            "false" | "f" => return Bound::Int(0),
            _ => {}
        }
    }
    if is(&["datetime", "timestamp"])
        && let Some(micros) = text::read_timestamp(text, true)
    {
        return as_text(Kind::Timestamp, Value::Int(micros));
    }
    Bound::Bytes(bytes.to_vec())
}

/// The table, and what each of its columns is declared as; nothing when it is not there.
async fn target(connection: &mut Conn, end: &TableEnd) -> Result<Option<(Target, Vec<String>)>> {
    let (schema, table) = match end.path.split_once('.') {
        Some((schema, table)) => (Some(schema), table),
        None => (None, end.path.as_str()),
    };
    let place = (schema, table);
    let found = connection.exec(COLUMNS, place).await;
    let found: Vec<(String, String)> = found.map_err(fault(end))?;
    if found.is_empty() {
        return Ok(None);
    }
    let engine = connection.exec_first(ENGINE, place).await;
    let engine: Option<(Option<String>, String)> = engine.map_err(fault(end))?;
    if let Some((engine, transactions)) = engine
        && transactions != "YES"
    {
        let engine = engine.unwrap_or_else(|| "view".to_owned());
        return Err(Error::refused(
            format!(
                "{} has the engine {engine}, which has no transactions",
                end.shown()
            ),
            "rows are written all or none: `ALTER TABLE … ENGINE=InnoDB`, or another table",
        ));
    }
    let (columns, declared) = found.into_iter().unzip();
    let mut target = Target {
        table: end.shown(),
        columns,
        ..Target::default()
    };
    let indexes = connection.exec(INDEXES, place).await;
    let indexes: Vec<(String, String)> = indexes.map_err(fault(end))?;
    let mut last = None;
    for (index, column) in indexes {
        if index == "PRIMARY" {
            target.primary_key.push(column);
            continue;
        }
        if last.as_ref() != Some(&index) {
            target.unique.push(Vec::new());
        }
        last = Some(index);
        if let Some(columns) = target.unique.last_mut() {
            columns.push(column);
        }
    }
    let declared: Vec<String> = declared;
    let lower = declared.iter().map(|kind| kind.to_lowercase());
    Ok(Some((target, lower.collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_becomes_what_its_column_is() {
        let text = |text: &str| Bound::Bytes(text.into());
        assert_eq!(
            field(b"\\x00ff", "varbinary(9)"),
            Bound::Bytes(vec![0, 255])
        );
        assert_eq!(field(b"\\x00ff", "text"), text("\\x00ff"));
        assert_eq!(field(b"true", "tinyint(1)"), Bound::Int(1));
        assert_eq!(field(b"true", "varchar(9)"), text("true"));
        let utc = text("2026-07-01 10:00:00");
        assert_eq!(field(b"2026-07-01T12:00:00+02:00", "timestamp(6)"), utc);
        assert_eq!(field(b"2026-07-01 10:00:00", "datetime"), utc);
    }

    #[test]
    fn numbers_that_there_are_none_of_are_refused() {
        let refused = bind(Value::Float64(f64::NAN), Kind::Float64, "double", "x");
        assert!(refused.is_err_and(|error| error.to_string().contains("column `x`")));
    }
}
