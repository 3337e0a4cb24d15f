//! The attempt folder: all that a supervisor and a server know of each other.
//!
//! | file | written by | when |
//! |---|---|---|
//! | `spec.json` | the executor | before the supervisor starts |
//! | `request.json` | the executor | before that, for a worker of Stepwell's own |
//! | `failure.json` | such a worker | before it ends badly |
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

use fs_err::os::unix::fs::OpenOptionsExt as _;
use std::collections::BTreeMap;
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stepwell_model::{AttemptId, Digest, Distribution, Outcome, Timestamp};

use crate::Process;
use crate::storage::is_passing;
use crate::view::View;

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

impl Error {
    /// Whether what could not be read now can be read later: see [`is_passing`].
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Io(error) => is_passing(error),
            Self::Decode { source, .. } => is_passing(source),
        }
    }
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
    /// The file in which the program may say why it ends badly; `None` for a program of the
    /// user's, whose log says it.
    #[serde(default)]
    pub failure: Option<Utf8PathBuf>,
    /// The processes of the program, if it is several.
    #[serde(default)]
    pub several: Option<Several>,
    /// Whether the program may start in an interpreter that is loaded already.
    #[serde(default)]
    pub warm: Warm,
    /// Modules that such an interpreter loads, beside those that the script was seen to import.
    #[serde(default)]
    pub warm_imports: Vec<String>,
    /// The processes that the program, which drives them, starts in Python; `None` if it starts none
    /// that may start in an interpreter that is loaded already.
    #[serde(default)]
    pub workers: Option<Workers>,
    /// What the program sees of the file system; `None` for all that the user does.
    #[serde(default)]
    pub view: Option<View>,
}

/// The processes of a program that drives them, if they may start warm. It is they, and not the program,
/// that [`Spec::warm`] speaks of then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workers {
    /// Their interpreter.
    pub python: String,
    /// The script of the user's that they import, relative to the working folder.
    pub script: String,
    /// The program of Stepwell's that such a process runs, when it is a fork.
    pub program: String,
}

/// The processes of a program that is several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Several {
    /// How they find each other.
    pub distribution: Distribution,
    /// On how many nodes.
    pub nodes: u32,
    /// How many on each, but for those that serve parameters.
    pub processes_per_node: u32,
    /// Where the nodes are.
    pub launcher: Launcher,
    /// The kind of MPI of a cluster; `None` for the usual one.
    #[serde(default)]
    pub mpi: Option<String>,
    /// The folder for the logs of all processes but the first.
    pub logs: Utf8PathBuf,
    /// Whether variables in the command line are filled in for each process.
    pub expands: bool,
}

/// Where the nodes of several processes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Launcher {
    /// All are this machine.
    Here,
    /// They are those of the job of Slurm's that the supervisor is part of.
    Slurm,
    /// They are reserved on a Ray cluster, by the job that the supervisor is part of.
    Ray,
}

/// How a program may start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warm {
    /// As a process that loads everything itself.
    Cold {
        /// Why, as a fragment of a sentence.
        reason: String,
    },
    /// As a fork of a loaded interpreter, if there is one that fits.
    Allowed,
}

impl Spec {
    /// The interpreter that may be loaded ahead for the step, and the script that it will run.
    pub(crate) fn interpreted(&self) -> Option<(&str, &str)> {
        if let Some(workers) = &self.workers {
            return Some((&workers.python, &workers.script));
        }
        match self.argv.as_slice() {
            [python, script, ..] if !script.starts_with('-') => Some((python, script)),
            _ => None,
        }
    }
}

impl Default for Warm {
    fn default() -> Self {
        Self::Cold {
            reason: "whoever staged it knows no other start".to_owned(),
        }
    }
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
    /// Whether it is the root of a datastore, which is never replaced or removed.
    #[serde(default)]
    pub is_root: bool,
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
#[serde(transparent)]
pub struct Claim {
    /// The holder.
    pub holder: Holder,
}

/// Who holds a claim, by a name that is never used twice.
///
/// A new sort of holder is one more variant. Whether a holder lives is known where it lives: each
/// executor asks in its own way, and nobody takes a holder that is not of this machine for dead
/// because this machine does not show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// A process of this machine: a supervisor, or a server that ends an attempt itself.
    #[serde(rename = "supervisor")]
    Process(Process),
    /// A job of a cluster, in which a supervisor runs on a machine of the cluster.
    Cluster {
        /// Which cluster: the kind of its scheduler, and its name where there are several.
        cluster: String,
        /// The id that the cluster gave the job.
        job: String,
    },
}

/// Whether a holder is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It runs, or will.
    Alive,
    /// It is gone, and all that it started with it.
    Gone,
    /// Whoever knows cannot be asked now: it counts as alive.
    Unknown,
}

impl Holder {
    /// Whether it lives, as far as this machine can tell: of a process of its own.
    #[must_use]
    pub fn liveness_here(&self) -> Liveness {
        match self {
            Self::Process(process) if process.is_alive() => Liveness::Alive,
            Self::Process(_) => Liveness::Gone,
            Self::Cluster { .. } => Liveness::Unknown,
        }
    }
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
    /// Its holder lives, or cannot be asked.
    Running {
        /// The holder.
        holder: Holder,
        /// The program, once it runs.
        started: Option<Started>,
    },
    /// It is over.
    Ended(Outcome),
    /// Its holder is gone and has not recorded how it ended.
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
    const REQUEST: &str = "request.json";
    const FAILURE: &str = "failure.json";
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

    /// How far the attempt is, by its files and by whether its holder lives.
    ///
    /// # Errors
    /// A file exists and cannot be read.
    pub fn state(&self, liveness: impl FnOnce(&Holder) -> Liveness) -> Result<State, Error> {
        if let Some(outcome) = self.outcome()? {
            return Ok(State::Ended(outcome));
        }
        let claim: Option<Claim> = match self.read(Self::CLAIM) {
            Ok(None) => return Ok(State::Unclaimed),
            Ok(claim) => claim,
            Err(Error::Decode { .. }) => None,
            Err(error) => return Err(error),
        };
        let started = parse_or_none(self.read(Self::STARTED))?;
        match claim.map(|claim| claim.holder) {
            Some(holder) if liveness(&holder) != Liveness::Gone => {
                Ok(State::Running { holder, started })
            }
            // It may have ended well between the two reads.
            _ => Ok(match self.outcome()? {
                Some(outcome) => State::Ended(outcome),
                None => State::Dead { started },
            }),
        }
    }

    /// Who has claimed the attempt; `None` if nobody has, or if that cannot be read.
    #[must_use]
    pub fn holder(&self) -> Option<Holder> {
        let claim: Option<Claim> = self.read(Self::CLAIM).ok()?;
        claim.map(|claim| claim.holder)
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

    /// The file that tells a worker of Stepwell's own what to do.
    #[must_use]
    pub fn request_path(&self) -> Utf8PathBuf {
        self.folder.join(Self::REQUEST)
    }

    /// The file in which such a worker may say why it ends badly.
    #[must_use]
    pub fn failure_path(&self) -> Utf8PathBuf {
        self.folder.join(Self::FAILURE)
    }

    /// Makes the folder and writes down what a worker of Stepwell's own is to do, readable by
    /// nobody else.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn write_request(&self, request: &impl Serialize) -> Result<(), Error> {
        fs::create_dir_all(&self.folder)?;
        self.replace(Self::REQUEST, request)
    }

    /// Takes the attempt for a holder; false if somebody has it already.
    ///
    /// The claim is linked into place, which succeeds once even on network file systems.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn claim(&self, holder: Holder) -> Result<bool, Error> {
        let aside = self.write_aside(Self::CLAIM, &Claim { holder })?;
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
        let exit: Option<Exit> = parse_or_none(self.read(Self::EXIT))?;
        Ok(exit.map(|exit| exit.outcome))
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let path = self.folder.join(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
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
        // The specification holds the step's token.
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&path)?.write_all(&bytes)?;
        Ok(path)
    }
}

/// A file cut short by a power loss counts as not written.
fn parse_or_none<T>(read: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
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

    fn this() -> Process {
        Process::current().expect("/proc")
    }

    fn gone() -> Holder {
        Holder::Process(Process {
            start_ticks: 0,
            ..this()
        })
    }

    fn state(attempt: &Attempt) -> State {
        attempt.state(Holder::liveness_here).expect("state")
    }

    #[test]
    fn an_attempt_is_claimed_once() {
        let (_keep, attempt) = attempt();
        assert_eq!(state(&attempt), State::Unclaimed);
        let holder = Holder::Process(this());
        assert!(attempt.claim(holder.clone()).expect("claim"));
        assert!(!attempt.claim(gone()).expect("second claim"));
        assert_eq!(
            state(&attempt),
            State::Running {
                holder,
                started: None
            }
        );
    }

    #[test]
    fn the_outcome_counts_even_if_the_supervisor_is_gone() {
        let (_keep, attempt) = attempt();
        attempt.claim(gone()).expect("claim");
        assert_eq!(state(&attempt), State::Dead { started: None });
        let outcome = Outcome::Cancelled(Usage::default());
        attempt.conclude(&outcome).expect("conclude");
        assert_eq!(state(&attempt), State::Ended(outcome));
    }

    #[test]
    fn files_cut_short_by_a_power_loss_make_a_dead_attempt() {
        let (_keep, attempt) = attempt();
        for name in [Attempt::CLAIM, Attempt::STARTED, Attempt::EXIT] {
            fs::write(attempt.folder().join(name), "").expect("write");
        }
        assert_eq!(state(&attempt), State::Dead { started: None });
    }

    #[test]
    fn a_holder_on_another_machine_is_not_dead_because_this_one_does_not_show_it() {
        let (_keep, attempt) = attempt();
        let holder = Holder::Cluster {
            cluster: "slurm".to_owned(),
            job: "4711".to_owned(),
        };
        attempt.claim(holder.clone()).expect("claim");
        assert_eq!(attempt.holder(), Some(holder.clone()));
        let started = None;
        assert_eq!(state(&attempt), State::Running { holder, started });
        let gone = attempt.state(|_| Liveness::Gone).expect("state");
        assert_eq!(gone, State::Dead { started: None });
    }

    #[test]
    fn a_claim_reads_as_it_was_written_before_there_were_other_holders() {
        let text = r#"{"supervisor":{"pid":7,"start_ticks":9,"boot":"b"}}"#;
        let claim: Claim = serde_json::from_str(text).expect("a claim");
        assert!(matches!(&claim.holder, Holder::Process(process) if process.pid == 7));
        assert_eq!(serde_json::to_string(&claim).expect("JSON"), text);
    }
}
