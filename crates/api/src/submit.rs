//! What a client sends to start a run: `POST /api/v1/runs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::DatasetKind;

/// A run to start: a pipeline of steps, or one script.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitRun {
    /// The experiment; made if it does not exist. 1 to 255 characters.
    pub experiment: String,
    /// `pipeline`, or `script` for a run of exactly one step that is the run itself.
    #[serde(default = "pipeline")]
    pub kind: String,
    /// A name for people.
    #[serde(default)]
    pub display_name: Option<String>,
    /// A description for people.
    #[serde(default)]
    pub description: Option<String>,
    /// Tags of the run.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Properties of the run; they cannot be changed later.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// The run this one belongs to.
    #[serde(default)]
    pub parent: Option<Uuid>,
    /// The pipeline parameters with their types and defaults.
    #[serde(default)]
    pub declared: BTreeMap<String, Parameter>,
    /// Values of the pipeline parameters that arguments name, as text. What is not declared is
    /// declared by this as a text.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Values of the parameters that are data paths.
    #[serde(default)]
    pub data_paths: BTreeMap<String, PlaceOnDatastore>,
    /// Values of the parameters that are datasets.
    #[serde(default)]
    pub datasets: BTreeMap<String, DatasetValue>,
    /// Whether steps that do not depend on a failed step still run.
    #[serde(default)]
    pub continue_on_step_failure: bool,
    /// Whether outputs of earlier runs must not be reused.
    #[serde(default)]
    pub regenerate_outputs: bool,
    /// Who submits.
    #[serde(default)]
    pub client: ClientInfo,
    /// The steps. Their order is free; edges name steps by their place in this list, from 0.
    pub steps: Vec<SubmitStep>,
    /// Outputs that the pipeline itself names.
    #[serde(default)]
    pub outputs: BTreeMap<String, OutputRef>,
}

/// Runs to start together: all of them are stored, or none.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitRuns {
    /// The runs, 1 to 1,000. They are scheduled in this order.
    pub runs: Vec<KeyedRun>,
}

/// One of several runs to start.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyedRun {
    /// As the header `Idempotency-Key` of a run that is started alone: if a run was started under
    /// it, that is the run. 1 to 255 characters.
    pub key: String,
    /// The run.
    pub run: SubmitRun,
}

/// The runs that were started together, in the order in which they were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StartedRuns {
    /// Their ids.
    pub runs: Vec<Uuid>,
}

fn pipeline() -> String {
    "pipeline".to_owned()
}

/// A pipeline parameter: the type of its values, and the value it has when a submission sets none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "default", rename_all = "snake_case")]
pub enum Parameter {
    /// Text.
    String(String),
    /// A whole number, as text.
    Int(String),
    /// A number, as text.
    Float(String),
    /// A truth value, as text: `True` or `False`.
    Bool(String),
    /// A place on a datastore.
    DataPath(PlaceOnDatastore),
    /// A saved dataset.
    Dataset(DatasetValue),
}

/// A place on a datastore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOnDatastore {
    /// The datastore's name.
    pub datastore: String,
    /// The path below its root, with `/` between the parts.
    pub path: String,
}

/// A saved dataset as the value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetValue {
    /// The dataset's id.
    pub id: Uuid,
    /// The place that holds its files and nothing else. When absent the server looks for one.
    #[serde(default)]
    pub place: Option<PlaceOnDatastore>,
}

/// Where the submitting program runs.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientInfo {
    /// The folder that holds the packages `stepwell` and `azureml` of the submitting program, so
    /// that steps in other environments can import them. Only on the server's own machine.
    #[serde(default)]
    pub sdk_path: Option<String>,
    /// The version of the SDK.
    #[serde(default)]
    pub version: Option<String>,
    /// The user's login name.
    #[serde(default)]
    pub user: Option<String>,
}

/// One step.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitStep {
    /// Its name; several steps may share one.
    pub name: String,
    /// The user's word for its kind, such as `PythonScriptStep`.
    pub kind: String,
    /// The name of its compute target.
    pub target: String,
    /// What it does.
    pub task: Task,
    /// What it reads.
    #[serde(default)]
    pub inputs: Vec<StepInput>,
    /// What it writes.
    #[serde(default)]
    pub outputs: Vec<StepOutput>,
    /// Steps that must succeed before it starts, beside the producers of its inputs.
    #[serde(default)]
    pub after: Vec<u32>,
    /// Whether it may reuse the outputs of an identical earlier step.
    #[serde(default)]
    pub allow_reuse: bool,
    /// What it needs of the machines it runs on.
    #[serde(default)]
    pub resources: StepResources,
}

/// What a step needs of the machines it runs on. A cluster gives each attempt so much; the server's
/// own machine gives what it has, and has the processes of several nodes beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StepResources {
    /// Processor cores of each node; absent for what the target gives unless asked.
    #[schema(minimum = 1)]
    pub cores: Option<u32>,
    /// Memory of each node, in bytes.
    #[schema(minimum = 1)]
    pub memory_bytes: Option<u64>,
    /// GPUs of each node.
    pub gpus: u32,
    /// On how many nodes the program runs at once.
    #[schema(minimum = 1)]
    pub nodes: u32,
    /// How many processes of the program run on each node.
    #[schema(minimum = 1)]
    pub processes_per_node: u32,
    /// How long the nodes are needed, in seconds: a cluster may end what takes longer.
    #[schema(minimum = 1)]
    pub wall_time_s: Option<u64>,
}

impl Default for StepResources {
    fn default() -> Self {
        Self {
            cores: None,
            memory_bytes: None,
            gpus: 0,
            nodes: 1,
            processes_per_node: 1,
            wall_time_s: None,
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Task {
    /// A program of the user's.
    Process(ProcessTask),
    /// One script over many mini-batches on many workers.
    Parallel(crate::ParallelTask),
    /// Data copied from one place to another.
    Transfer(crate::TransferTask),
    /// A search of hyperparameters.
    Tune(Box<crate::TuneTask>),
    /// A notebook, a script or a JAR on Spark.
    Spark(Box<crate::SparkTask>),
    /// A U-SQL script.
    Usql(crate::UsqlTask),
}

/// A program with its arguments, files and environment.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessTask {
    /// What is started.
    pub program: Program,
    /// Its arguments, one token each.
    #[serde(default)]
    pub arguments: Vec<Argument>,
    /// The digest of the snapshot that fills the working directory.
    #[serde(default)]
    pub snapshot: Option<String>,
    /// The Python it runs with.
    pub environment: Environment,
    /// Environment variables.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Environment variables that carry the value of a pipeline parameter, by the parameter's name.
    #[serde(default)]
    pub parameter_variables: BTreeMap<String, String>,
    /// The longest it may run, in seconds.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
    /// How its processes find each other, if it is several: as many as the step's resources say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
}

/// The processes of a program that is several. Each has its rank in variables, and the first
/// that fails ends the step.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// How they find each other.
    pub communicator: Communicator,
    /// How many more serve the parameters of TensorFlow. Each node has one worker then.
    #[serde(default)]
    pub parameter_servers: u32,
    /// The counts that pipeline parameters give, by the parameter's name: of `nodes`,
    /// `processes_per_node` and `parameter_servers`.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

/// How the processes of a program find each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Communicator {
    /// By MPI, where the step's environment has it; else by variables.
    Mpi,
    /// By the address of the first one: `MASTER_ADDR`, `RANK`, `WORLD_SIZE`.
    PyTorch,
    /// By a list of all: `TF_CONFIG`.
    TensorFlow,
    /// Not at all.
    Independent,
}

/// What is started: exactly one of the three.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// A Python script, relative to the working directory.
    Script(String),
    /// A command found on the `PATH` of the environment.
    Command(String),
    /// The name of a shell, such as `bash`: the arguments, joined by blanks, are the text of its
    /// command.
    Shell(String),
}

/// One argument token: exactly one of the five.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Argument {
    /// Text; `$NAME` in it is a variable of the step.
    Literal(String),
    /// The place of the named input.
    Input(String),
    /// The place of the named output.
    Output(String),
    /// The value of the named pipeline parameter.
    Parameter(String),
    /// One token made of several parts.
    #[schema(no_recursion)]
    Text(Vec<Argument>),
}

/// The Python of a step.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Environment {
    /// An interpreter that exists on the machine the step runs on.
    Interpreter {
        /// Its absolute path.
        python: String,
    },
    /// An environment that Stepwell builds.
    Python(PythonSpec),
}

/// The content of an environment to build.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PythonSpec {
    /// The name the user gave, for messages only.
    pub name: String,
    /// A Python version such as `3.11`.
    pub python_version: Option<String>,
    /// The Python version to take if it is installed, when no `python_version` is asked for.
    pub python_preferred: Option<String>,
    /// The interpreter to build from when no version is asked for: the submitting one.
    pub base_python: String,
    /// Requirements in pip's syntax.
    pub pip: Vec<String>,
    /// Packages of the conda section in conda's syntax, without `python` and `pip`.
    pub conda: Vec<String>,
    /// Extra arguments of pip, such as `--extra-index-url` and its value.
    pub pip_options: Vec<String>,
}

/// Data a step reads.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepInput {
    /// The name of the port: letters, digits, underscores.
    pub name: String,
    /// Where it comes from.
    pub source: DataPlace,
    /// Whether the step gets a copy of its own, which it may write to.
    #[serde(default)]
    pub download: bool,
    /// Where the step finds it, relative to its working directory; wherever it is when absent.
    #[serde(default)]
    pub path_on_compute: Option<String>,
}

/// Where data is: exactly one of the three.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataPlace {
    /// An output of another step of the same run.
    Step(OutputRef),
    /// A path on a datastore.
    Datastore {
        /// The datastore's name.
        datastore: String,
        /// The path below its root, with `/` between the parts.
        path: String,
    },
    /// Where the named pipeline parameter says, a data path or a dataset.
    Parameter(String),
}

/// An output of a step.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputRef {
    /// The producer's place in the list of steps.
    pub step: u32,
    /// The name of its output.
    pub output: String,
}

/// Data a step writes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepOutput {
    /// The name of the port: letters, digits, underscores.
    pub name: String,
    /// The datastore that keeps it; the workspace's default when absent.
    #[serde(default)]
    pub datastore: Option<String>,
    /// The path below the datastore's root; `{run-id}` and `{output-name}` are replaced. The
    /// default is `azureml/{run-id}/{output-name}`.
    #[serde(default)]
    pub path: Option<String>,
    /// For an output that is uploaded: what the script writes, relative to its working directory.
    #[serde(default)]
    pub upload_from: Option<String>,
    /// Whether the folder exists before the script starts.
    #[serde(default)]
    pub make_folder: bool,
    /// For an upload: whether it must not replace files that are there. The step fails then.
    #[serde(default)]
    pub keep_existing: bool,
    /// For an upload: patterns of the files that are uploaded, relative to what is uploaded, with
    /// `*`, `?` and `**`; all files when empty.
    #[serde(default)]
    pub source_globs: Vec<String>,
    /// The dataset as which it is registered when its step has succeeded.
    #[serde(default)]
    pub register: Option<RegisterOutput>,
}

/// The dataset that an output becomes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterOutput {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: DatasetKind,
    /// Its definition; the server puts the output's place into `places`.
    pub definition: serde_json::Value,
    /// A description for people.
    #[serde(default)]
    pub description: String,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Whether a name that is known gets another version. If not, the dataset is not registered,
    /// which the run of the step says in a property.
    #[serde(default)]
    pub create_new_version: bool,
}
