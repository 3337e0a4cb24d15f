//! The attempt folder: all that a supervisor and a server know of each other. The first attempt's is that
//! of its run, beside what the run keeps ([`stepwell_data::folder`]); each further one has its own in it.
//!
//! | file | written by | when |
//! |---|---|---|
//! | `spec.json` | the executor | before the supervisor starts, unless it is given the specification itself |
//! | `request.json` | the executor | before that, for a worker of Stepwell's own |
//! | `failure.json` | such a worker | before it ends badly |
//! | `claim.json` | the supervisor | first of all: the fence; then the program's start, and last of all the outcome |
//! | `supervise.log` | the supervisor | only if something went wrong with itself |
//!
//! Invariant: a file that exists is complete, for each is written aside and then linked or renamed
//! into place; to `claim.json` lines are added, and one that is not whole does not count
//! ([`crate::record`]). Nothing is synced to disk: a killed process does not lose what it wrote, and
//! after a power cut the boot id tells that the supervisor is dead, whatever its files say.
//!
//! What is in `spec.json` is in [`crate::spec`]. The forms are read by servers of other versions:
//! fields are added with defaults, never changed. Where a server does not know of lines, the start is in
//! `started.json` and the outcome in `exit.json` ([`RecordForm`]), and both are read here, too.

use fs_err::os::unix::fs::OpenOptionsExt as _;
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stepwell_model::{Outcome, Timestamp};

use crate::Process;
use crate::record::{self, Line, Record};
use crate::spec::{RecordForm, Spec};
use crate::storage::is_passing;

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
    form: RecordForm,
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
            form: RecordForm::Lines,
        }
    }

    /// The same, written to as whoever made its specification reads it.
    #[must_use]
    pub fn recorded_for(self, spec: &Spec) -> Self {
        Self {
            form: spec.record,
            ..self
        }
    }

    /// The attempt with this number in the folder of its run. The first one has no folder of its own, as
    /// mostly there is no other, unless an older version has made it one.
    #[must_use]
    pub fn of_run(run_folder: &Utf8Path, number: u32) -> Self {
        let own = run_folder.join(format!("attempt-{number}"));
        match number == 1 && !own.exists() {
            true => Self::open(run_folder),
            false => Self::open(own),
        }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// The folder in which the program runs; at the end it is removed, or kept for a later step
    /// ([`crate::work_folder`]).
    #[must_use]
    pub fn work_dir(&self) -> Utf8PathBuf {
        self.folder.join("work")
    }

    /// How far the attempt is, by its files and by whether its holder lives.
    ///
    /// # Errors
    /// A file exists and cannot be read.
    pub fn state(&self, liveness: impl FnOnce(&Holder) -> Liveness) -> Result<State, Error> {
        let Some(record) = self.record()? else {
            return Ok(State::Unclaimed);
        };
        if let Some(outcome) = record.outcome {
            return Ok(State::Ended(outcome));
        }
        let started = record.started;
        match record.holder {
            Some(holder) if liveness(&holder) != Liveness::Gone => {
                Ok(State::Running { holder, started })
            }
            // It may have gone on, and ended well, before its holder was asked for.
            _ => {
                let record = self.record()?.unwrap_or_default();
                let started = record.started.or(started);
                let ended = record.outcome.map(State::Ended);
                Ok(ended.unwrap_or(State::Dead { started }))
            }
        }
    }

    /// Who has claimed the attempt; `None` if nobody has, or if that cannot be read.
    #[must_use]
    pub fn holder(&self) -> Option<Holder> {
        self.record().ok()??.holder
    }

    /// Whether somebody has claimed it.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.folder.join(Self::CLAIM).exists()
    }

    /// Whether an outcome is written down.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(
            self.record(),
            Ok(Some(Record {
                outcome: Some(_),
                ..
            }))
        )
    }

    /// What the supervisor is to do.
    ///
    /// # Errors
    /// It is written down nowhere, or cannot be read.
    pub fn spec(&self) -> Result<Spec, Error> {
        let claimed = self.bytes(Self::CLAIM)?;
        if let Some(spec) = claimed.and_then(|text| record::spec(&text)) {
            return Ok(spec);
        }
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
    /// # Errors
    /// The file system refuses.
    pub fn claim(&self, holder: Holder) -> Result<bool, Error> {
        self.claim_with(holder, None)
    }

    /// The same for a holder that was given the line of the specification, and not a file with it: it is
    /// written down with the claim.
    ///
    /// The claim is linked into place, which succeeds once even on network file systems.
    ///
    /// # Errors
    /// The file system refuses.
    pub(crate) fn claim_with(&self, holder: Holder, given: Option<&[u8]>) -> Result<bool, Error> {
        let text = record::begun(&Claim { holder }, given)?;
        let aside = match self.write_aside(Self::CLAIM, &text) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.folder)?;
                self.write_aside(Self::CLAIM, &text)?
            }
            aside => aside?,
        };
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
        match self.form {
            RecordForm::Lines => self.add(Line::Started(started.clone())),
            RecordForm::Files => self.replace(Self::STARTED, started),
        }
    }

    /// Writes down how the attempt ended. Only the holder of the claim may.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn conclude(&self, outcome: &Outcome) -> Result<(), Error> {
        let outcome = outcome.clone();
        match self.form {
            RecordForm::Lines => self.add(Line::Outcome(outcome)),
            RecordForm::Files => self.replace(Self::EXIT, &Exit { outcome }),
        }
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

    /// What is written down of it; `None` if nobody has claimed it and it has not ended.
    fn record(&self) -> Result<Option<Record>, Error> {
        let text = self.bytes(Self::CLAIM)?;
        let is_claimed = text.is_some();
        let mut record = Record::parse(&text.unwrap_or_default());
        if record.outcome.is_none() {
            let exit: Option<Exit> = parse_or_none(self.read(Self::EXIT))?;
            record.outcome = exit.map(|exit| exit.outcome);
        }
        if is_claimed && record.started.is_none() {
            record.started = parse_or_none(self.read(Self::STARTED))?;
        }
        Ok((is_claimed || record.outcome.is_some()).then_some(record))
    }

    fn add(&self, line: Line) -> Result<(), Error> {
        Ok(record::add(&self.folder.join(Self::CLAIM), &line)?)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let Some(bytes) = self.bytes(name)? else {
            return Ok(None);
        };
        let decoded = serde_json::from_slice(&bytes);
        decoded.map(Some).map_err(|source| Error::Decode {
            path: self.folder.join(name),
            source,
        })
    }

    fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        match fs::read(self.folder.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn replace<T: Serialize>(&self, name: &str, value: &T) -> Result<(), Error> {
        let bytes = serde_json::to_vec(value).map_err(io::Error::from)?;
        let aside = self.write_aside(name, &bytes)?;
        Ok(fs::rename(aside, self.folder.join(name))?)
    }

    /// The name holds the writer's process id: two servers may write one spec at the same time.
    fn write_aside(&self, name: &str, bytes: &[u8]) -> io::Result<Utf8PathBuf> {
        let pid = rustix::process::getpid().as_raw_nonzero();
        let path = self.folder.join(format!(".{name}.{pid}"));
        // The specification holds the step's token.
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&path)?.write_all(bytes)?;
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

    fn attempt() -> (camino_tempfile::Utf8TempDir, Attempt) {
        let folder = camino_tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let attempt = Attempt::of_run(path, 2);
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
    fn what_an_older_version_wrote_is_read_and_one_that_still_serves_reads_what_is_written_for_it()
    {
        let folder = camino_tempfile::tempdir().expect("a folder");
        let run = folder.path().join("run");
        assert_eq!(Attempt::of_run(&run, 1).folder(), run);
        fs::create_dir_all(run.join("attempt-1")).expect("a folder");
        let read = Attempt::of_run(&run, 1);
        assert_eq!(read.folder(), run.join("attempt-1"));
        let older = Attempt {
            form: RecordForm::Files,
            ..read.clone()
        };
        let holder = Holder::Process(this());
        assert!(older.claim(holder.clone()).expect("claim"));
        let started = Started {
            child: this(),
            at: Timestamp::from_millis(1),
        };
        older.write_started(&started).expect("written");
        let started = Some(started);
        assert_eq!(state(&read), State::Running { holder, started });
        let outcome = Outcome::Cancelled(Usage::default());
        older.conclude(&outcome).expect("conclude");
        assert_eq!(state(&read), State::Ended(outcome.clone()));
        let exit: serde_json::Value = read.read("exit.json").expect("read").expect("it is there");
        assert_eq!(
            exit["outcome"],
            serde_json::to_value(&outcome).expect("JSON")
        );
        assert!(read.has_ended() && read.is_begun());
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
