//! What the driver of a parallel step is asked to do: the request in its attempt's folder, and the
//! job that it is with all ports at their places on this machine.
//!
//! The engine writes the request, the driver reads it; both may be of different versions after an
//! upgrade, so fields are only added, with defaults.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use stepwell_model::{Arg, InputForm, ParallelInput, WorkerRequest};

/// The command of the `stepwell` program that drives a parallel step.
pub const COMMAND: &str = "drive-parallel";

/// The `task` of a request to drive a parallel step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParallelRequest {
    /// The script of the workers, relative to the working folder.
    pub entry_script: String,
    /// The arguments that it finds in `sys.argv`, with ports by their names.
    #[serde(default)]
    pub arguments: Vec<Arg>,
    /// The inputs that are cut into mini-batches.
    pub inputs: Vec<ParallelInput>,
    /// The output port whose folder takes the file of rows.
    #[serde(default)]
    pub output: Option<String>,
    /// The settings as text, by name.
    pub settings: BTreeMap<String, String>,
}

impl ParallelRequest {
    /// As the request's `task`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// One parallel step, with all that its graph left open resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct ParallelJob {
    /// The script of the workers, relative to the working folder.
    pub entry_script: String,
    /// The arguments that it finds in `sys.argv`.
    pub arguments: Vec<String>,
    /// The inputs that are cut into mini-batches.
    pub inputs: Vec<JobInput>,
    /// The folder that takes the file of rows.
    pub output: Option<String>,
    /// The settings as text, by name.
    pub settings: BTreeMap<String, String>,
    /// The folder that keeps how far the step is, for the next attempt.
    pub state: Utf8PathBuf,
    /// The files of the run, to which logs and progress are written as they come.
    pub files: Utf8PathBuf,
}

/// An input that is cut into mini-batches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobInput {
    /// The name of the port.
    pub name: String,
    /// What a mini-batch of it is.
    pub form: InputForm,
    /// Its file or folder; `None` for what is on no datastore.
    pub place: Option<String>,
    /// The id of the saved dataset that says how its files are read.
    pub dataset: Option<String>,
}

impl ParallelJob {
    /// The job that a request asks for.
    ///
    /// # Errors
    /// When the request's task is no parallel step.
    pub fn of(request: &WorkerRequest) -> Result<Self, serde_json::Error> {
        let task = ParallelRequest::deserialize(&request.task)?;
        let input = |input: ParallelInput| JobInput {
            place: request
                .inputs
                .get(&input.port)
                .and_then(|port| port.local.clone()),
            name: input.port,
            form: input.form,
            dataset: input.dataset,
        };
        let arguments = task.arguments.iter();
        let output = task.output.as_ref();
        Ok(Self {
            arguments: arguments
                .map(|argument| request.text(argument, |name| std::env::var(name).ok()))
                .collect(),
            output: output.and_then(|port| request.outputs.get(port)?.local.clone()),
            entry_script: task.entry_script,
            inputs: task.inputs.into_iter().map(input).collect(),
            settings: task.settings,
            state: request.state.as_str().into(),
            files: request.files.as_str().into(),
        })
    }
}
