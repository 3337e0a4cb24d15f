//! Programs of the user's, between the wire and the model.

use std::collections::BTreeMap;

use stepwell_api as api;
use stepwell_model as model;
use stepwell_model::{Communicator, Count, Distribution, ProcessTask, Program};
use stepwell_workspace::names::is_relative;

use super::task::{TaskContext, environment, shown_arguments, shown_environment};
use crate::error::Result;

/// Checks and converts a program.
pub(super) fn task(task: api::ProcessTask, cx: &TaskContext<'_>) -> Result<ProcessTask> {
    let arguments = cx.arguments(task.arguments)?;
    check_variables(&task.variables, &task.parameter_variables, cx)?;
    let snapshot = cx.snapshot(task.snapshot)?;
    let program = match task.program {
        api::Program::Script(path) if !is_relative(&path) => {
            return Err(cx.refuse(format!(
                "the script `{path}` is not inside the source directory"
            )));
        }
        api::Program::Script(path) => Program::Script(path),
        api::Program::Command(name) => Program::Command(name),
        api::Program::Shell(name) => Program::Shell(name),
    };
    Ok(model::ProcessTask {
        program,
        arguments,
        snapshot,
        environment: environment(task.environment),
        variables: task.variables,
        parameter_variables: task.parameter_variables,
        timeout_s: task.timeout_seconds,
        distribution: task
            .distribution
            .map(|wanted| distribution(wanted, cx))
            .transpose()?,
    })
}

/// The counts that a parameter may give, with their words.
const COUNTS: [(&str, Count); 3] = [
    ("nodes", Count::Nodes),
    ("processes_per_node", Count::ProcessesPerNode),
    ("parameter_servers", Count::ParameterServers),
];

fn distribution(wanted: api::Distribution, cx: &TaskContext<'_>) -> Result<Distribution> {
    let mut parameters = BTreeMap::new();
    for (word, name) in wanted.parameters {
        let Some((_, count)) = COUNTS.iter().find(|(known, _)| *known == word) else {
            let known = COUNTS.map(|(known, _)| known).join(", ");
            return Err(cx
                .refuse(format!("no parameter can give `{word}` of a distribution"))
                .hint(format!("one can give {known}")));
        };
        if !cx.parameters.contains_key(&name) {
            return Err(cx.refuse(format!(
                "`{word}` names the pipeline parameter `{name}`, which there is not"
            )));
        }
        parameters.insert(*count, name);
    }
    Ok(Distribution {
        communicator: match wanted.communicator {
            api::Communicator::Mpi => Communicator::Mpi,
            api::Communicator::PyTorch => Communicator::PyTorch,
            api::Communicator::TensorFlow => Communicator::TensorFlow,
            api::Communicator::Independent => Communicator::Independent,
        },
        parameter_servers: wanted.parameter_servers,
        parameters,
    })
}

fn shown_distribution(known: &Distribution) -> api::Distribution {
    let word = |count: Count| {
        let found = COUNTS.iter().find(|(_, known)| *known == count);
        found.map_or("", |(word, _)| *word).to_owned()
    };
    let parameters = known.parameters.iter();
    api::Distribution {
        communicator: match known.communicator {
            Communicator::Mpi => api::Communicator::Mpi,
            Communicator::PyTorch => api::Communicator::PyTorch,
            Communicator::TensorFlow => api::Communicator::TensorFlow,
            Communicator::Independent => api::Communicator::Independent,
        },
        parameter_servers: known.parameter_servers,
        parameters: parameters
            .map(|(count, name)| (word(*count), name.clone()))
            .collect(),
    }
}

/// Checks environment variables, and that the parameters that some carry are there.
pub(super) fn check_variables(
    own: &BTreeMap<String, String>,
    carried: &BTreeMap<String, String>,
    cx: &TaskContext<'_>,
) -> Result<()> {
    let mut unknown = carried.iter();
    if let Some((variable, name)) = unknown.find(|(_, name)| !cx.parameters.contains_key(*name)) {
        return Err(cx.refuse(format!(
            "variable `{variable}` names the pipeline parameter `{name}`, which there is not"
        )));
    }
    let mut variables = own.iter().chain(carried);
    let is_forbidden = |name: &str, value: &str| {
        name.is_empty() || name.contains(['=', '\0']) || value.contains('\0')
    };
    if let Some((name, _)) = variables.find(|(name, value)| is_forbidden(name, value)) {
        return Err(cx.refuse(format!("`{name}` cannot be an environment variable")));
    }
    Ok(())
}

/// A program as clients see it.
pub(crate) fn shown(task: &ProcessTask) -> api::ProcessTask {
    api::ProcessTask {
        program: match &task.program {
            Program::Script(path) => api::Program::Script(path.clone()),
            Program::Command(name) => api::Program::Command(name.clone()),
            Program::Shell(name) => api::Program::Shell(name.clone()),
        },
        arguments: shown_arguments(&task.arguments),
        snapshot: task.snapshot.map(|digest| digest.to_string()),
        environment: shown_environment(&task.environment),
        variables: task.variables.clone(),
        parameter_variables: task.parameter_variables.clone(),
        timeout_seconds: task.timeout_s,
        distribution: task.distribution.as_ref().map(shown_distribution),
    }
}
