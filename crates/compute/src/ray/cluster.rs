//! One Ray cluster: what it is asked.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stepwell_model::{RayTarget, Resources};
use stepwell_supervise::Liveness;
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::time::Instant;

use super::api::{Api, ApiError};
use super::capacity::Status;
use super::ends::Account;
use super::job::PREFIX;
use crate::BoxFuture;
use crate::cluster::listing::{self, Jobs, ListJobs, Listed, Listing};

/// How long what the nodes have is taken for what they have.
const CAPACITY_HOLDS: Duration = Duration::from_secs(20);

/// How many jobs are submitted at once: the head node's agent takes one after the other anyway.
const SUBMITTED_AT_ONCE: usize = 4;

/// How long a job that ended well stays in Ray's list, which is read as a whole each time.
const LISTED_FOR: Duration = Duration::from_secs(3_600);

/// How many of them are taken out of it at a time.
const REMOVED_AT_ONCE: usize = 10;

pub(super) struct RayCluster {
    /// Its name in claims.
    pub(super) name: String,
    api: Api,
    turns: Semaphore,
    shown: watch::Sender<Listing>,
    status: Mutex<Option<(Instant, Arc<Status>)>>,
}

impl RayCluster {
    /// A cluster whose jobs are listed every `every`. Must be called in a runtime.
    pub(super) fn new(
        name: String,
        address: String,
        token_file: Option<String>,
        every: Duration,
    ) -> Arc<Self> {
        let shown = listing::channel();
        let cluster = Arc::new(Self {
            name,
            api: Api::new(address, token_file),
            turns: Semaphore::new(SUBMITTED_AT_ONCE),
            shown: shown.clone(),
            status: Mutex::default(),
        });
        tokio::spawn(listing::keep(Arc::downgrade(&cluster), shown, every));
        cluster
    }

    pub(super) const fn token_file(&self) -> &Option<String> {
        &self.api.token_file
    }

    pub(super) fn listing(&self) -> watch::Receiver<Listing> {
        self.shown.subscribe()
    }

    /// Submits a job, when its turn comes. One of its id that is there already is that job.
    pub(super) async fn submit(&self, body: &Value) -> Result<(), ApiError> {
        // It is never closed.
        let _turn = self.turns.acquire().await;
        match self.api.post("/api/jobs/", body).await {
            Err(ApiError::Exists) => Ok(()),
            answer => answer,
        }
    }

    /// What Ray knows of a job: nothing, when it is not in its list any more.
    pub(super) async fn account(&self, job: &str) -> Result<Account, ApiError> {
        match self.api.get(&format!("/api/jobs/{job}")).await {
            Err(ApiError::Unknown) => Ok(Account::default()),
            answer => answer,
        }
    }

    pub(super) async fn liveness(&self, job: &str) -> Liveness {
        match self.account(job).await {
            Ok(account) if account.is_over() => Liveness::Gone,
            Ok(_) => Liveness::Alive,
            Err(_) => Liveness::Unknown,
        }
    }

    /// Asks a job to stop. Ray kills what is left of it after the time that the job came with.
    pub(super) async fn stop(&self, job: &str) -> Result<(), ApiError> {
        let path = format!("/api/jobs/{job}/stop");
        match self.api.post(&path, &json!({})).await {
            Err(ApiError::Unknown) => Ok(()),
            answer => answer,
        }
    }

    /// What the nodes have, and how much of it is in use; it is asked once for many.
    pub(super) async fn status(&self, holds: Duration) -> Result<Arc<Status>, ApiError> {
        let mut held = self.status.lock().await;
        match &*held {
            Some((asked, status)) if asked.elapsed() < holds => Ok(Arc::clone(status)),
            _ => {
                let status: Arc<Status> = Arc::new(self.api.get("/api/cluster_status").await?);
                *held = Some((Instant::now(), Arc::clone(&status)));
                Ok(status)
            }
        }
    }

    /// Why such a request can never be met. What was known some time ago is enough to see that it can.
    pub(super) async fn refuses(&self, target: &RayTarget, needs: &Resources) -> Option<String> {
        let known = self.status(CAPACITY_HOLDS).await.ok()?;
        known.refuses(target, needs)?;
        let now = self.status(Duration::ZERO).await.ok()?;
        now.refuses(target, needs)
    }

    /// How much is taken of what jobs wait for, in words; empty when that is not known.
    async fn taken(&self, holds: Duration) -> String {
        let status = self.status(holds).await;
        status.map(|status| status.in_use()).unwrap_or_default()
    }

    /// Takes jobs that ended well long ago out of Ray's list. What cannot be removed now will be.
    async fn tidy(&self, accounts: &[Account]) {
        let now = stepwell_supervise::now().as_millis();
        let before = now - i64::try_from(LISTED_FOR.as_millis()).unwrap_or(i64::MAX);
        let is_old = |account: &&Account| {
            let ended = account.end_time.and_then(|ended| i64::try_from(ended).ok());
            matches!(account.status.as_str(), "SUCCEEDED" | "STOPPED")
                && ended.is_some_and(|ended| ended < before)
        };
        let old = accounts.iter().filter(is_old).take(REMOVED_AT_ONCE);
        for job in old.filter_map(|account| account.submission_id.as_ref()) {
            if let Err(error) = self.api.delete(&format!("/api/jobs/{job}")).await {
                tracing::debug!(job, %error, "it stays in Ray's list");
            }
        }
    }
}

/// Why a job waits: for so many nodes at once, or to begin on one.
fn reason(nodes: Option<u32>, taken: &str) -> String {
    let awaited = match nodes {
        Some(nodes) => format!("{nodes} nodes at once"),
        None => "its resources".to_owned(),
    };
    match taken {
        "" => format!("it waits for {awaited}"),
        taken => format!("it waits for {awaited}, or is about to start; {taken} are taken"),
    }
}

impl ListJobs for RayCluster {
    fn list(&self) -> BoxFuture<'_, Result<Jobs, String>> {
        Box::pin(async {
            let listed = self.api.get("/api/jobs/").await;
            let mut accounts: Vec<Account> = listed.map_err(|error| error.to_string())?;
            accounts.retain(|account| {
                let id = account.submission_id.as_deref().unwrap_or_default();
                id.starts_with(PREFIX)
            });
            self.tidy(&accounts).await;
            let any = |is: fn(&Account) -> bool| accounts.iter().any(is);
            let taken = match (any(Account::waits), any(Account::may_gather)) {
                (true, _) => self.taken(Duration::ZERO).await,
                // Mostly it has its nodes by now.
                (false, true) => self.taken(CAPACITY_HOLDS).await,
                (false, false) => String::new(),
            };
            let jobs = accounts.into_iter().filter_map(|account| {
                let listed = if account.is_over() {
                    Listed::Over
                } else if account.waits() || account.may_gather() {
                    // Whether it has its nodes is seen by the claim of its step.
                    Listed::Waits(reason(account.nodes(), &taken))
                } else {
                    Listed::Runs
                };
                Some((account.submission_id?, listed))
            });
            Ok(jobs.collect::<HashMap<_, _>>())
        })
    }
}
