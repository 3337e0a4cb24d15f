//! The handle of the one loop that performs schedules, which is the only writer of what it holds.

use std::sync::Arc;

use stepwell_store::schedules::Schedule;
use stepwell_store::{Error, Store};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::{broadcast, oneshot, watch};
use uuid::Uuid;

use super::alter::Alteration;
use super::driver::{Driver, Message, Ports};
use super::ports::{Launcher, Lister};
use crate::clock::Clock;

/// The handle; cheap to clone. The loop ends with the last of them.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    pub(super) messages: UnboundedSender<Message>,
    pub(super) enabled: watch::Receiver<usize>,
}

/// What the loop begins with.
pub(crate) struct Start {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) launcher: Arc<dyn Launcher>,
    pub(crate) lister: Arc<dyn Lister>,
    /// What becomes of runs.
    pub(crate) changes: broadcast::Receiver<Arc<[stepwell_store::journal::Change]>>,
}

impl Handle {
    /// Reads what there is, catches up, and runs until the handle is dropped.
    pub(crate) fn start(begin: Start) -> Self {
        let (messages, inbox) = unbounded_channel();
        let (enabled, is_enabled) = watch::channel(0);
        let ports = Ports {
            store: begin.store,
            clock: begin.clock,
            launcher: begin.launcher,
            lister: begin.lister,
            zones: jiff::tz::db().clone(),
            enabled,
        };
        let driver = Driver::new(ports, messages.downgrade());
        tokio::spawn(driver.run(inbox, begin.changes));
        Self {
            messages,
            enabled: is_enabled,
        }
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
