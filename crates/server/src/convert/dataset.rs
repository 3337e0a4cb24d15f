//! Datasets from the store to the wire.

use stepwell_api as api;
use stepwell_model::{DatasetKind, Timestamp};
use stepwell_store::datasets::{Dataset, DatasetFile};

use crate::error::{ApiError, Result};

/// The model's kind.
pub(crate) fn kind(kind: api::DatasetKind) -> DatasetKind {
    match kind {
        api::DatasetKind::File => DatasetKind::File,
        api::DatasetKind::Tabular => DatasetKind::Tabular,
    }
}

/// The wire's kind.
pub(crate) fn wire_kind(kind: DatasetKind) -> api::DatasetKind {
    match kind {
        DatasetKind::File => api::DatasetKind::File,
        DatasetKind::Tabular => api::DatasetKind::Tabular,
    }
}

pub(crate) fn dataset(dataset: Dataset) -> Result<api::Dataset> {
    let definition = serde_json::from_str(dataset.definition.text());
    Ok(api::Dataset {
        id: dataset.id,
        name: dataset.name,
        version: dataset.version,
        kind: wire_kind(dataset.kind),
        definition: definition.map_err(|error| ApiError::internal(&error))?,
        files: dataset.files.into_iter().map(file).collect(),
        tags: dataset.tags,
        description: dataset.description,
        created_at: dataset.created.to_string(),
    })
}

fn file(file: DatasetFile) -> api::DatasetFile {
    api::DatasetFile {
        datastore: file.datastore,
        path: file.path,
        size: file.size,
        modified_at: Timestamp::from_millis(file.modified_ns / 1_000_000).to_string(),
        digest: file.digest,
        etag: file.etag,
    }
}
