//! The attempt folder: all that a supervisor and a server know of each other.
//!
//! | file | written by | when |
//! |---|---|---|
//! | `spec.json` | the executor | before the supervisor starts |
//! | `claim.json` | the supervisor | first of all: the fence |
//! | `started.json` | the supervisor | when the program runs |
//! | `exit.json` | the supervisor | last of all: the outcome |
//! | `supervise.log` | the supervisor | only if something went wrong with itself |
//!
//! Invariant: a file that exists is complete, for each is written aside and then linked or renamed
//! into place. Nothing is synced to disk: a killed process does not lose what it wrote, and after
//! a power cut the boot id tells that the supervisor is dead, whatever its files say.
//!
//! The forms are read by servers of other versions: fields are added with defaults, never changed.

use std::collections::BTreeMap;
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stepwell_model::{AttemptId, Digest, Outcome, Timestamp};

use crate::Process;

/// Why an attempt folder cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refuses; the message names the path.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file does not hold what it should.
    #[error("`{path}` is not readable as JSON")]
    Decode {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong in it.
        source: serde_json::Error,
    },
}

/// What the supervisor is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Which try of which step.
    pub attempt: AttemptId,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Environment variables, on top of those the supervisor has itself.
    pub variables: BTreeMap<String, String>,
    /// The folder that is made for the program to run in, and removed at the end.
    pub work_dir: Utf8PathBuf,
    /// The run's files: `outputs/` and `logs/` are collected here.
    pub files_dir: Utf8PathBuf,
    /// The file that takes all the program prints.
    pub log: Utf8PathBuf,
    /// The root of the content-addressed store.
    pub objects: Utf8PathBuf,
    /// The files of the working folder; `None` for an empty one.
    pub snapshot: Option<Digest>,
    /// What the program finds in its working folder beside the snapshot.
    #[serde(default)]
    pub inputs: Vec<InputPlace>,
    /// Where its outputs are kept.
    #[serde(default)]
    pub outputs: Vec<OutputPlace>,
    /// The longest the program may run, in seconds; `None` for no limit.
    #[serde(default)]
    pub timeout_s: Option<u64>,
    /// How long the program may take to stop when asked, in milliseconds.
    pub grace_ms: u64,
}

/// Data that the program finds in its working folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputPlace {
    /// Its absolute path.
    pub from: Utf8PathBuf,
    /// Where the program finds it, relative to its working folder.
    pub to: String,
    /// Whether it is copied, so that the program may write to it. If not, it is linked.
    #[serde(default)]
    pub copy: bool,
}

/// Where one output is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputPlace {
    /// Its absolute path.
    pub path: Utf8PathBuf,
    /// Whether the folder is made before the program starts; if not, only its parent is.
    #[serde(default)]
    pub make_folder: bool,
    /// What the program writes instead, relative to its working folder, to be moved to `path` when
    /// it has succeeded.
    #[serde(default)]
    pub upload_from: Option<String>,
    /// What the program writes instead, as an absolute path, to be moved to `path` when it has
    /// succeeded, and removed when it has not.
    #[serde(default)]
    pub staged: Option<Utf8PathBuf>,
    /// Whether an upload must not replace files that are there.
    #[serde(default)]
    pub keep_existing: bool,
    /// Patterns of the files that are uploaded; all when there is none.
    #[serde(default)]
    pub source_globs: Vec<String>,
}

/// Who runs the attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The supervisor.
    pub supervisor: Process,
}

/// The user's program, running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Its main process, which leads its process group.
    pub child: Process,
    /// Since when.
    pub at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Exit {
    outcome: Outcome,
}

/// How far an attempt is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// No supervisor has taken it.
    Unclaimed,
    /// Its supervisor lives.
    Running {
        /// The supervisor.
        supervisor: Process,
        /// The program, once it runs.
        started: Option<Started>,
    },
    /// It is over.
    Ended(Outcome),
    /// Its supervisor is gone and has not said how it ended.
    Dead {
        /// The program, if it ran.
        started: Option<Started>,
    },
}

/// The folder of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    folder: Utf8PathBuf,
}

impl Attempt {
    const SPEC: &str = "spec.json";
    const CLAIM: &str = "claim.json";
    const STARTED: &str = "started.json";
    const EXIT: &str = "exit.json";
    const NOTES: &str = "supervise.log";

    /// The attempt of a folder that may not exist yet.
    #[must_use]
    pub fn open(folder: impl Into<Utf8PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The attempt with this number in the folder of its run.
    #[must_use]
    pub fn of_run(run_folder: &Utf8Path, number: u32) -> Self {
        Self::open(run_folder.join(format!("attempt-{number}")))
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// The folder in which the program runs; it is made for it, and removed at the end.
    #[must_use]
    pub fn work_dir(&self) -> Utf8PathBuf {
        self.folder.join("work")
    }

    /// How far the attempt is, by its files and by the processes that live now.
    ///
    /// # Errors
    /// A file exists and cannot be read.
    pub fn state(&self) -> Result<State, Error> {
        if let Some(outcome) = self.outcome()? {
            return Ok(State::Ended(outcome));
        }
        let claim: Option<Claim> = match self.read(Self::CLAIM) {
            Ok(None) => return Ok(State::Unclaimed),
            Ok(claim) => claim,
            Err(Error::Decode { .. }) => None,
            Err(error) => return Err(error),
        };
        let started = whole(self.read(Self::STARTED))?;
        match claim.map(|claim| claim.supervisor) {
            Some(supervisor) if supervisor.is_alive() => Ok(State::Running {
                supervisor,
                started,
            }),
            // It may have ended well between the two looks.
            _ => Ok(match self.outcome()? {
                Some(outcome) => State::Ended(outcome),
                None => State::Dead { started },
            }),
        }
    }

    /// Whether an outcome is written down: a look that costs one system call.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.folder.join(Self::EXIT).exists()
    }

    /// What the supervisor is to do.
    ///
    /// # Errors
    /// There is no such file, or it cannot be read.
    pub fn spec(&self) -> Result<Spec, Error> {
        self.read(Self::SPEC)?.ok_or_else(|| {
            let text = format!("`{}` does not exist", self.folder.join(Self::SPEC));
            io::Error::new(io::ErrorKind::NotFound, text).into()
        })
    }

    /// Makes the folder and writes down what the supervisor is to do.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn write_spec(&self, spec: &Spec) -> Result<(), Error> {
        fs::create_dir_all(&self.folder)?;
        self.replace(Self::SPEC, spec)
    }

    /// Takes the attempt for a process; false if somebody has it already.
    ///
    /// The claim is linked into place, which succeeds once even on network file systems.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn claim(&self, supervisor: Process) -> Result<bool, Error> {
        let aside = self.write_aside(Self::CLAIM, &Claim { supervisor })?;
        let linked = fs::hard_link(&aside, self.folder.join(Self::CLAIM));
        fs::remove_file(&aside)?;
        match linked {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes down that the program runs.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn write_started(&self, started: &Started) -> Result<(), Error> {
        self.replace(Self::STARTED, started)
    }

    /// Writes down how the attempt ended. Only the holder of the claim may.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn conclude(&self, outcome: &Outcome) -> Result<(), Error> {
        let outcome = outcome.clone();
        self.replace(Self::EXIT, &Exit { outcome })
    }

    /// Adds a line to the supervisor's own log, as well as it can.
    pub fn note(&self, text: &str) {
        let file = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.folder.join(Self::NOTES));
        if let Ok(mut file) = file {
            // There is no place left to say that this failed.
            let _ = writeln!(file, "{} {text}", crate::now());
        }
    }

    /// What the supervisor said of itself; `None` if it had nothing to say, and empty if it could
    /// not write it down.
    #[must_use]
    pub fn notes(&self) -> Option<String> {
        fs::read_to_string(self.folder.join(Self::NOTES)).ok()
    }

    fn outcome(&self) -> Result<Option<Outcome>, Error> {
        let exit: Option<Exit> = whole(self.read(Self::EXIT))?;
        Ok(exit.map(|exit| exit.outcome))
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let path = self.folder.join(name);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let text = format!("failed to read `{path}`: {error}");
                return Err(io::Error::new(error.kind(), text).into());
            }
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| Error::Decode { path, source })
    }

    fn replace<T: Serialize>(&self, name: &str, value: &T) -> Result<(), Error> {
        let aside = self.write_aside(name, value)?;
        Ok(fs::rename(aside, self.folder.join(name))?)
    }

    /// The name holds the writer's process id: two servers may write one spec at the same time.
    fn write_aside<T: Serialize>(&self, name: &str, value: &T) -> Result<Utf8PathBuf, Error> {
        let pid = rustix::process::getpid().as_raw_nonzero();
        let path = self.folder.join(format!(".{name}.{pid}"));
        let bytes = serde_json::to_vec(value).map_err(io::Error::from)?;
        fs::write(&path, bytes)?;
        Ok(path)
    }
}

/// A file cut short by a power loss counts as not written.
fn whole<T>(read: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match read {
        Err(Error::Decode { .. }) => Ok(None),
        read => read,
    }
}

#[cfg(test)]
mod tests {
    use stepwell_model::Usage;

    use super::*;

    fn attempt() -> (tempfile::TempDir, Attempt) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Utf8Path::from_path(folder.path()).expect("utf-8");
        let attempt = Attempt::of_run(path, 1);
        fs::create_dir(attempt.folder()).expect("a folder");
        (folder, attempt)
    }

    fn gone() -> Process {
        Process {
            start_ticks: 0,
            ..Process::current().expect("/proc")
        }
    }

    #[test]
    fn an_attempt_is_claimed_once() {
        let (_keep, attempt) = attempt();
        assert_eq!(attempt.state().expect("state"), State::Unclaimed);
        let this = Process::current().expect("/proc");
        assert!(attempt.claim(this.clone()).expect("claim"));
        assert!(!attempt.claim(gone()).expect("second claim"));
        assert_eq!(
            attempt.state().expect("state"),
            State::Running {
                supervisor: this,
                started: None
            }
        );
    }

    #[test]
    fn the_outcome_counts_even_if_the_supervisor_is_gone() {
        let (_keep, attempt) = attempt();
        attempt.claim(gone()).expect("claim");
        assert_eq!(
            attempt.state().expect("state"),
            State::Dead { started: None }
        );
        let outcome = Outcome::Cancelled(Usage::default());
        attempt.conclude(&outcome).expect("conclude");
        assert_eq!(attempt.state().expect("state"), State::Ended(outcome));
    }

    #[test]
    fn files_cut_short_by_a_power_loss_make_a_dead_attempt() {
        let (_keep, attempt) = attempt();
        for name in [Attempt::CLAIM, Attempt::STARTED, Attempt::EXIT] {
            fs::write(attempt.folder().join(name), "").expect("write");
        }
        assert_eq!(
            attempt.state().expect("state"),
            State::Dead { started: None }
        );
    }
}
