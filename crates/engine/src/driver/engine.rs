//! The handle that the server holds: ask, and be told.

use std::sync::Arc;

use jiff::Timestamp as Instant;
use stepwell_compute::{Executor, Report};
use stepwell_model::{GraphError, RunId, TargetName, Timestamp};
use stepwell_store::Store;
use stepwell_store::journal::Change;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{broadcast, oneshot, watch};

use super::event_loop::{EventLoop, Message};
use super::launch::Site;
use super::submission::{self, Accepted, Submission, Texts};
use crate::core::TargetLoad;

/// How many groups of changes a slow watcher may fall behind before it must read the journal.
const WATCH_BACKLOG: usize = 1_024;

/// Why the engine cannot do what is asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The steps do not make a graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The database refuses.
    #[error(transparent)]
    Store(#[from] stepwell_store::Error),
    /// The object store cannot be used.
    #[error(transparent)]
    Data(stepwell_data::Error),
    /// The engine has stopped.
    #[error("the engine has stopped")]
    Stopped,
}

/// What became of a request to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// The run is asked to stop.
    Asked,
    /// It had been asked before.
    AlreadyAsked,
    /// It is not scheduled: it has ended, or never was.
    NotActive,
}

/// What an engine starts with.
pub struct Start {
    /// The database.
    pub store: Store,
    /// Where steps run.
    pub executor: Arc<dyn Executor>,
    /// What the executor reports.
    pub reports: UnboundedReceiver<Report>,
    /// What steps are told of the server.
    pub site: Site,
    /// How many steps may run at once on a target without a limit of its own.
    pub default_slots: u32,
}

/// The engine; cheap to clone. It stops when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct Engine {
    store: Store,
    messages: UnboundedSender<Message>,
    changes: broadcast::Sender<Arc<[Change]>>,
    active: watch::Receiver<usize>,
}

impl Engine {
    /// Folds the journal, finds again what runs, and goes on from there.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn start(start: Start) -> Result<Self, EngineError> {
        let (messages, inbox) = unbounded_channel();
        let (changes, _) = broadcast::channel(WATCH_BACKLOG);
        let (active_sender, active) = watch::channel(0);
        let store = start.store.clone();
        let event_loop = EventLoop::recover(start, changes.clone(), active_sender).await?;
        tokio::spawn(event_loop.run(inbox));
        Ok(Self {
            store,
            messages,
            changes,
            active,
        })
    }

    /// Accepts a run. When this returns the run survives the loss of power, and will be run once.
    /// A repeated idempotency key accepts nothing new and gives the run of the first.
    ///
    /// An asker that goes away in the middle changes nothing: what is stored is scheduled too.
    ///
    /// # Errors
    /// When the run cannot be stored.
    pub async fn submit(&self, submission: Submission) -> Result<Accepted, EngineError> {
        let engine = self.clone();
        let accepting = tokio::spawn(async move { engine.accept(submission).await });
        accepting.await.map_err(|_| EngineError::Stopped)?
    }

    async fn accept(&self, submission: Submission) -> Result<Accepted, EngineError> {
        let (spec, graph) = (submission.spec.clone(), Arc::clone(&submission.graph));
        let texts = Texts::of(&submission)?;
        let at = now();
        let accepted = self
            .store
            .write_durable(move |db| submission::insert(db, &submission, &texts, at))
            .await?;
        if let Accepted::New(_) = accepted {
            self.send(Message::Submit(Box::new(spec), graph))?;
        }
        Ok(accepted)
    }

    /// Asks a run to stop.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn cancel(&self, run: RunId) -> Result<CancelOutcome, EngineError> {
        self.ask(|reply| Message::Cancel(run, reply)).await
    }

    /// Sets how many steps may run at once on a target.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub fn limit(&self, target: TargetName, slots: u32) -> Result<(), EngineError> {
        self.send(Message::Limit(target, slots))
    }

    /// How busy each target in use is.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn loads(&self) -> Result<Vec<TargetLoad>, EngineError> {
        self.ask(Message::Loads).await
    }

    /// Every change from now on. One who falls behind gets an error and reads the journal.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Arc<[Change]>> {
        self.changes.subscribe()
    }

    /// How many scheduled runs are not over, as it changes.
    #[must_use]
    pub fn active_runs(&self) -> watch::Receiver<usize> {
        self.active.clone()
    }

    fn send(&self, message: Message) -> Result<(), EngineError> {
        self.messages
            .send(message)
            .map_err(|_| EngineError::Stopped)
    }

    async fn ask<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<T>) -> Message,
    ) -> Result<T, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.send(message(reply))?;
        answer.await.map_err(|_| EngineError::Stopped)
    }
}

/// The time, read nowhere else in the engine.
pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(Instant::now().as_millisecond())
}
