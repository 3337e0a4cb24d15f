//! Steps as jobs of Slurm clusters, asked by Slurm's commands or by its REST API. The loop of an attempt is
//! [`cluster`](crate::cluster)'s.

mod ask;
mod capacity;
mod cli;
mod cluster;
mod commands;
mod ends;
mod out_of_use;
mod place;
mod queue;
mod rest;
mod script;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stepwell_model::{ComputeKind, Failure, FailureKind, Resources, SlurmTarget, TargetName};
use stepwell_supervise::Liveness;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use self::ask::AskError;
use self::cluster::SlurmCluster;
use self::place::Place;
use self::queue::Ended;
use crate::cluster::listing::Listing;
use crate::cluster::{
    self as clusters, Cluster, ClusterConfig, ClusterExecutor, Clusters, Files, JobEnd,
    NotSubmitted, Submission, Submitted, lock,
};
use crate::{BoxFuture, Report, Stager};

/// An executor of steps on Slurm clusters, whose reports go to `reports`. Jobs that are there
/// already are found again when their attempts are started again.
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
    clusters: Mutex<HashMap<String, Arc<SlurmCluster>>>,
}

impl Clusters for Known {
    fn of_target(&self, target: &ComputeKind) -> Option<Arc<dyn Cluster>> {
        let ComputeKind::Slurm(target) = target else {
            return None;
        };
        let place = Place::of(target);
        // One for all targets of the same place.
        let mut clusters = lock(&self.clusters);
        let known = clusters.entry(place.name());
        let cluster = known.or_insert_with(|| SlurmCluster::new(place, self.every));
        Some(Arc::new(Partition {
            cluster: Arc::clone(cluster),
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

/// A cluster, as one target uses it.
struct Partition {
    cluster: Arc<SlurmCluster>,
    target: SlurmTarget,
}

impl Cluster for Partition {
    fn kind(&self) -> &'static str {
        "Slurm"
    }

    fn files(&self) -> Files {
        Files {
            record: "slurm.json",
            log: script::LOG,
        }
    }

    fn listing(&self) -> watch::Receiver<Listing> {
        self.cluster.listing()
    }

    fn refuses<'a>(&'a self, needs: &'a Resources) -> BoxFuture<'a, Option<String>> {
        Box::pin(async {
            // One that cannot be asked now is asked by `sbatch`.
            let has = self.cluster.capacity().await.ok()?;
            has.refuses(&self.target, needs)
        })
    }

    fn submit<'a>(&'a self, submission: &'a Submission<'a>) -> Submitted<'a> {
        Box::pin(async {
            let found = match submission.may_be_there {
                true => self.cluster.ask.find(&script::job_name(submission)).await,
                false => Ok(None),
            };
            let submitted = match found {
                Ok(Some(job)) => Ok(job),
                Ok(None) => {
                    let options = script::options(submission, &self.target);
                    let script = script::script(&self.cluster.name, submission);
                    self.cluster.submit(&options, &script).await
                }
                Err(error) => Err(error),
            };
            submitted.map_err(|error| not_submitted(error, submission.target))
        })
    }

    fn ask_to_stop<'a>(&'a self, job: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async {
            let asked = self.cluster.ask.ask_to_stop(job).await;
            asked.map_err(|error| error.to_string())
        })
    }

    fn end<'a>(&'a self, job: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async {
            let ended = self.cluster.ask.end(job).await;
            ended.map_err(|error| error.to_string())
        })
    }

    fn waits_for(&self, job: &str, reason: &str) -> String {
        let nodes = self.cluster.out_of_use();
        match out_of_use::of_target(&nodes, &self.target) {
            Some(nodes) if out_of_use::may_be_why(reason) => queue::waits_for_nodes(job, &nodes),
            _ => queue::waits_for(job, reason),
        }
    }

    fn how_it_ended<'a>(&'a self, job: &'a str, printed: &'a str) -> clusters::Ended<'a> {
        Box::pin(async move {
            let mut ended = self.cluster.ask.ended(job).await.ok()?;
            if ended.may_be_the_nodes() {
                let nodes = self.cluster.look_out_of_use().await.ok()?;
                ended.node_trouble = out_of_use::why(&nodes, &ended.node).map(str::to_owned);
            }
            (!ended.is_alive()).then(|| ends::of(job, &ended, printed))
        })
    }

    fn unknown_end(&self, job: &str, printed: &str) -> JobEnd {
        ends::of(job, &Ended::default(), printed)
    }
}

fn not_submitted(error: AskError, target: &TargetName) -> NotSubmitted {
    match error {
        AskError::Silent(said) => NotSubmitted::Silent(said),
        AskError::Refused(said) => {
            let summary = format!("Slurm refused the step's job: {said}");
            let failure = Failure::new(FailureKind::Environment, summary).with_hint(format!(
                "`stepwell compute show {target}` shows what is asked of Slurm for each step"
            ));
            NotSubmitted::Never(failure)
        }
        AskError::Missing { .. } => {
            let failure = Failure::new(FailureKind::Environment, error.to_string());
            NotSubmitted::Never(failure.with_hint(
                "Slurm's commands must be on the server's PATH; or let the target name a login \
                 node that has them: `--ssh HOST`",
            ))
        }
    }
}
