//! Steps as jobs of Ray clusters, asked by Ray's Jobs API. The loop of an attempt is
//! [`cluster`](crate::cluster)'s.
//!
//! Invariant: the id of a job follows from its attempt, and Ray takes one job of an id.

mod api;
mod capacity;
mod cluster;
mod ends;
mod job;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stepwell_model::{ComputeKind, Failure, FailureKind, RayTarget, Resources};
use stepwell_supervise::Liveness;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use self::api::ApiError;
use self::cluster::RayCluster;
use self::ends::Account;
use crate::cluster::listing::Listing;
use crate::cluster::{
    Cluster, ClusterConfig, ClusterExecutor, Clusters, Ended, Files, JobEnd, NotSubmitted,
    Submission, Submitted, lock,
};
use crate::{BoxFuture, Report, Stager};

/// How long a node that has lost its head node may keep its jobs: Ray's nodes look for it for a
/// minute.
const KEEPS_JOBS_FOR: Duration = Duration::from_secs(90);

/// An executor of steps on Ray clusters, whose reports go to `reports`. Jobs that are there already
/// are found again when their attempts are started again.
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn executor(
    config: ClusterConfig,
    stager: Arc<Stager>,
    reports: UnboundedSender<Report>,
) -> ClusterExecutor {
    let known = Known {
        every: config.every,
        clusters: Mutex::default(),
    };
    ClusterExecutor::new(Box::new(known), config, stager, reports)
}

/// The clusters that have been asked for, by their names in claims.
struct Known {
    every: Duration,
    clusters: Mutex<HashMap<String, Arc<RayCluster>>>,
}

impl Clusters for Known {
    fn of_target(&self, target: &ComputeKind) -> Option<Arc<dyn Cluster>> {
        let ComputeKind::Ray(target) = target else {
            return None;
        };
        let name = format!("ray@{}", target.address);
        let new = || {
            let (address, token) = (target.address.clone(), target.token_file.clone());
            RayCluster::new(name.clone(), address, token, self.every)
        };
        // One for all targets of the same address, unless its token is somewhere else by now.
        let mut clusters = lock(&self.clusters);
        let known = clusters.entry(name.clone()).or_insert_with(new);
        if *known.token_file() != target.token_file {
            *known = new();
        }
        Some(Arc::new(Place {
            cluster: Arc::clone(known),
            target: target.clone(),
        }))
    }

    fn liveness<'a>(&'a self, cluster: &'a str, job: &'a str) -> BoxFuture<'a, Liveness> {
        let known = lock(&self.clusters).get(cluster).cloned();
        Box::pin(async move {
            match known {
                Some(cluster) => cluster.liveness(job).await,
                None => Liveness::Unknown,
            }
        })
    }
}

/// Puts the program by which a job has several nodes where the nodes find it.
fn write_program(submission: &Submission<'_>) -> Result<(), NotSubmitted> {
    let path = submission.folder.join(job::NODES_FILE);
    fs_err::write(path, job::NODES_PROGRAM).map_err(|error| {
        let summary = format!("the step's nodes cannot be told what to do: {error}");
        NotSubmitted::Never(Failure::new(FailureKind::Environment, summary))
    })
}

/// A cluster, as one target uses it.
struct Place {
    cluster: Arc<RayCluster>,
    target: RayTarget,
}

impl Cluster for Place {
    fn kind(&self) -> &'static str {
        "Ray"
    }

    fn files(&self) -> Files {
        Files {
            record: "ray.json",
            log: job::LOG,
        }
    }

    fn listing(&self) -> watch::Receiver<Listing> {
        self.cluster.listing()
    }

    fn keeps_hidden_jobs_for(&self) -> Duration {
        KEEPS_JOBS_FOR
    }

    fn refuses<'a>(&'a self, needs: &'a Resources) -> BoxFuture<'a, Option<String>> {
        Box::pin(async { self.cluster.refuses(&self.target, needs).await })
    }

    fn submit<'a>(&'a self, submission: &'a Submission<'a>) -> Submitted<'a> {
        Box::pin(async {
            let id = job::id(submission.attempt, submission.jobs_before);
            let body = job::body(&id, &self.cluster.name, &self.target, submission);
            if submission.needs.nodes > 1 {
                write_program(submission)?;
            }
            match self.cluster.submit(&body).await {
                Ok(()) => Ok(id),
                Err(ApiError::Silent(said)) => Err(NotSubmitted::Silent(said)),
                Err(error) => {
                    let summary = format!("Ray refused the step's job: {error}");
                    let failure = Failure::new(FailureKind::Environment, summary);
                    let target = submission.target;
                    let hint = format!(
                        "`stepwell compute show {target}` has the address, which is to be that of \
                         the cluster's dashboard, of Ray with its `default` parts"
                    );
                    Err(NotSubmitted::Never(failure.with_hint(hint)))
                }
            }
        })
    }

    fn ask_to_stop<'a>(&'a self, job: &'a str) -> BoxFuture<'a, Result<(), String>> {
        self.end(job)
    }

    /// Ray has one word for both. What is left is killed when the time is up that the job came
    /// with; a job that has not begun does so first, and finds the attempt claimed.
    fn end<'a>(&'a self, job: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async {
            let stopped = self.cluster.stop(job).await;
            stopped.map_err(|error| error.to_string())
        })
    }

    fn waits_for(&self, job: &str, reason: &str) -> String {
        job::waits_for(job, reason)
    }

    fn how_it_ended<'a>(&'a self, job: &'a str, printed: &'a str) -> Ended<'a> {
        Box::pin(async move {
            let account = self.cluster.account(job).await.ok()?;
            account.is_over().then(|| ends::of(job, &account, printed))
        })
    }

    fn unknown_end(&self, job: &str, printed: &str) -> JobEnd {
        ends::of(job, &Account::default(), printed)
    }
}
