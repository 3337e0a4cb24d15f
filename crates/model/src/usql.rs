//! A U-SQL script, run by the program `stepwell-usql`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Digest, References, Setting, TaskKind};

/// A script with the values that replace `@@name@@` in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsqlTask {
    /// The script, relative to the working directory.
    pub script: String,
    /// The files of the working directory.
    pub snapshot: Digest,
    /// Values of `@@name@@`, as text or as the name of a pipeline parameter.
    #[serde(default)]
    pub parameters: BTreeMap<String, Setting>,
    /// How many cores it uses; all when `None`.
    #[serde(default)]
    pub degree_of_parallelism: Option<u32>,
}

impl UsqlTask {
    /// The values of `@@name@@` as text, with those of the pipeline's parameters.
    #[must_use]
    pub fn resolved_parameters(
        &self,
        parameters: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let resolved = self.parameters.iter().filter_map(|(name, setting)| {
            let text = setting.resolve(parameters)?;
            Some((name.clone(), text.to_owned()))
        });
        resolved.collect()
    }
}

impl TaskKind for UsqlTask {
    fn references(&self) -> References {
        References {
            snapshots: vec![self.snapshot],
            ..References::default()
        }
    }

    /// Every input may be named in the script.
    fn reads_files(&self, _port: &str) -> bool {
        true
    }
}
