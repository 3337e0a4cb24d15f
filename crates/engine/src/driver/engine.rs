//! The handle that the server holds: requests in, answers and notifications out.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp as Instant;
use stepwell_compute::{Executors, Report};
use stepwell_model::{
    ComputeKind, Failure, GraphError, Resources, RunId, StepIndex, TargetName, Timestamp,
    WaitReason,
};
use stepwell_store::Store;
use stepwell_store::journal::Change;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{broadcast, oneshot, watch};

use super::event_loop::{EventLoop, Message};
use super::launch::StepContext;
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

/// A step that could run and waits, before it has an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepWait {
    /// The step.
    pub step: StepIndex,
    /// What it waits for.
    pub reason: WaitReason,
    /// Since when it waits for no other step of its run.
    pub since: Timestamp,
}

/// What an engine starts with.
pub struct Start {
    /// The database.
    pub store: Store,
    /// Where steps run.
    pub executors: Executors,
    /// What the executors report.
    pub reports: UnboundedReceiver<Report>,
    /// What steps know of the server.
    pub site: StepContext,
    /// The cores of this machine: how many steps may run at once on it unless its owner says so.
    pub cores: u32,
}

/// The engine; cheap to clone. It stops when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct Engine {
    store: Store,
    executors: Executors,
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
        let (store, executors) = (start.store.clone(), start.executors.clone());
        let event_loop = EventLoop::recover(start, changes.clone(), active_sender).await?;
        tokio::spawn(async move {
            let _end = EndWithPanic;
            event_loop.run(inbox).await;
        });
        Ok(Self {
            store,
            executors,
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
        let mut accepted = self.submit_all(vec![submission]).await?;
        accepted.pop().ok_or(EngineError::Stopped)
    }

    /// Accepts runs together, as [`Self::submit`] accepts one: all of them are stored, with one sync
    /// of the disk, or none. They are scheduled in their order.
    ///
    /// # Errors
    /// When the runs cannot be stored.
    pub async fn submit_all(
        &self,
        submissions: Vec<Submission>,
    ) -> Result<Vec<Accepted>, EngineError> {
        let engine = self.clone();
        let accepting = tokio::spawn(async move { engine.accept(submissions).await });
        accepting.await.map_err(|_| EngineError::Stopped)?
    }

    async fn accept(&self, submissions: Vec<Submission>) -> Result<Vec<Accepted>, EngineError> {
        let texts: stepwell_store::Result<Vec<_>> = submissions.iter().map(Texts::of).collect();
        let texts = texts?;
        let at = now();
        let insert = move |db: &stepwell_store::Connection| {
            let mut accepted = Vec::with_capacity(submissions.len());
            for (submission, texts) in submissions.iter().zip(&texts) {
                accepted.push(submission::insert(db, submission, texts, at)?);
            }
            Ok((accepted, submissions))
        };
        let (accepted, submissions) = self.store.write_durable(insert).await?;
        for (submission, outcome) in submissions.into_iter().zip(&accepted) {
            if let Accepted::New(_) = outcome {
                let Submission { spec, graph, .. } = submission;
                self.send(Message::Submit(Box::new(spec), graph))?;
            }
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

    /// Asks one step of a run to stop; the run goes on as it does after a failed step.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn cancel_step(
        &self,
        run: RunId,
        step: StepIndex,
    ) -> Result<CancelOutcome, EngineError> {
        self.ask(|reply| Message::CancelStep(run, step, reply))
            .await
    }

    /// Says that a step has failed, however its program ends, and asks it to stop if `stops`.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn fail_step(
        &self,
        run: RunId,
        step: StepIndex,
        failure: Failure,
        stops: bool,
    ) -> Result<CancelOutcome, EngineError> {
        self.ask(|reply| Message::Fail(run, step, failure, stops, reply))
            .await
    }

    /// Takes note of what a compute target is from now on, and of how many steps may run on it at
    /// once; `None` for what its kind gives. Steps that run go on where they are.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub fn set_compute(
        &self,
        target: TargetName,
        kind: ComputeKind,
        slots: Option<u32>,
    ) -> Result<(), EngineError> {
        self.send(Message::Compute(target, kind, slots))
    }

    /// Why a step that needs so much can never run on such a target, with what is there; `None`
    /// when it can, or when that cannot be known now.
    pub async fn refuses(
        &self,
        kind: &ComputeKind,
        needs: &Resources,
        is_several: bool,
    ) -> Option<String> {
        self.executors.refuses(kind, needs, is_several).await
    }

    /// How busy each target in use is.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn loads(&self) -> Result<Vec<TargetLoad>, EngineError> {
        self.ask(Message::Loads).await
    }

    /// The datastores that an active step reads and writes itself; `None` when the run is no such
    /// step, or is not active. See [`crate::kinds::Kind::stages_data`].
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn datastores_of(
        &self,
        step_run: RunId,
    ) -> Result<Option<BTreeSet<String>>, EngineError> {
        self.ask(|reply| Message::Datastores(step_run, reply)).await
    }

    /// Tells those who watch of changes of runs that the engine does not schedule, once they are
    /// stored.
    pub fn publish(&self, changes: Vec<Change>) {
        // Nobody may be watching.
        drop(self.changes.send(changes.into()));
    }

    /// Which of some steps of an active run could run and wait, and for what. The wait of an attempt
    /// is in its row.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn waits(
        &self,
        run: RunId,
        steps: Vec<StepIndex>,
    ) -> Result<Vec<StepWait>, EngineError> {
        self.ask(|reply| Message::Waits(run, steps, reply)).await
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

/// Ends the process when the loop panics. A server whose loop is dead would go on to acknowledge
/// runs that never start; one that is gone is started again, and finds everything in the journal.
struct EndWithPanic;

impl Drop for EndWithPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

/// The time, read nowhere else in the engine.
pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(Instant::now().as_millisecond())
}
