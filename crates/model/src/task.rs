//! What a step does: its task, arguments, inputs and outputs.
//!
//! A kind of step that Stepwell learns later is one more variant of [`Task`], with one executor.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Digest, EnvironmentSpec, InputForm, ParallelInput, ParallelTask, StepIndex};

/// What is executed when the step starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// A program of the user's, in a process group of its own.
    Process(ProcessTask),
    /// One script over many mini-batches on many workers.
    Parallel(ParallelTask),
}

impl Task {
    /// Whether an attempt that was interrupted leaves what the next one goes on from.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        matches!(self, Self::Parallel(_))
    }

    /// The program with its files and its environment; of a parallel task, that of each worker.
    #[must_use]
    pub fn process(&self) -> &ProcessTask {
        match self {
            Self::Process(task) => task,
            Self::Parallel(task) => &task.worker,
        }
    }

    /// Whether the files of the named input are read: an argument is their place, or they are cut
    /// into mini-batches.
    #[must_use]
    pub fn reads_files(&self, name: &str) -> bool {
        let mut arguments = self.process().arguments.iter();
        let named = |argument: &Arg| matches!(argument, Arg::Input(port) if port == name);
        let cut = |input: &ParallelInput| input.port == name && input.form == InputForm::Files;
        arguments.any(named) || matches!(self, Self::Parallel(task) if task.inputs.iter().any(cut))
    }
}

/// A program with its arguments, files and environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessTask {
    /// What is started.
    pub program: Program,
    /// Its arguments, one token each, resolved when the step starts.
    #[serde(default)]
    pub arguments: Vec<Arg>,
    /// The files of the working directory; `None` for an empty one.
    pub snapshot: Option<Digest>,
    /// The Python it runs with.
    pub environment: EnvironmentSpec,
    /// Environment variables beside those that Stepwell sets.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Environment variables that carry the value of a pipeline parameter, by the parameter's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameter_variables: BTreeMap<String, String>,
    /// The longest it may run, in seconds; `None` for no limit.
    #[serde(default)]
    pub timeout_s: Option<u64>,
}

/// What is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// A Python script, relative to the working directory.
    Script(String),
    /// A command found on the `PATH` of the environment.
    Command(String),
}

/// One argument token of a command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arg {
    /// Text as it is.
    Literal(String),
    /// The place of the named input.
    Input(String),
    /// The place of the named output.
    Output(String),
    /// The value of the named pipeline parameter.
    Parameter(String),
}

/// Data a step reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The name of the port: letters, digits, underscores.
    pub name: String,
    /// Where the data comes from.
    pub source: InputSource,
    /// Whether the step gets a copy of its own, which it may write to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub download: bool,
    /// Where the step finds it, relative to its working directory; `None` for wherever it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_on_compute: Option<String>,
}

/// Where the data of an input comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputSource {
    /// An output of another step of the same run.
    Step {
        /// The producer.
        step: StepIndex,
        /// The name of its output.
        output: String,
    },
    /// A path on a datastore.
    Datastore {
        /// The datastore's name.
        datastore: String,
        /// The path below its root, with `/` between the parts.
        path: String,
    },
}

/// Data a step writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The name of the port: letters, digits, underscores.
    pub name: String,
    /// The datastore that keeps it.
    pub datastore: String,
    /// The path below the datastore's root; `{run-id}` and `{output-name}` are replaced. `None`
    /// for the default, `azureml/{run-id}/{output-name}`.
    #[serde(default)]
    pub path: Option<String>,
    /// For an output that is uploaded: what the script writes, relative to its working directory.
    #[serde(default)]
    pub upload_from: Option<String>,
    /// Whether Stepwell makes the folder before the script starts.
    #[serde(default)]
    pub make_folder: bool,
    /// For an upload: whether it must not replace files that are there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_existing: bool,
    /// For an upload: patterns of the files that are uploaded, relative to what is uploaded; all
    /// files when there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_globs: Vec<String>,
    /// The dataset as which it is registered when its step has succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<Registration>,
}

impl Output {
    /// Whether every run writes it to a place of its own.
    #[must_use]
    pub fn has_own_place(&self) -> bool {
        self.path
            .as_ref()
            .is_none_or(|path| path.contains("{run-id}"))
    }
}

/// The dataset that an output becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Its name.
    pub name: String,
    /// The word for its kind.
    pub kind: String,
    /// Its definition as JSON; its places are replaced by that of the output.
    pub definition_json: String,
    /// The end of the names of the files that are read; all when `None`.
    #[serde(default)]
    pub extension: Option<String>,
    /// A pattern of the paths, below the output, of the files that are read; all when `None`.
    #[serde(default)]
    pub glob: Option<String>,
    /// A description for people.
    #[serde(default)]
    pub description: String,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Whether a name that is known gets another version.
    #[serde(default)]
    pub new_version: bool,
}
