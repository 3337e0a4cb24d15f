//! The model registry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A model to register. Its files come from a run (`run` and `path`) or from a `snapshot` that
/// was sent before: exactly one of the two.
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
    /// When it was registered.
    pub created_at: String,
}

/// Models, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ModelList {
    /// The models.
    pub models: Vec<Model>,
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
    /// Properties to add.
    pub add_properties: BTreeMap<String, String>,
}
