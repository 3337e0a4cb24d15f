//! The nouns of Stepwell: ids, pipeline graphs, tasks, states, events, failures and reasons.
//!
//! Everything here is plain data. No I/O, no async, no clock, no environment: a value of these
//! types means the same on every machine and at every time.
//!
//! `Serialize` on a type of this crate means *stored on disk* (journal, graph blob, attempt
//! folder). The shapes of HTTP live in `stepwell-api` and are converted by hand in the server.

mod address;
mod argument;
mod assignments;
mod compute;
mod dataset;
mod distribution;
mod environment;
mod event;
mod failure;
mod graph;
mod ids;
mod isolation;
mod logins;
mod parallel;
mod parameter;
mod process;
mod quoting;
mod ray;
mod request;
mod resources;
mod run;
mod run_query;
mod slurm;
mod spark;
mod task;
mod template;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod time;
mod transfer;
mod tune;
mod usql;
mod warm;

pub use argument::{Arg, expand_variables};
pub use assignments::Assignments;
pub use compute::{ComputeError, ComputeKind, ExecutorKind};
pub use dataset::{DataLocation, DatasetDefinition, DatasetKind, DefinitionError, Reading};
pub use distribution::{Communicator, Count, Distribution};
pub use environment::{EnvironmentSpec, PythonSpec};
pub use event::{Event, Outcome, SkipReason, Start, Usage, WaitReason};
pub use failure::{Failure, FailureKind, in_words};
pub use graph::{Graph, GraphError, Step, StepIndex, StepSpec};
pub use ids::{AttemptId, Digest, ParseIdError, RunId, TargetName};
pub use isolation::{Isolation, IsolationError};
pub use logins::without_logins;
pub use parallel::{
    InputForm, OutputAction, ParallelInput, ParallelSettings, ParallelTask, Setting, SettingError,
};
pub use parameter::{DatasetValue, Parameter, Place, Value};
pub use process::{ProcessTask, Program};
pub use quoting::{shell_word, text_of_uri, uri_part};
pub use ray::RayTarget;
pub use request::{PortLocation, WorkerRequest};
pub use resources::{Resources, Spread};
pub use run::{RunKind, RunSpec, RunStatus};
pub use run_query::{Field, Operand, Operator, QueryError, RunQuery};
pub use slurm::SlurmTarget;
pub use spark::{SparkCode, SparkCodeKind, SparkStyle, SparkTask};
pub use task::{Input, InputSource, Output, References, Registration, Task, TaskKind};
pub use template::{AssignmentError, Bound, OpenInput, Template, properties_of_pipeline};
pub use time::Timestamp;
pub use transfer::{
    EntryType, ProcedureParameter, ProcedureType, Rows, Selection, TransferTask, WriteMode,
};
pub use tune::{TrialFile, TuneRequest, TuneTask};
pub use usql::UsqlTask;
pub use warm::{WarmStarts, is_module};
