//! A step on Spark, as a client sends it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Argument, Environment, Setting};

/// A notebook, a script or a JAR on Spark.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SparkTask {
    /// What is run.
    pub code: SparkCode,
    /// The name of the step, by which other steps read its task values.
    pub name: String,
    /// How the paths of the ports reach the code.
    #[serde(default)]
    pub style: SparkStyle,
    /// Whether the compute target is a Databricks workspace, which reads and writes the datastores
    /// itself.
    #[serde(default)]
    pub remote: bool,
    /// The digest of the snapshot that fills the working directory; absent when the code is not
    /// among files of this machine.
    #[serde(default)]
    pub snapshot: Option<String>,
    /// The Python of the worker and of Spark's driver; it holds pyspark unless the code runs in a
    /// workspace.
    pub environment: Environment,
    /// Environment variables beside those that Stepwell sets.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Environment variables that carry the value of a pipeline parameter, by the parameter's name.
    #[serde(default)]
    pub parameter_variables: BTreeMap<String, String>,
    /// Sizes, properties and files of the application.
    #[serde(default)]
    pub spark: SparkSettings,
    /// The cluster of Databricks that the step asks for.
    #[serde(default)]
    pub cluster: SparkCluster,
    /// The libraries of the step.
    #[serde(default)]
    pub libraries: Vec<SparkLibrary>,
    /// The longest it may run, in seconds.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
}

/// What is run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SparkCode {
    /// What kind of code it is.
    pub kind: SparkCodeKind,
    /// The path of the notebook or script; the main class of a JAR.
    pub path: String,
    /// The arguments of a script or JAR, one token each.
    #[serde(default)]
    pub arguments: Vec<Argument>,
    /// The parameters of a notebook (its widgets), by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, Setting>,
}

/// The kinds of code that Spark runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SparkCodeKind {
    /// A notebook, cell by cell.
    Notebook,
    /// A Python script.
    Script,
    /// The main class of the first JAR among the libraries.
    Jar,
}

/// How the paths of the ports reach the code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SparkStyle {
    /// As widgets of a notebook; as pairs `-name path` after the arguments of a script or JAR.
    #[default]
    Databricks,
    /// Only where an argument names a port.
    Synapse,
}

/// Sizes, properties and files of a Spark application.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SparkSettings {
    /// What the application, or the run in a workspace, is called; as the step when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
    /// The driver's memory, as Spark writes it: `1g`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_memory: Option<String>,
    /// The driver's cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_cores: Option<u32>,
    /// The memory of each executor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_memory: Option<String>,
    /// The cores of each executor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_cores: Option<u32>,
    /// How many executors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_executors: Option<u32>,
    /// Properties of Spark, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub conf: BTreeMap<String, String>,
    /// Python files and archives that go with the application.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub py_files: Vec<String>,
    /// JARs that go with the application.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jars: Vec<String>,
    /// Other files that go with the application.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// The cluster of Databricks that a step asks for: one that exists, or the size of a new one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SparkCluster {
    /// The id of a cluster that exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_cluster_id: Option<String>,
    /// The version of Databricks' runtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spark_version: Option<String>,
    /// The kind of machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_type: Option<String>,
    /// The pool that machines are taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_pool_id: Option<String>,
    /// How many workers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_workers: Option<u32>,
    /// The fewest workers of a cluster that scales.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_workers: Option<u32>,
    /// The most workers of a cluster that scales.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_workers: Option<u32>,
    /// Environment variables of Spark.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub spark_env_variables: BTreeMap<String, String>,
    /// Properties of Spark.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub spark_conf: BTreeMap<String, String>,
    /// Scripts that a new cluster runs first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub init_scripts: Vec<String>,
    /// Where a new cluster keeps its logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_log_dbfs_path: Option<String>,
    /// Whether a cluster that is terminated may be started for the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permit_cluster_restart: Option<bool>,
}

/// A library: exactly one of the kinds is set.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SparkLibrary {
    /// A Python package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pypi: Option<SparkPackage>,
    /// An R package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cran: Option<SparkPackage>,
    /// A library by its Maven coordinates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maven: Option<SparkMaven>,
    /// The path of a JAR.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jar: Option<String>,
    /// The path of an egg.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egg: Option<String>,
    /// The path of a wheel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whl: Option<String>,
    /// The digest of a file of the submitting machine: another content is another library.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A package of an index.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SparkPackage {
    /// Its name, with or without a version.
    pub package: String,
    /// The index; the usual one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<String>,
}

/// A library of a Maven repository.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SparkMaven {
    /// `group:artifact:version`.
    pub coordinates: String,
    /// The repository; the usual ones when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<String>,
    /// What it depends on and is not wanted: `group:artifact`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusions: Vec<String>,
}
