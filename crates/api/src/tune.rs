//! A search of hyperparameters: as a client sends it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Environment, ProcessTask, RunStatus, StepResources};

/// A search of hyperparameters. Its trials are script runs whose parent is the step's run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TuneTask {
    /// What each trial runs; its values follow the arguments, as `--name value`.
    pub trial: ProcessTask,
    /// The compute target of the trials. The search itself runs on the step's.
    pub trial_target: String,
    /// What each trial needs of the machines it runs on.
    #[serde(default)]
    pub trial_resources: StepResources,
    /// What is searched and how: `sampling`, `space`, `primary_metric`, `policy`,
    /// `max_total_runs`, `max_concurrent_runs`, `max_duration_minutes`, `resume_from` and
    /// `resume_child_runs`.
    #[schema(value_type = Object)]
    pub search: serde_json::Value,
    /// The output that gets the metrics of all trials as one JSON file.
    #[serde(default)]
    pub metrics_output: Option<String>,
    /// The outputs that get a file of the best trial.
    #[serde(default)]
    pub model_outputs: Vec<TrialFile>,
    /// The Python that suggests values; needed for Bayesian sampling only.
    #[serde(default)]
    pub suggestions: Option<Environment>,
}

/// A file of the best trial, and the output that gets it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrialFile {
    /// The output port.
    pub output: String,
    /// The name of the file among the trial's, such as `outputs/model.pkl`.
    pub file: String,
}

/// The trials of a search, best first; those that have logged no number last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trials {
    /// The metric by which trials are compared.
    pub metric: String,
    /// Whether more of it is better.
    pub is_more_better: bool,
    /// The trials.
    pub trials: Vec<Trial>,
}

/// One trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trial {
    /// Its run.
    pub run: Uuid,
    /// Its name for people.
    pub name: String,
    /// Its status.
    pub status: RunStatus,
    /// The values of the search's parameters.
    #[schema(value_type = Object)]
    pub values: BTreeMap<String, serde_json::Value>,
    /// The best number that it has logged.
    pub best: Option<f64>,
}
