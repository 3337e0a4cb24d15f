//! Runs as clients see them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{EndStatus, MetricPoint, RunKind, RunStatus};

/// A run: a pipeline, a step, a script, or one that a program opened itself.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// Its id.
    pub id: Uuid,
    /// What sort of run it is.
    pub kind: RunKind,
    /// The experiment's name.
    pub experiment: String,
    /// Its number within the experiment, from 1; 0 for runs that have a parent.
    pub number: u64,
    /// A name for people; of a step, the step's name.
    pub display_name: String,
    /// A description for people.
    pub description: String,
    /// How far it is.
    pub status: RunStatus,
    /// The run it belongs to.
    pub parent: Option<Uuid>,
    /// The run at the top of its tree; itself when it has no parent.
    pub root: Uuid,
    /// Of a step: its place in the pipeline's list of steps, from 0.
    pub step: Option<u32>,
    /// Of a step: the user's word for its kind.
    pub step_kind: Option<String>,
    /// Of a step or script: the compute target.
    pub target: Option<String>,
    /// Of a step or script: the digest of its snapshot.
    pub snapshot: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Properties.
    pub properties: BTreeMap<String, String>,
    /// Of a pipeline: the parameter values it was started with.
    pub parameters: BTreeMap<String, String>,
    /// When it was accepted.
    pub created_at: String,
    /// When its program, or its first step, started.
    pub started_at: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Why it failed or was skipped.
    pub error: Option<RunFailure>,
    /// What it used, once ended.
    pub usage: Option<RunUsage>,
    /// Of a reused step: the step run whose outputs, log and metrics it has.
    pub reused_from: Option<Uuid>,
    /// The published pipeline it is a run of.
    #[serde(default)]
    pub published: Option<Uuid>,
    /// When its files and outputs were removed to make room.
    #[serde(default)]
    pub files_removed_at: Option<String>,
    /// Where its outputs are, by name; of a pipeline, the outputs it names itself.
    pub outputs: Vec<OutputInfo>,
    /// Who submitted it.
    pub user: String,
    /// What it waits for, if it could run and does not yet.
    #[serde(default)]
    pub waiting: Option<RunWait>,
    /// How long its attempts have waited in the queues of clusters, in seconds: no part of its run
    /// time.
    #[serde(default)]
    pub queued_seconds: f64,
}

/// What a run waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunWait {
    /// `slot` for a free slot of its compute target, `cores` for free cores of it, `identical_step` for a step whose outputs it
    /// will reuse, `cluster_queue`, `environment` while that is built, `data` while inputs are
    /// fetched.
    pub reason: String,
    /// The same in words, with what is known beyond it.
    pub message: String,
    /// Since when.
    pub since: String,
}

/// Why a run failed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunFailure {
    /// `user_code`, `signal`, `timeout`, `lost`, `environment`, `storage`, `internal`, `skipped`.
    pub kind: String,
    /// One sentence.
    pub message: String,
    /// The last lines of the traceback, or of the environment builder.
    pub detail: String,
    /// What to do next; may be empty.
    pub hint: String,
}

/// What a step or script used.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunUsage {
    /// The exit status, if its program exited.
    pub exit_code: Option<i32>,
    /// The signal that ended its program, if one did.
    pub signal: Option<i32>,
    /// The resident memory of its largest process, in bytes.
    pub peak_memory_bytes: u64,
    /// Processor time of all its processes, user and kernel mode, in seconds.
    pub cpu_seconds: f64,
    /// The cluster's nodes that it ran on, as the cluster names them; absent on the server's own
    /// machine.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub nodes: String,
}

/// Where an output is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OutputInfo {
    /// The name of the output.
    pub name: String,
    /// The datastore that keeps it.
    pub datastore: String,
    /// The path below the datastore's root.
    pub path: String,
    /// The path on the server's machine, when the datastore is a local folder.
    pub local_path: Option<String>,
    /// The run of the step that makes it.
    pub run: Uuid,
}

/// A page of runs, newest first (steps of one parent: in the pipeline's order).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<Run>,
    /// Pass it as `cursor` for the next page; absent on the last.
    pub next: Option<String>,
}

/// A run that a program opens itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CreateRun {
    /// The experiment; made if it does not exist. Ignored when there is a parent.
    pub experiment: String,
    /// The run it belongs to.
    pub parent: Option<Uuid>,
    /// A name for people.
    pub display_name: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Properties.
    pub properties: BTreeMap<String, String>,
    /// The digest of a snapshot to remember with it.
    pub snapshot: Option<String>,
    /// The user's login name.
    pub user: Option<String>,
}

/// What to change of a run; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunChange {
    /// A new name for people.
    pub display_name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// Tags to set.
    pub set_tags: BTreeMap<String, String>,
    /// Tags to remove.
    pub remove_tags: Vec<String>,
    /// Properties to add; one that exists with another value is a conflict.
    pub add_properties: BTreeMap<String, String>,
}

/// How a run is submitted again.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResubmitRun {
    /// Whether outputs of earlier runs must not be reused.
    pub regenerate_outputs: bool,
    /// Whether the run continues one that failed or was cancelled: every step that had succeeded
    /// keeps its outputs, whatever its `allow_reuse` says. Not together with `regenerate_outputs`.
    pub from_failure: bool,
    /// The user's login name.
    pub user: Option<String>,
}

/// How a run that a program opened itself ends.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndRun {
    /// How it ended.
    pub status: EndStatus,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<RunFailure>,
}

/// What became of a request to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancelOutcome {
    /// The run is asked to stop; its end will follow.
    Asked,
    /// It had been asked before.
    AlreadyAsked,
    /// It had ended before.
    AlreadyEnded,
}

/// The answer to a request to cancel.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CancelReply {
    /// What became of it.
    pub outcome: CancelOutcome,
    /// The run's status now.
    pub status: RunStatus,
}

/// One change of a run's status, as sent by `GET /api/v1/runs/{run}/events`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunEvent {
    /// Its place in the journal; grows. Also the SSE id, so that a reader can resume.
    pub seq: i64,
    /// When.
    pub at: String,
    /// The run whose status changed: the pipeline's, or a step's.
    pub run: Uuid,
    /// The run whose journal it is in: of a step its pipeline, else the run itself.
    pub root: Uuid,
    /// Of a step: its place in the pipeline, from 0.
    pub step: Option<u32>,
    /// The new status.
    pub status: RunStatus,
    /// Why, when it is `Failed`, `Canceled` without having started, or `Completed` by reuse.
    pub message: Option<String>,
    /// Of an end, where the stream was asked for a metric: what the run has logged under its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logged: Option<Vec<MetricPoint>>,
}

/// One message of an event stream, as a client of `text/event-stream` sees it. Only the document
/// knows it: the server writes lines.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StreamMessage {
    /// The place to go on from: `?after=` takes it.
    pub id: Option<String>,
    /// Always `message`.
    pub event: Option<String>,
    /// A `RunEvent`, as JSON.
    pub data: String,
}

/// When the log of a run grew, as it was looked at about once a second.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LogTimes {
    /// The lengths that it had, growing. Empty when nothing was recorded.
    pub times: Vec<LogTime>,
}

/// How long a log was at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogTime {
    /// Its length in bytes.
    pub length: u64,
    /// The time, in milliseconds since 1970.
    pub at_ms: i64,
}

/// The files of a run: outputs, logs, and what was uploaded.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FileList {
    /// The files, sorted by name.
    pub files: Vec<FileInfo>,
}

/// One file of a run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FileInfo {
    /// Its name, such as `outputs/model.pkl` or `user_logs/std_log.txt`.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

/// The graph of a run with the place of each step in the picture.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GraphView {
    /// The steps.
    pub nodes: Vec<GraphNode>,
    /// What depends on what.
    pub edges: Vec<GraphEdge>,
    /// The picture's width.
    pub width: f64,
    /// The picture's height.
    pub height: f64,
}

/// A step in the picture.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GraphNode {
    /// The step's run.
    pub run: Uuid,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its status.
    pub status: RunStatus,
    /// How it is drawn: `waiting`, `queued`, `preparing`, `running`, `succeeded`, `failed`,
    /// `skipped`, `cancelled` or `reused`.
    #[serde(default)]
    pub state: String,
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// A dependency.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GraphEdge {
    /// The step that comes first, by its place.
    pub from: u32,
    /// The step that waits.
    pub to: u32,
    /// The output that is passed; absent for a dependency of order only.
    pub output: Option<String>,
}
