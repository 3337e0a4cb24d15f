//! What a cluster shows of its jobs, and how often it is asked.
//!
//! However many attempts are with it, it is asked once in an interval, and only while there are
//! any.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::BoxFuture;

/// A list that takes long is asked for less often: so many times as long as it took, but no less
/// often than this.
const PAUSE_FACTOR: u32 = 10;
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What a cluster showed.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    /// When it was asked: a job that was submitted later is not in it.
    pub(crate) asked: Instant,
    /// The jobs, or why they are not known.
    pub(crate) jobs: Result<Arc<Jobs>, String>,
}

/// The jobs of this user, by their ids. Those that are over may be there or not.
pub(crate) type Jobs = HashMap<String, Listed>;

/// A job that is not forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listed {
    /// It waits, for this reason, in the cluster's words.
    Waits(String),
    /// It has nodes.
    Runs,
    /// It is over.
    Over,
}

/// Who can be asked for the jobs.
pub(crate) trait ListJobs: Send + Sync + 'static {
    /// Lists the jobs.
    fn list(&self) -> BoxFuture<'_, Result<Jobs, String>>;
}

/// A channel for the listings of a cluster.
pub(crate) fn channel() -> watch::Sender<Listing> {
    let (sender, _) = watch::channel(Listing {
        asked: Instant::now(),
        jobs: Err("it was not asked yet".to_owned()),
    });
    sender
}

/// Lists the jobs every `every` for those who listen, for as long as the cluster is known.
pub(crate) async fn keep<C: ListJobs>(
    cluster: Weak<C>,
    shown: watch::Sender<Listing>,
    every: Duration,
) {
    let mut pause = every;
    loop {
        sleep(pause).await;
        let Some(cluster) = cluster.upgrade() else {
            return;
        };
        if shown.receiver_count() == 0 {
            continue;
        }
        let asked = Instant::now();
        let jobs = cluster.list().await;
        pause = match &jobs {
            Ok(_) => every.max((asked.elapsed() * PAUSE_FACTOR).min(PAUSE_MAX)),
            // Its own patience was pause enough.
            Err(_) => every,
        };
        let jobs = jobs.map(Arc::new);
        shown.send_replace(Listing { asked, jobs });
    }
}
