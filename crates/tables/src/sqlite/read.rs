//! Rows out of SQLite. Where nothing is declared, as for an expression, the first values say what a
//! column holds.

use bytes::Bytes;
use camino::Utf8Path;
use rusqlite::types::{Type, Value, ValueRef};
use rusqlite::{OpenFlags, Rows, Statement};
use stepwell_transfer::table::TableEnd;

use super::{Declared, blocking, declared, fault, open};
use crate::copy::{Select, Source};
use crate::error::{Error, Result};
use crate::rows::{Gone, Sender};
use crate::sql::Quote;
use crate::text;
use crate::value::{BATCH_ROWS, Batch, Column, Heading, Kind, decimal, misfit};

/// Reads rows.
pub(crate) async fn read(file: &Utf8Path, source: &Source<'_>, sender: &Sender) -> Result<()> {
    let query = match source.select {
        Select::Table(table) => format!("SELECT * FROM {}", Quote::Double.table(table)),
        Select::Query(query) => query.clone(),
        Select::Procedure { .. } => {
            let name = &source.end.name;
            return Err(Error::refused(
                format!("datastore `{name}` is SQLite, which has no stored procedures"),
                "copy a table or a query",
            ));
        }
    };
    let (file, job) = (file.to_owned(), source.owned());
    let sender = sender.clone();
    blocking(move || read_all(&file, &job.0, &job.1, &query, &sender)).await
}

fn read_all(
    file: &Utf8Path,
    end: &TableEnd,
    select: &Select,
    query: &str,
    sender: &Sender,
) -> Result<()> {
    let source = Source { end, select };
    let connection = open(file, end, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare(query).map_err(|error| match select {
        Select::Table(_) if error.to_string().contains("no such table") => source.missing(),
        _ => fault(end)(error),
    })?;
    if !statement.readonly() {
        return Err(Error::refused(
            format!("the query changes datastore `{}`", end.name),
            "copy a SELECT",
        ));
    }
    let known = columns_of(&statement);
    if known.is_empty() {
        return Err(source.no_rows());
    }
    let width = known.len();
    let mut found = statement.query([]).map_err(fault(end))?;
    let first = match known.iter().all(|(_, kind)| kind.is_some()) {
        true => Vec::new(),
        false => first_rows(&mut found, width).map_err(fault(end))?,
    };
    let headings = known.into_iter().enumerate().map(|(index, (name, kind))| {
        let kind = kind.unwrap_or_else(|| seen(first.iter().map(|row| row[index].data_type())));
        Heading { name, kind }
    });
    let headings: Vec<Heading> = headings.collect();
    source.check_names(&headings)?;
    if sender.columns_blocking(headings.clone()).is_err() {
        return Ok(());
    }
    let mut out = Out {
        batch: Batch::new(&headings),
        headings: &headings,
        sender,
    };
    for row in &first {
        let values = row.iter().map(|value| Ok(value.into()));
        if out.row(values)?.is_some() {
            return Ok(());
        }
    }
    while let Some(row) = found.next().map_err(fault(end))? {
        let values = (0..width).map(|index| row.get_ref(index).map_err(fault(end)));
        if out.row(values)?.is_some() {
            return Ok(());
        }
    }
    if out.batch.rows > 0 {
        // The writer may have ended with an error of its own.
        drop(sender.rows_blocking(out.batch));
    }
    Ok(())
}

/// The columns of a statement, and what is declared of them.
fn columns_of(statement: &Statement<'_>) -> Vec<(String, Option<Kind>)> {
    let columns = statement.columns().map(|column| {
        let kind = column.decl_type().and_then(declared).map(kind_of);
        (column.name().to_owned(), kind)
    });
    columns.collect()
}

/// The first rows, which are looked at before the columns are announced.
fn first_rows(found: &mut Rows<'_>, width: usize) -> rusqlite::Result<Vec<Vec<Value>>> {
    let mut first = Vec::new();
    while first.len() < BATCH_ROWS {
        let Some(row) = found.next()? else { break };
        let values = (0..width).map(|index| row.get(index));
        first.push(values.collect::<Result<_, _>>()?);
    }
    Ok(first)
}

/// Where rows go.
struct Out<'a> {
    batch: Batch,
    headings: &'a [Heading],
    sender: &'a Sender,
}

impl Out<'_> {
    /// Adds a row; whether nobody takes rows any more.
    fn row<'v>(
        &mut self,
        values: impl Iterator<Item = Result<ValueRef<'v>>>,
    ) -> Result<Option<Gone>> {
        let mut size = 0;
        let places = self.headings.iter().zip(&mut self.batch.columns);
        for (value, (heading, column)) in values.zip(places) {
            size += add(value?, heading, column)?;
        }
        if self.batch.end_row(size) {
            return Ok(self.sender.rows_blocking(self.batch.take()).err());
        }
        Ok(None)
    }
}

const fn kind_of(declared: Declared) -> Kind {
    match declared {
        Declared::Bool => Kind::Bool,
        Declared::Int => Kind::Int(64),
        Declared::Float => Kind::Float64,
        Declared::Decimal(digits, scale) => Kind::Decimal(digits, scale),
        Declared::Text => Kind::Text,
        Declared::Json => Kind::Json,
        Declared::Uuid => Kind::Uuid,
        Declared::Bytes => Kind::Bytes,
        Declared::Date => Kind::Date,
        Declared::Time => Kind::Time,
        Declared::Timestamp => Kind::Timestamp,
        Declared::Instant => Kind::Instant,
    }
}

/// What a column holds by its first values.
fn seen(types: impl Iterator<Item = Type>) -> Kind {
    let known = types.filter(|found| *found != Type::Null);
    let kind = known.fold(None, |kind, found| {
        Some(match (kind, found) {
            (None | Some(Kind::Int(_)), Type::Integer) => Kind::Int(64),
            (Some(Kind::Float64), Type::Integer)
            | (None | Some(Kind::Int(_) | Kind::Float64), Type::Real) => Kind::Float64,
            (None | Some(Kind::Bytes), Type::Blob) => Kind::Bytes,
            _ => Kind::Text,
        })
    });
    kind.unwrap_or(Kind::Text)
}

/// Adds a value; how large it is.
fn add(value: ValueRef<'_>, heading: &Heading, column: &mut Column) -> Result<usize> {
    let name = &heading.name;
    let none = || {
        let (kind, found) = (heading.kind, value.data_type());
        let fault = format!("it is {found:?}, and the column {kind:?}");
        Err(misfit(name, fault.to_lowercase()))
    };
    match (heading.kind, value) {
        (_, ValueRef::Null) => column.null(),
        (Kind::Bool, ValueRef::Integer(number @ (0 | 1))) => column.bool(number == 1),
        (Kind::Int(_), ValueRef::Integer(number)) => column.int(number),
        (Kind::Float64, ValueRef::Real(number)) => column.float64(number),
        (Kind::Float64, ValueRef::Integer(number)) => column.float64(number as f64),
        (Kind::Text | Kind::Json, ValueRef::Text(text)) => {
            column.text(name, Bytes::copy_from_slice(text))?;
        }
        (Kind::Bytes, ValueRef::Blob(bytes) | ValueRef::Text(bytes)) => {
            column.bytes(Bytes::copy_from_slice(bytes));
        }
        (Kind::Uuid, _) => match uuid_of(value) {
            Some(bytes) => column.bytes(bytes),
            None => return none(),
        },
        (Kind::Decimal(digits, scale), _) => match text_of(value) {
            Some(text) => column.decimal(decimal(name, &text, digits, scale)?),
            None => return none(),
        },
        (Kind::Text, _) => match text_of(value) {
            Some(text) => column.bytes(text.into()),
            None => return none(),
        },
        (kind, _) => match text_of(value).and_then(|text| moment(kind, &text)) {
            Some(number) => column.int(number),
            None => return none(),
        },
    }
    Ok(match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len() + 16,
        _ => 8,
    })
}

fn text_of(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(text) => std::str::from_utf8(text).ok().map(str::to_owned),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

/// A date or a time out of its text; nothing for another kind.
fn moment(kind: Kind, text: &str) -> Option<i64> {
    match kind {
        Kind::Date => text::read_date(text),
        Kind::Time => text::read_time(text),
        Kind::Timestamp => text::read_timestamp(text, false),
        Kind::Instant => text::read_timestamp(text, true),
        _ => None,
    }
}

fn uuid_of(value: ValueRef<'_>) -> Option<Bytes> {
    match value {
        ValueRef::Blob(bytes) if bytes.len() == 16 => Some(Bytes::copy_from_slice(bytes)),
        ValueRef::Text(text) => {
            let digits: String = std::str::from_utf8(text).ok()?.replace('-', "");
            let bytes = text::bytes_of(&format!("\\x{digits}"))?;
            (bytes.len() == 16).then(|| bytes.into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_values_say_what_nothing_else_says() {
        let kind = |types: &[Type]| seen(types.iter().copied());
        assert_eq!(kind(&[Type::Null, Type::Integer]), Kind::Int(64));
        assert_eq!(
            kind(&[Type::Integer, Type::Real, Type::Integer]),
            Kind::Float64
        );
        assert_eq!(kind(&[Type::Integer, Type::Text]), Kind::Text);
        assert_eq!(kind(&[Type::Blob]), Kind::Bytes);
        assert_eq!(kind(&[]), Kind::Text);
    }

    #[test]
    fn a_value_of_another_type_is_refused_with_its_column() {
        let heading = Heading {
            name: "n".to_owned(),
            kind: Kind::Int(64),
        };
        let mut column = Column::new(heading.kind);
        let refused = add(ValueRef::Text(b"many"), &heading, &mut column);
        let text = refused.expect_err("refused").to_string();
        assert!(
            text.contains("column `n`") && text.contains("text"),
            "{text}"
        );
    }
}
