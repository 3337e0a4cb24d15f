//! Slurm's commands: on this machine, or on a login node by ssh.
//!
//! A command's environment is this server's, without its secrets: `sbatch` keeps what it is given
//! with the job, on the cluster's disk.

use std::process::{Output, Stdio};
use std::time::Duration;

use stepwell_model::shell_word;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::ask::AskError;

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

/// Runs the commands of one cluster.
#[derive(Debug)]
pub(super) struct Cli {
    /// The login node; this machine when absent.
    pub(super) ssh: Option<String>,
    /// The path of `slurm.conf` there, where it is not the usual one.
    pub(super) conf: Option<String>,
}

impl Cli {
    /// What a command prints. Once begun it is not broken off when nobody waits for it any more.
    pub(super) async fn run<T: AsRef<str> + Sync>(
        &self,
        command: &str,
        arguments: &[T],
        input: &str,
    ) -> Result<String, AskError> {
        let missing = |error: std::io::Error| AskError::Missing {
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
            return Err(AskError::Silent(text));
        };
        self.answer(command, &ended.map_err(missing)?)
    }

    fn command<T: AsRef<str>>(&self, command: &str, arguments: &[T]) -> Command {
        let Some(host) = &self.ssh else {
            let mut made = Command::new(command);
            made.args(arguments.iter().map(AsRef::as_ref)).env_clear();
            made.envs(variables());
            made.envs(self.conf.iter().map(|conf| ("SLURM_CONF", conf)));
            return made;
        };
        let mut made = Command::new("ssh");
        made.args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=20", host, "--"]);
        made.arg(remote_line(self.conf.as_deref(), command, arguments));
        made
    }

    fn answer(&self, command: &str, output: &Output) -> Result<String, AskError> {
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        match (&self.ssh, output.status.code()) {
            (Some(_), Some(255)) => Err(AskError::Silent(complaint(&said))),
            (Some(host), Some(127)) => Err(AskError::Missing {
                command: command.to_owned(),
                reason: format!("it was not found on {host}"),
            }),
            _ if is_passing(&said) => Err(AskError::Silent(complaint(&said))),
            _ => Err(AskError::Refused(complaint(&said))),
        }
    }
}

/// Those of this server's variables that its commands have, and the jobs.
pub(super) fn variables() -> Vec<(String, String)> {
    let kept = |name: &str| {
        KEPT.contains(&name) || name.starts_with("SLURM_CONF") || name.starts_with("MUNGE")
    };
    std::env::vars().filter(|(name, _)| kept(name)).collect()
}

/// A command with its arguments as a line for the login node's shell.
fn remote_line<T: AsRef<str>>(conf: Option<&str>, command: &str, arguments: &[T]) -> String {
    let conf = conf.map(|conf| format!("SLURM_CONF={} ", shell_word(conf)));
    let words = arguments
        .iter()
        .map(|word| format!(" {}", shell_word(word.as_ref())));
    let words: String = words.collect();
    format!("{}{command}{words}", conf.unwrap_or_default())
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
}
