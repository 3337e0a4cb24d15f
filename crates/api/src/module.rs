//! Modules: parts of pipelines that are published on their own, in versions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Whether a module or a version of one may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModuleStatus {
    /// It may.
    Active,
    /// It may, and its users should look for another.
    Deprecated,
    /// It is not chosen; a step that names the version still gets it.
    Disabled,
}

/// A module to make.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateModule {
    /// Its name, unique in the workspace; 1 to 255 characters.
    #[schema(
        pattern = r"^[^/\x00-\x1f\x7f-\x9f]*[^/\s\x00-\x1f\x7f-\x9f][^/\x00-\x1f\x7f-\x9f]*$",
        max_length = 255
    )]
    pub name: String,
    /// A description for people.
    #[serde(default)]
    pub description: String,
}

/// A module.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Module {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// A description for people.
    pub description: String,
    /// Whether it may be used.
    pub status: ModuleStatus,
    /// The version that a step gets which names none.
    pub default_version: Option<String>,
    /// Its versions in the order in which they were published.
    pub versions: Vec<ModuleVersion>,
    /// When it was made.
    pub created_at: String,
}

/// A page of modules.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ModuleList {
    /// The modules, sorted by name.
    pub modules: Vec<Module>,
}

/// What is changed of a module; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModuleChange {
    /// Its name.
    #[schema(
        pattern = r"^[^/\x00-\x1f\x7f-\x9f]*[^/\s\x00-\x1f\x7f-\x9f][^/\x00-\x1f\x7f-\x9f]*$",
        max_length = 255
    )]
    pub name: Option<String>,
    /// A description for people.
    pub description: Option<String>,
    /// Whether it may be used.
    pub status: Option<ModuleStatus>,
    /// The version that a step gets which names none; it must exist.
    pub default_version: Option<String>,
}

/// A version to publish.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishModuleVersion {
    /// Its version, new in the module; the next whole number when absent.
    #[serde(default)]
    pub version: Option<String>,
    /// A description for people.
    #[serde(default)]
    pub description: String,
    /// A word for people by which modules are grouped.
    #[serde(default)]
    pub category: Option<String>,
    /// What it does, in the words of the client: ports, parameters, files and arguments. The
    /// objects whose digests it names are kept.
    #[schema(value_type = Object)]
    pub definition: serde_json::Value,
    /// Whether it becomes the default version.
    #[serde(default)]
    pub is_default: bool,
}

/// One version of a module.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ModuleVersion {
    /// Its id.
    pub id: Uuid,
    /// The module.
    pub module: Uuid,
    /// Its version.
    pub version: String,
    /// A description for people.
    pub description: String,
    /// A word by which modules are grouped.
    pub category: Option<String>,
    /// Whether it may be used.
    pub status: ModuleStatus,
    /// What it does, in the words of the client.
    #[schema(value_type = Object)]
    pub definition: serde_json::Value,
    /// When it was published.
    pub created_at: String,
    /// When it last changed.
    pub changed_at: String,
}

/// What is changed of a version; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModuleVersionChange {
    /// A description for people.
    pub description: Option<String>,
    /// Whether it may be used.
    pub status: Option<ModuleStatus>,
}
