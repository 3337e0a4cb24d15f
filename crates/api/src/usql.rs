//! A step that runs a U-SQL script, as a client sends it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Setting;

/// A U-SQL script. In its text `@@name@@` is the file of the port of that name, or a parameter.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsqlTask {
    /// The script, relative to the working directory.
    pub script: String,
    /// The digest of the snapshot that holds the script.
    pub snapshot: String,
    /// Values of `@@name@@`.
    #[serde(default)]
    pub parameters: BTreeMap<String, Setting>,
    /// How many cores it uses; all when absent.
    #[serde(default)]
    pub degree_of_parallelism: Option<u32>,
}
