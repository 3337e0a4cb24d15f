//! A compute target that is a partition of a Slurm cluster.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a target's jobs are queued, and with what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SlurmTarget {
    /// The partition; the cluster's default one when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// The account that is charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The quality of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qos: Option<String>,
    /// The kind of MPI by which `srun` tells processes of each other, as `srun --mpi=list` has them:
    /// `pmi2`, which MPICH knows, when absent; `pmix` for Open MPI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mpi: Option<String>,
    /// More options of `sbatch`, each as one word: `--constraint=a100`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The login node to ask over ssh; this machine's own Slurm commands when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh: Option<String>,
    /// The path of `slurm.conf` there, where it is not the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conf: Option<String>,
}

/// The options of `sbatch` that are Stepwell's own, or with which a job is not one job that runs
/// once.
const TAKEN: [&str; 17] = [
    "--array",
    "--chdir",
    "--error",
    "--export",
    "--export-file",
    "--input",
    "--job-name",
    "--nodes",
    "--ntasks",
    "--ntasks-per-node",
    "--open-mode",
    "--output",
    "--parsable",
    "--requeue",
    "--test-only",
    "--wait",
    "--wrap",
];

impl SlurmTarget {
    /// How many steps may be with the cluster at once unless the target's owner says so: its own
    /// scheduler decides which of them run.
    pub const DEFAULT_SLOTS: u32 = 1000;

    /// The target of such settings, or what is wrong with them.
    pub(crate) fn parse(settings: &Value) -> Result<Self, String> {
        if settings.is_null() {
            return Ok(Self::default());
        }
        let target: Self =
            serde_json::from_value(settings.clone()).map_err(|error| error.to_string())?;
        let named = [
            ("partition", &target.partition),
            ("account", &target.account),
            ("qos", &target.qos),
            ("mpi", &target.mpi),
            ("ssh", &target.ssh),
            ("conf", &target.conf),
        ];
        for (name, value) in named {
            match value.as_deref() {
                Some(value) if !is_word(value) => {
                    return Err(format!("`{name}` is `{value}`, which is no name"));
                }
                _ => {}
            }
        }
        for option in &target.options {
            let name = option.split('=').next().unwrap_or_default();
            if !name.starts_with("--") || option.chars().any(char::is_control) {
                return Err(format!(
                    "`options` has `{option}`: write each as one word, such as `--constraint=a100`"
                ));
            }
            // The commands take any beginning of a name that no other option has.
            if TAKEN.iter().any(|taken| taken.starts_with(name)) {
                return Err(format!(
                    "`options` has `{name}`, which Stepwell sets itself"
                ));
            }
        }
        Ok(target)
    }

    /// The partition, in words.
    #[must_use]
    pub fn partition_in_words(&self) -> String {
        match &self.partition {
            Some(partition) => format!("partition `{partition}`"),
            None => "the default partition".to_owned(),
        }
    }
}

/// Whether a text can be one argument that is no option.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_partition_with_what_a_cluster_asks_for() {
        let settings = json!({"partition": "gpu", "options": ["--constraint=a100"]});
        let target = SlurmTarget::parse(&settings).expect("settings");
        assert_eq!(target.partition_in_words(), "partition `gpu`");
        assert_eq!(serde_json::to_value(&target).expect("JSON"), settings);
        assert_eq!(SlurmTarget::parse(&Value::Null), Ok(SlurmTarget::default()));
    }

    #[test]
    fn what_would_be_another_option_is_refused() {
        for (settings, expected) in [
            (json!({"partition": "--wrap=id"}), "no name"),
            (json!({"ssh": "-oProxyCommand=id"}), "no name"),
            (json!({"partition": ""}), "no name"),
            (json!({"options": ["constraint"]}), "as one word"),
            (json!({"options": ["--arr=1-4"]}), "sets itself"),
            (json!({"options": ["--output=x"]}), "sets itself"),
            (json!({"partitoin": "gpu"}), "unknown field `partitoin`"),
        ] {
            let fault = SlurmTarget::parse(&settings).expect_err("refused");
            assert!(fault.contains(expected), "{fault}");
        }
    }
}
