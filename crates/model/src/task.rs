//! What a step does, and its ports: inputs and outputs.
//!
//! A new kind of step is one more variant of [`Task`], with its data and its answers to
//! [`TaskKind`] in a file of its own. Nothing else in this crate knows kinds by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    DatasetDefinition, DatasetKind, Digest, EnvironmentSpec, ParallelTask, ProcessTask, Resources,
    Rows, SparkTask, Spread, StepIndex, TransferTask, TuneTask, UsqlTask,
};

/// What is executed when the step starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// A program of the user's, in a process group of its own.
    Process(ProcessTask),
    /// One script over many mini-batches on many workers.
    Parallel(ParallelTask),
    /// Data copied from one place to another.
    Transfer(TransferTask),
    /// A search of hyperparameters, whose trials are runs of their own.
    Tune(Box<TuneTask>),
    /// A notebook, a script or a JAR on Spark.
    Spark(SparkTask),
    /// A U-SQL script.
    Usql(UsqlTask),
}

/// What can be asked of a task without running it. Each kind answers in its own file; how a kind
/// is keyed and run is asked of `stepwell-engine`'s `kinds`.
pub trait TaskKind {
    /// What it names that must exist, beside what its step's ports name.
    fn references(&self) -> References;

    /// Whether the files of the input are read: an argument is their path, or the task walks them.
    /// Such an input cannot be a dataset whose files are in no folder of their own.
    fn reads_files(&self, port: &str) -> bool;

    /// Whether what the input holds goes into what the step makes. A place that is only written to
    /// does not.
    fn reads(&self, _port: &str) -> bool {
        true
    }

    /// Which rows the input stands for, if its datastore is a database and the task copies rows.
    fn rows(&self, _port: &str) -> Option<Rows<'_>> {
        None
    }

    /// The input whose place the output is, if it has no place of its own.
    fn output_at(&self, _output: &str) -> Option<&str> {
        None
    }

    /// The Python that it runs with, if it has one.
    fn environment(&self) -> Option<&EnvironmentSpec> {
        None
    }

    /// Whether an attempt that was interrupted leaves what the next one continues from.
    fn resumes(&self) -> bool {
        false
    }

    /// The compute target of the runs that it starts itself, what each needs there, and whether
    /// each is several processes.
    fn starts(&self) -> Option<(&str, &Resources, bool)> {
        None
    }

    /// Whether its program is several processes that are started together.
    fn is_several(&self) -> bool {
        false
    }

    /// The workers that its program starts on all of its nodes, if it does. Their counts are known
    /// once [`Self::bind_counts`] has been called.
    fn spread(&self) -> Option<Spread> {
        None
    }

    /// Takes the counts of nodes and processes that pipeline parameters give.
    ///
    /// # Errors
    /// What is wrong with a value, in words.
    fn bind_counts(
        &mut self,
        _values: &BTreeMap<String, String>,
        _resources: &mut Resources,
    ) -> Result<(), String> {
        Ok(())
    }

    /// A pipeline parameter has chosen the saved dataset, by its id, that the input reads.
    fn bind_dataset(&mut self, _port: &str, _dataset: &str) {}

    /// Checks the task with the values of the pipeline's parameters, as text by name.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    fn check(&self, _parameters: &BTreeMap<String, String>) -> Result<(), String> {
        Ok(())
    }
}

/// What a task names that must exist when it runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct References {
    /// Snapshots. The first is the one that people see: the step's source directory.
    pub snapshots: Vec<Digest>,
    /// Files of snapshots that it starts, by their paths there.
    pub scripts: Vec<(Digest, String)>,
    /// Ids of saved datasets.
    pub datasets: Vec<String>,
    /// Names of datastores.
    pub datastores: Vec<String>,
}

impl Task {
    /// The questions that its kind answers.
    #[must_use]
    pub fn kind(&self) -> &dyn TaskKind {
        match self {
            Self::Process(task) => task,
            Self::Parallel(task) => task,
            Self::Transfer(task) => task,
            Self::Tune(task) => task.as_ref(),
            Self::Spark(task) => task,
            Self::Usql(task) => task,
        }
    }

    /// The same, to bind values.
    pub fn kind_mut(&mut self) -> &mut dyn TaskKind {
        match self {
            Self::Process(task) => task,
            Self::Parallel(task) => task,
            Self::Transfer(task) => task,
            Self::Tune(task) => task.as_mut(),
            Self::Spark(task) => task,
            Self::Usql(task) => task,
        }
    }
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
    /// Whether it gives files or a table.
    pub kind: DatasetKind,
    /// Its definition; its locations are replaced by that of the output.
    #[serde(rename = "definition_json")]
    pub definition: DatasetDefinition,
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
