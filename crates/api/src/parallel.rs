//! A parallel step: as a client sends it, and how far it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Argument, Environment};

/// One script over many mini-batches on many workers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ParallelTask {
    /// The Python script that defines `run`, relative to the working directory.
    pub entry_script: String,
    /// The arguments that the entry script finds in `sys.argv`, one token each.
    #[serde(default)]
    pub arguments: Vec<Argument>,
    /// The digest of the snapshot that fills the working directory.
    #[serde(default)]
    pub snapshot: Option<String>,
    /// The Python of the workers.
    pub environment: Environment,
    /// Environment variables of the workers.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Environment variables that carry the value of a pipeline parameter, by the parameter's name.
    #[serde(default)]
    pub parameter_variables: BTreeMap<String, String>,
    /// The longest the whole step may run, in seconds.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
    /// The inputs that are cut into mini-batches, at least one. Other inputs of the step are side
    /// inputs.
    pub inputs: Vec<ParallelInput>,
    /// The output port whose folder takes the file of rows; needed unless `output_action` is
    /// `summary_only`.
    #[serde(default)]
    pub output: Option<String>,
    /// The settings by name: `mini_batch_size`, `error_threshold`, `allowed_failed_count`,
    /// `allowed_failed_percent`, `output_action`, `append_row_file_name`, `run_max_try`,
    /// `run_invocation_timeout`, `progress_update_timeout`, `node_count`,
    /// `process_count_per_node`, `logging_level`, `partition_keys` (a JSON list).
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
}

/// An input that is cut into mini-batches.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ParallelInput {
    /// The step's input port.
    pub port: String,
    /// What a mini-batch of it is.
    pub form: ParallelForm,
    /// The id of the saved dataset that says how the files are read. Needed for a table, and for
    /// files that are grouped by `partition_keys`. Where a parameter chooses the input, its value
    /// takes the place of this.
    #[serde(default)]
    pub dataset: Option<String>,
}

/// What a mini-batch of an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParallelForm {
    /// A list of paths.
    Files,
    /// A data frame.
    Table,
}

/// A value that is known when the pipeline is made, or only when it is submitted: exactly one of
/// the two.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Text as it is.
    Literal(String),
    /// The value of the named pipeline parameter.
    Parameter(String),
}

/// How far a parallel step is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ParallelProgress {
    /// `running`, `completed`, `failed` or `cancelled`: how the driver last described itself.
    pub state: String,
    /// The counts.
    pub tally: ParallelTally,
    /// Whether `planned` is the number of all mini-batches.
    pub all_planned: bool,
    /// Mini-batches that are with a worker or wait for one.
    pub in_flight: u64,
    /// Items a second: over the last half minute, or over the whole attempt once it is over.
    pub items_per_s: f64,
    /// How much longer, in seconds, if it can be estimated.
    pub left_s: Option<f64>,
    /// How long the attempt has run, in milliseconds.
    pub elapsed_ms: u64,
    /// Why it failed.
    pub reason: Option<String>,
    /// The workers, by place.
    pub workers: Vec<ParallelWorker>,
}

/// What has become of mini-batches and items.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ParallelTally {
    /// Mini-batches that were cut.
    pub planned: u64,
    /// Mini-batches that `run` returned from.
    pub done: u64,
    /// Mini-batches that were given up.
    pub failed: u64,
    /// Mini-batches that have failed and are tried again.
    pub wavering: u64,
    /// Tries that failed.
    pub failed_tries: u64,
    /// Items of mini-batches that are done or given up.
    pub items: u64,
    /// Items of these that failed.
    pub failed_items: u64,
    /// Rows that `run` returned.
    pub rows: u64,
}

/// A place of a worker.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ParallelWorker {
    /// The node, from 0.
    pub node: u32,
    /// The place, from 0 over all nodes.
    pub place: u32,
    /// How many workers the place has had.
    pub life: u32,
    /// `none`, `starting`, `idle`, `busy` or `leaving`.
    pub state: String,
    /// The mini-batch it works on.
    pub batch: Option<u64>,
    /// For how long, in milliseconds.
    pub for_ms: u64,
}
