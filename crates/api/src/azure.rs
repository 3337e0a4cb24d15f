//! Wire types of the original service's pipeline interface, for programs that were written for it.
//!
//! Names and spelling are the service's own. What a request says beyond these fields is ignored,
//! as the service does, and names are taken in any case.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A run of a published pipeline to start.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct PipelineSubmissionInfo {
    /// The experiment; made if it does not exist. Needed.
    pub experiment_name: Option<String>,
    /// A description of the run.
    pub description: Option<String>,
    /// A name of the run for people.
    pub display_name: Option<String>,
    /// What starts it, such as `SDK` or `API`.
    pub run_source: Option<String>,
    /// Accepted; not looked at.
    pub run_type: Option<String>,
    /// Values of parameters: texts, numbers or truth values.
    #[schema(value_type = Option<BTreeMap<String, crate::ParameterValue>>)]
    pub parameter_assignments: Option<BTreeMap<String, Value>>,
    /// Values of parameters that are data paths.
    pub data_path_assignments: Option<BTreeMap<String, AzureDataPath>>,
    /// Values of parameters that are datasets.
    pub data_set_definition_value_assignments: Option<BTreeMap<String, DataSetDefinitionValue>>,
    /// Accepted; not looked at.
    pub schedule_id: Option<String>,
    /// Whether steps that do not depend on a failed step still run; as published when absent.
    pub continue_run_on_step_failure: Option<bool>,
    /// Accepted; nobody is notified.
    pub enable_notification: Option<bool>,
    /// Tags of the run.
    #[serde(rename = "tags")]
    #[schema(value_type = Option<BTreeMap<String, crate::ParameterValue>>)]
    pub tags: Option<BTreeMap<String, Value>>,
    /// Properties of the run.
    #[schema(value_type = Option<BTreeMap<String, crate::ParameterValue>>)]
    pub properties: Option<BTreeMap<String, Value>>,
}

/// A place on a datastore.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct AzureDataPath {
    /// The datastore's name.
    pub data_store_name: String,
    /// The path below its root.
    #[serde(default)]
    pub relative_path: Option<String>,
}

/// A dataset: one of the three.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct DataSetDefinitionValue {
    /// A place on a datastore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub literal_value: Option<AzureDataPath>,
    /// A version of a registered dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_set_reference: Option<RegisteredDataSetReference>,
    /// A saved dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_data_set_reference: Option<SavedDataSetReference>,
}

/// A version of a registered dataset, by its id or by its name.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct RegisteredDataSetReference {
    /// The id of the version.
    pub id: Option<String>,
    /// The name of the dataset.
    pub name: Option<String>,
    /// The version; the newest when absent.
    #[schema(value_type = Option<String>)]
    pub version: Option<Value>,
}

/// A saved dataset.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct SavedDataSetReference {
    /// Its id.
    pub id: String,
}

/// A pipeline run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PipelineRunEntity {
    /// Its id.
    pub id: String,
    /// A description.
    pub description: String,
    /// How far it is.
    pub status: PipelineRunStatus,
    /// The id of its graph.
    pub graph_id: String,
    /// Always true: a run that is accepted is submitted.
    pub is_submitted: bool,
    /// Whether it has failed.
    pub has_errors: bool,
    /// Always false.
    pub has_warnings: bool,
    /// Always `0`: everything is there when it is accepted.
    pub upload_state: String,
    /// Values of parameters that are texts, numbers or truth values, as text.
    pub parameter_assignments: BTreeMap<String, String>,
    /// Values of parameters that are datasets.
    pub data_set_definition_value_assignments: BTreeMap<String, DataSetDefinitionValue>,
    /// Its experiment.
    pub run_history_experiment_name: String,
    /// The published pipeline it is a run of.
    pub pipeline_id: Option<String>,
    /// What started it.
    pub run_source: Option<String>,
    /// How it was started: `HTTP`, `SDK` or `Schedule`.
    pub run_type: Option<String>,
    /// How many steps it has.
    pub total_run_steps: u32,
    /// The schedule that started it.
    pub schedule_id: Option<String>,
    /// Its tags.
    #[serde(rename = "tags")]
    pub tags: BTreeMap<String, String>,
    /// Its properties.
    pub properties: BTreeMap<String, String>,
    /// `0`: active.
    pub entity_status: String,
    /// Changes when it does.
    pub etag: String,
    /// When it was accepted.
    pub created_date: String,
    /// When it last changed, as far as is known.
    pub last_modified_date: String,
}

/// How far a pipeline run is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PipelineRunStatus {
    /// `0` not started, `1` running, `2` failed, `3` finished, `4` canceled.
    pub status_code: String,
    /// The same as a word, and why it failed.
    pub status_detail: String,
    /// When it was accepted.
    pub creation_time: String,
    /// When it ended.
    pub end_time: Option<String>,
}

/// A published pipeline.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PipelineEntity {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// A description.
    pub description: String,
    /// Its version.
    pub version: Option<String>,
    /// The id of its graph.
    pub graph_id: String,
    /// How many steps it has.
    pub total_run_steps: u32,
    /// Defaults of parameters that are texts, numbers or truth values, as text.
    pub parameter_assignments: BTreeMap<String, String>,
    /// Defaults of parameters that are datasets.
    pub data_set_definition_value_assignments: BTreeMap<String, DataSetDefinitionValue>,
    /// Where it is started by a POST.
    pub url: String,
    /// `0` active, `2` disabled.
    pub entity_status: String,
    /// Whether steps that do not depend on a failed step still run.
    pub continue_run_on_step_failure: Option<bool>,
    /// Changes when it does.
    pub etag: String,
    /// When it was published.
    pub created_date: String,
    /// When its status last changed.
    pub last_modified_date: String,
}

/// A name for one of several published pipelines.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PipelineEndpointEntity {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// A description.
    pub description: String,
    /// The version that is started when none is asked for.
    pub default_version: String,
    /// Its versions, oldest first.
    pub pipeline_version_list: Vec<PipelineVersionEntity>,
    /// Where it is started by a POST.
    pub url: String,
    /// `0` active, `2` disabled.
    pub entity_status: String,
    /// Where the description of the interface is.
    pub swagger_url: String,
    /// Changes when it does.
    pub etag: String,
    /// When it was made.
    pub created_date: String,
    /// When it last changed.
    pub last_modified_date: String,
}

/// A version of an endpoint.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PipelineVersionEntity {
    /// The version.
    pub version: String,
    /// Its published pipeline.
    pub pipeline_id: String,
}

/// The body of every answer of this interface that is not 2xx.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct AzureErrorReply {
    /// The error.
    pub error: RootError,
    /// Empty.
    pub correlation: BTreeMap<String, String>,
}

/// What went wrong, where, and what to do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct RootError {
    /// `UserError` for what the request is to blame for, else `ServiceError`.
    pub code: String,
    /// What was wrong and where, and what to do.
    pub message: String,
    /// Empty.
    pub target: String,
    /// Empty.
    pub details: Vec<InnerError>,
    /// What it was, for programs.
    pub inner_error: InnerError,
}

/// What went wrong, for programs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct InnerError {
    /// `BadArgument`, `NotFound`, `Conflict`, `Unauthorized`, `Forbidden`, `TooLarge`, `Storage`
    /// or `Internal`.
    pub code: String,
}
