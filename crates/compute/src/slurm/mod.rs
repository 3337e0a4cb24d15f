//! Steps as jobs of Slurm clusters: each job is a supervisor on one of the cluster's nodes.
//!
//! The data folder is on a file system that the nodes share, at the same path. So the claim, the
//! log and the outcome are files that the server reads, and what Slurm says comes second: it tells
//! why a job waits, and what became of one that has left no outcome.
//!
//! Invariant: an attempt has a record before it has a job, and the job has the attempt's name: a
//! server that was killed while it submitted finds the job. Were there two, the claim lets one run.

mod attempt;
mod capacity;
mod cli;
mod cluster;
mod ends;
mod queue;
mod record;
mod script;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camino::Utf8PathBuf;
use stepwell_model::{AttemptId, ComputeKind, Failure, FailureKind, Resources, SlurmTarget};
use stepwell_supervise::{Holder, Liveness};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use self::cli::Place;
use self::cluster::Cluster;
use crate::ending::failed;
use crate::{BoxFuture, Executor, Job, Report, Stager};

/// What a Slurm executor has to know.
#[derive(Debug, Clone)]
pub struct SlurmConfig {
    /// The `stepwell-supervise` program, as the nodes find it.
    pub supervisor_program: Utf8PathBuf,
    /// How long a step may take to stop when asked, before it is killed.
    pub grace: Duration,
    /// How often the queue is looked at.
    pub every: Duration,
    /// How long a file that was written on a node may take to be seen here.
    pub file_delay: Duration,
}

/// Runs steps on Slurm clusters.
pub struct SlurmExecutor {
    shared: Arc<Shared>,
    runtime: Handle,
}

struct Shared {
    config: SlurmConfig,
    stager: Arc<Stager>,
    reports: UnboundedSender<Report>,
    /// The attempts that are followed, each with the bell that asks it to stop.
    live: Mutex<HashMap<AttemptId, Arc<Notify>>>,
    clusters: Mutex<HashMap<String, Arc<Cluster>>>,
}

impl SlurmExecutor {
    /// An executor whose reports go to `reports`. Jobs that are there already are found again when
    /// their attempts are started again.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn new(config: SlurmConfig, stager: Arc<Stager>, reports: UnboundedSender<Report>) -> Self {
        Self {
            shared: Arc::new(Shared {
                config,
                stager,
                reports,
                live: Mutex::default(),
                clusters: Mutex::default(),
            }),
            runtime: Handle::current(),
        }
    }
}

impl Executor for SlurmExecutor {
    fn start(&self, job: Job) {
        let ComputeKind::Slurm(target) = job.compute.clone() else {
            let summary = format!("the target `{}` is no partition of a cluster", job.target);
            return self.shared.report(Report::Ended {
                attempt: job.attempt,
                outcome: failed(Failure::new(FailureKind::Internal, summary)),
            });
        };
        let stop = match self.shared.live().entry(job.attempt) {
            Entry::Occupied(_) => return,
            Entry::Vacant(place) => Arc::clone(place.insert(Arc::default())),
        };
        let _inside = self.runtime.enter();
        let cluster = self.shared.cluster(&target);
        let task = attempt::run(Arc::clone(&self.shared), cluster, target, job, stop);
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
            let ComputeKind::Slurm(target) = target else {
                return None;
            };
            let has = self.shared.cluster(target).capacity().await.ok()?;
            has.refuses(target, needs)
        })
    }

    fn find<'a>(&'a self, holder: &'a Holder) -> BoxFuture<'a, Liveness> {
        Box::pin(async move {
            let Holder::Cluster { cluster, job } = holder else {
                return holder.liveness_here();
            };
            let known = lock(&self.shared.clusters).get(cluster).cloned();
            match (known, job.parse()) {
                (Some(cluster), Ok(job)) => cluster.liveness(job).await,
                _ => Liveness::Unknown,
            }
        })
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

    /// The cluster of a target, which is one for all targets of the same place.
    fn cluster(&self, target: &SlurmTarget) -> Arc<Cluster> {
        let place = Place {
            ssh: target.ssh.clone(),
            conf: target.conf.clone(),
        };
        let mut clusters = lock(&self.clusters);
        let known = clusters.entry(place.name());
        Arc::clone(known.or_insert_with(|| Cluster::new(place, self.config.every)))
    }
}

/// Locks what is consistent after every single operation on it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
