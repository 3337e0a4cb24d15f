//! Where a Slurm cluster is asked, by the settings of a target. Pure but for what it makes.

use stepwell_model::SlurmTarget;

use super::ask::Ask;
use super::cli::Cli;
use super::rest::Rest;

/// Where a cluster is asked, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// By Slurm's commands.
    Commands {
        /// The login node; this machine when absent.
        ssh: Option<String>,
        /// The path of `slurm.conf` there, where it is not the usual one.
        conf: Option<String>,
    },
    /// By the REST API.
    Rest {
        /// Where `slurmrestd` is.
        address: String,
        /// The file with the token.
        token_file: String,
    },
}

impl Place {
    pub(super) fn of(target: &SlurmTarget) -> Self {
        match &target.rest {
            Some(address) => Self::Rest {
                address: address.clone(),
                token_file: target.token_file.clone().unwrap_or_default(),
            },
            None => Self::Commands {
                ssh: target.ssh.clone(),
                conf: target.conf.clone(),
            },
        }
    }

    /// The name of the cluster in claims.
    pub(super) fn name(&self) -> String {
        let part = |mark: char, part: &Option<String>| {
            let part = part.as_ref().map(|part| format!("{mark}{part}"));
            part.unwrap_or_default()
        };
        match self {
            Self::Commands { ssh, conf } => {
                format!("slurm{}{}", part('@', ssh), part(':', conf))
            }
            Self::Rest {
                address,
                token_file,
            } => format!("slurm={address}:{token_file}"),
        }
    }

    pub(super) fn into_ask(self) -> Box<dyn Ask> {
        match self {
            Self::Commands { ssh, conf } => Box::new(Cli { ssh, conf }),
            Self::Rest {
                address,
                token_file,
            } => Box::new(Rest::new(address, token_file)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_have_names_of_their_own() {
        let of = |ssh: Option<&str>, conf: Option<&str>, rest: Option<&str>| {
            let target = SlurmTarget {
                ssh: ssh.map(str::to_owned),
                conf: conf.map(str::to_owned),
                rest: rest.map(str::to_owned),
                token_file: rest.map(|_| "/t".to_owned()),
                ..SlurmTarget::default()
            };
            Place::of(&target).name()
        };
        assert_eq!(of(None, None, None), "slurm");
        assert_eq!(of(Some("login"), Some("/c"), None), "slurm@login:/c");
        let rest = of(None, None, Some("http://head:6820"));
        assert_eq!(rest, "slurm=http://head:6820:/t");
    }
}
