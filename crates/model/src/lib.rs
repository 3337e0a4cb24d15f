//! The nouns of Stepwell: ids, pipeline graphs, tasks, states, events, failures and reasons.
//!
//! Everything here is plain data. No I/O, no async, no clock, no environment: a value of these
//! types means the same on every machine and at every time.
//!
//! `Serialize` on a type of this crate means *stored on disk* (journal, graph blob, attempt
//! folder). The shapes of HTTP live in `stepwell-api` and are converted by hand in the server.

mod environment;
mod event;
mod failure;
mod graph;
mod ids;
mod parallel;
mod parameter;
mod run;
mod task;
mod template;
mod time;

pub use environment::{EnvironmentSpec, PythonSpec};
pub use event::{Event, Outcome, SkipReason, Usage};
pub use failure::{Failure, FailureKind, in_words};
pub use graph::{Graph, GraphError, Step, StepIndex, StepSpec};
pub use ids::{AttemptId, Digest, ParseIdError, RunId, TargetName};
pub use parallel::{
    InputForm, OutputAction, ParallelInput, ParallelSettings, ParallelTask, Setting, SettingError,
};
pub use parameter::{DatasetValue, Parameter, Place, Value};
pub use run::{RunKind, RunSpec, RunStatus};
pub use task::{Arg, Input, InputSource, Output, ProcessTask, Program, Registration, Task};
pub use template::{AssignmentError, OpenInput, Settled, Template};
pub use time::Timestamp;
