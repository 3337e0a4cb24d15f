//! Models as clients see them, and as the registry keeps them.

use stepwell_api as api;
use stepwell_model::Timestamp;
use stepwell_store::models::{Model, ModelDataset, ModelFile, Place, Resources};
use stepwell_workspace::RegisteredModel;

use crate::error::{ApiError, Result};

pub(crate) fn model(registered: RegisteredModel) -> api::Model {
    let RegisteredModel { model, experiment } = registered;
    let file = |file: ModelFile| api::FileInfo {
        name: file.name,
        size: file.size,
    };
    let dataset = |dataset: ModelDataset| api::ModelDataset {
        scenario: dataset.scenario,
        dataset: dataset.dataset,
    };
    api::Model {
        name: model.name,
        version: model.version,
        run: model.run.map(|run| run.uuid()),
        experiment,
        snapshot: model.snapshot,
        is_file: model.is_file,
        files: model.files.into_iter().map(file).collect(),
        tags: model.tags,
        properties: model.properties,
        description: model.description,
        framework: model.framework,
        framework_version: model.framework_version,
        datasets: model.datasets.into_iter().map(dataset).collect(),
        sample_input_dataset: model.samples.input,
        sample_output_dataset: model.samples.output,
        resources: model.resources.map(|resources| api::ModelResources {
            cpu: resources.cpu,
            memory_in_gb: resources.memory_in_gb,
            gpu: resources.gpu,
        }),
        user: model.user,
        created_at: model.created.to_string(),
    }
}

pub(crate) fn datasets(datasets: Vec<api::ModelDataset>) -> Vec<ModelDataset> {
    let dataset = |dataset: api::ModelDataset| ModelDataset {
        scenario: dataset.scenario,
        dataset: dataset.dataset,
    };
    datasets.into_iter().map(dataset).collect()
}

pub(crate) fn resources(resources: api::ModelResources) -> Resources {
    Resources {
        cpu: resources.cpu,
        memory_in_gb: resources.memory_in_gb,
        gpu: resources.gpu,
    }
}

/// The place of a model as a cursor: the name comes last, as it may hold anything but a slash.
pub(crate) fn cursor(model: &Model) -> String {
    format!(
        "{}/{}/{}",
        model.created.as_millis(),
        model.version,
        model.name
    )
}

pub(crate) fn place(cursor: &str) -> Result<Place> {
    read_place(cursor).ok_or_else(|| ApiError::invalid(format!("`{cursor}` is no cursor")))
}

fn read_place(cursor: &str) -> Option<Place> {
    let mut parts = cursor.splitn(3, '/');
    Some(Place {
        created: Timestamp::from_millis(parts.next()?.parse().ok()?),
        version: parts.next()?.parse().ok()?,
        name: parts.next()?.to_owned(),
    })
}
