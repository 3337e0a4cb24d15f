//! The loop: receive, decide, record, tell, act.
//!
//! Invariant: no effect is performed whose events are not recorded. When recording fails, what is
//! in memory is thrown away and folded anew from the journal.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use stepwell_compute::{Executor, Report};
use stepwell_model::{AttemptId, Event, Graph, RunId, RunSpec, StepIndex, TargetName};
use stepwell_store::journal::{self, Change, OpenRun};
use stepwell_store::{Store, catalog};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{broadcast, oneshot, watch};

use super::engine::{CancelOutcome, EngineError, Start, now};
use super::launch::Site;
use super::{spool, submission};
use crate::core::{Decision, Effect, Input, Scheduler, TargetLoad, Topology};

/// How many inputs are decided before they are recorded together.
const BATCH_MAX: usize = 1_024;

/// How long to wait before the journal is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What the loop is asked.
#[derive(Debug)]
pub(super) enum Message {
    /// A run whose rows are stored.
    Submit(Box<RunSpec>, Arc<Graph>),
    Cancel(RunId, oneshot::Sender<CancelOutcome>),
    Limit(TargetName, u32),
    Loads(oneshot::Sender<Vec<TargetLoad>>),
}

/// A run that is being scheduled.
struct ActiveRun {
    spec: RunSpec,
    graph: Arc<Graph>,
}

/// What was decided and is not recorded yet.
#[derive(Default)]
struct Batch {
    events: Vec<(RunId, RunId, Event)>,
    effects: Vec<Effect>,
    cancelled: Vec<(oneshot::Sender<CancelOutcome>, CancelOutcome)>,
}

pub(super) struct EventLoop {
    store: Store,
    executor: Arc<dyn Executor>,
    reports: UnboundedReceiver<Report>,
    site: Site,
    default_slots: u32,
    scheduler: Scheduler,
    runs: HashMap<RunId, ActiveRun>,
    /// Whose step an attempt is; there while the attempt is active.
    steps: HashMap<RunId, (RunId, StepIndex)>,
    changes: broadcast::Sender<Arc<[Change]>>,
    active: watch::Sender<usize>,
}

impl EventLoop {
    pub(super) async fn recover(
        start: Start,
        changes: broadcast::Sender<Arc<[Change]>>,
        active: watch::Sender<usize>,
    ) -> Result<Self, EngineError> {
        let mut event_loop = Self {
            store: start.store,
            executor: start.executor,
            reports: start.reports,
            site: start.site,
            default_slots: start.default_slots,
            scheduler: Scheduler::new(start.default_slots),
            runs: HashMap::new(),
            steps: HashMap::new(),
            changes,
            active,
        };
        event_loop.fold_journal().await?;
        Ok(event_loop)
    }

    /// Runs until every handle is gone.
    pub(super) async fn run(mut self, mut inbox: UnboundedReceiver<Message>) {
        loop {
            let mut batch = Batch::default();
            tokio::select! {
                message = inbox.recv() => match message {
                    Some(message) => self.take(message, &mut batch),
                    None => return,
                },
                Some(report) = self.reports.recv() => self.report(report, &mut batch).await,
            }
            for _ in 1..BATCH_MAX {
                if let Ok(report) = self.reports.try_recv() {
                    self.report(report, &mut batch).await;
                } else if let Ok(message) = inbox.try_recv() {
                    self.take(message, &mut batch);
                } else {
                    break;
                }
            }
            if let Err(error) = self.commit(batch).await {
                tracing::error!(%error, "a decision could not be recorded; starting afresh");
                self.start_afresh().await;
            }
        }
    }

    fn take(&mut self, message: Message, batch: &mut Batch) {
        match message {
            Message::Submit(spec, graph) => {
                let id = spec.id;
                let policy = submission::policy(&spec);
                let topology = Topology::new(&graph);
                self.runs.insert(id, ActiveRun { spec: *spec, graph });
                self.decide(Input::Submit(id, topology, policy), batch);
            }
            Message::Cancel(run, reply) => {
                let outcome = match self.scheduler.is_active(run) {
                    false => CancelOutcome::NotActive,
                    true if self.scheduler.is_stopping(run) => CancelOutcome::AlreadyAsked,
                    true => CancelOutcome::Asked,
                };
                self.decide(Input::Cancel(run), batch);
                batch.cancelled.push((reply, outcome));
            }
            Message::Limit(target, slots) => self.decide(Input::Limit(target, slots), batch),
            // An asker that went away needs no answer.
            Message::Loads(reply) => drop(reply.send(self.scheduler.loads())),
        }
    }

    async fn report(&mut self, report: Report, batch: &mut Batch) {
        let attempt = match &report {
            Report::Started { attempt, .. } | Report::Ended { attempt, .. } => *attempt,
        };
        let Some(&(run, step)) = self.steps.get(&attempt.run) else {
            return;
        };
        let input = match report {
            Report::Started { .. } => Input::Started(run, step, attempt.number),
            Report::Ended { outcome, .. } => {
                // A run that is seen to be over has all its metrics.
                spool::ingest(&self.store, attempt.run, &self.site.folder).await;
                Input::Ended(run, step, attempt.number, outcome)
            }
        };
        self.decide(input, batch);
    }

    fn decide(&mut self, input: Input, batch: &mut Batch) {
        let Decision { events, effects } = self.scheduler.handle(input);
        for (run, event) in events {
            let step_run = self.step_run(run, &event);
            batch.events.push((run, step_run, event));
        }
        batch.effects.extend(effects);
    }

    /// The run of the step that an event is about; the run itself where it is about no step.
    fn step_run(&self, run: RunId, event: &Event) -> RunId {
        let step = match event {
            Event::Assigned { step, .. }
            | Event::Started { step, .. }
            | Event::Ended { step, .. }
            | Event::Skipped { step, .. } => *step,
            Event::Submitted | Event::CancelAsked | Event::Finished { .. } => return run,
        };
        self.runs
            .get(&run)
            .map_or(run, |active| active.graph.step(step).run)
    }

    /// Records, tells, acts. When recording fails nothing is told and nothing is done.
    async fn commit(&mut self, batch: Batch) -> stepwell_store::Result<()> {
        let Batch {
            events,
            effects,
            cancelled,
        } = batch;
        if !events.is_empty() {
            let at = now();
            let append = move |db: &stepwell_store::Connection| {
                let mut changes = Vec::with_capacity(events.len());
                for (run, step_run, event) in &events {
                    changes.extend(journal::append(db, *run, *step_run, event, at)?);
                }
                Ok(changes)
            };
            let changes = self.store.write(append).await?;
            self.tell(changes);
        }
        for (reply, outcome) in cancelled {
            // An asker that went away needs no answer.
            let _ = reply.send(outcome);
        }
        for effect in effects {
            self.perform(effect);
        }
        self.active.send_replace(self.scheduler.active_runs());
        Ok(())
    }

    fn tell(&mut self, changes: Vec<Change>) {
        for change in &changes {
            if change.status.is_terminal() {
                self.steps.remove(&change.run);
                if change.step.is_none() {
                    self.runs.remove(&change.root);
                }
            }
        }
        // Nobody may be watching.
        drop(self.changes.send(changes.into()));
    }

    fn perform(&mut self, effect: Effect) {
        let (Effect::Start(run, step, number) | Effect::Stop(run, step, number)) = effect;
        let Some(active) = self.runs.get(&run) else {
            return;
        };
        let attempt = AttemptId {
            run: active.graph.step(step).run,
            number,
        };
        match effect {
            Effect::Start(..) => {
                self.steps.insert(attempt.run, (run, step));
                self.executor
                    .start(self.site.job(&active.spec, &active.graph, step, attempt));
            }
            Effect::Stop(..) => self.executor.stop(attempt),
        }
    }

    /// Throws away what is in memory and folds the journal, until that succeeds.
    async fn start_afresh(&mut self) {
        loop {
            tokio::time::sleep(RETRY).await;
            match self.fold_journal().await {
                Ok(()) => return,
                Err(error) => tracing::error!(%error, "the journal cannot be folded yet"),
            }
        }
    }

    async fn fold_journal(&mut self) -> Result<(), EngineError> {
        let read = |db: &stepwell_store::Connection| {
            Ok((journal::open_runs(db)?, catalog::list_computes(db)?))
        };
        let (open, computes) = self.store.read(read).await?;
        self.scheduler = Scheduler::new(self.default_slots);
        self.runs.clear();
        self.steps.clear();
        let mut batch = Batch::default();
        for compute in computes {
            if let Some(slots) = compute.slots {
                self.decide(
                    Input::Limit(TargetName::new(compute.name), slots),
                    &mut batch,
                );
            }
        }
        let mut unheard_of = Vec::new();
        for OpenRun {
            spec,
            graph,
            events,
        } in open
        {
            let id = spec.id;
            let topology = Topology::new(&graph);
            let policy = submission::policy(&spec);
            self.runs.insert(
                id,
                ActiveRun {
                    spec,
                    graph: Arc::new(graph),
                },
            );
            if events.is_empty() {
                // Accepted, and the crash came before the loop heard of it.
                unheard_of.push(Input::Submit(id, topology, policy));
            } else {
                self.scheduler.restore(id, topology, policy, &events);
            }
        }
        let Decision { events, effects } = self.scheduler.resume();
        for (run, event) in events {
            let step_run = self.step_run(run, &event);
            batch.events.push((run, step_run, event));
        }
        batch.effects.extend(effects);
        // Only now is it known which slots are taken.
        for submit in unheard_of {
            self.decide(submit, &mut batch);
        }
        Ok(self.commit(batch).await?)
    }
}
