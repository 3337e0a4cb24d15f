//! Rows into a table of SQLite, in one transaction. What SQLite has no type for is written as text.

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::types::Value as Bound;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params_from_iter};
use stepwell_model::WriteMode;
use stepwell_transfer::table::TableEnd;

use super::{blocking, fault, open};
use crate::check::{self, Target};
use crate::copy::{Sink, Written, no_target};
use crate::create::{self, Dialect};
use crate::error::Result;
use crate::rows::Rows;
use crate::sql::Quote;
use crate::text;
use crate::value::{Batch, Heading, Kind, Value, misfit, names};

/// Writes rows to a table.
pub(crate) async fn write(file: &Utf8Path, sink: &Sink<'_>, mut rows: Rows) -> Result<Written> {
    let headings = rows.columns().await?;
    let job = Job {
        file: file.to_owned(),
        end: sink.end.clone(),
        mode: sink.mode,
        keys: sink.keys.to_vec(),
        create: sink.create,
    };
    blocking(move || write_all(&job, &headings, rows)).await
}

struct Job {
    file: Utf8PathBuf,
    end: TableEnd,
    mode: WriteMode,
    keys: Vec<String>,
    create: bool,
}

fn write_all(job: &Job, headings: &[Heading], mut rows: Rows) -> Result<Written> {
    let end = &job.end;
    let mut connection = open(&job.file, end, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let found = target(&connection, end)?;
    let make = match found {
        Some(_) => None,
        None if job.create => Some(create::statement(
            Dialect::Sqlite,
            &end.path,
            headings,
            &job.keys,
        )?),
        None => return Err(no_target(end)),
    };
    let (target, declared) = found.unwrap_or_else(|| {
        let target = create::target(end.shown(), headings, &job.keys);
        let declared = headings
            .iter()
            .map(|each| Dialect::Sqlite.column(each.kind, false));
        (target, declared.map(|each| each.to_lowercase()).collect())
    });
    let source = names(headings);
    let keys = check::keys(&source, &target, job.mode, &job.keys)?;
    let declared: Vec<String> = source
        .iter()
        .map(|name| {
            let at = target.columns.iter().position(|column| column == name);
            at.and_then(|at| declared.get(at))
                .cloned()
                .unwrap_or_default()
        })
        .collect();
    let table = Quote::Double.table(&end.path);
    let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let transaction = begun.map_err(fault(end))?;
    if let Some(make) = make {
        transaction.execute(&make, []).map_err(fault(end))?;
    }
    if job.mode == WriteMode::Replace {
        let delete = format!("DELETE FROM {table}");
        transaction.execute(&delete, []).map_err(fault(end))?;
    }
    {
        let insert = insert(&table, &source, &keys, job.mode);
        let mut insert = transaction.prepare(&insert).map_err(fault(end))?;
        while let Some(batch) = rows.next_blocking()? {
            let mut columns: Vec<_> = batch.columns.iter().map(|each| each.values()).collect();
            for _ in 0..batch.rows {
                let bound = bind_row(&mut columns, &batch, &declared, &source)?;
                insert
                    .execute(params_from_iter(bound))
                    .map_err(fault(end))?;
            }
        }
    }
    transaction.commit().map_err(fault(end))?;
    rows.count.say();
    Ok(Written::rows(rows.count.rows))
}

fn bind_row<'a>(
    row: &mut [impl Iterator<Item = Value<'a>>],
    batch: &Batch,
    declared: &[String],
    names: &[String],
) -> Result<Vec<Bound>> {
    let each = row.iter_mut().enumerate().map(|(index, values)| {
        let value = values.next().unwrap_or(Value::Null);
        bind(
            value,
            batch.columns[index].kind,
            &declared[index],
            &names[index],
        )
    });
    each.collect()
}

/// The columns of the table, its indexes, and what each column is declared as; nothing when it is not
/// there.
fn target(connection: &Connection, end: &TableEnd) -> Result<Option<(Target, Vec<String>)>> {
    let mut target = Target {
        table: end.shown(),
        ..Target::default()
    };
    let (mut declared, mut keys) = (Vec::new(), Vec::new());
    // Columns that are computed, which are hidden ones of the kinds 2 and 3, take no values.
    let query = "SELECT name, pk, type FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid";
    let mut statement = connection.prepare(query).map_err(fault(end))?;
    let mut found = statement.query([&end.path]).map_err(fault(end))?;
    while let Some(row) = found.next().map_err(fault(end))? {
        let name: String = row.get(0).map_err(fault(end))?;
        let place: i64 = row.get(1).map_err(fault(end))?;
        let kind: String = row.get(2).map_err(fault(end))?;
        if place > 0 {
            keys.push((place, name.clone()));
        }
        target.columns.push(name);
        declared.push(kind.to_lowercase());
    }
    if target.columns.is_empty() {
        return Ok(None);
    }
    keys.sort();
    target.primary_key = keys.into_iter().map(|(_, name)| name).collect();
    let query = "SELECT l.name, COALESCE(i.name, '') FROM pragma_index_list(?) l, pragma_index_info(l.name) i
        WHERE l.\"unique\" AND NOT l.partial ORDER BY l.name, i.seqno";
    let mut statement = connection.prepare(query).map_err(fault(end))?;
    let mut found = statement.query([&end.path]).map_err(fault(end))?;
    let mut last = String::new();
    while let Some(row) = found.next().map_err(fault(end))? {
        let index: String = row.get(0).map_err(fault(end))?;
        if index != last {
            target.unique.push(Vec::new());
            last = index;
        }
        if let Some(columns) = target.unique.last_mut() {
            columns.push(row.get(1).map_err(fault(end))?);
        }
    }
    Ok(Some((target, declared)))
}

fn insert(table: &str, columns: &[String], keys: &[String], mode: WriteMode) -> String {
    let marks = vec!["?"; columns.len()].join(", ");
    let names = Quote::Double.names(columns);
    let insert = format!("INSERT INTO {table} ({names}) VALUES ({marks})");
    if mode != WriteMode::Upsert {
        return insert;
    }
    let action = crate::sql::update(Quote::Double, columns, keys);
    let keys = Quote::Double.names(keys);
    format!("{insert} ON CONFLICT ({keys}) DO {action}")
}

/// What is bound for a value: the column's affinity makes a number of a text that is one.
fn bind(value: Value<'_>, kind: Kind, declared: &str, name: &str) -> Result<Bound> {
    Ok(match (kind, value) {
        (_, Value::Null) => Bound::Null,
        (_, Value::Bool(value)) => Bound::Integer(i64::from(value)),
        (Kind::Int(_), Value::Int(value)) => Bound::Integer(value),
        (_, Value::Float64(value)) if value.is_nan() => {
            return Err(misfit(name, "SQLite has no number NaN"));
        }
        (_, Value::Float32(value)) if value.is_nan() => {
            return Err(misfit(name, "SQLite has no number NaN"));
        }
        (_, Value::Float64(value)) => Bound::Real(value),
        (_, Value::Float32(value)) => Bound::Real(f64::from(value)),
        (Kind::Bytes, Value::Bytes(bytes)) => Bound::Blob(bytes.to_vec()),
        (Kind::Field, Value::Bytes(bytes)) => field(bytes, declared),
        (kind, value) => {
            let mut out = String::new();
            text::write(&mut out, kind, value);
            Bound::Text(out)
        }
    })
}

/// A field of a CSV file, of which a column that is declared so makes its value.
fn field(bytes: &[u8], declared: &str) -> Bound {
    let text = String::from_utf8_lossy(bytes);
    if declared.starts_with("bool") {
        match text.as_ref() {
            "true" | "t" => return Bound::Integer(1),
            "false" | "f" => return Bound::Integer(0),
            _ => {}
        }
    }
    match declared
        .contains("blob")
        .then(|| text::bytes_of(&text))
        .flatten()
    {
        Some(bytes) => Bound::Blob(bytes),
        None => Bound::Text(text.into_owned()),
    }
}
