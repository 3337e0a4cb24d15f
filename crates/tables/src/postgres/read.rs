//! Rows out of PostgreSQL, by `COPY … TO STDOUT (FORMAT binary)`: one statement, so one state of the
//! table. <https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format".
//!
//! Types that are none of ours are sent as the text that the server makes of them.

use std::ops::Range;
use std::pin::Pin;

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use stepwell_datastore::definition::Database;
use tokio_postgres::types::{Kind as TypeKind, Type};
use tokio_postgres::{Column as Described, CopyOutStream};

use super::{connect, fault};
use crate::copy::{Select, Source};
use crate::error::{Error, Result};
use crate::rows::{Gone, Sender};
use crate::sql::{Quote, parameter};
use crate::value::{Batch, Column, DIGITS_MAX, Heading, Kind, misfit};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// From 1970-01-01, which is day 0 here, to 2000-01-01, which is theirs.
const EPOCH_DAYS: i64 = 10_957;
const EPOCH_US: i64 = EPOCH_DAYS * 86_400_000_000;

/// Reads rows.
pub(crate) async fn read(place: &Database, source: &Source<'_>, sender: &Sender) -> Result<()> {
    let end = source.end;
    let client = connect(place, end).await?;
    if !matches!(source.select, Select::Procedure { .. }) {
        let only = "SET default_transaction_read_only = on";
        client.batch_execute(only).await.map_err(fault(end))?;
    }
    let query = query(source.select)?;
    let prepared = client.prepare(&query).await.map_err(|error| {
        let missing = error
            .as_db_error()
            .is_some_and(|said| said.code().code() == "42P01");
        match (missing, source.select) {
            (true, Select::Table(_)) => source.missing(),
            _ => fault(end)(error),
        }
    })?;
    if prepared.columns().is_empty() {
        return Err(source.no_rows());
    }
    let fields: Vec<Field> = prepared.columns().iter().map(Field::of).collect();
    let headings: Vec<Heading> = fields.iter().map(|field| field.heading.clone()).collect();
    source.check_names(&headings)?;
    if sender.columns(headings.clone()).await.is_err() {
        return Ok(());
    }
    let copy = statement(&query, &fields);
    let stream = client.copy_out(copy.as_str()).await.map_err(fault(end))?;
    send(&fields, &headings, std::pin::pin!(stream), source, sender).await
}

/// The statement whose answer is the rows; what is none of our types is sent as text.
fn statement(query: &str, fields: &[Field]) -> String {
    match fields.iter().any(|field| field.is_cast) {
        false => format!("COPY (\n{query}\n) TO STDOUT (FORMAT binary)"),
        true => {
            let names = fields.iter().map(|field| {
                let name = Quote::Double.name(&field.heading.name);
                if field.is_cast {
                    format!("{name}::text")
                } else {
                    name
                }
            });
            let names = names.collect::<Vec<_>>().join(", ");
            format!("COPY (SELECT {names} FROM (\n{query}\n) AS source) TO STDOUT (FORMAT binary)")
        }
    }
}

async fn send(
    fields: &[Field],
    headings: &[Heading],
    mut stream: Pin<&mut CopyOutStream>,
    source: &Source<'_>,
    sender: &Sender,
) -> Result<()> {
    let mut parser = Parser::default();
    let mut batch = Batch::new(headings);
    while let Some(bytes) = stream.try_next().await.map_err(fault(source.end))? {
        parser.take(bytes);
        while let Some(row) = parser.row(fields.len())? {
            let size = row.len();
            add(fields, &row, &mut batch)?;
            if batch.end_row(size) && matches!(sender.rows(batch.take()).await, Err(Gone)) {
                return Ok(());
            }
        }
    }
    if !parser.is_over {
        return Err(fault_of(source, "the rows broke off"));
    }
    if batch.rows > 0 {
        // The writer may have ended with an error of its own.
        drop(sender.rows(batch).await);
    }
    Ok(())
}

fn fault_of(source: &Source<'_>, text: &str) -> Error {
    Error::Database {
        place: source.end.shown(),
        text: text.to_owned(),
    }
}

fn query(select: &Select) -> Result<String> {
    Ok(match select {
        Select::Table(table) => format!("SELECT * FROM {}", Quote::Double.table(table)),
        Select::Query(query) => query.trim().trim_end_matches(';').to_owned(),
        Select::Procedure { name, parameters } => {
            let given = parameters.iter().map(|given| {
                let name = Quote::Double.name(given.name.trim_start_matches('@'));
                Ok(format!("{name} => {}", parameter(given)?))
            });
            let given = given.collect::<Result<Vec<_>>>()?.join(", ");
            format!("SELECT * FROM {}({given})", Quote::Double.table(name))
        }
    })
}

/// How a column is sent, and what becomes of it.
#[derive(Debug)]
struct Field {
    heading: Heading,
    form: Form,
    /// Whether it is asked for as text.
    is_cast: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Bool,
    Int16,
    Int32,
    Int64,
    Oid,
    Float32,
    Float64,
    Numeric(u8),
    Text,
    Jsonb,
    Plain,
    Date,
    Time,
    Timestamp,
}

impl Field {
    fn of(column: &Described) -> Self {
        let mut base = column.type_();
        while let TypeKind::Domain(inner) = base.kind() {
            base = inner;
        }
        let (kind, form, is_cast) = match *base {
            Type::BOOL => (Kind::Bool, Form::Bool, false),
            Type::INT2 => (Kind::Int(16), Form::Int16, false),
            Type::INT4 => (Kind::Int(32), Form::Int32, false),
            Type::INT8 => (Kind::Int(64), Form::Int64, false),
            Type::OID => (Kind::Int(64), Form::Oid, false),
            Type::FLOAT4 => (Kind::Float32, Form::Float32, false),
            Type::FLOAT8 => (Kind::Float64, Form::Float64, false),
            Type::NUMERIC => match decimal_of(column.type_modifier()) {
                Some((digits, scale)) => {
                    (Kind::Decimal(digits, scale), Form::Numeric(scale), false)
                }
                None => (Kind::Text, Form::Text, true),
            },
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => {
                (Kind::Text, Form::Text, false)
            }
            Type::JSON => (Kind::Json, Form::Text, false),
            Type::JSONB => (Kind::Json, Form::Jsonb, false),
            Type::UUID => (Kind::Uuid, Form::Plain, false),
            Type::BYTEA => (Kind::Bytes, Form::Plain, false),
            Type::DATE => (Kind::Date, Form::Date, false),
            Type::TIME => (Kind::Time, Form::Time, false),
            Type::TIMESTAMP => (Kind::Timestamp, Form::Timestamp, false),
            Type::TIMESTAMPTZ => (Kind::Instant, Form::Timestamp, false),
            _ => (Kind::Text, Form::Text, true),
        };
        let name = column.name().to_owned();
        Self {
            heading: Heading { name, kind },
            form,
            is_cast,
        }
    }
}

/// The digits of a `numeric(p, s)`; nothing for one without, or with more than travel as a number.
fn decimal_of(modifier: i32) -> Option<(u8, u8)> {
    let packed = u32::try_from(modifier.checked_sub(4)?).ok()?;
    let (digits, scale) = (packed >> 16, packed & 0x7ff);
    let fits = digits <= u32::from(DIGITS_MAX) && scale <= digits;
    fits.then(|| Some((u8::try_from(digits).ok()?, u8::try_from(scale).ok()?)))
        .flatten()
}

/// Cuts the stream into rows.
#[derive(Debug, Default)]
struct Parser {
    buffer: Bytes,
    has_begun: bool,
    is_over: bool,
}

impl Parser {
    fn take(&mut self, bytes: Bytes) {
        // A message is a row, as a rule; nothing is copied then.
        if self.buffer.is_empty() {
            self.buffer = bytes;
            return;
        }
        let mut joined = BytesMut::with_capacity(self.buffer.len() + bytes.len());
        joined.extend_from_slice(&self.buffer);
        joined.extend_from_slice(&bytes);
        self.buffer = joined.freeze();
    }

    /// The fields of the next row, each with its length before it, if the row is complete.
    fn row(&mut self, width: usize) -> Result<Option<Bytes>> {
        if !self.has_begun && !self.begin()? {
            return Ok(None);
        }
        let Some(count) = peek::<2>(&self.buffer, 0).map(i16::from_be_bytes) else {
            return Ok(None);
        };
        if count == -1 {
            self.is_over = true;
            self.buffer.clear();
            return Ok(None);
        }
        if usize::try_from(count) != Ok(width) {
            return Err(garbled());
        }
        let mut at = 2;
        for _ in 0..width {
            let Some(length) = peek::<4>(&self.buffer, at).map(i32::from_be_bytes) else {
                return Ok(None);
            };
            at += 4 + usize::try_from(length.max(0)).map_err(|_| garbled())?;
        }
        if self.buffer.len() < at {
            return Ok(None);
        }
        let mut row = self.buffer.split_to(at);
        row.advance(2);
        Ok(Some(row))
    }

    /// Passes over the header, once it is complete.
    fn begin(&mut self) -> Result<bool> {
        let fixed = SIGNATURE.len() + 8;
        let Some(length) = peek::<4>(&self.buffer, fixed - 4).map(u32::from_be_bytes) else {
            return Ok(false);
        };
        if !self.buffer.starts_with(SIGNATURE) {
            return Err(garbled());
        }
        let whole = fixed + usize::try_from(length).map_err(|_| garbled())?;
        if self.buffer.len() < whole {
            return Ok(false);
        }
        self.buffer.advance(whole);
        self.has_begun = true;
        Ok(true)
    }
}

fn peek<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

fn garbled() -> Error {
    Error::Usage("the server sends rows in another form than PostgreSQL".to_owned())
}

fn add(fields: &[Field], row: &Bytes, batch: &mut Batch) -> Result<()> {
    let mut at = 0;
    for (field, column) in fields.iter().zip(&mut batch.columns) {
        let length = peek::<4>(row, at)
            .map(i32::from_be_bytes)
            .ok_or_else(garbled)?;
        at += 4;
        match usize::try_from(length) {
            Ok(length) => {
                value(field, row, at..at + length, column)?;
                at += length;
            }
            Err(_) => column.null(),
        }
    }
    Ok(())
}

/// Adds the value in a range of a row. Texts and bytes stay where the network has put them.
fn value(field: &Field, row: &Bytes, range: Range<usize>, column: &mut Column) -> Result<()> {
    let name = &field.heading.name;
    let mut bytes = row.get(range.clone()).ok_or_else(garbled)?;
    let fixed = match field.form {
        Form::Bool => 1,
        Form::Int16 => 2,
        Form::Int32 | Form::Oid | Form::Float32 | Form::Date => 4,
        Form::Int64 | Form::Float64 | Form::Time | Form::Timestamp => 8,
        Form::Jsonb => 1,
        Form::Numeric(_) => 8,
        Form::Text | Form::Plain => 0,
    };
    if bytes.len() < fixed {
        return Err(garbled());
    }
    match field.form {
        Form::Bool => column.bool(bytes[0] != 0),
        Form::Int16 => column.int(i64::from(bytes.get_i16())),
        Form::Int32 => column.int(i64::from(bytes.get_i32())),
        Form::Int64 | Form::Time => column.int(bytes.get_i64()),
        Form::Oid => column.int(i64::from(bytes.get_u32())),
        Form::Float32 => column.float32(bytes.get_f32()),
        Form::Float64 => column.float64(bytes.get_f64()),
        Form::Numeric(scale) => column.decimal(numeric(name, bytes, scale)?),
        Form::Text => column.text(name, row.slice(range))?,
        Form::Jsonb => column.text(name, row.slice(range.start + 1..range.end))?,
        Form::Plain => column.bytes(row.slice(range)),
        Form::Date => match bytes.get_i32() {
            i32::MAX | i32::MIN => return Err(misfit(name, "infinity is no date elsewhere")),
            days => column.int(i64::from(days) + EPOCH_DAYS),
        },
        Form::Timestamp => match bytes.get_i64() {
            i64::MAX | i64::MIN => return Err(misfit(name, "infinity is no time elsewhere")),
            micros => column.int(micros + EPOCH_US),
        },
    }
    Ok(())
}

/// A number of digits to the base 10,000, without its point.
fn numeric(name: &str, mut bytes: &[u8], scale: u8) -> Result<i128> {
    let (count, weight) = (bytes.get_u16(), bytes.get_i16());
    let (sign, _shown) = (bytes.get_u16(), bytes.get_u16());
    if !matches!(sign, 0 | 0x4000) {
        return Err(misfit(
            name,
            "NaN and infinity are no decimal numbers elsewhere",
        ));
    }
    if bytes.len() < usize::from(count) * 2 {
        return Err(garbled());
    }
    let mut value = 0_i128;
    for index in 0..count {
        let digit = i128::from(bytes.get_u16());
        let power = (i32::from(weight) - i32::from(index)) * 4 + i32::from(scale);
        let ten = |power: i32| 10_i128.checked_pow(power.unsigned_abs());
        let part = match power {
            0.. => ten(power).and_then(|ten| digit.checked_mul(ten)),
            // Digits behind the scale are zeros: the column has no more.
            _ => ten(power).map(|ten| digit / ten),
        };
        value += part.ok_or_else(|| misfit(name, "it has too many digits"))?;
    }
    Ok(if sign == 0 { value } else { -value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &[Option<&[u8]>]) -> Vec<u8> {
        let mut bytes = i16::try_from(fields.len())
            .expect("few")
            .to_be_bytes()
            .to_vec();
        for field in fields {
            let length = field.map_or(-1, |field| i32::try_from(field.len()).expect("short"));
            bytes.extend(length.to_be_bytes());
            bytes.extend(field.unwrap_or_default());
        }
        bytes
    }

    #[test]
    fn rows_come_out_however_the_stream_is_cut() {
        let mut stream = SIGNATURE.to_vec();
        stream.extend([0; 8]);
        stream.extend(row(&[Some(b"ab"), None]));
        stream.extend(row(&[None, Some(b"")]));
        stream.extend((-1_i16).to_be_bytes());
        for size in 1..stream.len() {
            let (mut parser, mut rows) = (Parser::default(), Vec::new());
            for piece in stream.chunks(size) {
                parser.take(Bytes::copy_from_slice(piece));
                while let Some(row) = parser.row(2).expect("rows") {
                    rows.push(row);
                }
            }
            assert!(parser.is_over);
            let first = [0, 0, 0, 2, b'a', b'b', 255, 255, 255, 255];
            assert_eq!(rows, [&first[..], &[255, 255, 255, 255, 0, 0, 0, 0]]);
        }
    }

    #[test]
    fn a_number_is_read_digit_by_digit() {
        let number = |sign: u16, weight: i16, digits: &[u16], scale| {
            let mut bytes = u16::try_from(digits.len())
                .expect("few")
                .to_be_bytes()
                .to_vec();
            bytes.extend(weight.to_be_bytes());
            bytes.extend(sign.to_be_bytes());
            bytes.extend(u16::from(scale).to_be_bytes());
            for digit in digits {
                bytes.extend(digit.to_be_bytes());
            }
            numeric("n", &bytes, scale).map_err(|error| error.to_string())
        };
        assert_eq!(number(0, 0, &[12, 5000], 4), Ok(125_000));
        assert_eq!(number(0x4000, -1, &[100], 2), Ok(-1));
        assert_eq!(number(0, 1, &[1], 0), Ok(10_000));
        assert_eq!(number(0, 0, &[], 9), Ok(0));
        assert!(number(0xC000, 0, &[], 2).is_err());
    }

    #[test]
    fn the_digits_of_a_type_are_known_or_it_travels_as_text() {
        assert_eq!(decimal_of(((20 << 16) | 4) + 4), Some((20, 4)));
        assert_eq!(decimal_of(-1), None);
        assert_eq!(decimal_of((1000 << 16) + 4), None);
    }
}
