//! The port between the engine and the places where steps run.
//!
//! The engine says *start* and *stop*; an executor answers through the channel it was made with.
//! It never decides what runs next, and never retries.
//!
//! Invariant: every attempt ends in exactly one outcome, whatever is killed meanwhile, and an
//! executor that is asked again for an ended attempt tells its start and its end again.

use std::future::Future;
use std::pin::Pin;

use camino::Utf8PathBuf;
use stepwell_model::{
    AttemptId, ComputeKind, EnvironmentSpec, Failure, Outcome, Resources, Timestamp, WaitReason,
};
use stepwell_supervise::{Holder, Liveness};

use crate::Job;

/// What an executor tells the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The attempt waits, and its program does not run yet: in a cluster's queue, or for an
    /// environment or data that takes longer than a moment. What no longer holds is replaced by
    /// the next such report, by the start or by the end.
    Waiting {
        /// The attempt.
        attempt: AttemptId,
        /// What it waits for.
        reason: WaitReason,
        /// More, in the words of whoever makes it wait; may be empty.
        detail: String,
    },
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

    /// Why an attempt that needs so much can never run on such a target, with what is there; `None`
    /// when it can, or when that cannot be known now.
    fn refuses<'a>(
        &'a self,
        _target: &'a ComputeKind,
        _needs: &'a Resources,
    ) -> BoxFuture<'a, Option<String>> {
        Box::pin(std::future::ready(None))
    }

    /// Whether the holder of a claim that this executor has started lives: asked where it lives,
    /// a cluster's scheduler for its job.
    fn find<'a>(&'a self, holder: &'a Holder) -> BoxFuture<'a, Liveness>;
}

/// A Python environment that is ready for use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The interpreter.
    pub python: Utf8PathBuf,
    /// The folder to put in front of `PATH`, if there is one.
    pub bin: Option<Utf8PathBuf>,
    /// What the user should know of it, in one line: that another Python runs than was asked for.
    pub notice: Option<String>,
}

/// A boxed future, so that [`PrepareEnvironment`] can be used as `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes the Python environment of a step ready.
pub trait PrepareEnvironment: Send + Sync + 'static {
    /// Finds or builds the environment. Dropping the future gives up waiting for it.
    fn prepare<'a>(&'a self, spec: &'a EnvironmentSpec)
    -> BoxFuture<'a, Result<Prepared, Failure>>;
}
