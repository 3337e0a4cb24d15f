//! Models as clients see them.

use stepwell_api as api;
use stepwell_store::models::Model;

pub(crate) fn model(model: Model, experiment: Option<String>) -> api::Model {
    let file = |file: stepwell_store::models::ModelFile| api::FileInfo {
        name: file.name,
        size: file.size,
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
        created_at: model.created.to_string(),
    }
}
