//! The workspace and what it holds beside runs and models.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// Whether and what the server is. The one answer that needs no token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    pub status: String,
    /// The server's version.
    pub version: String,
    /// The data folder that it serves, by its device and inode: `2049:131`. Absent once the folder
    /// is no longer where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

/// The workspace that this server serves.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Workspace {
    /// Its name.
    pub name: String,
    /// Its subscription id, for programs that ask; all zeros unless configured.
    pub subscription_id: String,
    /// Its resource group, for programs that ask.
    pub resource_group: String,
    /// Its id.
    pub id: Uuid,
    /// The datastore that outputs go to unless they name another.
    pub default_datastore: String,
    /// The server's data folder.
    pub data_folder: String,
    /// The server's own URL.
    pub url: String,
    /// The server's process id.
    pub pid: u32,
    /// The server's version.
    pub version: String,
    /// When the server started.
    pub started_at: String,
    /// How many runs are not over.
    pub active_runs: u64,
    /// What keeps the server from its work, a sentence each; empty when all is well.
    #[serde(default)]
    pub faults: Vec<String>,
    /// How many schedules are enabled; while there is one, an embedded server does not stop.
    #[serde(default)]
    pub enabled_schedules: u64,
    /// Whether unknown compute target names run on this machine.
    pub embedded: bool,
}

/// Experiments, sorted by name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExperimentList {
    /// The experiments.
    pub experiments: Vec<Experiment>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An experiment.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Experiment {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: Uuid,
    /// How many runs without a parent it has.
    pub runs: u64,
    /// When it was made.
    pub created_at: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// What to change of an experiment; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExperimentChange {
    /// Tags to set.
    pub set_tags: BTreeMap<String, String>,
    /// Tags to remove, before others are set.
    pub remove_tags: Vec<String>,
}

/// Compute targets, sorted by name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ComputeList {
    /// The targets.
    pub computes: Vec<Compute>,
}

/// A compute target.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Compute {
    /// Its name.
    pub name: String,
    /// What it is, such as `local`, or the kind the user created it as, such as `AmlCompute`.
    pub kind: String,
    /// How many steps may run on it at once.
    pub concurrent_steps_max: u32,
    /// How many run now.
    pub running: u32,
    /// How many wait for a slot.
    pub queued: u32,
    /// Whether it was created by the user, rather than made when a step named it.
    pub created: bool,
    /// What the user created it with, kept as it was.
    pub settings: Value,
}

/// What to create or change of a compute target.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ComputeSettings {
    /// The kind the user names it by, such as `AmlCompute`.
    pub kind: String,
    /// How many steps may run on it at once; the number of cores when absent.
    #[schema(minimum = 1)]
    pub concurrent_steps_max: Option<u32>,
    /// What the user created it with, kept as it is.
    #[schema(value_type = Object)]
    pub settings: Value,
}

/// A Python environment to register.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterEnvironment {
    /// Its definition, as the SDK writes it; kept as it is.
    pub definition: Value,
}

/// A registered environment. Registering an equal definition again gives the same version.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EnvironmentRecord {
    /// Its name.
    pub name: String,
    /// Its version, from 1.
    pub version: u64,
    /// Its definition.
    pub definition: Value,
    /// When it was registered.
    pub created_at: String,
}

/// Registered environments: the newest version of each name, sorted by name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EnvironmentList {
    /// The environments.
    pub environments: Vec<EnvironmentRecord>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What the server still needs of a snapshot.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SnapshotReply {
    /// The snapshot's digest.
    pub snapshot: String,
    /// Digests of the objects to send; empty when the snapshot is complete.
    pub missing: Vec<String>,
}

/// The files of a snapshot, sorted by path.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// The files.
    pub files: Vec<SnapshotFile>,
}

/// A file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotFile {
    /// Its path below the source directory.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of its content.
    pub digest: String,
}
