//! A search of hyperparameters: what its trials run and how their values are chosen.
//!
//! What is searched stays JSON here: `stepwell-tune` reads it, and the server has checked it before
//! it is stored. The form only grows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Arg, EnvironmentSpec, ProcessTask, References, Resources, TaskKind};

/// A search of hyperparameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TuneTask {
    /// What each trial runs; its values follow the arguments.
    pub trial: ProcessTask,
    /// The compute target of the trials.
    pub trial_target: String,
    /// What each trial needs of the machines it runs on.
    #[serde(default, skip_serializing_if = "Resources::is_default")]
    pub trial_resources: Resources,
    /// What is searched and how, as `stepwell_tune::Search` reads it.
    pub search: serde_json::Value,
    /// The output that gets the metrics of all trials.
    #[serde(default)]
    pub metrics_output: Option<String>,
    /// The outputs that get a file of the best trial.
    #[serde(default)]
    pub model_outputs: Vec<TrialFile>,
    /// The Python that suggests values.
    #[serde(default)]
    pub suggestions: Option<EnvironmentSpec>,
}

/// A file of the best trial, and the output that gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialFile {
    /// The output port.
    pub output: String,
    /// The name of the file among the trial's.
    pub file: String,
}

impl TaskKind for TuneTask {
    fn environment(&self) -> Option<&EnvironmentSpec> {
        self.trial.environment()
    }

    fn references(&self) -> References {
        self.trial.references()
    }

    fn reads_files(&self, port: &str) -> bool {
        self.trial.reads_files(port)
    }

    fn resumes(&self) -> bool {
        true
    }

    fn starts(&self) -> Option<(&str, &Resources, bool)> {
        let several = self.trial.is_several();
        Some((&self.trial_target, &self.trial_resources, several))
    }

    fn bind_counts(
        &mut self,
        values: &BTreeMap<String, String>,
        _resources: &mut Resources,
    ) -> Result<(), String> {
        self.trial.bind_counts(values, &mut self.trial_resources)
    }

    fn bind_dataset(&mut self, port: &str, dataset: &str) {
        self.trial.bind_dataset(port, dataset);
    }
}

impl TuneTask {
    /// The first argument of the trials that names an output of the step: every trial would write
    /// to the same place.
    #[must_use]
    pub fn shared_output(&self) -> Option<&str> {
        self.trial
            .arguments
            .iter()
            .find_map(|argument| match argument {
                Arg::Output(name) => Some(name.as_str()),
                _ => None,
            })
    }
}

/// What the worker of a search is asked to do: the `task` of its request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TuneRequest {
    /// What each trial runs; pipeline parameters have their values.
    pub trial: ProcessTask,
    /// The compute target of the trials.
    pub trial_target: String,
    /// What each trial needs of the machines it runs on.
    #[serde(default)]
    pub trial_resources: Resources,
    /// What is searched and how.
    pub search: serde_json::Value,
    /// The output that gets the metrics of all trials.
    #[serde(default)]
    pub metrics_output: Option<String>,
    /// The outputs that get a file of the best trial.
    #[serde(default)]
    pub model_outputs: Vec<TrialFile>,
    /// The folder that makes the SDK importable in the environments of trials.
    #[serde(default)]
    pub sdk_path: Option<String>,
}

impl TuneRequest {
    /// The hidden command of `stepwell` that does it.
    pub const COMMAND: &str = "drive-tuning";
}
