//! Schedules at work: they start runs of published pipelines at their times, or when data changes.
//!
//! What is decided is in `stepwell-schedule`; here it is stored and performed. The handle is what
//! routes use: it tells the one loop of [`driver`], which is the only writer of what it holds.

mod alter;
mod batch;
mod driver;
mod listing;
mod live;
mod loaded;
mod ports;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Weak};

use stepwell_datastore::Registry;
use stepwell_engine::driver::Engine;
use stepwell_store::schedules::Schedule;
use stepwell_store::{Error, Store};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::{broadcast, oneshot, watch};
use uuid::Uuid;

pub(crate) use alter::Alteration;
use driver::{Driver, Message, Ports};
pub(crate) use ports::Lister;
use ports::{Clock, Launcher, SystemClock};

use crate::app::App;

/// The handle; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Schedules {
    messages: UnboundedSender<Message>,
    enabled: watch::Receiver<usize>,
}

/// What the loop works with.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) launcher: Arc<dyn Launcher>,
    pub(crate) lister: Arc<dyn Lister>,
    /// What becomes of runs.
    pub(crate) changes: broadcast::Receiver<Arc<[stepwell_store::journal::Change]>>,
}

impl Schedules {
    /// Reads what there is, catches up, and goes on until the handle is dropped.
    pub(crate) fn start(world: World) -> Self {
        let (messages, inbox) = unbounded_channel();
        let (enabled, is_enabled) = watch::channel(0);
        let ports = Ports {
            store: world.store,
            clock: world.clock,
            launcher: world.launcher,
            lister: world.lister,
            zones: jiff::tz::db().clone(),
            enabled,
        };
        let driver = Driver::new(ports, messages.downgrade());
        tokio::spawn(driver.run(inbox, world.changes));
        Self {
            messages,
            enabled: is_enabled,
        }
    }

    /// The schedules of a server.
    pub(crate) fn of(
        app: &Weak<App>,
        engine: &Engine,
        store: &Store,
        datastores: &Arc<Registry>,
    ) -> Self {
        Self::start(World {
            store: store.clone(),
            clock: Arc::new(SystemClock),
            launcher: Arc::new(live::LiveLauncher(Weak::clone(app))),
            lister: Arc::new(lister(datastores)),
            changes: engine.watch(),
        })
    }

    /// How many schedules are enabled.
    pub(crate) fn enabled(&self) -> usize {
        *self.enabled.borrow()
    }

    /// Takes up a schedule that was stored.
    pub(crate) fn added(&self, schedule: Schedule) {
        // A loop that is gone takes it up with the next server.
        drop(self.messages.send(Message::Added(Box::new(schedule))));
    }

    /// Changes a schedule; `None` when there is no such.
    pub(crate) async fn change(
        &self,
        id: Uuid,
        change: Alteration,
    ) -> stepwell_store::Result<Option<Schedule>> {
        self.ask(|reply| Message::Change(id, change, reply)).await
    }

    /// Removes a schedule; gives whether it was there.
    pub(crate) async fn remove(&self, id: Uuid) -> stepwell_store::Result<bool> {
        self.ask(|reply| Message::Remove(id, reply)).await
    }

    async fn ask<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<stepwell_store::Result<T>>) -> Message,
    ) -> stepwell_store::Result<T> {
        let (reply, answer) = oneshot::channel();
        self.messages
            .send(message(reply))
            .map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }
}

/// What looks at the folders of a server's datastores.
pub(crate) fn lister(datastores: &Arc<Registry>) -> impl Lister + use<> {
    listing::Datastores(Arc::clone(datastores))
}
