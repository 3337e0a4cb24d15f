//! Slurm's commands: on this machine, or on a login node by ssh.
//!
//! A command's environment is this server's, without its secrets: `sbatch` keeps what it is given
//! with the job, on the cluster's disk.

use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// How long a command may take; a controller that is busy answers late.
const PATIENCE: Duration = Duration::from_secs(60);

/// The variables of this server that a job may be given.
const KEPT: [&str; 9] = [
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TZ",
    "USER",
];

/// Where Slurm's commands run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// The login node; this machine when absent.
    pub(super) ssh: Option<String>,
    /// The path of `slurm.conf` there, where it is not the usual one.
    pub(super) conf: Option<String>,
}

impl Place {
    /// The name of the cluster in claims.
    pub(super) fn name(&self) -> String {
        let part = |mark: char, part: &Option<String>| {
            let part = part.as_ref().map(|part| format!("{mark}{part}"));
            part.unwrap_or_default()
        };
        format!("slurm{}{}", part('@', &self.ssh), part(':', &self.conf))
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CliError {
    /// The command cannot be run.
    #[error("`{command}` cannot be run: {reason}")]
    Missing {
        /// The command.
        command: String,
        /// Why.
        reason: String,
    },
    /// Nobody answers now; later somebody may.
    #[error("{0}")]
    Silent(String),
    /// Slurm says no.
    #[error("{0}")]
    Refused(String),
}

/// Runs the commands of one cluster.
#[derive(Debug)]
pub(super) struct Cli {
    place: Place,
}

impl Cli {
    pub(super) const fn new(place: Place) -> Self {
        Self { place }
    }

    /// What a command prints. Once begun it is not broken off when nobody waits for it any more.
    pub(super) async fn run<T: AsRef<str> + Sync>(
        &self,
        command: &str,
        arguments: &[T],
        input: &str,
    ) -> Result<String, CliError> {
        let missing = |error: std::io::Error| CliError::Missing {
            command: command.to_owned(),
            reason: error.to_string(),
        };
        let mut child = self
            .command(command, arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(missing)?;
        if let Some(mut pipe) = child.stdin.take() {
            // One that does not read has said why.
            let _ = pipe.write_all(input.as_bytes()).await;
        }
        let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let Ok(ended) = ended else {
            let seconds = PATIENCE.as_secs();
            let text = format!("`{command}` has not answered for {seconds} seconds");
            return Err(CliError::Silent(text));
        };
        self.answer(command, &ended.map_err(missing)?)
    }

    fn command<T: AsRef<str>>(&self, command: &str, arguments: &[T]) -> Command {
        let Some(host) = &self.place.ssh else {
            let mut made = Command::new(command);
            let kept = |name: &str| {
                KEPT.contains(&name) || name.starts_with("SLURM_CONF") || name.starts_with("MUNGE")
            };
            made.args(arguments.iter().map(AsRef::as_ref)).env_clear();
            made.envs(std::env::vars().filter(|(name, _)| kept(name)));
            made.envs(self.place.conf.iter().map(|conf| ("SLURM_CONF", conf)));
            return made;
        };
        let mut made = Command::new("ssh");
        made.args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=20", host, "--"]);
        made.arg(remote_line(self.place.conf.as_deref(), command, arguments));
        made
    }

    fn answer(&self, command: &str, output: &Output) -> Result<String, CliError> {
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        match (&self.place.ssh, output.status.code()) {
            (Some(_), Some(255)) => Err(CliError::Silent(complaint(&said))),
            (Some(host), Some(127)) => Err(CliError::Missing {
                command: command.to_owned(),
                reason: format!("it was not found on {host}"),
            }),
            _ if is_passing(&said) => Err(CliError::Silent(complaint(&said))),
            _ => Err(CliError::Refused(complaint(&said))),
        }
    }
}

/// A command with its arguments as a line for the login node's shell.
fn remote_line<T: AsRef<str>>(conf: Option<&str>, command: &str, arguments: &[T]) -> String {
    let conf = conf.map(|conf| format!("SLURM_CONF={} ", quoted(conf)));
    let words = arguments
        .iter()
        .map(|word| format!(" {}", quoted(word.as_ref())));
    let words: String = words.collect();
    format!("{}{command}{words}", conf.unwrap_or_default())
}

/// `text` as one word of a shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Whether Slurm could not be asked, by what its commands say then.
fn is_passing(said: &str) -> bool {
    [
        "Unable to contact slurm controller",
        "Socket timed out",
        "Connection refused",
        "Connection reset",
        "Connection timed out",
        "Transport endpoint is not connected",
        "Broken pipe",
        "No route to host",
        "Network is unreachable",
        "Zero Bytes were transmitted",
        "Unexpected message received",
        "Slurm temporarily unable to accept job",
        "in standby mode",
        "Resource temporarily unavailable",
    ]
    .iter()
    .any(|words| said.contains(words))
}

/// What a command complains about, without the name of the command before it: the last line is
/// the general one, those before it say more.
fn complaint(said: &str) -> String {
    let lines = said.lines().map(|line| {
        let marks = ["error: ", "fatal: "];
        let cut = marks.iter().find_map(|mark| line.split_once(mark));
        cut.map_or(line, |(_, rest)| rest).trim()
    });
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => "it gave no reason".to_owned(),
        lines => lines.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_all_that_was_said_without_the_commands_name() {
        let said = "sbatch: error: CPU count per node can not be satisfied\n\
                    sbatch: error: Batch job submission failed: Requested node configuration is \
                    not available\n";
        assert_eq!(
            complaint(said),
            "CPU count per node can not be satisfied; Batch job submission failed: Requested \
             node configuration is not available"
        );
        assert_eq!(complaint("\n"), "it gave no reason");
    }

    #[test]
    fn a_remote_command_is_one_line_whose_words_stay_words() {
        let words = ["-p", "a b", "it's"];
        let line = remote_line(Some("/etc/my slurm.conf"), "sbatch", &words);
        let expected = r"SLURM_CONF='/etc/my slurm.conf' sbatch '-p' 'a b' 'it'\''s'";
        assert_eq!(line, expected);
    }

    #[test]
    fn clusters_have_names_of_their_own() {
        let place = |ssh: &str, conf: &str| Place {
            ssh: Some(ssh.to_owned()).filter(|text| !text.is_empty()),
            conf: Some(conf.to_owned()).filter(|text| !text.is_empty()),
        };
        assert_eq!(place("", "").name(), "slurm");
        assert_eq!(place("login", "/c").name(), "slurm@login:/c");
    }
}
