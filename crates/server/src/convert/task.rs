//! Tasks between the wire and the model: one exhaustive match each way. What is checked of a kind
//! is in its own file.

use std::collections::BTreeMap;

use stepwell_api as api;
use stepwell_model as model;
use stepwell_model::{Digest, Parameter, Task};

use super::{parallel, process, spark, transfer, tune, usql};
use crate::error::{ApiError, Result};

/// What a task is checked against.
pub(super) struct TaskContext<'a> {
    /// Whether the step has an input of the name.
    pub(super) is_input: &'a dyn Fn(&str) -> bool,
    /// The outputs of the step.
    pub(super) outputs: &'a [model::Output],
    /// The parameters of the pipeline.
    pub(super) parameters: &'a BTreeMap<String, Parameter>,
    /// Makes a refusal that names the step.
    pub(super) refuse: &'a dyn Fn(String) -> ApiError,
}

/// Checks and converts a task.
pub(super) fn task(task: api::Task, cx: &TaskContext<'_>) -> Result<Task> {
    Ok(match task {
        api::Task::Process(task) => Task::Process(process::task(task, cx)?),
        api::Task::Parallel(task) => Task::Parallel(parallel::task(task, cx)?),
        api::Task::Transfer(task) => Task::Transfer(transfer::task(task, cx)?),
        api::Task::Tune(task) => Task::Tune(Box::new(tune::task(*task, cx)?)),
        api::Task::Spark(task) => Task::Spark(spark::task(*task, cx)?),
        api::Task::Usql(task) => Task::Usql(usql::task(task, cx)?),
    })
}

/// A task as clients see it.
pub(super) fn shown(task: &Task) -> api::Task {
    match task {
        Task::Process(task) => api::Task::Process(process::shown(task)),
        Task::Parallel(task) => api::Task::Parallel(parallel::shown(task)),
        Task::Transfer(task) => api::Task::Transfer(transfer::shown(task)),
        Task::Tune(task) => api::Task::Tune(Box::new(tune::shown(task))),
        Task::Spark(task) => api::Task::Spark(Box::new(spark::shown(task))),
        Task::Usql(task) => api::Task::Usql(usql::shown(task)),
    }
}

impl TaskContext<'_> {
    /// A refusal of the task.
    pub(super) fn refuse(&self, what: impl Into<String>) -> ApiError {
        (self.refuse)(what.into())
    }

    /// Whether the step has an output of the name.
    pub(super) fn is_output(&self, name: &str) -> bool {
        self.outputs.iter().any(|output| output.name == name)
    }

    /// Converts arguments; what they name must be there.
    pub(super) fn arguments(&self, arguments: Vec<api::Argument>) -> Result<Vec<model::Arg>> {
        let argument = |argument| self.argument(argument);
        arguments.into_iter().map(argument).collect()
    }

    fn argument(&self, argument: api::Argument) -> Result<model::Arg> {
        let missing = |kind: &str, name: &str| {
            self.refuse(format!(
                "an argument names the {kind} `{name}`, which there is not"
            ))
        };
        match argument {
            api::Argument::Literal(text) => Ok(model::Arg::Literal(text)),
            api::Argument::Input(name) if (self.is_input)(&name) => Ok(model::Arg::Input(name)),
            api::Argument::Input(name) => Err(missing("input", &name)),
            api::Argument::Output(name) if self.is_output(&name) => Ok(model::Arg::Output(name)),
            api::Argument::Output(name) => Err(missing("output", &name)),
            api::Argument::Parameter(name) if self.parameters.contains_key(&name) => {
                Ok(model::Arg::Parameter(name))
            }
            api::Argument::Parameter(name) => Err(missing("pipeline parameter", &name)),
            api::Argument::Text(parts) => Ok(model::Arg::Text(self.arguments(parts)?)),
        }
    }

    /// The digest of a snapshot. Whether it is there is for the workspace to say.
    pub(super) fn snapshot(&self, text: Option<String>) -> Result<Option<Digest>> {
        let digest = |text: String| {
            let parsed = text.parse::<Digest>();
            parsed.map_err(|error: model::ParseIdError| self.refuse(error.to_string()))
        };
        text.map(digest).transpose()
    }
}

/// Arguments as clients see them.
pub(super) fn shown_arguments(arguments: &[model::Arg]) -> Vec<api::Argument> {
    let argument = |argument: &model::Arg| match argument {
        model::Arg::Literal(text) | model::Arg::Value(text) => api::Argument::Literal(text.clone()),
        model::Arg::Input(name) => api::Argument::Input(name.clone()),
        model::Arg::Output(name) => api::Argument::Output(name.clone()),
        model::Arg::Parameter(name) => api::Argument::Parameter(name.clone()),
        model::Arg::Text(parts) => api::Argument::Text(shown_arguments(parts)),
    };
    arguments.iter().map(argument).collect()
}

/// The Python that is asked for.
pub(super) fn environment(environment: api::Environment) -> model::EnvironmentSpec {
    match environment {
        api::Environment::Interpreter { python } => model::EnvironmentSpec::Interpreter { python },
        api::Environment::Python(spec) => model::EnvironmentSpec::Python(model::PythonSpec {
            name: spec.name,
            python_version: spec.python_version,
            python_preferred: spec.python_preferred,
            base_python: spec.base_python,
            pip: spec.pip,
            conda: spec.conda,
            pip_options: spec.pip_options,
        }),
    }
}

/// An environment as clients see it.
pub(super) fn shown_environment(environment: &model::EnvironmentSpec) -> api::Environment {
    match environment {
        model::EnvironmentSpec::Interpreter { python } => api::Environment::Interpreter {
            python: python.clone(),
        },
        model::EnvironmentSpec::Python(spec) => api::Environment::Python(api::PythonSpec {
            name: spec.name.clone(),
            python_version: spec.python_version.clone(),
            python_preferred: spec.python_preferred.clone(),
            base_python: spec.base_python.clone(),
            pip: spec.pip.clone(),
            conda: spec.conda.clone(),
            pip_options: spec.pip_options.clone(),
        }),
    }
}
