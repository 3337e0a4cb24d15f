//! The port between the engine and the places where steps run.
//!
//! The engine says *start* and *stop*; an executor answers through the channel it was made with.
//! It never decides what runs next, and never retries.
//!
//! Invariant: every attempt ends in exactly one outcome, whatever is killed meanwhile, and an
//! executor that is asked again for an ended attempt tells its start and its end again.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use camino::Utf8PathBuf;
use stepwell_datastore::steps::StepData;
use stepwell_model::{AttemptId, Digest, EnvironmentSpec, Failure, Outcome, Program, Timestamp};
pub use stepwell_supervise::{Attempt, InputPlace, OutputPlace};

/// One attempt, with everything resolved that the graph left open.
#[derive(Debug, Clone)]
pub struct Job {
    /// Which try of which step.
    pub attempt: AttemptId,
    /// The folder of the step's run; the attempt's own folder is made inside it.
    pub folder: Utf8PathBuf,
    /// What is started.
    pub program: Program,
    /// Its arguments, one token each.
    pub arguments: Vec<String>,
    /// The Python it runs with.
    pub environment: EnvironmentSpec,
    /// The files of the working directory; `None` for an empty one.
    pub snapshot: Option<Digest>,
    /// Environment variables, set on top of those of the server.
    pub variables: BTreeMap<String, String>,
    /// What it finds in its working directory beside the snapshot.
    pub inputs: Vec<InputPlace>,
    /// Where its outputs are kept.
    pub outputs: Vec<OutputPlace>,
    /// What of its data is on other machines.
    pub data: Option<StepData>,
    /// The longest it may run, in seconds; `None` for no limit.
    pub timeout_s: Option<u64>,
}

/// What an executor tells the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The program of the attempt runs; said before its end, unless it never came to run.
    Started {
        /// The attempt.
        attempt: AttemptId,
        /// Since when.
        at: Timestamp,
    },
    /// The attempt is over, and no process of it is left.
    Ended {
        /// The attempt.
        attempt: AttemptId,
        /// How it ended.
        outcome: Outcome,
    },
}

/// A place where steps run.
pub trait Executor: Send + Sync + 'static {
    /// Starts the attempt, or finds it again if it was started before: idempotent by attempt.
    ///
    /// Returns at once; what happens comes back as [`Report`]s.
    fn start(&self, job: Job);

    /// Asks the attempt to stop: a request, then a grace period, then force. Idempotent.
    ///
    /// An attempt that is not known is ignored: its end has been or will be reported.
    fn stop(&self, attempt: AttemptId);
}

/// A Python environment that is ready for use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The interpreter.
    pub python: Utf8PathBuf,
    /// The folder to put in front of `PATH`, if there is one.
    pub bin: Option<Utf8PathBuf>,
}

/// A boxed future, so that [`PrepareEnvironment`] can be used as `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes the Python environment of a step ready.
pub trait PrepareEnvironment: Send + Sync + 'static {
    /// Finds or builds the environment. Dropping the future gives up waiting for it.
    fn prepare<'a>(&'a self, spec: &'a EnvironmentSpec)
    -> BoxFuture<'a, Result<Prepared, Failure>>;
}
