//! Published pipelines: kept with their parameters open, and started by a short request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{DatasetValue, Parameter, PlaceOnDatastore, SubmitRun};

/// A pipeline to publish: exactly one of `pipeline` and `run`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishPipeline {
    /// A name for people; several pipelines may share one. 1 to 255 characters.
    pub name: String,
    /// A description for people.
    #[serde(default)]
    pub description: String,
    /// A version for people.
    #[serde(default)]
    pub version: Option<String>,
    /// Whether steps that do not depend on a failed step still run; as the pipeline says when
    /// absent.
    #[serde(default)]
    pub continue_on_step_failure: Option<bool>,
    /// The pipeline. What is about one run, as its experiment, is not looked at; values of
    /// parameters become their defaults.
    #[serde(default)]
    pub pipeline: Option<Box<SubmitRun>>,
    /// The pipeline run whose pipeline is published; its parameter values become the defaults.
    #[serde(default)]
    pub run: Option<Uuid>,
    /// The user's login name.
    #[serde(default)]
    pub user: Option<String>,
}

/// Whether a published pipeline can be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PublishedStatus {
    /// It can.
    Active,
    /// It cannot, until it is enabled.
    Disabled,
}

/// A published pipeline. All but its status never changes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PublishedPipeline {
    /// Its id.
    pub id: Uuid,
    /// A name for people.
    pub name: String,
    /// A description for people.
    pub description: String,
    /// A version for people.
    pub version: Option<String>,
    /// Whether it can be started.
    pub status: PublishedStatus,
    /// Whether steps that do not depend on a failed step still run; absent when the publisher did
    /// not say.
    pub continue_on_step_failure: Option<bool>,
    /// How many steps it has.
    pub steps: u32,
    /// Its parameters with their types and defaults.
    pub parameters: BTreeMap<String, Parameter>,
    /// The run it was published from.
    pub run: Option<Uuid>,
    /// Who published it.
    pub user: String,
    /// When it was published.
    pub created_at: String,
    /// When its status last changed.
    pub changed_at: String,
}

/// A page of published pipelines, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PublishedList {
    /// The pipelines.
    pub pipelines: Vec<PublishedPipeline>,
    /// Pass it as `cursor` for the next page; absent on the last.
    pub next: Option<String>,
}

/// What to change of a published pipeline.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishedChange {
    /// Whether it can be started.
    pub status: PublishedStatus,
}

/// The value of a parameter, as such or as text. For the document: values are kept as they come.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ParameterValue {
    /// Text, or another value as text.
    Text(String),
    /// A number.
    Number(f64),
    /// A truth value.
    Truth(bool),
}

/// A run of a published pipeline to start.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubmitPublished {
    /// The experiment; made if it does not exist. 1 to 255 characters.
    pub experiment: String,
    /// A description of the run; the pipeline's when absent.
    pub description: Option<String>,
    /// A name of the run for people; the pipeline's when absent.
    pub display_name: Option<String>,
    /// Values of parameters that are texts, numbers or truth values, as such or as text.
    #[schema(value_type = BTreeMap<String, ParameterValue>)]
    pub parameters: BTreeMap<String, Value>,
    /// Values of parameters that are data paths.
    pub data_paths: BTreeMap<String, PlaceOnDatastore>,
    /// Values of parameters that are datasets.
    pub datasets: BTreeMap<String, DatasetValue>,
    /// Whether steps that do not depend on a failed step still run; as published when absent.
    pub continue_on_step_failure: Option<bool>,
    /// Tags of the run.
    pub tags: BTreeMap<String, String>,
    /// Properties of the run; they cannot be changed later.
    pub properties: BTreeMap<String, String>,
    /// What starts it, such as `SDK` or `API`.
    pub run_source: Option<String>,
    /// The run this one belongs to.
    pub parent: Option<Uuid>,
    /// The user's login name.
    pub user: Option<String>,
}
