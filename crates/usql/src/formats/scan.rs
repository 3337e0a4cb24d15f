//! `EXTRACT` as a table of DataFusion: the files are cut into parts, which are read in parallel.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};

use super::records::Records;
use super::sized::SizedScan;
use super::text_read::{Part, PartReader, is_gzip};
use super::{Extraction, Reading, avro_read, json_read, xml_read};
use crate::rowset::Column;

pub(crate) use super::text_read::DataError;

/// A part is at least so large, so that small files are read as one.
const PART_BYTES_MIN: u64 = 16 << 20;
/// How many batches wait for the operators behind a reader.
const BATCHES_AHEAD: usize = 2;

/// How much has been read, for people who wait.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) rows_read: AtomicU64,
    pub(crate) bytes_read: AtomicU64,
}

/// The fields of columns, named by their numbers, as every plan here names them.
pub(crate) fn schema_of(columns: &[Column]) -> SchemaRef {
    let field =
        |(at, column): (usize, &Column)| Field::new(format!("c{at}"), column.ty.arrow(), true);
    Arc::new(Schema::new(
        columns.iter().enumerate().map(field).collect::<Vec<_>>(),
    ))
}

/// The rows of files.
#[derive(Debug)]
pub(crate) struct FileTable {
    extraction: Arc<Extraction>,
    schema: SchemaRef,
    progress: Arc<Progress>,
}

impl FileTable {
    pub(crate) fn new(extraction: Extraction, progress: Arc<Progress>) -> Self {
        let schema = schema_of(&extraction.columns);
        let extraction = Arc::new(extraction);
        Self {
            extraction,
            schema,
            progress,
        }
    }

    /// The parts of all files, for so many readers.
    fn parts(&self, readers: usize) -> Vec<Part> {
        let mut parts = Vec::new();
        for (file, about) in self.extraction.files.iter().enumerate() {
            let whole = match &self.extraction.format {
                Reading::Text(reader) => !reader.encoding.is_bytes() || is_gzip(&about.path),
                _ => true,
            };
            let wanted = about
                .length
                .div_ceil(PART_BYTES_MIN)
                .clamp(1, readers.max(1) as u64);
            let wanted = if whole { 1 } else { wanted };
            let size = about.length.div_ceil(wanted).max(1);
            for at in 0..wanted {
                let start = at * size;
                let end = if at + 1 == wanted {
                    u64::MAX
                } else {
                    start + size
                };
                parts.push(Part { file, start, end });
            }
        }
        parts
    }
}

#[async_trait::async_trait]
impl TableProvider for FileTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let projection = projection.cloned().unwrap_or(all);
        let schema = Arc::new(self.schema.project(&projection)?);
        let readers = state.config().target_partitions();
        let mut groups: Vec<Vec<Part>> = vec![Vec::new(); readers.max(1)];
        for (at, part) in self.parts(readers).into_iter().enumerate() {
            let group = at % groups.len();
            groups[group].push(part);
        }
        groups.retain(|group| !group.is_empty());
        if groups.is_empty() {
            groups.push(Vec::new());
        }
        let stream = |parts: Vec<Part>| -> Arc<dyn PartitionStream> {
            Arc::new(FileParts {
                extraction: Arc::clone(&self.extraction),
                projection: projection.clone(),
                schema: Arc::clone(&schema),
                parts,
                progress: Arc::clone(&self.progress),
            })
        };
        let streams = groups.into_iter().map(stream).collect();
        let plan =
            StreamingTableExec::try_new(Arc::clone(&schema), streams, None, [], false, limit)?;
        let length = self.extraction.files.iter().map(|file| file.length).sum();
        let columns = self.schema.fields().len();
        Ok(Arc::new(SizedScan::new(Arc::new(plan), length, columns)))
    }
}

/// The parts that one reader reads, one after the other.
#[derive(Debug, Clone)]
struct FileParts {
    extraction: Arc<Extraction>,
    projection: Vec<usize>,
    schema: SchemaRef,
    parts: Vec<Part>,
    progress: Arc<Progress>,
}

impl PartitionStream for FileParts {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder =
            RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), BATCHES_AHEAD);
        let sender = builder.tx();
        let this = self.clone();
        builder.spawn_blocking(move || {
            let mut emit = |batch: RecordBatch| {
                count(&this.progress, &batch);
                sender.blocking_send(Ok(batch)).is_ok()
            };
            for part in &this.parts {
                if !this.read(*part, &mut emit).map_err(external)? {
                    break;
                }
            }
            Ok(())
        });
        builder.build()
    }
}

impl FileParts {
    /// Reads a part; false when nobody wants more rows.
    fn read(
        &self,
        part: Part,
        emit: &mut dyn FnMut(RecordBatch) -> bool,
    ) -> std::result::Result<bool, DataError> {
        let reader = match &self.extraction.format {
            Reading::Text(reader) => reader.clone(),
            other => {
                let file = &self.extraction.files[part.file];
                let mut records = Records::new(
                    &self.extraction,
                    file,
                    &self.projection,
                    Arc::clone(&self.schema),
                    Arc::clone(&self.progress),
                    emit,
                );
                match other {
                    Reading::Json(reader) => json_read::read(reader, &mut records)?,
                    Reading::Xml(reader) => xml_read::read(reader, &mut records)?,
                    Reading::Avro(reader) => avro_read::read(reader, &mut records)?,
                    // Parquet files are read by DataFusion.
                    Reading::Text(_) | Reading::Parquet => {}
                }
                return records.finish();
            }
        };
        let mut rows = PartReader::open(
            Arc::clone(&self.extraction),
            reader,
            self.projection.clone(),
            Arc::clone(&self.schema),
            part,
        )?;
        let mut before = part.start;
        while let Some(batch) = rows.next_batch()? {
            let now = rows.position();
            let bytes = now.saturating_sub(before);
            self.progress.bytes_read.fetch_add(bytes, Ordering::Relaxed);
            before = now;
            if !emit(batch) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn count(progress: &Progress, batch: &RecordBatch) {
    progress
        .rows_read
        .fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
}

fn external(error: DataError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
