//! A process task: one program of the user's, with its arguments, files and environment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Arg, Digest, Distribution, EnvironmentSpec, References, Resources, TaskKind};

/// A program with its arguments, files and environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessTask {
    /// What is started.
    pub program: Program,
    /// Its arguments, one token each, resolved when the step starts.
    #[serde(default)]
    pub arguments: Vec<Arg>,
    /// The files of the working directory; `None` for an empty one.
    pub snapshot: Option<Digest>,
    /// The Python it runs with.
    pub environment: EnvironmentSpec,
    /// Environment variables beside those that Stepwell sets.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Environment variables that carry the value of a pipeline parameter, by the parameter's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameter_variables: BTreeMap<String, String>,
    /// The longest it may run, in seconds; `None` for no limit.
    #[serde(default)]
    pub timeout_s: Option<u64>,
    /// How its processes find each other, if it is several: as many as the step's resources say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
}

/// What is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// A Python script, relative to the working directory.
    Script(String),
    /// A command found on the `PATH` of the environment.
    Command(String),
    /// The arguments, joined by blanks, as the text of a command for the named shell.
    Shell(String),
}

impl TaskKind for ProcessTask {
    fn environment(&self) -> Option<&EnvironmentSpec> {
        Some(&self.environment)
    }

    fn references(&self) -> References {
        let script = match &self.program {
            Program::Script(path) => self.snapshot.map(|snapshot| (snapshot, path.clone())),
            Program::Command(_) | Program::Shell(_) => None,
        };
        References {
            snapshots: self.snapshot.into_iter().collect(),
            scripts: script.into_iter().collect(),
            datasets: datasets_of(&self.variables),
            datastores: Vec::new(),
        }
    }

    fn reads_files(&self, port: &str) -> bool {
        let mut arguments = self.arguments.iter().flat_map(Arg::parts);
        arguments.any(|argument| matches!(argument, Arg::Input(named) if named == port))
    }

    fn is_several(&self) -> bool {
        self.distribution.is_some()
    }

    fn bind_counts(
        &mut self,
        values: &BTreeMap<String, String>,
        resources: &mut Resources,
    ) -> Result<(), String> {
        let bound = self.distribution.as_mut();
        bound.map_or(Ok(()), |several| several.bind(values, resources))
    }
}

/// The saved datasets that a script reads by their ids, which are in its variables.
pub(crate) fn datasets_of(variables: &BTreeMap<String, String>) -> Vec<String> {
    let texts = variables.values();
    texts.filter(|text| is_id(text)).cloned().collect()
}

fn is_id(text: &str) -> bool {
    text.len() == 36 && Uuid::parse_str(text).is_ok()
}
