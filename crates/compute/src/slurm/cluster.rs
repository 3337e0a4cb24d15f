//! One cluster, with what is kept of its answers.

use std::sync::Arc;
use std::time::Duration;

use stepwell_supervise::Liveness;
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::time::Instant;

use super::ask::{Ask, AskError};
use super::capacity::Capacity;
use super::out_of_use::{self, OutOfUse};
use super::place::Place;
use crate::BoxFuture;
use crate::cluster::listing::{self, Jobs, ListJobs, Listed, Listing};
use crate::cluster::lock;

/// How long what the partitions have is taken for what they have.
const CAPACITY_HOLDS: Duration = Duration::from_secs(60);

/// How many jobs are submitted at once: a controller takes one after the other anyway.
const SUBMITTED_AT_ONCE: usize = 4;

pub(super) struct SlurmCluster {
    /// Its name in claims.
    pub(super) name: String,
    pub(super) ask: Box<dyn Ask>,
    turns: Semaphore,
    shown: watch::Sender<Listing>,
    capacity: Mutex<Option<(Instant, Arc<Capacity>)>>,
    /// The nodes that take no jobs, when that was last asked for.
    out_of_use: std::sync::Mutex<Arc<[OutOfUse]>>,
}

impl SlurmCluster {
    /// A cluster whose queue is looked at every `every`. Must be called in a runtime.
    pub(super) fn new(place: Place, every: Duration) -> Arc<Self> {
        let shown = listing::channel();
        let cluster = Arc::new(Self {
            name: place.name(),
            ask: place.into_ask(),
            turns: Semaphore::new(SUBMITTED_AT_ONCE),
            shown: shown.clone(),
            capacity: Mutex::default(),
            out_of_use: std::sync::Mutex::new(Arc::new([])),
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
    ) -> Result<String, AskError> {
        // It is never closed.
        let _turn = self.turns.acquire().await;
        self.ask.submit(options, script).await
    }

    pub(super) async fn liveness(&self, job: &str) -> Liveness {
        match self.ask.ended(job).await {
            Ok(ended) if ended.is_alive() => Liveness::Alive,
            Ok(_) => Liveness::Gone,
            Err(_) => Liveness::Unknown,
        }
    }

    /// What the partitions have; it is asked once for many.
    pub(super) async fn capacity(&self) -> Result<Arc<Capacity>, AskError> {
        let mut held = self.capacity.lock().await;
        match &*held {
            Some((asked, capacity)) if asked.elapsed() < CAPACITY_HOLDS => Ok(Arc::clone(capacity)),
            _ => {
                let capacity = Arc::new(self.ask.capacity().await?);
                *held = Some((Instant::now(), Arc::clone(&capacity)));
                Ok(capacity)
            }
        }
    }

    /// The nodes that took no jobs when a job was last seen to wait for that.
    pub(super) fn out_of_use(&self) -> Arc<[OutOfUse]> {
        Arc::clone(&lock(&self.out_of_use))
    }

    /// The nodes that take no jobs now.
    pub(super) async fn look_out_of_use(&self) -> Result<Arc<[OutOfUse]>, AskError> {
        let nodes: Arc<[OutOfUse]> = self.ask.out_of_use().await?.into();
        lock(&self.out_of_use).clone_from(&nodes);
        Ok(nodes)
    }
}

impl ListJobs for SlurmCluster {
    fn list(&self) -> BoxFuture<'_, Result<Jobs, String>> {
        Box::pin(async {
            let jobs = self.ask.jobs().await.map_err(|error| error.to_string())?;
            let wait_for_nodes = jobs.values().any(|job| match job {
                Listed::Waits(reason) => out_of_use::may_be_why(reason),
                Listed::Runs | Listed::Over => false,
            });
            if wait_for_nodes {
                // Without an answer the jobs wait for what Slurm's own word says.
                drop(self.look_out_of_use().await);
            }
            Ok(jobs)
        })
    }
}
