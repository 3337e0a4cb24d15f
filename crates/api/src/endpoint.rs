//! Endpoints, which stand for one of several published pipelines, and drafts of pipelines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{DatasetValue, Parameter, PlaceOnDatastore, PublishedStatus, SubmitRun};

/// An endpoint to make; its version `0` is the pipeline.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateEndpoint {
    /// Its name, which no other endpoint has. 1 to 255 characters.
    #[schema(
        pattern = r"^[^/\x00-\x1f\x7f-\x9f]*[^/\s\x00-\x1f\x7f-\x9f][^/\x00-\x1f\x7f-\x9f]*$",
        max_length = 255
    )]
    pub name: String,
    /// A description for people.
    #[serde(default)]
    pub description: String,
    /// The published pipeline.
    pub pipeline: Uuid,
}

/// A name for one of several published pipelines.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PipelineEndpoint {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// A description for people.
    pub description: String,
    /// Whether it can be started.
    pub status: PublishedStatus,
    /// The version that is started when none is asked for.
    pub default_version: String,
    /// Its versions, oldest first.
    pub versions: Vec<EndpointVersion>,
    /// When it was made.
    pub created_at: String,
    /// When it last changed.
    pub changed_at: String,
}

/// A version of an endpoint.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EndpointVersion {
    /// The version: a decimal number, from `0`.
    pub version: String,
    /// Its published pipeline.
    pub pipeline: Uuid,
}

/// A page of endpoints, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EndpointList {
    /// The endpoints.
    pub endpoints: Vec<PipelineEndpoint>,
    /// Pass it as `cursor` for the next page; absent on the last.
    pub next: Option<String>,
}

/// A pipeline to add as the next version of an endpoint.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddVersion {
    /// The published pipeline.
    pub pipeline: Uuid,
    /// Whether it becomes the default.
    #[serde(default)]
    pub make_default: bool,
}

/// What to change of an endpoint; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointChange {
    /// A new name.
    #[schema(
        pattern = r"^[^/\x00-\x1f\x7f-\x9f]*[^/\s\x00-\x1f\x7f-\x9f][^/\x00-\x1f\x7f-\x9f]*$",
        max_length = 255
    )]
    pub name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// Whether it can be started.
    pub status: Option<PublishedStatus>,
    /// The version that is started when none is asked for.
    pub default_version: Option<String>,
}

/// A draft to make: exactly one of `pipeline`, `published`, `run` and `draft`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateDraft {
    /// A name for people; that of what it is made from when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// The experiment of its runs; that of what it is made from when absent.
    #[serde(default)]
    pub experiment: Option<String>,
    /// The pipeline.
    #[serde(default)]
    pub pipeline: Option<Box<SubmitRun>>,
    /// A published pipeline to begin with.
    #[serde(default)]
    pub published: Option<Uuid>,
    /// A pipeline run to begin with.
    #[serde(default)]
    pub run: Option<Uuid>,
    /// A draft to begin with.
    #[serde(default)]
    pub draft: Option<Uuid>,
    /// Everything else.
    #[serde(default)]
    pub change: DraftChange,
    /// The user's login name.
    #[serde(default)]
    pub user: Option<String>,
}

/// What to set of a draft; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DraftChange {
    /// A name for people.
    pub name: Option<String>,
    /// A description for people.
    pub description: Option<String>,
    /// The experiment of its runs.
    pub experiment: Option<String>,
    /// All tags.
    pub tags: Option<BTreeMap<String, String>>,
    /// All properties.
    pub properties: Option<BTreeMap<String, String>>,
    /// Another pipeline in its place.
    pub pipeline: Option<Box<SubmitRun>>,
    /// Whether steps that do not depend on a failed step still run.
    pub continue_on_step_failure: Option<bool>,
    /// Values of parameters that are texts, numbers or truth values.
    #[schema(value_type = BTreeMap<String, crate::ParameterValue>)]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Values of parameters that are data paths.
    pub data_paths: BTreeMap<String, PlaceOnDatastore>,
    /// Values of parameters that are datasets.
    pub datasets: BTreeMap<String, DatasetValue>,
}

/// A pipeline that is kept to be changed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PipelineDraft {
    /// Its id.
    pub id: Uuid,
    /// A name for people.
    pub name: String,
    /// A description for people.
    pub description: String,
    /// The experiment of its runs.
    pub experiment: String,
    /// Tags; its runs get them.
    pub tags: BTreeMap<String, String>,
    /// Properties; its runs get them.
    pub properties: BTreeMap<String, String>,
    /// Whether steps that do not depend on a failed step still run.
    pub continue_on_step_failure: bool,
    /// Its parameters with their values.
    pub parameters: BTreeMap<String, Parameter>,
    /// How many steps it has.
    pub steps: u32,
    /// The published pipeline it was made from.
    pub parent_pipeline: Option<Uuid>,
    /// The run it was made from.
    pub parent_run: Option<Uuid>,
    /// The draft it was made from.
    pub parent_draft: Option<Uuid>,
    /// The newest run of it.
    pub last_run: Option<Uuid>,
    /// When it was made.
    pub created_at: String,
    /// When it last changed.
    pub changed_at: String,
}

/// A page of drafts, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DraftList {
    /// The drafts.
    pub drafts: Vec<PipelineDraft>,
    /// Pass it as `cursor` for the next page; absent on the last.
    pub next: Option<String>,
}
