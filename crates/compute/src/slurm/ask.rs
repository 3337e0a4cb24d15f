//! What a Slurm cluster is asked, however that is done: by its commands ([`commands`](super::commands))
//! or by its REST API ([`rest`](super::rest)).

use super::capacity::Capacity;
use super::out_of_use::OutOfUse;
use super::queue::Ended;
use crate::BoxFuture;
use crate::cluster::listing::Jobs;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum AskError {
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

/// An answer, when it comes.
pub(super) type Answer<'a, T> = BoxFuture<'a, Result<T, AskError>>;

/// One way to ask a cluster.
pub(super) trait Ask: Send + Sync + 'static {
    /// Submits a job with options of `sbatch`, each as one word; gives its id.
    fn submit<'a>(&'a self, options: &'a [String], script: &'a str) -> Answer<'a, String>;

    /// The last job of a name, over or not, if Slurm knows one.
    fn find<'a>(&'a self, name: &'a str) -> Answer<'a, Option<String>>;

    /// The jobs of this user. Those that are over may be there or not.
    fn jobs(&self) -> Answer<'_, Jobs>;

    /// How a job ended; nothing is known of it when that is long ago.
    fn ended<'a>(&'a self, job: &'a str) -> Answer<'a, Ended>;

    /// Sends SIGTERM to the script of a job. One that is over is left alone.
    fn ask_to_stop<'a>(&'a self, job: &'a str) -> Answer<'a, ()>;

    /// Ends a job with all its processes, or takes it out of the queue. One that is over is left alone.
    fn end<'a>(&'a self, job: &'a str) -> Answer<'a, ()>;

    /// What the partitions have.
    fn capacity(&self) -> Answer<'_, Capacity>;

    /// The nodes that take no jobs.
    fn out_of_use(&self) -> Answer<'_, Vec<OutOfUse>>;
}
