//! A program of the user's.

use std::collections::BTreeMap;

use stepwell_compute::Work;
use stepwell_model::{ProcessTask, Program};

use super::{KeyContext, Kind, LaunchContext};
use crate::core::key::Part;

/// The name of the part that is a snapshot's digest.
pub(crate) const SNAPSHOT: &str = "source directory";

impl Kind for ProcessTask {
    fn key_parts(&self, cx: &mut KeyContext<'_>) -> Vec<Part> {
        let mut parts = vec![match &self.program {
            Program::Script(path) => Part::new("script", path),
            Program::Command(name) => Part::new("command", name),
            Program::Shell(name) => Part::new("shell", name),
        }];
        for (number, argument) in (1..).zip(&self.arguments) {
            parts.push(Part::new(format!("argument {number}"), cx.text(argument)));
        }
        for (name, value) in variables(&self.variables, &self.parameter_variables, |name| {
            cx.parameter(name)
        }) {
            if is_execution_only(&name) {
                continue;
            }
            parts.push(Part::new(format!("variable {name}"), value));
        }
        if let Some(snapshot) = &self.snapshot {
            parts.push(Part::new(SNAPSHOT, snapshot.to_string()));
        }
        parts.extend(cx.environment(&self.environment));
        if let Some(several) = &self.distribution {
            let word = format!("{:?}", several.communicator);
            parts.push(Part::new("communicator", word));
        }
        parts
    }

    fn work(&self, cx: &LaunchContext<'_>) -> Work {
        Work::Program {
            program: self.program.clone(),
            arguments: cx.bind(&self.arguments),
            environment: self.environment.clone(),
            snapshot: self.snapshot,
            distribution: self.distribution.clone(),
        }
    }

    fn variables(&self, cx: &LaunchContext<'_>) -> BTreeMap<String, String> {
        variables(&self.variables, &self.parameter_variables, |name| {
            cx.parameter(name)
        })
    }

    fn timeout_s(&self) -> Option<u64> {
        self.timeout_s
    }
}

/// Whether a variable says how the script is started and nothing to the script.
pub(super) fn is_execution_only(variable: &str) -> bool {
    variable == "STEPWELL_WARM" || variable == "STEPWELL_WARM_IMPORTS"
}

/// The user's variables, with those that carry the value of a pipeline parameter.
pub(super) fn variables(
    own: &BTreeMap<String, String>,
    carried: &BTreeMap<String, String>,
    parameter: impl Fn(&str) -> String,
) -> BTreeMap<String, String> {
    let mut variables = own.clone();
    for (variable, name) in carried {
        variables.insert(variable.clone(), parameter(name));
    }
    variables
}
