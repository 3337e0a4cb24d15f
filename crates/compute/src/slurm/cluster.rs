//! One cluster: its commands.

use std::sync::Arc;
use std::time::Duration;

use stepwell_supervise::Liveness;
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::time::Instant;

use super::capacity::{self, Capacity};
use super::cli::{Cli, CliError, Place};
use super::queue::{self, Ended};
use crate::BoxFuture;
use crate::cluster::listing::{self, Jobs, ListJobs, Listing};

/// How long what the partitions have is taken for what they have.
const CAPACITY_HOLDS: Duration = Duration::from_secs(60);

/// How many jobs are submitted at once: a controller takes one after the other anyway.
const SUBMITTED_AT_ONCE: usize = 4;

pub(super) struct SlurmCluster {
    /// Its name in claims.
    pub(super) name: String,
    cli: Cli,
    turns: Semaphore,
    shown: watch::Sender<Listing>,
    capacity: Mutex<Option<(Instant, Arc<Capacity>)>>,
}

impl SlurmCluster {
    /// A cluster whose queue is looked at every `every`. Must be called in a runtime.
    pub(super) fn new(place: Place, every: Duration) -> Arc<Self> {
        let shown = listing::channel();
        let cluster = Arc::new(Self {
            name: place.name(),
            cli: Cli::new(place),
            turns: Semaphore::new(SUBMITTED_AT_ONCE),
            shown: shown.clone(),
            capacity: Mutex::default(),
        });
        tokio::spawn(listing::keep(Arc::downgrade(&cluster), shown, every));
        cluster
    }

    pub(super) fn listing(&self) -> watch::Receiver<Listing> {
        self.shown.subscribe()
    }

    /// Submits a job, when its turn comes; gives its id.
    pub(super) async fn submit(
        &self,
        options: &[String],
        script: &str,
    ) -> Result<String, CliError> {
        // It is never closed.
        let _turn = self.turns.acquire().await;
        let said = self.cli.run("sbatch", options, script).await?;
        // In a federation the cluster's name comes after the id.
        let id = said.trim().split(';').next();
        let id = id.and_then(|id| id.parse::<u64>().ok());
        id.map(|id| id.to_string())
            .ok_or_else(|| CliError::Refused(format!("`sbatch` answered {:?}", said.trim())))
    }

    /// The job of a name, if Slurm knows one.
    pub(super) async fn find(&self, name: &str) -> Result<Option<String>, CliError> {
        let name = format!("--name={name}");
        let asked = ["--me", "--noheader", "--states=all", "--format=%i", &name];
        let said = self.cli.run("squeue", &asked, "").await?;
        // The last one, if there should be two: both find the claim.
        let ids = said.lines().filter_map(|id| id.trim().parse::<u64>().ok());
        Ok(ids.max().map(|id| id.to_string()))
    }

    /// How a job ended; nothing is known of it when that is long ago.
    pub(super) async fn ended(&self, job: &str) -> Result<Ended, CliError> {
        let asked = ["show", "job", "--oneliner", job];
        match self.cli.run("scontrol", &asked, "").await {
            Ok(said) => Ok(Ended::parse(&said)),
            Err(CliError::Refused(_)) => Ok(Ended::default()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn liveness(&self, job: &str) -> Liveness {
        match self.ended(job).await {
            Ok(ended) if ended.is_alive() => Liveness::Alive,
            Ok(_) => Liveness::Gone,
            Err(_) => Liveness::Unknown,
        }
    }

    /// Asks the supervisor of a job to stop.
    pub(super) async fn ask_to_stop(&self, job: &str) -> Result<(), CliError> {
        self.cancel(&["--batch", "--signal=TERM", job]).await
    }

    /// Ends a job with all its processes, or takes it out of the queue.
    pub(super) async fn end(&self, job: &str) -> Result<(), CliError> {
        self.cancel(&[job]).await
    }

    async fn cancel(&self, arguments: &[&str]) -> Result<(), CliError> {
        match self.cli.run("scancel", arguments, "").await {
            // It is over already.
            Ok(_) | Err(CliError::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What the partitions have; it is asked once for many.
    pub(super) async fn capacity(&self) -> Result<Arc<Capacity>, CliError> {
        let mut held = self.capacity.lock().await;
        match &*held {
            Some((asked, capacity)) if asked.elapsed() < CAPACITY_HOLDS => Ok(Arc::clone(capacity)),
            _ => {
                let said = self.cli.run("sinfo", &capacity::ARGUMENTS, "").await?;
                let capacity = Arc::new(Capacity::parse(&said));
                *held = Some((Instant::now(), Arc::clone(&capacity)));
                Ok(capacity)
            }
        }
    }
}

impl ListJobs for SlurmCluster {
    fn list(&self) -> BoxFuture<'_, Result<Jobs, String>> {
        Box::pin(async {
            let asked = ["--me", "--noheader", queue::FORM];
            let said = self.cli.run("squeue", &asked, "").await;
            said.map(|said| queue::parse(&said))
                .map_err(|error| error.to_string())
        })
    }
}
