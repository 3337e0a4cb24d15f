//! Rows as they travel: columns of one kind each, with NULLs apart.
//!
//! A kind says what a value means, not how a database or a file has it. Whoever reads rows makes
//! batches, whoever writes rows takes them; nobody else knows what is at the other end.
//!
//! Invariant: a column has one mark for each row and one value for each row that is not NULL.

use bytes::Bytes;

use crate::error::{Error, Result};

/// How many rows a batch has at most.
pub(crate) const BATCH_ROWS: usize = 8_192;

/// How large the values of a batch are, about.
pub(crate) const BATCH_BYTES: usize = 1 << 20;

/// How many digits a decimal has at most; one with more travels as text.
pub(crate) const DIGITS_MAX: u8 = 38;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// True or false.
    Bool,
    /// A whole number of so many bits: 16, 32 or 64.
    Int(u8),
    /// A binary floating point number of 32 bits.
    Float32,
    /// A binary floating point number of 64 bits.
    Float64,
    /// A decimal number with so many digits, of which so many are behind the point.
    Decimal(u8, u8),
    /// A text.
    Text,
    /// A text that is JSON.
    Json,
    /// 16 bytes.
    Uuid,
    /// Bytes.
    Bytes,
    /// Days since 1970-01-01.
    Date,
    /// Microseconds since midnight.
    Time,
    /// Microseconds since 1970-01-01 00:00:00 on a clock without a zone.
    Timestamp,
    /// Microseconds since 1970-01-01 00:00:00 UTC.
    Instant,
    /// What a CSV field says, whatever it means to who reads it.
    Field,
}

/// A column of the rows to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// The names of columns.
pub(crate) fn names(headings: &[Heading]) -> Vec<String> {
    let names = headings.iter().map(|heading| heading.name.clone());
    names.collect()
}

/// Values that are there, in the order of their rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Data {
    Bool(Vec<bool>),
    /// Whole numbers, dates and times.
    Int(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    /// Decimals without their point.
    Decimal(Vec<i128>),
    /// Texts, JSON, UUIDs and bytes.
    Bytes(Vec<Bytes>),
}

/// A column of a batch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    pub(crate) kind: Kind,
    /// 1 for a value and 0 for NULL, as Parquet has it.
    pub(crate) marks: Vec<i16>,
    pub(crate) data: Data,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float32(f32),
    Float64(f64),
    Decimal(i128),
    Bytes(&'a [u8]),
}

impl Column {
    pub(crate) fn new(kind: Kind) -> Self {
        let data = match kind {
            Kind::Bool => Data::Bool(Vec::new()),
            Kind::Int(_) | Kind::Date | Kind::Time | Kind::Timestamp | Kind::Instant => {
                Data::Int(Vec::new())
            }
            Kind::Float32 => Data::Float32(Vec::new()),
            Kind::Float64 => Data::Float64(Vec::new()),
            Kind::Decimal(..) => Data::Decimal(Vec::new()),
            Kind::Text | Kind::Json | Kind::Uuid | Kind::Bytes | Kind::Field => {
                Data::Bytes(Vec::new())
            }
        };
        let marks = Vec::new();
        Self { kind, marks, data }
    }

    pub(crate) fn null(&mut self) {
        self.marks.push(0);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        if let Data::Bool(values) = &mut self.data {
            values.push(value);
            self.marks.push(1);
        }
    }

    pub(crate) fn int(&mut self, value: i64) {
        if let Data::Int(values) = &mut self.data {
            values.push(value);
            self.marks.push(1);
        }
    }

    pub(crate) fn float32(&mut self, value: f32) {
        if let Data::Float32(values) = &mut self.data {
            values.push(value);
            self.marks.push(1);
        }
    }

    pub(crate) fn float64(&mut self, value: f64) {
        if let Data::Float64(values) = &mut self.data {
            values.push(value);
            self.marks.push(1);
        }
    }

    pub(crate) fn decimal(&mut self, value: i128) {
        if let Data::Decimal(values) = &mut self.data {
            values.push(value);
            self.marks.push(1);
        }
    }

    pub(crate) fn bytes(&mut self, value: Bytes) {
        if let Data::Bytes(values) = &mut self.data {
            values.push(value);
            self.marks.push(1);
        }
    }

    /// Adds a text, which must be one.
    pub(crate) fn text(&mut self, name: &str, value: Bytes) -> Result<()> {
        if std::str::from_utf8(&value).is_err() {
            return Err(misfit(name, "it is not UTF-8"));
        }
        self.bytes(value);
        Ok(())
    }

    /// The values, NULLs among them, row by row.
    pub(crate) fn values(&self) -> Values<'_> {
        Values {
            column: self,
            row: 0,
            value: 0,
        }
    }

    /// How large its values are, about.
    fn size(&self) -> usize {
        let values = match &self.data {
            Data::Bool(values) => values.len(),
            Data::Int(values) => values.len() * 8,
            Data::Float32(values) => values.len() * 4,
            Data::Float64(values) => values.len() * 8,
            Data::Decimal(values) => values.len() * 16,
            Data::Bytes(values) => values.iter().map(|value| value.len() + 16).sum(),
        };
        values + self.marks.len()
    }
}

/// The values of a column, row by row.
#[derive(Debug, Clone)]
pub(crate) struct Values<'a> {
    column: &'a Column,
    row: usize,
    value: usize,
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let mark = *self.column.marks.get(self.row)?;
        self.row += 1;
        if mark == 0 {
            return Some(Value::Null);
        }
        let at = self.value;
        self.value += 1;
        Some(match &self.column.data {
            Data::Bool(values) => Value::Bool(values[at]),
            Data::Int(values) => Value::Int(values[at]),
            Data::Float32(values) => Value::Float32(values[at]),
            Data::Float64(values) => Value::Float64(values[at]),
            Data::Decimal(values) => Value::Decimal(values[at]),
            Data::Bytes(values) => Value::Bytes(&values[at]),
        })
    }
}

/// Some rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: usize,
    /// How large its values are, about; counted by whoever fills it.
    pub(crate) bytes: usize,
}

impl Batch {
    pub(crate) fn new(headings: &[Heading]) -> Self {
        Self {
            columns: headings
                .iter()
                .map(|heading| Column::new(heading.kind))
                .collect(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Counts a row whose values have been added, of about this size; whether the batch is full.
    pub(crate) fn end_row(&mut self, bytes: usize) -> bool {
        self.rows += 1;
        self.bytes += bytes;
        self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    /// Counts rows whose values have been added column by column.
    pub(crate) fn end_rows(&mut self, rows: usize) {
        self.rows = rows;
        self.bytes = self.columns.iter().map(Column::size).sum();
    }

    /// What was filled, and another to fill.
    pub(crate) fn take(&mut self) -> Self {
        let empty = Self {
            columns: self
                .columns
                .iter()
                .map(|column| Column::new(column.kind))
                .collect(),
            rows: 0,
            bytes: 0,
        };
        std::mem::replace(self, empty)
    }
}

/// A value that does not fit the kind of its column.
pub(crate) fn misfit(name: &str, fault: impl std::fmt::Display) -> Error {
    Error::refused(
        format!("a value of column `{name}` cannot be copied: {fault}"),
        "select it as another type: a query with CAST",
    )
}

/// A decimal number out of its text, without its point.
pub(crate) fn decimal(name: &str, text: &str, digits: u8, scale: u8) -> Result<i128> {
    let number = text.trim();
    let refuse = || {
        let kind = format!("`{number}` is no decimal number of {digits} digits, {scale} of them");
        misfit(name, format!("{kind} behind the point"))
    };
    let (is_negative, plain) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, rest) = plain.split_once('.').unwrap_or((plain, ""));
    let kept = rest.len().min(usize::from(scale));
    let (kept, more) = rest.split_at_checked(kept).ok_or_else(refuse)?;
    if (whole.is_empty() && rest.is_empty()) || more.bytes().any(|digit| digit != b'0') {
        return Err(refuse());
    }
    let mut value = 0_i128;
    for digit in whole.bytes().chain(kept.bytes()) {
        if !digit.is_ascii_digit() {
            return Err(refuse());
        }
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(i128::from(digit - b'0')))
            .ok_or_else(refuse)?;
    }
    let missing = u32::from(scale) - u32::try_from(kept.len()).unwrap_or(0);
    value = value.checked_mul(10_i128.pow(missing)).ok_or_else(refuse)?;
    match value < 10_i128.pow(u32::from(digits)) {
        true => Ok(if is_negative { -value } else { value }),
        false => Err(refuse()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_in_the_order_of_their_rows() {
        let mut column = Column::new(Kind::Int(64));
        column.int(1);
        column.null();
        column.int(3);
        let values: Vec<_> = column.values().collect();
        assert_eq!(values, [Value::Int(1), Value::Null, Value::Int(3)]);
    }

    #[test]
    fn a_decimal_is_exact_or_refused() {
        let read = |text| decimal("price", text, 5, 2).map_err(|error| error.to_string());
        assert_eq!(read("-12.5"), Ok(-1250));
        assert_eq!(read("999.990"), Ok(99_999));
        assert_eq!(read(".5"), Ok(50));
        for text in [
            "1000", "0.001", "", ".", "1e3", "NaN", "1.2.3", "-", "1ü.5", "5.ü",
        ] {
            let fault = read(text).expect_err(text);
            assert!(fault.contains("column `price`"), "{fault}");
        }
        assert_eq!(decimal("x", "-0", 38, 0).ok(), Some(0));
    }
}
