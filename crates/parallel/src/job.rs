//! What the driver of a parallel step is told when it is started.
//!
//! The engine writes it, the driver reads it; both may be of different versions after an upgrade,
//! so fields are only added, with defaults.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use stepwell_model::InputForm;

/// The environment variable that holds a [`ParallelJob`] as JSON.
pub const JOB: &str = "STEPWELL_PARALLEL";

/// The command of the `stepwell` program that drives a parallel step.
pub const COMMAND: &str = "drive-parallel";

/// One parallel step, with all that its graph left open resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParallelJob {
    /// The script of the workers, relative to the working folder.
    pub entry_script: String,
    /// The arguments that it finds in `sys.argv`.
    pub arguments: Vec<String>,
    /// The inputs that are cut into mini-batches.
    pub inputs: Vec<JobInput>,
    /// The folder that takes the file of rows; relative to the working folder if it is uploaded
    /// from there.
    #[serde(default)]
    pub output: Option<String>,
    /// The settings as text, by name.
    pub settings: BTreeMap<String, String>,
    /// The folder that keeps how far the step is, for the next attempt.
    pub state: Utf8PathBuf,
    /// The files of the run, to which logs and progress are written as they come.
    pub files: Utf8PathBuf,
}

/// An input that is cut into mini-batches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobInput {
    /// The name of the port.
    pub name: String,
    /// What a mini-batch of it is.
    pub form: InputForm,
    /// Its file or folder; `None` for what is on no datastore.
    #[serde(default)]
    pub place: Option<String>,
    /// The id of the saved dataset that says how its files are read.
    #[serde(default)]
    pub dataset: Option<String>,
}

impl ParallelJob {
    /// The job in a text that the variable held.
    ///
    /// # Errors
    /// When it is not one.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The text that the variable holds.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
