//! One cluster: its commands, and what its queue shows.
//!
//! However many attempts are with it, `squeue` is called once in an interval, and only while there
//! are any.

use std::sync::{Arc, Weak};
use std::time::Duration;

use stepwell_supervise::Liveness;
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::time::{Instant, sleep};

use super::capacity::{self, Capacity};
use super::cli::{Cli, CliError, Place};
use super::queue::{self, Ended, Queue};

/// How long what the partitions have is taken for what they have.
const CAPACITY_HOLDS: Duration = Duration::from_secs(60);

/// How many jobs are submitted at once: a controller takes one after the other anyway.
const SUBMITTED_AT_ONCE: usize = 4;

/// A queue that takes long is asked less often: so many times as long as it took, but no less often
/// than this.
const PAUSE_FACTOR: u32 = 10;
const PAUSE_MAX: Duration = Duration::from_secs(30);

pub(super) struct Cluster {
    /// Its name in claims.
    pub(super) name: String,
    cli: Cli,
    turns: Semaphore,
    seen: watch::Sender<Seen>,
    capacity: Mutex<Option<(Instant, Arc<Capacity>)>>,
}

/// What the queue showed.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// When it was asked: a job that was submitted later is not in it.
    pub(super) asked: Instant,
    /// The jobs that are not over, or why they are not known.
    pub(super) queue: Result<Arc<Queue>, String>,
}

impl Cluster {
    /// A cluster whose queue is looked at every `every`. Must be called in a runtime.
    pub(super) fn new(place: Place, every: Duration) -> Arc<Self> {
        let (seen, _) = watch::channel(Seen {
            asked: Instant::now(),
            queue: Err("it was not asked yet".to_owned()),
        });
        let cluster = Arc::new(Self {
            name: place.name(),
            cli: Cli::new(place),
            turns: Semaphore::new(SUBMITTED_AT_ONCE),
            seen,
            capacity: Mutex::default(),
        });
        tokio::spawn(watch(Arc::downgrade(&cluster), every));
        cluster
    }

    pub(super) fn look(&self) -> watch::Receiver<Seen> {
        self.seen.subscribe()
    }

    /// Submits a job, when its turn comes; gives its id.
    pub(super) async fn submit(&self, options: &[String], script: &str) -> Result<u64, CliError> {
        // It is never closed.
        let _turn = self.turns.acquire().await;
        let said = self.cli.run("sbatch", options, script).await?;
        // In a federation the cluster's name comes after the id.
        let id = said.trim().split(';').next().and_then(|id| id.parse().ok());
        id.ok_or_else(|| CliError::Refused(format!("`sbatch` answered {:?}", said.trim())))
    }

    /// The job of a name, if Slurm knows one.
    pub(super) async fn find(&self, name: &str) -> Result<Option<u64>, CliError> {
        let name = format!("--name={name}");
        let asked = ["--me", "--noheader", "--states=all", "--format=%i", &name];
        let said = self.cli.run("squeue", &asked, "").await?;
        // The last one, if there should be two: both find the claim.
        Ok(said.lines().filter_map(|id| id.trim().parse().ok()).max())
    }

    /// How a job ended; nothing is known of it when that is long ago.
    pub(super) async fn ended(&self, job: u64) -> Result<Ended, CliError> {
        let asked = ["show", "job", "--oneliner", &job.to_string()];
        match self.cli.run("scontrol", &asked, "").await {
            Ok(said) => Ok(Ended::parse(&said)),
            Err(CliError::Refused(_)) => Ok(Ended::default()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn liveness(&self, job: u64) -> Liveness {
        match self.ended(job).await {
            Ok(ended) if ended.is_alive() => Liveness::Alive,
            Ok(_) => Liveness::Gone,
            Err(_) => Liveness::Unknown,
        }
    }

    /// Asks the supervisor of a job to stop.
    pub(super) async fn ask_to_stop(&self, job: u64) -> Result<(), CliError> {
        self.cancel(&["--batch", "--signal=TERM", &job.to_string()])
            .await
    }

    /// Ends a job with all its processes, or takes it out of the queue.
    pub(super) async fn end(&self, job: u64) -> Result<(), CliError> {
        self.cancel(&[&job.to_string()]).await
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

async fn watch(cluster: Weak<Cluster>, every: Duration) {
    let mut pause = every;
    loop {
        sleep(pause).await;
        let Some(cluster) = cluster.upgrade() else {
            return;
        };
        if cluster.seen.receiver_count() == 0 {
            continue;
        }
        let asked = Instant::now();
        let said = cluster
            .cli
            .run("squeue", &["--me", "--noheader", queue::FORM], "")
            .await;
        pause = match &said {
            Ok(_) => every.max((asked.elapsed() * PAUSE_FACTOR).min(PAUSE_MAX)),
            // Its own patience was pause enough.
            Err(_) => every,
        };
        let queue = said.map(|said| Arc::new(Queue::parse(&said)));
        let queue = queue.map_err(|error| error.to_string());
        cluster.seen.send_replace(Seen { asked, queue });
    }
}
