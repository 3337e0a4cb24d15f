//! Datasets: definitions of data, and the versions that are registered under a name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// What a dataset gives to those who read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DatasetKind {
    /// Files.
    File,
    /// A table.
    Tabular,
}

/// A dataset to keep. Without a name it is only saved, and an equal definition gives the same id
/// again. With one it is registered as the next version of that name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveDataset {
    /// Its name. 1 to 255 characters without slashes.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether it gives files or a table.
    pub kind: DatasetKind,
    /// Where the data is and how it is read, as the SDK writes it; kept as it is.
    pub definition: Value,
    /// The files on datastores that it reads now. Their state is recorded with the version.
    #[serde(default)]
    pub files: Vec<DatasetPlace>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// A description for people.
    #[serde(default)]
    pub description: String,
    /// Whether a name that is known already gets a new version; otherwise it is refused. What
    /// equals the newest version is that version in either case.
    #[serde(default)]
    pub create_new_version: bool,
}

/// A file on a datastore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetPlace {
    /// The datastore's name.
    pub datastore: String,
    /// The path below its root.
    pub path: String,
}

/// What a file was when a version was registered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DatasetFile {
    /// The datastore's name.
    pub datastore: String,
    /// The path below its root.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last modified.
    pub modified_at: String,
    /// The digest of its content; absent for a large file, which is known by size and time, and
    /// for one on another machine.
    pub digest: Option<String>,
    /// What a datastore on another machine knows its content by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

/// A saved dataset, or one version of a registered one.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Dataset {
    /// Its id.
    pub id: Uuid,
    /// Its name; absent when it is only saved.
    pub name: Option<String>,
    /// Its version, from 1; absent when it is only saved.
    pub version: Option<u64>,
    /// Whether it gives files or a table.
    pub kind: DatasetKind,
    /// Where the data is and how it is read.
    pub definition: Value,
    /// The files as they were when the version was registered; empty in lists.
    pub files: Vec<DatasetFile>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// A description.
    pub description: String,
    /// When it was saved or registered.
    pub created_at: String,
}

/// The newest version of each name, sorted by name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DatasetList {
    /// The datasets, without their files.
    pub datasets: Vec<Dataset>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What to change of a registered version; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DatasetChange {
    /// A new description.
    pub description: Option<String>,
    /// Tags to set.
    pub set_tags: BTreeMap<String, String>,
    /// Tags to remove.
    pub remove_tags: Vec<String>,
    /// All tags, in place of those there are; applied before the other two.
    pub tags: Option<BTreeMap<String, String>>,
}

/// How the files of a version differ from what they were when it was registered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FileChanges {
    /// The files that differ; empty when none does.
    pub changes: Vec<FileChange>,
}

/// A file that is not what it was.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FileChange {
    /// The datastore's name.
    pub datastore: String,
    /// The path below its root.
    pub path: String,
    /// `changed` or `gone`.
    pub change: String,
}
