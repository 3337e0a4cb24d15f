//! Datasets from the store to the wire.

use stepwell_api as api;
use stepwell_model::Timestamp;
use stepwell_store::datasets::{Dataset, DatasetFile};

use crate::error::{ApiError, Result};

/// The word for a kind in the database.
pub(crate) fn kind_name(kind: api::DatasetKind) -> &'static str {
    match kind {
        api::DatasetKind::File => "file",
        api::DatasetKind::Tabular => "tabular",
    }
}

pub(crate) fn dataset(dataset: Dataset) -> Result<api::Dataset> {
    let definition = serde_json::from_str(&dataset.definition_json);
    Ok(api::Dataset {
        id: dataset.id,
        name: dataset.name,
        version: dataset.version,
        kind: match dataset.kind.as_str() {
            "file" => api::DatasetKind::File,
            _ => api::DatasetKind::Tabular,
        },
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
