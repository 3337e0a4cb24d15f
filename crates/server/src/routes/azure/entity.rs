//! Runs, published pipelines and endpoints in the words of the original service.

use std::collections::BTreeMap;

use stepwell_api::azure::{
    DataSetDefinitionValue, PipelineEndpointEntity, PipelineEntity, PipelineRunEntity,
    PipelineRunStatus, PipelineVersionEntity, SavedDataSetReference,
};
use stepwell_model::{Parameter, RunStatus};
use stepwell_store::endpoints::Endpoint;
use stepwell_store::published::Published;
use stepwell_store::runs::Record;

use super::Names;
use crate::app::App;

const ACTIVE: &str = "0";
const DISABLED: &str = "2";

/// A pipeline run.
pub(super) fn run(record: &Record, pipeline: Option<&Published>, steps: u32) -> PipelineRunEntity {
    let id = record.id.to_string();
    let changed = record.ended.or(record.started).unwrap_or(record.created);
    let property = |name: &str| record.properties.get(name).cloned();
    let scalars = property("azureml.parameters");
    let scalars = scalars.and_then(|text| serde_json::from_str(&text).ok());
    let datasets = pipeline.map(|pipeline| pipeline.parameters.iter());
    let datasets = datasets.into_iter().flatten();
    let datasets = datasets.filter(|(_, parameter)| matches!(parameter, Parameter::Dataset(_)));
    let value = |name: &String| record.parameters.get(name).map(|id| saved(id));
    PipelineRunEntity {
        description: record.description.clone(),
        status: status(record),
        graph_id: pipeline.map_or_else(|| id.clone(), |pipeline| pipeline.id.to_string()),
        is_submitted: true,
        has_errors: record.status == RunStatus::Failed,
        has_warnings: record.properties.contains_key(stepwell_workspace::IGNORED),
        upload_state: "0".to_owned(),
        parameter_assignments: scalars.unwrap_or_default(),
        data_set_definition_value_assignments: datasets
            .filter_map(|(name, _)| Some((name.clone(), value(name)?)))
            .collect(),
        run_history_experiment_name: record.experiment.clone(),
        pipeline_id: record.published.map(|pipeline| pipeline.to_string()),
        run_source: property("runSource"),
        run_type: property("runType"),
        total_run_steps: steps,
        schedule_id: property("azureml.scheduleid"),
        tags: record.tags.clone(),
        properties: record.properties.clone(),
        entity_status: ACTIVE.to_owned(),
        etag: format!("\"{}-{}\"", record.status.as_str(), changed.as_millis()),
        created_date: record.created.to_string(),
        last_modified_date: changed.to_string(),
        id,
    }
}

fn status(record: &Record) -> PipelineRunStatus {
    let (code, word) = match record.status {
        RunStatus::NotStarted | RunStatus::Queued | RunStatus::Preparing => ("0", "NotStarted"),
        RunStatus::Running | RunStatus::CancelRequested => ("1", "Running"),
        RunStatus::Failed => ("2", "Failed"),
        RunStatus::Completed => ("3", "Finished"),
        RunStatus::Canceled => ("4", "Canceled"),
    };
    let why = record.failure.as_ref().map(|failure| &failure.message);
    PipelineRunStatus {
        status_code: code.to_owned(),
        status_detail: why.map_or_else(|| word.to_owned(), |why| format!("{word}: {why}")),
        creation_time: record.created.to_string(),
        end_time: record.ended.map(|ended| ended.to_string()),
    }
}

pub(super) fn saved(id: &str) -> DataSetDefinitionValue {
    DataSetDefinitionValue {
        saved_data_set_reference: Some(SavedDataSetReference { id: id.to_owned() }),
        ..DataSetDefinitionValue::default()
    }
}

/// Where the interface is for the workspace that a client names.
pub(super) struct At {
    server: String,
    root: String,
}

impl At {
    pub(super) fn new(app: &App, names: &Names) -> Self {
        let server = app.site.url.clone();
        let root = super::ROOT
            .replace("{subscription}", &names.subscription)
            .replace("{group}", &names.group)
            .replace("{workspace}", &names.workspace);
        let root = format!("{server}{}", root.replace(' ', "%20"));
        Self { server, root }
    }

    /// A published pipeline.
    pub(super) fn pipeline(&self, published: &Published) -> PipelineEntity {
        let mut scalars = BTreeMap::new();
        let mut datasets = BTreeMap::new();
        for (name, parameter) in &published.parameters {
            match parameter {
                Parameter::Dataset(dataset) => {
                    datasets.insert(name.clone(), saved(&dataset.id));
                }
                Parameter::DataPath(_) => {}
                scalar => drop(scalars.insert(name.clone(), scalar.text())),
            }
        }
        let id = published.id.to_string();
        PipelineEntity {
            name: published.name.clone(),
            description: published.description.clone(),
            version: published.version.clone(),
            graph_id: id.clone(),
            total_run_steps: published.steps,
            parameter_assignments: scalars,
            data_set_definition_value_assignments: datasets,
            url: format!("{}/PipelineRuns/PipelineSubmit/{id}", self.root),
            entity_status: entity_status(published.active),
            continue_run_on_step_failure: published.continue_on_failure,
            etag: format!("\"{}\"", published.changed.as_millis()),
            created_date: published.created.to_string(),
            last_modified_date: published.changed.to_string(),
            id,
        }
    }

    /// An endpoint.
    pub(super) fn endpoint(&self, endpoint: &Endpoint) -> PipelineEndpointEntity {
        let id = endpoint.id.to_string();
        let version = |(version, pipeline): &(u64, uuid::Uuid)| PipelineVersionEntity {
            version: version.to_string(),
            pipeline_id: pipeline.to_string(),
        };
        PipelineEndpointEntity {
            name: endpoint.name.clone(),
            description: endpoint.description.clone(),
            default_version: endpoint.default_version.to_string(),
            pipeline_version_list: endpoint.versions.iter().map(version).collect(),
            url: format!("{}/PipelineRuns/PipelineEndpointSubmit/Id/{id}", self.root),
            entity_status: entity_status(endpoint.active),
            swagger_url: format!("{}/api/v1/openapi.json", self.server),
            etag: format!("\"{}\"", endpoint.changed.as_millis()),
            created_date: endpoint.created.to_string(),
            last_modified_date: endpoint.changed.to_string(),
            id,
        }
    }
}

fn entity_status(active: bool) -> String {
    let status = if active { ACTIVE } else { DISABLED };
    status.to_owned()
}
