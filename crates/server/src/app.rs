//! What every handler can reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use stepwell_data::cas::Cas;
use stepwell_data::folder::DataFolder;
use stepwell_datastore::Registry;
use stepwell_engine::driver::{Engine, StepContext};
use stepwell_model::Timestamp;
use stepwell_store::Store;
use stepwell_workspace::Workspace;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::access::Access;
use crate::lock::Root;
use crate::serve::Mode;

/// The state of the server, shared by all handlers.
pub(crate) struct App {
    /// What can be done.
    pub(crate) workspace: Workspace,
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) cas: Cas,
    pub(crate) folder: DataFolder,
    /// The folder itself, whatever its path leads to.
    pub(crate) root: Root,
    pub(crate) datastores: Arc<Registry>,
    pub(crate) site: StepContext,
    pub(crate) access: Access,
    pub(crate) workspace_id: Uuid,
    pub(crate) mode: Mode,
    pub(crate) slots: u32,
    pub(crate) started: Timestamp,
    pub(crate) activity: Activity,
    /// What is wrong with the server's surroundings, if anything.
    pub(crate) condition: Condition,
    /// Rung by the request to stop.
    pub(crate) stop: Notify,
}

/// The state as handlers take it.
pub(crate) type Context = axum::extract::State<Arc<App>>;

/// What keeps a server from its work although it answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Condition(Arc<AtomicBool>);

/// A disk with less than this left, in bytes, takes no run.
const FULL_DISK_BYTES: u64 = 1 << 20;

impl Condition {
    /// Records whether the database file is where it was.
    pub(crate) fn set_database_gone(&self, gone: bool) {
        if gone && !self.0.swap(gone, Ordering::Relaxed) {
            tracing::error!("the database file was deleted or replaced; what is changed is lost");
        }
        self.0.store(gone, Ordering::Relaxed);
    }

    /// A sentence for each fault.
    pub(crate) fn faults(&self, folder: &DataFolder) -> Vec<String> {
        let mut faults = Vec::new();
        if self.0.load(Ordering::Relaxed) {
            faults.push(format!(
                "the database `{}` was deleted while the server runs",
                folder.database()
            ));
        }
        let free = rustix::fs::statvfs(folder.root().as_std_path());
        if free.is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < FULL_DISK_BYTES) {
            faults.push("the disk of the data folder is full".to_owned());
        }
        faults
    }
}

/// When the server was last of use, so that an embedded one knows when it is not.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    requests: AtomicUsize,
    last_ms: AtomicI64,
}

impl Activity {
    /// Counts a request until the guard is dropped.
    pub(crate) fn enter(self: &Activity) -> Guard<'_> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Guard(self)
    }

    /// Since when there has been no request; `None` while there is one.
    pub(crate) fn idle_since(&self) -> Option<Timestamp> {
        let last = Timestamp::from_millis(self.last_ms.load(Ordering::Relaxed));
        (self.requests.load(Ordering::Relaxed) == 0).then_some(last)
    }

    pub(crate) fn touch(&self) {
        self.last_ms.store(now().as_millis(), Ordering::Relaxed);
    }
}

/// A request that is being answered.
pub(crate) struct Guard<'a>(&'a Activity);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.touch();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The time.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}
