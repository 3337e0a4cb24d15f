//! Avro files as the sample library reads them: `AvroExtractor`. Columns are fields of the record, by
//! name; a file is read by the schema that the script gives, or by its own.

use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_avro::reader::ReaderBuilder;
use arrow_avro::schema::AvroSchema;
use datafusion::arrow::compute::{CastOptions, cast_with_options};

use super::records::Records;
use super::text_read::DataError;

/// The arguments of the extractor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AvroReader {
    /// The schema by which files are read; their own when absent.
    pub(crate) schema: Option<String>,
}

/// A damaged file is a fault of the file, also where the library gives up on it.
pub(super) fn read(reader: &AvroReader, records: &mut Records<'_>) -> Result<(), DataError> {
    let work = AssertUnwindSafe(|| read_batches(reader, records));
    match catch_unwind(work) {
        Ok(read) => read,
        Err(_) => Err(records.malformed("the file is damaged")),
    }
}

fn read_batches(reader: &AvroReader, records: &mut Records<'_>) -> Result<(), DataError> {
    let source = BufReader::with_capacity(1 << 20, records.open()?);
    let mut builder = ReaderBuilder::new().with_batch_size(4 * 1024);
    if let Some(schema) = &reader.schema {
        builder = builder.with_reader_schema(AvroSchema::new(schema.clone()));
    }
    let batches = builder
        .build(source)
        .map_err(|error| records.malformed(error))?;
    // What does not fit is a fault, and no null.
    let exact = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    for batch in batches {
        let batch = batch.map_err(|error| records.malformed(error))?;
        let wanted = records.add_columns(batch.num_rows(), |_, column| {
            let found = batch
                .column_by_name(&column.name)
                .ok_or_else(|| format!("the records have no field `{}`", column.name))?;
            cast_with_options(found, &column.ty.arrow(), &exact).map_err(|error| error.to_string())
        })?;
        if !wanted {
            break;
        }
    }
    Ok(())
}
