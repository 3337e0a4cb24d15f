//! A compute target that is a partition of a Slurm cluster.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::{check_token_file, normal};

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
    /// The address of its REST API, which is asked in place of the commands: `http://head:6820`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest: Option<String>,
    /// The file with the token for that, on the server's machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<String>,
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
        let mut target: Self =
            serde_json::from_value(settings.clone()).map_err(|error| error.to_string())?;
        target.check_rest()?;
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

    /// What is asked by its REST API is not asked by commands as well.
    fn check_rest(&mut self) -> Result<(), String> {
        let Some(address) = &self.rest else {
            return match &self.token_file {
                Some(_) => Err("`token_file` is there without `rest`".to_owned()),
                None => Ok(()),
            };
        };
        self.rest = Some(normal("rest", address, 6820)?);
        if self.ssh.is_some() || self.conf.is_some() {
            return Err("`rest` takes the place of `ssh` and `conf`: leave them out".to_owned());
        }
        match &self.token_file {
            Some(path) => check_token_file(path),
            None => Err(
                "`token_file` is missing: the file with a token, as `scontrol token` makes one"
                    .to_owned(),
            ),
        }
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
        let rest = json!({"rest": "http://head:6820/", "token_file": "/home/me/token"});
        let target = SlurmTarget::parse(&rest).expect("settings");
        assert_eq!(target.rest.as_deref(), Some("http://head:6820"));
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
            (json!({"rest": "head:6820"}), "write it as"),
            (
                json!({"rest": "http://head:6820"}),
                "`token_file` is missing",
            ),
            (json!({"token_file": "/t"}), "without `rest`"),
            (
                json!({"rest": "http://head:6820", "token_file": "/t", "ssh": "login"}),
                "takes the place",
            ),
            (json!({"partitoin": "gpu"}), "unknown field `partitoin`"),
        ] {
            let fault = SlurmTarget::parse(&settings).expect_err("refused");
            assert!(fault.contains(expected), "{fault}");
        }
    }
}
