//! File formats: what `EXTRACT` reads and `OUTPUT` writes.
//!
//! The text formats are our own, as DataFusion's differ: a quoted field does not hide the end of its
//! row, `silent` and `nullEscape` have no counterpart, and an error names its file, line and column.
//! JSON, XML and Avro are those of the sample library that scripts referred to
//! (`Microsoft.Analytics.Samples.Formats`), file by file and record by record.

mod avro_read;
pub(crate) mod encoding;
mod fields;
mod json_read;
mod json_write;
mod records;
pub(crate) mod scan;
mod sink;
mod sized;
mod text_read;
mod text_write;
mod xml;
mod xml_path;
mod xml_read;
mod xml_write;

use std::path::PathBuf;

pub(crate) use self::avro_read::AvroReader;
pub(crate) use self::encoding::Encoding;
pub(crate) use self::json_read::JsonReader;
pub(crate) use self::json_write::JsonWriter;
pub(crate) use self::sink::Sink;
pub(crate) use self::xml_path::XmlPath;
pub(crate) use self::xml_read::{XmlReader, XmlRows};
pub(crate) use self::xml_write::XmlWriter;
use crate::rowset::Column;
use crate::source::Span;
use crate::value::Value;

/// An `EXTRACT` with its files.
#[derive(Debug, Clone)]
pub(crate) struct Extraction {
    pub(crate) columns: Vec<Column>,
    /// Where each column comes from.
    pub(crate) sources: Vec<FieldSource>,
    pub(crate) files: Vec<InputFile>,
    pub(crate) format: Reading,
    /// The expression behind `USING`, for messages.
    pub(crate) span: Span,
}

/// Where a column of an `EXTRACT` comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldSource {
    /// A field of each row, from 0.
    Field(usize),
    /// The name of the file.
    Virtual,
    Uri,
    Modified,
    Created,
    Length,
}

/// A file to read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InputFile {
    pub(crate) path: PathBuf,
    /// A value for each column; null for those that the rows have.
    pub(crate) values: Vec<Value>,
    /// In bytes.
    pub(crate) length: u64,
}

/// How files are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reading {
    Text(TextReader),
    Parquet,
    Json(JsonReader),
    Xml(XmlReader),
    Avro(AvroReader),
}

/// The arguments of `Extractors.Text` (U-SQL reference, "Extractor Parameters").
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextReader {
    pub(crate) delimiter: char,
    pub(crate) encoding: Encoding,
    pub(crate) escape: Option<char>,
    pub(crate) null_escape: Option<String>,
    pub(crate) quoting: bool,
    /// `None` for any of `\r\n`, `\r` and `\n`.
    pub(crate) row_delimiter: Option<char>,
    pub(crate) silent: bool,
    pub(crate) skip_first_rows: u64,
    pub(crate) char_as_text: bool,
    /// Whether an empty field of a text column is null although quoting is on.
    pub(crate) empty_as_null: bool,
}

impl Default for TextReader {
    fn default() -> Self {
        Self {
            delimiter: ',',
            encoding: Encoding::default(),
            escape: None,
            null_escape: None,
            quoting: true,
            row_delimiter: None,
            silent: false,
            skip_first_rows: 0,
            char_as_text: false,
            empty_as_null: false,
        }
    }
}

/// How an output is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Writing {
    Text(TextWriter),
    Parquet(ParquetWriter),
    Json(JsonWriter),
    Xml(XmlWriter),
}

/// Parquet with Snappy, as the service wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParquetWriter;

/// The arguments of `Outputters.Text` (U-SQL reference, "Outputter Parameters").
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextWriter {
    pub(crate) delimiter: char,
    pub(crate) date_time_format: String,
    pub(crate) encoding: Encoding,
    pub(crate) escape: Option<char>,
    /// What null is written as.
    pub(crate) null_escape: String,
    pub(crate) quoting: bool,
    pub(crate) row_delimiter: String,
    pub(crate) char_as_text: bool,
    pub(crate) header: bool,
    pub(crate) gzip: bool,
}

impl Default for TextWriter {
    fn default() -> Self {
        Self {
            delimiter: ',',
            date_time_format: "O".to_owned(),
            encoding: Encoding::default(),
            escape: None,
            null_escape: String::new(),
            quoting: true,
            row_delimiter: "\r\n".to_owned(),
            char_as_text: false,
            header: false,
            gzip: false,
        }
    }
}
