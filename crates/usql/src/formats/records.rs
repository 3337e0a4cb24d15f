//! Batches of records: what formats that are read file by file have in common.
//!
//! A reader gives the values of one record after the other; the columns that the file's name gives are
//! added here. Memory is bounded by one batch and what a reader holds of one record.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;

use super::scan::Progress;
use super::text_read::{DataError, Place, storage, unpacked};
use super::{Extraction, FieldSource, InputFile};
use crate::diagnostic::Code;
use crate::rowset::Column;
use crate::value::{self, Value};

/// How many rows a batch has at most.
const BATCH_ROWS: usize = 4 * 1024;

/// A source whose bytes are counted.
struct Counted {
    source: Box<dyn Read + Send>,
    progress: Arc<Progress>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(buffer)?;
        let bytes = &self.progress.bytes_read;
        bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// The records of one file on their way to the operators.
pub(super) struct Records<'a> {
    extraction: &'a Extraction,
    file: &'a InputFile,
    projection: &'a [usize],
    schema: SchemaRef,
    progress: Arc<Progress>,
    emit: &'a mut dyn FnMut(RecordBatch) -> bool,
    values: Vec<Vec<Value>>,
    rows: usize,
    /// The record that is read, from 1.
    record: u64,
    wanted: bool,
}

impl<'a> Records<'a> {
    pub(super) fn new(
        extraction: &'a Extraction,
        file: &'a InputFile,
        projection: &'a [usize],
        schema: SchemaRef,
        progress: Arc<Progress>,
        emit: &'a mut dyn FnMut(RecordBatch) -> bool,
    ) -> Self {
        Self {
            extraction,
            file,
            projection,
            schema,
            progress,
            emit,
            values: vec![Vec::new(); projection.len()],
            rows: 0,
            record: 1,
            wanted: true,
        }
    }

    /// The content of the file.
    pub(super) fn open(&self) -> Result<Box<dyn Read + Send>, DataError> {
        let path = &self.file.path;
        let file = std::fs::File::open(path)
            .map_err(|error| storage(path, self.extraction.span, &error))?;
        Ok(Box::new(Counted {
            source: unpacked(path, file),
            progress: Arc::clone(&self.progress),
        }))
    }

    /// The columns that the file itself has, in the order of the script.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'a Column> {
        let columns = self.extraction.columns.iter().zip(&self.extraction.sources);
        columns
            .filter(|(_, source)| matches!(source, FieldSource::Field(_)))
            .map(|(column, _)| column)
    }

    /// Adds a record: `value` gives what it has for a column, by its number among the fields. False
    /// when nobody wants more.
    pub(super) fn add(
        &mut self,
        mut value: impl FnMut(usize, &Column) -> Result<Value, String>,
    ) -> Result<bool, DataError> {
        for (values, at) in self.values.iter_mut().zip(self.projection) {
            let FieldSource::Field(field) = self.extraction.sources[*at] else {
                continue;
            };
            let column = &self.extraction.columns[*at];
            let found = value(field, column);
            let found = found.and_then(|found| {
                if found.is_null() && !column.ty.nullable {
                    return Err(format!(
                        "there is no value, and `{}` takes no null",
                        column.ty
                    ));
                }
                Ok(found)
            });
            match found {
                Ok(found) => values.push(found),
                Err(message) => {
                    let name = Some(column.name.clone());
                    return Err(self.error(Place::Record(self.record), name, message));
                }
            }
        }
        self.rows += 1;
        self.record += 1;
        if self.rows == BATCH_ROWS {
            self.flush()?;
        }
        Ok(self.wanted)
    }

    /// Adds columns that are Arrow's already, each with its number among the fields. False when
    /// nobody wants more.
    pub(super) fn add_columns(
        &mut self,
        rows: usize,
        mut column: impl FnMut(usize, &Column) -> Result<ArrayRef, String>,
    ) -> Result<bool, DataError> {
        let mut arrays = Vec::new();
        for at in self.projection {
            let about = &self.extraction.columns[*at];
            let FieldSource::Field(field) = self.extraction.sources[*at] else {
                arrays.push(self.of_name(*at, rows));
                continue;
            };
            let array = column(field, about).and_then(|array| {
                let null = (0..array.len()).find(|row| array.is_null(*row));
                match null.filter(|_| !about.ty.nullable) {
                    None => Ok(array),
                    Some(_) => Err(format!("there is a null, and `{}` takes none", about.ty)),
                }
            });
            let name = || Some(about.name.clone());
            arrays.push(array.map_err(|message| self.error(Place::File, name(), message))?);
        }
        self.send(arrays, rows)?;
        self.record += rows as u64;
        Ok(self.wanted)
    }

    /// A column that the file's name gives.
    fn of_name(&self, at: usize, rows: usize) -> ArrayRef {
        let values = vec![self.file.values[at].clone(); rows];
        value::column(&values, &self.extraction.columns[at].ty)
    }

    fn flush(&mut self) -> Result<(), DataError> {
        let rows = std::mem::take(&mut self.rows);
        let mut arrays = Vec::new();
        for (slot, at) in self.projection.iter().enumerate() {
            arrays.push(match self.extraction.sources[*at] {
                FieldSource::Field(_) => {
                    let values = std::mem::take(&mut self.values[slot]);
                    value::column(&values, &self.extraction.columns[*at].ty)
                }
                _ => self.of_name(*at, rows),
            });
        }
        self.send(arrays, rows)
    }

    fn send(&mut self, arrays: Vec<ArrayRef>, rows: usize) -> Result<(), DataError> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options);
        let batch = batch.map_err(|error| self.error(Place::File, None, error.to_string()))?;
        self.wanted = (self.emit)(batch);
        Ok(())
    }

    /// The last rows; false when nobody wants more.
    pub(super) fn finish(mut self) -> Result<bool, DataError> {
        if self.rows > 0 && self.wanted {
            self.flush()?;
        }
        Ok(self.wanted)
    }

    /// What is wrong with the file at the record that is read.
    pub(super) fn malformed(&self, message: impl ToString) -> DataError {
        self.error(Place::Record(self.record), None, message.to_string())
    }

    fn error(&self, place: Place, column: Option<String>, message: String) -> DataError {
        DataError {
            code: Code::Conversion,
            file: self.file.path.display().to_string(),
            place,
            column,
            message,
            span: self.extraction.span,
        }
    }
}
