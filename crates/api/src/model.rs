//! The model registry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A model to register. Its files come from a run (`run` and `path`) or from a `snapshot` that
/// was sent before: exactly one of the two. Beside a `snapshot`, `run` is only remembered.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RegisterModel {
    /// Its name. 1 to 255 characters.
    pub name: String,
    /// The run that made it.
    pub run: Option<Uuid>,
    /// A file or folder among the run's files, such as `outputs/model.pkl`.
    pub path: Option<String>,
    /// The digest of a snapshot.
    pub snapshot: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Properties; they cannot be changed later.
    pub properties: BTreeMap<String, String>,
    /// A description for people.
    pub description: String,
    /// The framework, such as `ScikitLearn`.
    pub framework: Option<String>,
    /// The framework's version.
    pub framework_version: Option<String>,
    /// The datasets it was made with.
    pub datasets: Vec<ModelDataset>,
    /// The id of a dataset that shows what it takes.
    pub sample_input_dataset: Option<Uuid>,
    /// The id of a dataset that shows what it gives.
    pub sample_output_dataset: Option<Uuid>,
    /// What serving it would need.
    pub resources: Option<ModelResources>,
    /// The login name of who registers it.
    pub user: String,
}

/// A dataset that a model was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelDataset {
    /// The user's word for what it was used for, such as `training`.
    pub scenario: String,
    /// The dataset's id.
    pub dataset: Uuid,
}

/// What serving a model would need. It is kept for other programs; nothing here serves models.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelResources {
    /// Processor cores.
    pub cpu: Option<f64>,
    /// Memory, in GB.
    pub memory_in_gb: Option<f64>,
    /// Graphics processors.
    pub gpu: Option<u32>,
}

/// One version of a model.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its version, from 1.
    pub version: u64,
    /// The run that made it.
    pub run: Option<Uuid>,
    /// That run's experiment.
    pub experiment: Option<String>,
    /// The digest of its files.
    pub snapshot: String,
    /// Whether it is one file rather than a folder.
    pub is_file: bool,
    /// Its files and their sizes.
    pub files: Vec<crate::FileInfo>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Properties.
    pub properties: BTreeMap<String, String>,
    /// A description.
    pub description: String,
    /// The framework.
    pub framework: Option<String>,
    /// The framework's version.
    pub framework_version: Option<String>,
    /// The datasets it was made with.
    #[serde(default)]
    pub datasets: Vec<ModelDataset>,
    /// The id of a dataset that shows what it takes.
    #[serde(default)]
    pub sample_input_dataset: Option<Uuid>,
    /// The id of a dataset that shows what it gives.
    #[serde(default)]
    pub sample_output_dataset: Option<Uuid>,
    /// What serving it would need.
    #[serde(default)]
    pub resources: Option<ModelResources>,
    /// The login name of who registered it; empty when it is not known.
    #[serde(default)]
    pub user: String,
    /// When it was registered.
    pub created_at: String,
}

/// Models, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ModelList {
    /// The models.
    pub models: Vec<Model>,
    /// What to pass as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What to change of a model; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelChange {
    /// A new description.
    pub description: Option<String>,
    /// Tags to set.
    pub set_tags: BTreeMap<String, String>,
    /// Tags to remove.
    pub remove_tags: Vec<String>,
    /// Properties to add; one that has another value already is a conflict.
    pub add_properties: BTreeMap<String, String>,
    /// Datasets to add.
    pub add_datasets: Vec<ModelDataset>,
    /// A new `sample_input_dataset`.
    pub sample_input_dataset: Option<Uuid>,
    /// A new `sample_output_dataset`.
    pub sample_output_dataset: Option<Uuid>,
    /// New `resources`.
    pub resources: Option<ModelResources>,
}
