//! Reads rows of text into Arrow batches, from a part of a file.
//!
//! A part begins with the first row that begins at or behind its start, and holds every row that
//! begins before its end; so parts of one file share no row and miss none. That is exact, as a quote
//! does not hide the end of a row in U-SQL.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use flate2::read::MultiGzDecoder;
use memchr::{memchr, memchr2};

use super::fields::{ColumnBuilder, Field, cut, is_plain, nth, split};
use super::{Extraction, FieldSource, InputFile, TextReader};
use crate::diagnostic::Code;
use crate::source::Span;
use crate::value;

/// How many rows a batch has at most.
const BATCH_ROWS: usize = 8 * 1024;
/// How many bytes are read at once.
const READ_BYTES: usize = 1 << 20;
/// The longest row (U-SQL reference, "U-SQL limits": a row holds 4 MB).
const ROW_MAX: usize = 4 << 20;

/// A part of a file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) file: usize,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// What is wrong with the data of an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{place}{}: {message}", column.as_ref().map(|name| format!(", column `{name}`")).unwrap_or_default())]
pub(crate) struct DataError {
    pub(crate) code: Code,
    pub(crate) file: String,
    pub(crate) place: Place,
    pub(crate) column: Option<String>,
    pub(crate) message: String,
    /// The extractor in the script.
    pub(crate) span: Span,
}

/// Where in a file, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The file as a whole.
    File,
    Line(u64),
    Record(u64),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File => Ok(()),
            Self::Line(line) => write!(f, ", line {line}"),
            Self::Record(record) => write!(f, ", record {record}"),
        }
    }
}

/// Reads the batches of one part.
pub(crate) struct PartReader {
    extraction: Arc<Extraction>,
    reader: TextReader,
    projection: Vec<usize>,
    schema: SchemaRef,
    part: Part,
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// Where in the buffer the next row begins.
    at: usize,
    /// Where in the file the buffer begins.
    offset: u64,
    exhausted: bool,
    skipped: u64,
    /// Where the fields of the row end that is being read.
    ends: Vec<usize>,
}

pub(super) fn storage(path: &Path, span: Span, error: &std::io::Error) -> DataError {
    DataError {
        code: Code::Storage,
        file: path.display().to_string(),
        place: Place::File,
        column: None,
        message: error.to_string(),
        span,
    }
}

impl PartReader {
    pub(crate) fn open(
        extraction: Arc<Extraction>,
        reader: TextReader,
        projection: Vec<usize>,
        schema: SchemaRef,
        part: Part,
    ) -> Result<Self, DataError> {
        let path = &extraction.files[part.file].path;
        let fault = |error: std::io::Error| storage(path, extraction.span, &error);
        let mut file = File::open(path).map_err(fault)?;
        let start = part.start.saturating_sub(1);
        file.seek(SeekFrom::Start(start)).map_err(fault)?;
        let source = unpacked(path, file);
        let mut this = Self {
            extraction,
            reader,
            projection,
            schema,
            part,
            source,
            buffer: Vec::new(),
            at: 0,
            offset: start,
            exhausted: false,
            skipped: 0,
            ends: Vec::new(),
        };
        if !this.reader.encoding.is_bytes() {
            this.decode_all()?;
        }
        if part.start > 0 {
            // The row that the byte before the part belongs to is the part's before.
            this.next_row()?;
        } else {
            this.skip_mark()?;
        }
        Ok(this)
    }

    fn file(&self) -> &InputFile {
        &self.extraction.files[self.part.file]
    }

    /// Where in the text of the file the next row begins.
    pub(super) fn position(&self) -> u64 {
        self.offset + self.at as u64
    }

    /// A file in another encoding is decoded as a whole.
    fn decode_all(&mut self) -> Result<(), DataError> {
        let mut bytes = Vec::new();
        let read = self.source.read_to_end(&mut bytes);
        read.map_err(|error| storage(&self.file().path, self.extraction.span, &error))?;
        let text = self.reader.encoding.decode(&bytes).ok_or_else(|| {
            self.error(
                0,
                None,
                Code::Encoding,
                "the file is not text in its encoding",
            )
        })?;
        self.buffer = text.into_bytes();
        self.exhausted = true;
        Ok(())
    }

    fn skip_mark(&mut self) -> Result<(), DataError> {
        while self.buffer.len() < 3 && !self.exhausted {
            self.fill()?;
        }
        if self.buffer.starts_with(b"\xef\xbb\xbf") {
            self.at = 3;
        }
        Ok(())
    }

    fn fill(&mut self) -> Result<(), DataError> {
        self.buffer.drain(..self.at);
        self.offset += self.at as u64;
        self.at = 0;
        let before = self.buffer.len();
        self.buffer.resize(before + READ_BYTES, 0);
        let read = self.source.read(&mut self.buffer[before..]);
        let count =
            read.map_err(|error| storage(&self.file().path, self.extraction.span, &error))?;
        self.buffer.truncate(before + count);
        self.exhausted = count == 0;
        Ok(())
    }

    /// The next row as a range of the buffer; `None` at the end of the file.
    fn next_row(&mut self) -> Result<Option<(usize, usize)>, DataError> {
        let mut searched = self.at;
        loop {
            let found = row_end(
                &self.buffer,
                searched,
                self.reader.row_delimiter,
                self.exhausted,
            );
            if let Some((end, next)) = found {
                let start = self.at;
                self.at = next;
                return Ok(Some((start, end)));
            }
            if self.exhausted {
                let (start, end) = (self.at, self.buffer.len());
                self.at = end;
                return Ok((start < end).then_some((start, end)));
            }
            let pending = self.buffer.len() - self.at;
            if pending > ROW_MAX {
                let message = format!("the row is longer than {ROW_MAX} bytes");
                return Err(self.error(self.at, None, Code::TooLong, &message));
            }
            // A carriage return at the end may be half of a pair.
            searched = pending.saturating_sub(4);
            self.fill()?;
        }
    }

    /// The next batch; `None` when the part has no more rows.
    pub(crate) fn next_batch(&mut self) -> Result<Option<RecordBatch>, DataError> {
        let extraction = Arc::clone(&self.extraction);
        let width = extraction
            .sources
            .iter()
            .filter(|s| matches!(s, FieldSource::Field(_)))
            .count();
        let mut builders: Vec<ColumnBuilder> = self
            .projection
            .iter()
            .map(|at| ColumnBuilder::new(&extraction.columns[*at].ty))
            .collect();
        let mut rows = 0;
        while rows < BATCH_ROWS {
            if !self.reader.encoding.is_bytes() || is_gzip(&self.file().path) {
                // Such a file is one part.
            } else if self.offset + self.at as u64 >= self.part.end {
                break;
            }
            let Some((start, end)) = self.next_row()? else {
                break;
            };
            if self.part.start == 0 && self.skipped < self.reader.skip_first_rows {
                self.skipped += 1;
                continue;
            }
            if self.add_row(start, end, width, &extraction, &mut builders)? {
                rows += 1;
            }
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = self.columns(&mut builders, rows);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options);
        batch
            .map(Some)
            .map_err(|error| self.error(0, None, Code::Engine, &error.to_string()))
    }

    /// Adds a row to the columns; false if it was dropped silently.
    fn add_row(
        &mut self,
        start: usize,
        end: usize,
        width: usize,
        extraction: &Extraction,
        builders: &mut [ColumnBuilder],
    ) -> Result<bool, DataError> {
        let row = std::str::from_utf8(&self.buffer[start..end]).map_err(|_| {
            self.error(
                start,
                None,
                Code::Encoding,
                "the row is not text in its encoding",
            )
        })?;
        let mut fields: Vec<Field<'_>> = Vec::new();
        let plain = is_plain(row, &self.reader);
        let found = if plain {
            cut(row, &self.reader, &mut self.ends);
            self.ends.len()
        } else {
            split(row, &self.reader, &mut fields);
            fields.len()
        };
        if found != width {
            if self.reader.silent {
                return Ok(false);
            }
            let message = format!("there are {found} columns where {width} are expected");
            return Err(self.error(start, None, Code::ColumnCount, &message));
        }
        for (builder, at) in builders.iter_mut().zip(&self.projection) {
            let FieldSource::Field(index) = extraction.sources[*at] else {
                continue;
            };
            let pushed = if plain {
                builder.push(&nth(row, &self.reader, &self.ends, index), &self.reader)
            } else {
                builder.push(&fields[index], &self.reader)
            };
            pushed.map_err(|error| {
                let name = extraction.columns[*at].name.clone();
                self.error(start, Some(name), error.code, &error.message)
            })?;
        }
        Ok(true)
    }

    /// The filled columns, and those that the file's name gives.
    fn columns(&self, builders: &mut [ColumnBuilder], rows: usize) -> Vec<ArrayRef> {
        let file = self.file();
        let column =
            |(builder, at): (&mut ColumnBuilder, &usize)| match self.extraction.sources[*at] {
                FieldSource::Field(_) => builder.finish(),
                _ => {
                    let values = vec![file.values[*at].clone(); rows];
                    value::column(&values, &self.extraction.columns[*at].ty)
                }
            };
        builders
            .iter_mut()
            .zip(&self.projection)
            .map(column)
            .collect()
    }

    fn error(&self, at: usize, column: Option<String>, code: Code, message: &str) -> DataError {
        let path = &self.file().path;
        DataError {
            code,
            file: path.display().to_string(),
            place: Place::Line(line_of(path, self.offset + at as u64, &self.reader)),
            column,
            message: message.to_owned(),
            span: self.extraction.span,
        }
    }
}

/// The content of a file, decompressed if its name says that it is compressed.
pub(super) fn unpacked(path: &Path, file: File) -> Box<dyn Read + Send> {
    if is_gzip(path) {
        Box::new(MultiGzDecoder::new(BufReader::new(file)))
    } else {
        Box::new(file)
    }
}

pub(super) fn is_gzip(path: &Path) -> bool {
    path.extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("gz"))
}

/// The number of the row at a position, from 1; counted only when there is something to report.
fn line_of(path: &Path, position: u64, reader: &TextReader) -> u64 {
    let Ok(file) = File::open(path) else { return 0 };
    let mut source = unpacked(path, file);
    let mut text = Vec::new();
    let taken = if reader.encoding.is_bytes() {
        source.take(position).read_to_end(&mut text)
    } else {
        let read = source.read_to_end(&mut text);
        text = reader
            .encoding
            .decode(&text)
            .unwrap_or_default()
            .into_bytes();
        text.truncate(usize::try_from(position).unwrap_or(usize::MAX));
        read
    };
    if taken.is_err() {
        return 0;
    }
    let mut rows = 1;
    let mut at = 0;
    while let Some((_, next)) = row_end(&text, at, reader.row_delimiter, true) {
        rows += 1;
        at = next;
    }
    rows
}

/// Where the row ends, and where the next one begins. A carriage return at the very end of the
/// buffer is not known to be alone unless the file has ended.
fn row_end(
    buffer: &[u8],
    from: usize,
    delimiter: Option<char>,
    exhausted: bool,
) -> Option<(usize, usize)> {
    let rest = buffer.get(from..)?;
    if let Some(delimiter) = delimiter {
        let mut encoded = [0; 4];
        let encoded = delimiter.encode_utf8(&mut encoded).as_bytes();
        let at = match encoded {
            [byte] => memchr(*byte, rest)?,
            bytes => rest
                .windows(bytes.len())
                .position(|window| window == bytes)?,
        };
        return Some((from + at, from + at + encoded.len()));
    }
    let end = from + memchr2(b'\n', b'\r', rest)?;
    let is_pair = match (buffer[end], buffer.get(end + 1)) {
        (b'\n', _) => false,
        (_, Some(next)) => *next == b'\n',
        (_, None) if exhausted => false,
        (_, None) => return None,
    };
    Some((end, end + 1 + usize::from(is_pair)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_at_any_of_the_usual_ends() {
        let ends = |text: &str, exhausted| row_end(text.as_bytes(), 0, None, exhausted);
        assert_eq!(ends("ab\r\nc", true), Some((2, 4)));
        assert_eq!(ends("ab\nc\r", true), Some((2, 3)));
        assert_eq!(ends("ab\rc", true), Some((2, 3)));
        assert_eq!(ends("ab\r", false), None);
        assert_eq!(ends("ab\r", true), Some((2, 3)));
        assert_eq!(row_end("a€b".as_bytes(), 0, Some('€'), true), Some((1, 4)));
    }
}
