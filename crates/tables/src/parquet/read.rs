//! Rows of a Parquet file, batch by batch, whoever wrote it. Nothing but flat columns is read.

use bytes::Bytes;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{DataType, Int96};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};

use super::schema::{Form, form_of};
use crate::error::{Error, Result};
use crate::value::{BATCH_ROWS, Batch, Column, Heading, Kind, misfit};

/// A file that is open: its columns are known.
pub(crate) struct Opened<R: ChunkReader + 'static> {
    reader: SerializedFileReader<R>,
    shown: String,
    forms: Vec<Form>,
    pub(crate) headings: Vec<Heading>,
}

/// Reads what a file says of itself.
///
/// # Errors
/// When it is no Parquet file, or has a column that no table has.
pub(crate) fn open<R: ChunkReader + 'static>(file: R, shown: &str) -> Result<Opened<R>> {
    let reader = SerializedFileReader::new(file).map_err(fault(shown))?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let columns = schema.columns().iter();
    let forms = columns.clone().map(|column| form_of(column, shown));
    let forms = forms.collect::<Result<Vec<_>>>()?;
    let headings = columns.zip(&forms).map(|(column, form)| Heading {
        name: column.name().to_owned(),
        kind: form.kind,
    });
    Ok(Opened {
        headings: headings.collect(),
        reader,
        shown: shown.to_owned(),
        forms,
    })
}

fn fault(shown: &str) -> impl Fn(ParquetError) -> Error {
    let file = shown.to_owned();
    move |error| match error {
        // What could not be read of a store is no fault of the file.
        ParquetError::External(error) => match error.downcast::<stepwell_transfer::Error>() {
            Ok(error) => Error::File(*error),
            Err(error) => Error::Parquet {
                file: file.clone(),
                fault: error.to_string(),
            },
        },
        error => Error::Parquet {
            file: file.clone(),
            fault: error.to_string(),
        },
    }
}

impl<R: ChunkReader + 'static> Opened<R> {
    /// Hands out all rows, until whoever takes them wants no more.
    pub(crate) fn each(&self, take: &mut impl FnMut(Batch) -> bool) -> Result<()> {
        let fault = fault(&self.shown);
        for group in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(group).map_err(&fault)?;
            let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            let readers = (0..self.forms.len()).map(|index| group.get_column_reader(index));
            let mut readers = readers.collect::<Result<Vec<_>, _>>().map_err(&fault)?;
            let mut left = rows;
            while left > 0 {
                let count = left.min(BATCH_ROWS);
                let mut batch = Batch::new(&self.headings);
                for (index, reader) in readers.iter_mut().enumerate() {
                    let column = &mut batch.columns[index];
                    let name = &self.headings[index].name;
                    self.column(reader, count, &self.forms[index], name, column)?;
                }
                batch.end_rows(count);
                if !take(batch) {
                    return Ok(());
                }
                left -= count;
            }
        }
        Ok(())
    }

    fn column(
        &self,
        reader: &mut ColumnReader,
        count: usize,
        form: &Form,
        name: &str,
        column: &mut Column,
    ) -> Result<()> {
        let integer = |value: i64| scaled(value, form, name);
        match reader {
            ColumnReader::Int32ColumnReader(reader) => {
                self.values(reader, count, column, |column, value| {
                    match form.kind {
                        Kind::Decimal(..) => column.decimal(i128::from(value)),
                        // Unsigned numbers are kept in signed ones.
                        Kind::Int(64) => column.int(i64::from(value.cast_unsigned())),
                        _ => column.int(integer(i64::from(value))?),
                    }
                    Ok(())
                })
            }
            ColumnReader::Int64ColumnReader(reader) => {
                self.values(reader, count, column, |column, value| {
                    match form.kind {
                        Kind::Decimal(20, 0) => column.decimal(i128::from(value.cast_unsigned())),
                        Kind::Decimal(..) => column.decimal(i128::from(value)),
                        _ => column.int(integer(value)?),
                    }
                    Ok(())
                })
            }
            reader => self.other(reader, count, form.kind, name, column),
        }
    }

    /// The same for columns that hold no whole numbers of 32 or 64 bits.
    fn other(
        &self,
        reader: &mut ColumnReader,
        count: usize,
        kind: Kind,
        name: &str,
        column: &mut Column,
    ) -> Result<()> {
        match reader {
            ColumnReader::BoolColumnReader(reader) => {
                self.values(reader, count, column, |column, value| {
                    column.bool(value);
                    Ok(())
                })
            }
            ColumnReader::Int96ColumnReader(reader) => {
                self.values(reader, count, column, |column, value: Int96| {
                    column.int(value.to_micros());
                    Ok(())
                })
            }
            ColumnReader::FloatColumnReader(reader) => {
                self.values(reader, count, column, |column, value| {
                    column.float32(value);
                    Ok(())
                })
            }
            ColumnReader::DoubleColumnReader(reader) => {
                self.values(reader, count, column, |column, value| {
                    column.float64(value);
                    Ok(())
                })
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                self.values(reader, count, column, |column, value| {
                    bytes(column, kind, name, value.data())
                })
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                self.values(reader, count, column, |column, value| {
                    bytes(column, kind, name, value.data())
                })
            }
            ColumnReader::Int32ColumnReader(_) | ColumnReader::Int64ColumnReader(_) => {
                Err(misfit(name, "it is of another type"))
            }
        }
    }

    /// Reads so many rows of a column, each of which is a value or NULL.
    fn values<T: DataType>(
        &self,
        reader: &mut ColumnReaderImpl<T>,
        count: usize,
        column: &mut Column,
        mut add: impl FnMut(&mut Column, T::T) -> Result<()>,
    ) -> Result<()> {
        let (mut marks, mut values) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut read = 0;
        while read < count {
            let more = reader.read_records(count - read, Some(&mut marks), None, &mut values);
            let (more, ..) = more.map_err(fault(&self.shown))?;
            if more == 0 {
                return Err(Error::Parquet {
                    file: self.shown.clone(),
                    fault: "a column has fewer rows than the file".to_owned(),
                });
            }
            read += more;
        }
        let mut values = values.into_iter();
        // A column without NULLs has no marks.
        if marks.is_empty() {
            return values.try_for_each(|value| add(column, value));
        }
        for mark in marks {
            match (mark > 0).then(|| values.next()).flatten() {
                Some(value) => add(column, value)?,
                None => column.null(),
            }
        }
        Ok(())
    }
}

fn scaled(value: i64, form: &Form, name: &str) -> Result<i64> {
    if value % form.per != 0 {
        return Err(misfit(name, "it has nanoseconds, which no table has"));
    }
    let value = (value / form.per).checked_mul(form.times);
    value.ok_or_else(|| misfit(name, "it is out of range"))
}

fn bytes(column: &mut Column, kind: Kind, name: &str, value: &[u8]) -> Result<()> {
    match kind {
        Kind::Decimal(..) => {
            if value.len() > 16 {
                return Err(misfit(name, "it has too many digits"));
            }
            let fill = if value.first().is_some_and(|byte| byte & 0x80 != 0) {
                0xff
            } else {
                0
            };
            let mut whole = [fill; 16];
            whole[16 - value.len()..].copy_from_slice(value);
            column.decimal(i128::from_be_bytes(whole));
            Ok(())
        }
        Kind::Text | Kind::Json => column.text(name, Bytes::copy_from_slice(value)),
        Kind::Uuid if value.len() != 16 => Err(misfit(name, "it is no UUID")),
        _ => {
            column.bytes(Bytes::copy_from_slice(value));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Encoder, Group};
    use super::*;
    use crate::value::Value;

    /// Writes a batch to a file and reads it again.
    fn back(batch: &Batch, headings: &[Heading]) -> Batch {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, headings);
        let mut group = Group::default();
        group.add(batch.clone());
        encoder.add(group).expect("added");
        encoder.finish().expect("finished");
        let opened = open(Bytes::from(out), "`file`").expect("opened");
        assert_eq!(opened.headings, headings);
        let mut found = None;
        opened
            .each(&mut |batch| {
                assert!(found.is_none(), "one batch");
                found = Some(batch);
                true
            })
            .expect("read");
        found.expect("rows")
    }

    #[test]
    fn rows_of_every_kind_come_back() {
        let kinds = [
            Kind::Bool,
            Kind::Int(16),
            Kind::Int(64),
            Kind::Float32,
            Kind::Float64,
            Kind::Decimal(9, 2),
            Kind::Decimal(38, 10),
            Kind::Text,
            Kind::Json,
            Kind::Uuid,
            Kind::Bytes,
            Kind::Date,
            Kind::Time,
            Kind::Timestamp,
            Kind::Instant,
        ];
        let headings = kinds.map(|kind| Heading {
            name: format!("a {kind:?}"),
            kind,
        });
        let mut batch = Batch::new(&headings);
        for row in 0..100_i64 {
            for column in &mut batch.columns {
                let text = format!("text ü {}", row % 7);
                match column.kind {
                    _ if row % 5 == 3 => column.null(),
                    Kind::Bool => column.bool(row % 2 == 0),
                    Kind::Float32 => column.float32(0.1),
                    Kind::Float64 => column.float64(f64::NEG_INFINITY),
                    Kind::Decimal(9, _) => column.decimal(i128::from(-row)),
                    Kind::Decimal(..) => column.decimal(-(10_i128.pow(37)) + i128::from(row)),
                    Kind::Uuid => column.bytes(Bytes::from(vec![7; 16])),
                    Kind::Text | Kind::Json | Kind::Bytes => column.bytes(text.into()),
                    _ => column.int(row - 50),
                }
            }
            batch.end_row(1);
        }
        let found = back(&batch, &headings);
        assert_eq!(found.columns, batch.columns);
        assert_eq!(found.columns[0].values().nth(3), Some(Value::Null));
    }

    #[test]
    fn what_is_no_parquet_is_refused() {
        let refused = open(Bytes::from_static(b"id,name\n1,x\n"), "`rows.parquet`");
        let text = refused.err().expect("refused").to_string();
        assert!(text.starts_with("`rows.parquet` cannot be read"), "{text}");
    }

    #[test]
    fn nanoseconds_are_refused_and_milliseconds_are_not() {
        let form = |times, per| Form {
            kind: Kind::Instant,
            times,
            per,
        };
        assert_eq!(scaled(5_000, &form(1, 1_000), "t").ok(), Some(5));
        assert!(scaled(5_001, &form(1, 1_000), "t").is_err());
        assert_eq!(scaled(5, &form(1_000, 1), "t").ok(), Some(5_000));
    }
}
