//! A Spark task: a notebook, a script or a JAR on Spark.
//!
//! Which Spark it is, the compute target's settings say when the step starts; the worker is
//! `python/stepwell/_spark`. Nothing here knows what a cluster or a library is: the options are
//! text for the worker.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Arg, Digest, EnvironmentSpec, References, Setting, TaskKind};

/// A notebook, a script or a JAR on Spark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SparkTask {
    /// What is run.
    pub code: SparkCode,
    /// The name of the step, by which other steps read its task values.
    pub name: String,
    /// How the paths of the ports reach the code.
    pub style: SparkStyle,
    /// Whether the code runs in a workspace elsewhere, which reads and writes the datastores
    /// itself.
    #[serde(default)]
    pub remote: bool,
    /// The files of the working directory; `None` when the code is not among them.
    pub snapshot: Option<Digest>,
    /// The Python of the worker and of Spark's driver.
    pub environment: EnvironmentSpec,
    /// Environment variables beside those that Stepwell sets.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Environment variables that carry the value of a pipeline parameter, by the parameter's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameter_variables: BTreeMap<String, String>,
    /// Sizes, properties, cluster and libraries, as the worker reads them: a JSON object.
    pub options_json: String,
    /// The longest it may run, in seconds; `None` for no limit.
    #[serde(default)]
    pub timeout_s: Option<u64>,
}

/// What a Spark task runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SparkCode {
    /// What kind of code it is.
    pub kind: SparkCodeKind,
    /// The path of the notebook or script; the main class of a JAR.
    pub path: String,
    /// The arguments of a script or JAR, one token each.
    #[serde(default)]
    pub arguments: Vec<Arg>,
    /// The parameters of a notebook, by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, Setting>,
}

/// The kinds of code that Spark runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SparkCodeKind {
    /// Cell by cell.
    Notebook,
    /// A Python script.
    Script,
    /// A class with a `main`.
    Jar,
}

impl SparkCodeKind {
    /// The name on the wire and in the worker's request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notebook => "notebook",
            Self::Script => "script",
            Self::Jar => "jar",
        }
    }
}

/// How the paths of the ports reach the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SparkStyle {
    /// As widgets of a notebook; as pairs of arguments after those of a script or JAR.
    Databricks,
    /// Only where an argument names a port.
    Synapse,
}

impl SparkStyle {
    /// The name on the wire and in the worker's request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Databricks => "databricks",
            Self::Synapse => "synapse",
        }
    }
}

impl TaskKind for SparkTask {
    fn environment(&self) -> Option<&EnvironmentSpec> {
        Some(&self.environment)
    }

    fn references(&self) -> References {
        References {
            snapshots: self.snapshot.into_iter().collect(),
            datasets: crate::process::datasets_of(&self.variables),
            ..References::default()
        }
    }

    fn reads_files(&self, port: &str) -> bool {
        // In the style of Databricks every port's path is given to the code.
        let named = |argument: &Arg| matches!(argument, Arg::Input(name) if name == port);
        self.style == SparkStyle::Databricks || self.code.arguments.iter().any(named)
    }

    fn resumes(&self) -> bool {
        // A job elsewhere goes on without its worker, and the next attempt finds it.
        self.remote
    }

    fn check(&self, parameters: &BTreeMap<String, String>) -> Result<(), String> {
        for (name, setting) in &self.code.parameters {
            if setting.resolve(parameters).is_none() {
                return Err(format!(
                    "the notebook's parameter `{name}` names a pipeline parameter which there is not"
                ));
            }
        }
        Ok(())
    }
}
