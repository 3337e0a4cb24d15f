//! Rows out of MySQL, as its binary protocol has them.

use bytes::Bytes;
use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Column as Described, Value};
use stepwell_datastore::definition::Database;
use stepwell_model::{ProcedureParameter, ProcedureType};

use super::{connect, fault};
use crate::copy::{Select, Source};
use crate::error::Result;
use crate::rows::{Gone, Sender};
use crate::sql::{Quote, literal};
use crate::text::days_of;
use crate::value::{Batch, Column, DIGITS_MAX, Heading, Kind, decimal, misfit};

/// The character set of what has no characters.
const BINARY: u16 = 63;

/// The server's word for a table that is not there.
const NO_TABLE: u16 = 1146;

/// Reads rows.
pub(crate) async fn read(place: &Database, source: &Source<'_>, sender: &Sender) -> Result<()> {
    let end = source.end;
    let mut connection = connect(place, end).await?;
    let is_procedure = matches!(source.select, Select::Procedure { .. });
    if !is_procedure {
        let only = "SET SESSION TRANSACTION READ ONLY";
        connection.query_drop(only).await.map_err(fault(end))?;
    }
    let query = query(source.select)?;
    let found = connection.exec_iter(query, ()).await;
    let mut found = found.map_err(|error| match (&error, source.select) {
        (mysql_async::Error::Server(said), Select::Table(_)) if said.code == NO_TABLE => {
            source.missing()
        }
        _ => fault(end)(error),
    })?;
    let columns: Vec<Described> = found.columns_ref().to_vec();
    if columns.is_empty() {
        return Err(source.no_rows());
    }
    let headings: Vec<Heading> = columns.iter().map(heading).collect();
    source.check_names(&headings)?;
    if sender.columns(headings.clone()).await.is_err() {
        return Ok(());
    }
    let mut batch = Batch::new(&headings);
    while let Some(row) = found.next().await.map_err(fault(end))? {
        let mut size = 0;
        let values = row.unwrap();
        for ((value, heading), column) in values.into_iter().zip(&headings).zip(&mut batch.columns)
        {
            size += match &value {
                Value::Bytes(bytes) => bytes.len() + 16,
                _ => 8,
            };
            add(value, heading, column)?;
        }
        if batch.end_row(size) && matches!(sender.rows(batch.take()).await, Err(Gone)) {
            return Ok(());
        }
    }
    if batch.rows > 0 {
        // The writer may have ended with an error of its own.
        drop(sender.rows(batch).await);
    }
    drop(found);
    connection.disconnect().await.map_err(fault(end))
}

fn query(select: &Select) -> Result<String> {
    Ok(match select {
        Select::Table(table) => format!("SELECT * FROM {}", Quote::Back.table(table)),
        Select::Query(query) => query.trim().trim_end_matches(';').to_owned(),
        Select::Procedure { name, parameters } => {
            let given = parameters
                .iter()
                .map(argument)
                .collect::<Result<Vec<_>>>()?;
            format!("CALL {}({})", Quote::Back.table(name), given.join(", "))
        }
    })
}

/// A parameter; MySQL takes them in order and has no type for UUIDs.
fn argument(given: &ProcedureParameter) -> Result<String> {
    match (given.kind, &given.value) {
        (ProcedureType::Guid | ProcedureType::Date, Some(text)) => Ok(literal(text)),
        _ => crate::sql::parameter(given),
    }
}

fn heading(column: &Described) -> Heading {
    use ColumnType as Theirs;
    let is_unsigned = column.flags().contains(ColumnFlags::UNSIGNED_FLAG);
    let is_binary = column.character_set() == BINARY;
    let kind = match column.column_type() {
        Theirs::MYSQL_TYPE_TINY | Theirs::MYSQL_TYPE_YEAR => Kind::Int(16),
        Theirs::MYSQL_TYPE_SHORT if is_unsigned => Kind::Int(32),
        Theirs::MYSQL_TYPE_SHORT => Kind::Int(16),
        Theirs::MYSQL_TYPE_INT24 => Kind::Int(32),
        Theirs::MYSQL_TYPE_LONG if is_unsigned => Kind::Int(64),
        Theirs::MYSQL_TYPE_LONG => Kind::Int(32),
        Theirs::MYSQL_TYPE_LONGLONG if is_unsigned => Kind::Decimal(20, 0),
        Theirs::MYSQL_TYPE_LONGLONG => Kind::Int(64),
        Theirs::MYSQL_TYPE_FLOAT => Kind::Float32,
        Theirs::MYSQL_TYPE_DOUBLE => Kind::Float64,
        Theirs::MYSQL_TYPE_DECIMAL | Theirs::MYSQL_TYPE_NEWDECIMAL => {
            decimal_of(column.column_length(), column.decimals(), is_unsigned)
        }
        Theirs::MYSQL_TYPE_DATE | Theirs::MYSQL_TYPE_NEWDATE => Kind::Date,
        Theirs::MYSQL_TYPE_DATETIME | Theirs::MYSQL_TYPE_DATETIME2 => Kind::Timestamp,
        Theirs::MYSQL_TYPE_TIMESTAMP | Theirs::MYSQL_TYPE_TIMESTAMP2 => Kind::Instant,
        Theirs::MYSQL_TYPE_JSON => Kind::Json,
        Theirs::MYSQL_TYPE_BIT if column.column_length() == 1 => Kind::Bool,
        Theirs::MYSQL_TYPE_BIT | Theirs::MYSQL_TYPE_GEOMETRY => Kind::Bytes,
        // One that is longer than a day is no time of a day.
        Theirs::MYSQL_TYPE_TIME | Theirs::MYSQL_TYPE_TIME2 | Theirs::MYSQL_TYPE_NULL => Kind::Text,
        _ if is_binary => Kind::Bytes,
        _ => Kind::Text,
    };
    let name = column.name_str().into_owned();
    Heading { name, kind }
}

/// The digits of a decimal; its length counts the point and the sign too.
fn decimal_of(length: u32, scale: u8, is_unsigned: bool) -> Kind {
    let marks = u32::from(scale > 0) + u32::from(!is_unsigned);
    match u8::try_from(length.saturating_sub(marks)) {
        Ok(digits) if (1..=DIGITS_MAX).contains(&digits) && scale <= digits => {
            Kind::Decimal(digits, scale)
        }
        _ => Kind::Text,
    }
}

fn add(value: Value, heading: &Heading, column: &mut Column) -> Result<()> {
    let name = &heading.name;
    match (heading.kind, value) {
        (_, Value::NULL) => column.null(),
        (Kind::Decimal(digits, scale), value) => {
            let text = match value {
                Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                other => other.as_sql(true),
            };
            column.decimal(decimal(name, &text, digits, scale)?);
        }
        (Kind::Bool, Value::Bytes(bytes)) => column.bool(bytes.iter().any(|byte| *byte != 0)),
        (Kind::Text | Kind::Json, Value::Bytes(bytes)) => column.text(name, bytes.into())?,
        (Kind::Bytes, Value::Bytes(bytes)) => column.bytes(bytes.into()),
        (Kind::Int(_), Value::Int(value)) => column.int(value),
        (Kind::Int(_), Value::UInt(value)) => {
            column.int(i64::try_from(value).map_err(|_| misfit(name, value))?);
        }
        (Kind::Float32, Value::Float(value)) => column.float32(value),
        (Kind::Float64, Value::Double(value)) => column.float64(value),
        (Kind::Date, Value::Date(year, month, day, ..)) => {
            column.int(day_of(name, year, month, day)?);
        }
        (
            Kind::Timestamp | Kind::Instant,
            Value::Date(year, month, day, hour, minute, second, us),
        ) => {
            let days = day_of(name, year, month, day)?;
            let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
            column.int((days * 86_400 + seconds) * 1_000_000 + i64::from(us));
        }
        (Kind::Text, Value::Time(is_negative, days, hours, minutes, seconds, us)) => {
            let sign = if is_negative { "-" } else { "" };
            let hours = days * 24 + u32::from(hours);
            let mut text = format!("{sign}{hours:02}:{minutes:02}:{seconds:02}");
            if us > 0 {
                text.push_str(&format!(".{us:06}"));
            }
            column.bytes(Bytes::from(text));
        }
        (Kind::Text, other) => {
            column.bytes(other.as_sql(true).trim_matches('\'').to_owned().into());
        }
        (_, other) => return Err(misfit(name, other.as_sql(true))),
    }
    Ok(())
}

fn day_of(name: &str, year: u16, month: u8, day: u8) -> Result<i64> {
    match (year, month, day) {
        (_, 0, _) | (_, _, 0) => {
            let text = format!("`{year:04}-{month:02}-{day:02}` is no date");
            Err(misfit(name, text))
        }
        _ => Ok(days_of(i64::from(year), i64::from(month), i64::from(day))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_of_a_decimal_are_known_by_its_length() {
        assert_eq!(decimal_of(22, 4, false), Kind::Decimal(20, 4));
        assert_eq!(decimal_of(5, 0, true), Kind::Decimal(5, 0));
        assert_eq!(decimal_of(67, 30, false), Kind::Text);
    }

    #[test]
    fn a_date_that_is_none_is_refused() {
        assert_eq!(day_of("d", 1970, 1, 2).ok(), Some(1));
        let fault = day_of("d", 0, 0, 0).expect_err("none").to_string();
        assert!(
            fault.contains("column `d`") && fault.contains("0000-00-00"),
            "{fault}"
        );
    }
}
