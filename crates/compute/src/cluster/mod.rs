//! Steps as jobs of clusters: each job is a supervisor on one of the cluster's nodes. One executor
//! and one loop for an attempt serve every kind of cluster; a kind is a [`Clusters`] and its
//! [`Cluster`]s, which know how theirs is asked.
//!
//! The data folder is on a file system that the nodes share, at the same path. So the claim, the
//! log and the outcome are files that the server reads, and what the cluster says comes second: it
//! tells why a job waits, and what became of one that has left no outcome.
//!
//! Invariant: an attempt has a record before it has a job, and the job has the attempt's name: a
//! server that was killed while it submitted finds the job. Were there two, the claim lets one run.

mod attempt;
pub(crate) mod listing;
mod record;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_model::{AttemptId, ComputeKind, Failure, FailureKind, Resources, TargetName};
use stepwell_supervise::{Holder, Liveness};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use self::listing::Listing;
use crate::ending::failed;
use crate::{BoxFuture, Executor, Job, Report, Stager};

/// What the executor of a kind of cluster has to know.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// The `stepwell-supervise` program, as the nodes find it.
    pub supervisor_program: Utf8PathBuf,
    /// How long a step may take to stop when asked, before it is killed.
    pub grace: Duration,
    /// How often the jobs are listed.
    pub every: Duration,
    /// How long a file that was written on a node may take to be seen here.
    pub file_delay: Duration,
}

/// All clusters of a kind.
pub(crate) trait Clusters: Send + Sync + 'static {
    /// The cluster of a target, as the target uses it; `None` for one of another kind. Called in a
    /// runtime.
    fn of_target(&self, target: &ComputeKind) -> Option<Arc<dyn Cluster>>;

    /// Whether the job of a claim lives, on the cluster that the claim names.
    fn liveness<'a>(&'a self, cluster: &'a str, job: &'a str) -> BoxFuture<'a, Liveness>;
}

/// A cluster, as one target uses it. Jobs are known by the ids that it gives them.
pub(crate) trait Cluster: Send + Sync + 'static {
    /// The name of its kind, for people.
    fn kind(&self) -> &'static str;

    /// The names of the files of an attempt for its job: what is known of it, and what it prints.
    fn files(&self) -> Files;

    /// What it shows of the jobs, whenever they were listed.
    fn listing(&self) -> watch::Receiver<Listing>;

    /// How long a job may still run that it does not show any more.
    fn keeps_hidden_jobs_for(&self) -> Duration {
        Duration::ZERO
    }

    /// Why such a request can never be met; `None` when it can, or when that is not known now.
    fn refuses<'a>(&'a self, needs: &'a Resources) -> BoxFuture<'a, Option<String>>;

    /// Finds the job of an attempt that was submitted before, or submits one; gives its id.
    fn submit<'a>(&'a self, submission: &'a Submission<'a>) -> Submitted<'a>;

    /// Asks the supervisor of a job to stop.
    fn ask_to_stop<'a>(&'a self, job: &'a str) -> BoxFuture<'a, Result<(), String>>;

    /// Ends a job with all its processes, or takes it out of the queue.
    fn end<'a>(&'a self, job: &'a str) -> BoxFuture<'a, Result<(), String>>;

    /// What a waiting job waits for, for people.
    fn waits_for(&self, job: &str, reason: &str) -> String;

    /// How a job ended, whose end of its log is `printed`; `None` when it is not quite over, or when
    /// the cluster does not answer.
    fn how_it_ended<'a>(&'a self, job: &'a str, printed: &'a str) -> Ended<'a>;

    /// The same for a job of which nothing can be known any more.
    fn unknown_end(&self, job: &str, printed: &str) -> JobEnd;
}

/// The id of a job, or why there is none.
pub(crate) type Submitted<'a> = BoxFuture<'a, Result<String, NotSubmitted>>;

/// How a job ended, if it has.
pub(crate) type Ended<'a> = BoxFuture<'a, Option<JobEnd>>;

/// The names of an attempt's files for its job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Files {
    /// What a server knows of the job.
    pub(crate) record: &'static str,
    /// What the cluster and the supervisor print.
    pub(crate) log: &'static str,
}

/// The file of an attempt for the names of its nodes.
pub(crate) const NODES: &str = "nodes";

/// What is submitted for an attempt.
#[derive(Debug)]
pub(crate) struct Submission<'a> {
    pub(crate) attempt: AttemptId,
    /// The attempt's folder.
    pub(crate) folder: &'a Utf8Path,
    pub(crate) needs: &'a Resources,
    /// Whether it goes on when one of its nodes is lost that its supervisor is not on.
    pub(crate) outlives_nodes: bool,
    pub(crate) target: &'a TargetName,
    /// The supervisor, as the nodes find it.
    pub(crate) program: &'a Utf8Path,
    /// How long the cluster must let a job take that was asked to stop.
    pub(crate) stops_within: Duration,
    /// How many jobs before it have ended without having begun.
    pub(crate) jobs_before: u32,
    /// Whether a job of the attempt may be there already, submitted by a server before this one, or by
    /// this one without having heard so.
    pub(crate) may_be_there: bool,
}

/// Why a job could not be submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotSubmitted {
    /// Nobody answers now; later somebody may.
    Silent(String),
    /// It never will be.
    Never(Failure),
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JobEnd {
    /// Whether the cluster has ended it, whatever the step's program made of that: it may have
    /// trapped the signal, or died of it before its supervisor heard of it.
    pub(crate) by_cluster: bool,
    /// Whether a job that had not begun is to be submitted anew. Were both to begin, the claim lets
    /// one run.
    pub(crate) try_again: bool,
    /// The exit status and the signal of the job.
    pub(crate) exit_code: Option<i32>,
    pub(crate) signal: Option<i32>,
    /// The failure of a step whose program ran, or may have.
    pub(crate) of_claimed: Failure,
    /// The failure of a step whose job ended before its supervisor had begun.
    pub(crate) of_unclaimed: Failure,
}

/// Runs steps on clusters of a kind.
pub struct ClusterExecutor {
    shared: Arc<Shared>,
    clusters: Box<dyn Clusters>,
    runtime: Handle,
}

struct Shared {
    config: ClusterConfig,
    stager: Arc<Stager>,
    reports: UnboundedSender<Report>,
    /// The attempts that are followed, each with the bell that asks it to stop.
    live: Mutex<HashMap<AttemptId, Arc<Notify>>>,
}

impl ClusterExecutor {
    /// An executor whose reports go to `reports`. Jobs that are there already are found again when
    /// their attempts are started again. Must be called in a runtime.
    pub(crate) fn new(
        clusters: Box<dyn Clusters>,
        config: ClusterConfig,
        stager: Arc<Stager>,
        reports: UnboundedSender<Report>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                config,
                stager,
                reports,
                live: Mutex::default(),
            }),
            clusters,
            runtime: Handle::current(),
        }
    }
}

impl Executor for ClusterExecutor {
    fn start(&self, job: Job) {
        let _inside = self.runtime.enter();
        let Some(cluster) = self.clusters.of_target(&job.compute) else {
            let summary = format!("the target `{}` is on no cluster of this kind", job.target);
            return self.shared.report(Report::Ended {
                attempt: job.attempt,
                outcome: failed(Failure::new(FailureKind::Internal, summary)),
            });
        };
        let stop = match self.shared.live().entry(job.attempt) {
            Entry::Occupied(_) => return,
            Entry::Vacant(place) => Arc::clone(place.insert(Arc::default())),
        };
        let task = attempt::run(Arc::clone(&self.shared), cluster, job, stop);
        self.runtime.spawn(task);
    }

    fn stop(&self, attempt: AttemptId) {
        if let Some(stop) = self.shared.live().get(&attempt) {
            stop.notify_one();
        }
    }

    fn refuses<'a>(
        &'a self,
        target: &'a ComputeKind,
        needs: &'a Resources,
    ) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            let cluster = {
                let _inside = self.runtime.enter();
                self.clusters.of_target(target)
            };
            cluster?.refuses(needs).await
        })
    }

    fn find<'a>(&'a self, holder: &'a Holder) -> BoxFuture<'a, Liveness> {
        match holder {
            Holder::Cluster { cluster, job } => self.clusters.liveness(cluster, job),
            Holder::Process(_) => Box::pin(std::future::ready(holder.liveness_here())),
        }
    }
}

impl Shared {
    fn live(&self) -> MutexGuard<'_, HashMap<AttemptId, Arc<Notify>>> {
        lock(&self.live)
    }

    /// A closed channel means that the server is going down; the folders keep what was not heard.
    fn report(&self, report: Report) {
        let _ = self.reports.send(report);
    }
}

/// Locks what is consistent after every single operation on it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
