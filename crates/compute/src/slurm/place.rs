//! Where a Slurm cluster is asked, by the settings of a target.

use stepwell_model::SlurmTarget;

use super::ask::Ask;
use super::cli::Cli;

/// Where a cluster is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The login node; this machine when absent.
    ssh: Option<String>,
    /// The path of `slurm.conf` there, where it is not the usual one.
    conf: Option<String>,
}

impl Place {
    pub(super) fn of(target: &SlurmTarget) -> Self {
        Self {
            ssh: target.ssh.clone(),
            conf: target.conf.clone(),
        }
    }

    /// The name of the cluster in claims.
    pub(super) fn name(&self) -> String {
        let part = |mark: char, part: &Option<String>| {
            let part = part.as_ref().map(|part| format!("{mark}{part}"));
            part.unwrap_or_default()
        };
        format!("slurm{}{}", part('@', &self.ssh), part(':', &self.conf))
    }

    pub(super) fn into_ask(self) -> Box<dyn Ask> {
        Box::new(Cli {
            ssh: self.ssh,
            conf: self.conf,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_have_names_of_their_own() {
        let of = |ssh: Option<&str>, conf: Option<&str>| {
            let target = SlurmTarget {
                ssh: ssh.map(str::to_owned),
                conf: conf.map(str::to_owned),
                ..SlurmTarget::default()
            };
            Place::of(&target).name()
        };
        assert_eq!(of(None, None), "slurm");
        assert_eq!(of(Some("login"), Some("/c")), "slurm@login:/c");
    }
}
