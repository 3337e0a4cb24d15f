//! What all nouns of a workspace work with.

use std::sync::Arc;

use stepwell_data::cas::Cas;
use stepwell_data::folder::DataFolder;
use stepwell_datastore::Registry;
use stepwell_datastore::vault::Vault;
use stepwell_engine::driver::{Engine, StepContext};
use stepwell_model::Timestamp;
use stepwell_store::Store;

use crate::clock::Clock;
use crate::published::Templates;
use crate::{Error, Result};

/// What a workspace is made of.
pub struct Setup {
    /// The database.
    pub store: Store,
    /// What runs the steps.
    pub engine: Engine,
    /// The objects.
    pub cas: Cas,
    /// Where everything is.
    pub folder: DataFolder,
    /// The datastores.
    pub datastores: Arc<Registry>,
    /// What steps are given as context; plans need it too.
    pub site: StepContext,
    /// What seals the credentials of datastores, and secrets.
    pub vault: Vault,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether a step may name a compute target that nobody has created.
    pub any_target: bool,
}

/// The same for the nouns, with what they keep in memory.
pub(crate) struct Core {
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    pub(crate) cas: Cas,
    pub(crate) folder: DataFolder,
    pub(crate) datastores: Arc<Registry>,
    pub(crate) site: StepContext,
    pub(crate) any_target: bool,
    /// The published pipelines that were used lately.
    pub(crate) templates: Templates,
    clock: Arc<dyn Clock>,
}

impl Core {
    /// The core, and the vault, which only the registers of datastores and secrets may use.
    pub(crate) fn new(setup: Setup) -> (Self, Vault) {
        let core = Self {
            store: setup.store,
            engine: setup.engine,
            cas: setup.cas,
            folder: setup.folder,
            datastores: setup.datastores,
            site: setup.site,
            any_target: setup.any_target,
            templates: Templates::default(),
            clock: setup.clock,
        };
        (core, setup.vault)
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }
}

/// Runs work that touches files off the async threads.
pub(crate) async fn blocking<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T>
where
    T: Send + 'static,
    E: Send + 'static,
    Error: From<E>,
{
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| Error::internal(&error))??)
}
