//! Steps as processes of this machine, each with a supervisor of its own while it runs.
//!
//! The executor keeps almost nothing in memory: the attempt folders and the processes are the
//! truth, and a new executor finds the steps of a killed one there. A started step and a found
//! one are watched in the same way, by one async task and no thread.
//!
//! It knows nothing of slots or order: it starts whatever it is told to, at once.

mod attempt;
mod plan;
mod pool;
mod supervisor;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camino::Utf8PathBuf;
use rustix::process::Resource;
use stepwell_model::AttemptId;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use self::pool::Pool;
use crate::{Executor, Job, PrepareEnvironment, Report};

/// What a local executor has to know.
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// The root of the content-addressed store.
    pub objects: Utf8PathBuf,
    /// The `stepwell-supervise` program.
    pub supervisor_program: Utf8PathBuf,
    /// How long a step may take to stop when asked, before it is killed.
    pub grace: Duration,
}

/// Runs steps on this machine.
#[derive(Clone)]
pub struct LocalExecutor {
    shared: Arc<Shared>,
    runtime: Handle,
}

struct Shared {
    config: LocalConfig,
    environments: Arc<dyn PrepareEnvironment>,
    reports: UnboundedSender<Report>,
    /// The attempts that are being watched, each with the bell that asks it to stop.
    live: Mutex<HashMap<AttemptId, Arc<Notify>>>,
    supervisors: Arc<Pool>,
}

impl LocalExecutor {
    /// An executor whose reports go to `reports`. Steps that run already are found again when
    /// they are started again.
    ///
    /// It raises this process's limit of open files as far as it may: each step takes two.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn new(
        config: LocalConfig,
        environments: Arc<dyn PrepareEnvironment>,
        reports: UnboundedSender<Report>,
    ) -> Self {
        if let Err(error) = raise_open_files() {
            tracing::warn!(%error, "the limit of open files could not be raised");
        }
        Self {
            shared: Arc::new(Shared {
                supervisors: Arc::new(Pool::new(config.supervisor_program.clone())),
                config,
                environments,
                reports,
                live: Mutex::default(),
            }),
            runtime: Handle::current(),
        }
    }
}

impl Executor for LocalExecutor {
    fn start(&self, job: Job) {
        let stop = match self.shared.live().entry(job.attempt) {
            Entry::Occupied(_) => return,
            Entry::Vacant(place) => Arc::clone(place.insert(Arc::default())),
        };
        let shared = Arc::clone(&self.shared);
        self.runtime.spawn(attempt::run(shared, job, stop));
    }

    fn stop(&self, attempt: AttemptId) {
        if let Some(stop) = self.shared.live().get(&attempt) {
            stop.notify_one();
        }
    }
}

impl Shared {
    fn live(&self) -> MutexGuard<'_, HashMap<AttemptId, Arc<Notify>>> {
        whole(&self.live)
    }

    /// A closed channel means that the server is going down; the folders keep what was not heard.
    fn report(&self, report: Report) {
        let _ = self.reports.send(report);
    }
}

/// What is locked here is whole after every single operation on it.
fn whole<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn raise_open_files() -> io::Result<()> {
    let mut limit = rustix::process::getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(rustix::process::setrlimit(Resource::Nofile, limit)?)
}
