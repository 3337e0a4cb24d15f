//! What every handler can reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use stepwell_data::cas::Cas;
use stepwell_data::folder::DataFolder;
use stepwell_datastore::Registry;
use stepwell_datastore::vault::Vault;
use stepwell_engine::driver::{Engine, Site};
use stepwell_model::Timestamp;
use stepwell_store::Store;
use tokio::sync::{Mutex, Notify};
use uuid::Uuid;

use crate::access::Access;
use crate::published::Templates;
use crate::schedules::Schedules;
use crate::serve::Mode;

/// The state of the server, shared by all handlers.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) cas: Cas,
    pub(crate) folder: DataFolder,
    pub(crate) datastores: Arc<Registry>,
    /// Seals the credentials of datastores.
    pub(crate) vault: Vault,
    pub(crate) site: Site,
    pub(crate) access: Access,
    pub(crate) workspace_id: Uuid,
    pub(crate) mode: Mode,
    pub(crate) slots: u32,
    pub(crate) started: Timestamp,
    pub(crate) activity: Activity,
    pub(crate) schedules: Schedules,
    /// The published pipelines that were used lately.
    pub(crate) templates: Templates,
    /// Held by who makes room in the data folder.
    pub(crate) collecting: Mutex<()>,
    /// Rung by the request to stop.
    pub(crate) stop: Notify,
}

/// The state as handlers take it.
pub(crate) type Context = axum::extract::State<Arc<App>>;

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
