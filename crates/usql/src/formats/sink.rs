//! Where the rows of an output go.

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::file::properties::WriterProperties;
use flate2::write::GzEncoder;

use super::text_write::write_rows;
use super::{ParquetWriter, Writing};
use crate::rowset::Column;

/// The file of an output, in its format.
pub(crate) enum Sink<'a> {
    Rows {
        format: &'a Writing,
        file: Packed,
        /// Whether no row has been written yet.
        empty: bool,
    },
    Parquet(Box<ArrowWriter<File>>),
}

/// A file that is compressed or not.
pub(crate) enum Packed {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl Packed {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Plain(file) => file.write_all(bytes),
            Self::Gzip(file) => file.write_all(bytes),
        }
    }

    fn close(self) -> Result<()> {
        match self {
            Self::Plain(mut file) => file.flush(),
            Self::Gzip(file) => file.finish()?.flush(),
        }
    }
}

impl<'a> Sink<'a> {
    pub(crate) fn open(format: &'a Writing, file: File, columns: &[Column]) -> Result<Self> {
        if let Writing::Parquet(ParquetWriter) = format {
            let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
            let writer = ArrowWriter::try_new(file, schema(columns), Some(properties.build()));
            return Ok(Self::Parquet(Box::new(
                writer.map_err(std::io::Error::other)?,
            )));
        }
        let file = BufWriter::with_capacity(1 << 20, file);
        let mut file = match format {
            Writing::Text(writer) if writer.gzip => Packed::Gzip(Box::new(GzEncoder::new(
                file,
                flate2::Compression::default(),
            ))),
            _ => Packed::Plain(file),
        };
        if let Writing::Text(writer) = format {
            file.write(&writer.header_row(columns))?;
        }
        Ok(Self::Rows {
            format,
            file,
            empty: true,
        })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch, columns: &[Column]) -> Result<()> {
        match self {
            Self::Parquet(writer) => {
                let named = RecordBatch::try_new(schema(columns), batch.columns().to_vec());
                let written = named.map_err(std::io::Error::other)?;
                writer.write(&written).map_err(std::io::Error::other)
            }
            Self::Rows {
                format,
                file,
                empty,
            } => {
                let bytes = match format {
                    Writing::Text(writer) => write_rows(writer, batch, columns),
                    Writing::Json(writer) => writer.rows(batch, columns, *empty),
                    Writing::Xml(writer) => writer.rows(batch, columns),
                    Writing::Parquet(_) => Vec::new(),
                };
                *empty &= batch.num_rows() == 0;
                file.write(&bytes)
            }
        }
    }

    pub(crate) fn close(self) -> Result<()> {
        match self {
            Self::Parquet(writer) => writer.close().map(drop).map_err(std::io::Error::other),
            Self::Rows {
                format,
                mut file,
                empty,
            } => {
                if let Writing::Json(writer) = format {
                    file.write(writer.end(empty))?;
                }
                file.close()
            }
        }
    }
}

/// The schema of a Parquet file: the names of the script. Null is allowed throughout, so that files
/// of a table keep fitting when its schema grows.
fn schema(columns: &[Column]) -> Arc<Schema> {
    let field = |column: &Column| Field::new(&column.name, column.ty.arrow(), true);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}
