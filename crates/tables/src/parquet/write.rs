//! Rows into a Parquet file: row groups of bounded size, compressed with Snappy, whose bytes are taken
//! out as they are made.
//!
//! A row group has to be written column by column, so its rows are kept until there are enough: a
//! [`Group`] is filled while the [`Encoder`] is at work on the one before.

use std::collections::HashSet;
use std::hash::Hash;
use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::ColumnPath;

use super::schema::{is_int64, schema_of};
use crate::value::{Batch, Column, Data, Heading, Kind};

/// How many rows a row group has at most.
const GROUP_ROWS: usize = 1_000_000;

/// How large the values of a row group are, about.
const GROUP_BYTES: usize = 16 << 20;

/// How many values of a column are looked at before it is decided how to write it.
const SAMPLE: usize = 2_000;

/// Rows that become one row group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    batches: Vec<Batch>,
    pub(crate) rows: usize,
    bytes: usize,
}

impl Group {
    /// Adds rows.
    pub(crate) fn add(&mut self, batch: Batch) {
        self.rows += batch.rows;
        self.bytes += batch.bytes;
        self.batches.push(batch);
    }

    /// Whether there are enough.
    pub(crate) fn is_full(&self) -> bool {
        self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES
    }
}

/// Makes a file of groups of rows. How it is written is decided when the first of them is there.
pub(crate) struct Encoder<W: Write + Send> {
    headings: Vec<Heading>,
    out: Option<W>,
    writer: Option<SerializedFileWriter<W>>,
}

impl<W: Write + Send> Encoder<W> {
    /// A file with these columns.
    pub(crate) fn new(out: W, headings: &[Heading]) -> Self {
        Self {
            headings: headings.to_vec(),
            out: Some(out),
            writer: None,
        }
    }

    fn writer(&mut self, first: &[Batch]) -> Result<&mut SerializedFileWriter<W>> {
        if let Some(out) = self.out.take() {
            let properties = Arc::new(properties(&self.headings, first));
            let schema = schema_of(&self.headings)?;
            self.writer = Some(SerializedFileWriter::new(out, schema, properties)?);
        }
        let gone = || ParquetError::General("the file could not be begun".to_owned());
        self.writer.as_mut().ok_or_else(gone)
    }

    /// Writes the end of the file.
    pub(crate) fn finish(mut self) -> Result<()> {
        let writer = self.writer(&[])?;
        writer.finish()?;
        writer.inner_mut().flush()?;
        Ok(())
    }

    /// Adds rows.
    pub(crate) fn add(&mut self, group: Group) -> Result<()> {
        let writer = self.writer(&group.batches)?;
        let mut columns: Vec<Vec<Column>> = Vec::new();
        for batch in group.batches {
            columns.resize_with(batch.columns.len(), Vec::new);
            for (index, column) in batch.columns.into_iter().enumerate() {
                columns[index].push(column);
            }
        }
        let mut group = writer.next_row_group()?;
        for parts in columns {
            let Some(mut column) = group.next_column()? else {
                return Err(ParquetError::General("a column too many".to_owned()));
            };
            for part in parts {
                write_column(&mut column, part)?;
            }
            column.close()?;
        }
        group.close().map(drop)
    }
}

/// How a file is written whose first rows are these.
fn properties(headings: &[Heading], first: &[Batch]) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("stepwell ", env!("CARGO_PKG_VERSION")).to_owned());
    let columns = first.first().map_or(&[][..], |batch| &batch.columns);
    for (heading, column) in headings.iter().zip(columns) {
        if hardly_repeats(&column.data) {
            let path = ColumnPath::new(vec![heading.name.clone()]);
            properties = properties.set_column_dictionary_enabled(path, false);
        }
    }
    properties.build()
}

/// Whether nearly all values differ, so that a dictionary of them saves nothing.
fn hardly_repeats(data: &Data) -> bool {
    fn judge<T: Hash + Eq>(values: impl Iterator<Item = T>) -> bool {
        let values: Vec<T> = values.take(SAMPLE).collect();
        let count = values.len();
        let distinct = values.into_iter().collect::<HashSet<T>>().len();
        count == SAMPLE && distinct * 10 >= count * 9
    }
    match data {
        Data::Bool(_) => false,
        Data::Int(values) => judge(values.iter()),
        Data::Float32(values) => judge(values.iter().map(|value| value.to_bits())),
        Data::Float64(values) => judge(values.iter().map(|value| value.to_bits())),
        Data::Decimal(values) => judge(values.iter()),
        Data::Bytes(values) => judge(values.iter()),
    }
}

fn write_column(writer: &mut SerializedColumnWriter<'_>, column: Column) -> Result<()> {
    let Column { kind, marks, data } = column;
    let marks = Some(marks.as_slice());
    match (writer.untyped(), data) {
        (ColumnWriter::BoolColumnWriter(writer), Data::Bool(values)) => {
            writer.write_batch(&values, marks, None)?;
        }
        (ColumnWriter::Int64ColumnWriter(writer), Data::Int(values)) => {
            writer.write_batch(&values, marks, None)?;
        }
        (ColumnWriter::Int32ColumnWriter(writer), Data::Int(values)) => {
            let fits = |value: &i64| {
                let fault =
                    |_| ParquetError::General(format!("{value} is too large for its column"));
                i32::try_from(*value).map_err(fault)
            };
            let values = values.iter().map(fits).collect::<Result<Vec<_>>>()?;
            writer.write_batch(&values, marks, None)?;
        }
        (ColumnWriter::FloatColumnWriter(writer), Data::Float32(values)) => {
            writer.write_batch(&values, marks, None)?;
        }
        (ColumnWriter::DoubleColumnWriter(writer), Data::Float64(values)) => {
            writer.write_batch(&values, marks, None)?;
        }
        (ColumnWriter::Int64ColumnWriter(writer), Data::Decimal(values)) => {
            let fits = |value: &i128| {
                let fault =
                    |_| ParquetError::General(format!("{value} is too large for its column"));
                i64::try_from(*value).map_err(fault)
            };
            debug_assert!(matches!(kind, Kind::Decimal(digits, _) if is_int64(digits)));
            let values = values.iter().map(fits).collect::<Result<Vec<_>>>()?;
            writer.write_batch(&values, marks, None)?;
        }
        (ColumnWriter::FixedLenByteArrayColumnWriter(writer), Data::Decimal(values)) => {
            let bytes = |value: &i128| FixedLenByteArray::from(value.to_be_bytes().to_vec());
            let values: Vec<_> = values.iter().map(bytes).collect();
            writer.write_batch(&values, marks, None)?;
        }
        (ColumnWriter::FixedLenByteArrayColumnWriter(writer), Data::Bytes(values)) => {
            let bytes = |value: Bytes| FixedLenByteArray::from(ByteArray::from(value));
            let values: Vec<_> = values.into_iter().map(bytes).collect();
            writer.write_batch(&values, marks, None)?;
        }
        (ColumnWriter::ByteArrayColumnWriter(writer), Data::Bytes(values)) => {
            let values: Vec<_> = values.into_iter().map(ByteArray::from).collect();
            writer.write_batch(&values, marks, None)?;
        }
        _ => return Err(ParquetError::General("a column of another kind".to_owned())),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionary_is_made_where_values_repeat() {
        let ints = |modulus: i64| Data::Int((0..3_000).map(|each| each % modulus).collect());
        assert!(hardly_repeats(&ints(i64::MAX)));
        assert!(!hardly_repeats(&ints(1_000)));
        assert!(
            !hardly_repeats(&Data::Int((0..10).collect())),
            "too few to know"
        );
        let texts = (0..3_000).map(|each| Bytes::from(format!("{each}")));
        assert!(hardly_repeats(&Data::Bytes(texts.collect())));
        assert!(!hardly_repeats(&Data::Bool(vec![true; 3_000])));
    }
}
