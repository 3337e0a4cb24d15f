//! What a native worker of Stepwell's own is asked to do: the file `request.json` in its attempt's
//! folder, which the variable `STEPWELL_REQUEST` names.
//!
//! The executor writes it and the worker reads it; both may be of different versions after an
//! upgrade, so fields are only added, with defaults. It holds no credential: those are lent by the
//! server while the attempt runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Arg, RunId, expand_variables};

/// A request to a native worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkerRequest {
    /// The version of this form; a worker refuses one that it does not know.
    pub version: u32,
    /// The run of the step.
    pub run: RunId,
    /// What its kind says, with the values of the pipeline's parameters.
    pub task: serde_json::Value,
    /// The step's inputs, by the name of the port.
    #[serde(default)]
    pub inputs: BTreeMap<String, PortLocation>,
    /// The step's outputs, by the name of the port.
    #[serde(default)]
    pub outputs: BTreeMap<String, PortLocation>,
    /// The absolute path of the folder that outlives the attempt: what a step that resumes keeps.
    /// A file `progress.json` in it is what the server shows of a running step.
    pub state: String,
    /// The absolute path of the folder of the run's files.
    pub files: String,
    /// The absolute path of the file in which a worker that writes to datastores itself records
    /// what it has written, so that the step can be reused.
    #[serde(default)]
    pub record: String,
}

/// Where the data of a port is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortLocation {
    /// The datastore.
    pub datastore: String,
    /// The path below its root, with `/` between the parts.
    pub path: String,
    /// Its absolute path on the machine of the worker; `None` for what is on another machine and
    /// is not staged.
    #[serde(default)]
    pub local: Option<String>,
}

impl WorkerRequest {
    /// The version that this release writes.
    pub const VERSION: u32 = 1;
    /// The variable that holds the path of the request.
    pub const VARIABLE: &str = "STEPWELL_REQUEST";
    /// The variable that holds the path of the file for a [`crate::Failure`].
    pub const FAILURE_VARIABLE: &str = "STEPWELL_FAILURE";

    /// The text of an argument on the worker's machine, where `variable` gives what the variables in
    /// it hold; empty for a port that is not there, and
    /// for a pipeline parameter, whose value the engine has put in its place.
    #[must_use]
    pub fn text(&self, argument: &Arg, variable: impl Fn(&str) -> Option<String>) -> String {
        let local = |ports: &BTreeMap<String, PortLocation>, name: &str| {
            let port = ports.get(name);
            port.and_then(|port| port.local.clone()).unwrap_or_default()
        };
        argument.render(|part| match part {
            Arg::Literal(text) => expand_variables(text, &variable),
            Arg::Value(text) => text.clone(),
            Arg::Input(name) => local(&self.inputs, name),
            Arg::Output(name) => local(&self.outputs, name),
            Arg::Parameter(_) | Arg::Text(_) => String::new(),
        })
    }
}
