//! Steps as processes of this machine, each with a supervisor of its own while it runs.
//!
//! The executor keeps almost nothing in memory: the attempt folders and the processes are the
//! truth, and a new executor finds the steps of a killed one there. A started step and a found
//! one are watched in the same way, by one async task and no thread.
//!
//! It knows nothing of slots or order: it starts what it is given, at once.

mod attempt;
mod capacity;
mod lost;
mod pool;
mod supervisor;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camino::Utf8PathBuf;
use rustix::process::Resource;
use stepwell_model::{AttemptId, ComputeKind, Resources};
use stepwell_supervise::{Holder, Liveness};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use self::capacity::Machine;
pub use self::lost::lose_begun;
use self::pool::Pool;
use crate::{BoxFuture, Executor, Job, Report, Stager};

/// What a local executor has to know.
#[derive(Debug, Clone)]
pub struct LocalConfig {
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
    stager: Arc<Stager>,
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
    pub fn new(config: LocalConfig, stager: Arc<Stager>, reports: UnboundedSender<Report>) -> Self {
        if let Err(error) = raise_open_files() {
            tracing::warn!(%error, "the limit of open files could not be raised");
        }
        Self {
            shared: Arc::new(Shared {
                supervisors: Arc::new(Pool::new(config.supervisor_program.clone())),
                config,
                stager,
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
        let task = attempt::run(Arc::clone(&self.shared), job, stop);
        self.runtime.spawn(task);
    }

    fn stop(&self, attempt: AttemptId) {
        if let Some(stop) = self.shared.live().get(&attempt) {
            stop.notify_one();
        }
    }

    fn refuses<'a>(
        &'a self,
        _target: &'a ComputeKind,
        needs: &'a Resources,
    ) -> BoxFuture<'a, Option<String>> {
        Box::pin(std::future::ready(Machine::this().refuses(needs)))
    }

    fn find<'a>(&'a self, holder: &'a Holder) -> BoxFuture<'a, Liveness> {
        Box::pin(std::future::ready(holder.liveness_here()))
    }
}

impl Shared {
    fn live(&self) -> MutexGuard<'_, HashMap<AttemptId, Arc<Notify>>> {
        lock_unpoisoned(&self.live)
    }

    /// A closed channel means that the server is going down; the folders keep what was not heard.
    fn report(&self, report: Report) {
        let _ = self.reports.send(report);
    }
}

/// Locks what is consistent after every single operation on it, also one that panicked.
fn lock_unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn raise_open_files() -> io::Result<()> {
    let mut limit = rustix::process::getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(rustix::process::setrlimit(Resource::Nofile, limit)?)
}
