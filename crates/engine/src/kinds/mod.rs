//! The kinds of steps: how each is keyed for reuse and what work it is. One file a kind.
//!
//! What can be asked of a task's data alone is [`stepwell_model::TaskKind`]. Nothing outside of
//! these files and of [`of`] knows a kind by name; a kind reads no file and no clock.

mod parallel;
mod process;
mod spark;
mod transfer;
mod tune;
mod usql;

use std::collections::BTreeMap;

use stepwell_compute::Work;
use stepwell_model::{Arg, EnvironmentSpec, RunSpec, Task, TaskKind};

use crate::core::key::Part;

pub(crate) use process::SNAPSHOT;

/// What the engine asks of a kind of step, beside what its data says.
pub trait Kind: TaskKind {
    /// What the step's outputs depend on, beside its ports. The order is part of the key: parts
    /// are only added where no step of an earlier release had any.
    fn key_parts(&self, cx: &mut KeyContext<'_>) -> Vec<Part>;

    /// Whether the executor brings inputs of other machines here before the work starts, and
    /// uploads outputs when it has ended well. If not, the worker reads and writes the datastores
    /// itself, and may be lent their credentials.
    fn stages_data(&self) -> bool {
        true
    }

    /// What an attempt does.
    fn work(&self, cx: &LaunchContext<'_>) -> Work;

    /// Environment variables of the user's, on top of Stepwell's own.
    fn variables(&self, _cx: &LaunchContext<'_>) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// The longest that an attempt may run, in seconds; `None` for no limit.
    fn timeout_s(&self) -> Option<u64> {
        None
    }
}

/// The kind of a task.
#[must_use]
pub fn of(task: &Task) -> &dyn Kind {
    match task {
        Task::Process(task) => task,
        Task::Parallel(task) => task,
        Task::Transfer(task) => task,
        Task::Tune(task) => task.as_ref(),
        Task::Spark(task) => task,
        Task::Usql(task) => task,
    }
}

/// What a kind knows of its run when its key is made.
pub struct KeyContext<'a> {
    /// What was asked for.
    pub spec: &'a RunSpec,
    /// What an environment is made of.
    pub environment: &'a mut dyn FnMut(&EnvironmentSpec) -> Vec<Part>,
}

impl KeyContext<'_> {
    /// What an environment is made of: an existing interpreter with its packages, or what was
    /// asked to be built.
    pub fn environment(&mut self, environment: &EnvironmentSpec) -> Vec<Part> {
        (self.environment)(environment)
    }

    /// The text of an argument: a port by its name, since where it is changes nothing.
    #[must_use]
    pub fn text(&self, argument: &Arg) -> String {
        argument.render(|part| match part {
            Arg::Literal(text) | Arg::Value(text) => text.clone(),
            Arg::Input(name) => format!("<input {name}>"),
            Arg::Output(name) => format!("<output {name}>"),
            Arg::Parameter(name) => value(self.spec, name),
            Arg::Text(_) => String::new(),
        })
    }

    /// The value of a pipeline parameter; empty if there is none of the name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> String {
        value(self.spec, name)
    }
}

/// What a kind knows of its run when an attempt starts.
pub struct LaunchContext<'a> {
    /// What was asked for.
    pub spec: &'a RunSpec,
}

impl LaunchContext<'_> {
    /// The arguments with the values of pipeline parameters in their place. Ports stay: where they
    /// are is known on the machine that runs the step.
    #[must_use]
    pub fn bind(&self, arguments: &[Arg]) -> Vec<Arg> {
        let bind = |argument: &Arg| match argument {
            Arg::Parameter(name) => Arg::Value(value(self.spec, name)),
            Arg::Text(parts) => Arg::Text(self.bind(parts)),
            argument => argument.clone(),
        };
        arguments.iter().map(bind).collect()
    }

    /// The value of a pipeline parameter; empty if there is none of the name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> String {
        value(self.spec, name)
    }
}

fn value(spec: &RunSpec, name: &str) -> String {
    spec.parameters.get(name).cloned().unwrap_or_default()
}
