//! The loop: receive, decide, record, tell, act.
//!
//! Invariant: no effect is performed whose events are not recorded. When recording fails, what is
//! in memory is thrown away and folded anew from the journal.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use stepwell_compute::{Executors, Job, Report};
use stepwell_data::cas::Cas;
use stepwell_data::content::Contents;
use stepwell_model::{
    AttemptId, ComputeKind, Event, Failure, Graph, Outcome, RunId, RunSpec, StepIndex, TargetName,
};
use stepwell_store::journal::{self, Change, OpenRun};
use stepwell_store::{Connection, Store, catalog};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{broadcast, oneshot, watch};

use super::active::ActiveRun;
use super::batch::{Batch, Record};
use super::completed::{CompletedStep, Inspection};
use super::engine::{CancelOutcome, EngineError, Start, StepWait};
use super::explanation::unknown;
use super::launch::{self, StepContext};
use super::reuse::{CacheQuery, Resolver};
use super::reuse_chain::{self, Answer};
use crate::core::{Decision, Effect, Limit, Scheduler, SchedulerInput, TargetLoad};
use crate::kinds;

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
    CancelStep(RunId, StepIndex, oneshot::Sender<CancelOutcome>),
    Fail(
        RunId,
        StepIndex,
        Failure,
        bool,
        oneshot::Sender<CancelOutcome>,
    ),
    Compute(TargetName, ComputeKind, Option<u32>),
    Loads(oneshot::Sender<Vec<TargetLoad>>),
    Datastores(RunId, oneshot::Sender<Option<BTreeSet<String>>>),
    Waits(RunId, Vec<StepIndex>, oneshot::Sender<Vec<StepWait>>),
}

/// What was found out together, producers before their dependents.
type Answers = Vec<Answer>;

pub(super) struct EventLoop {
    store: Store,
    executors: Executors,
    reports: UnboundedReceiver<Report>,
    site: StepContext,
    cores: u32,
    /// What the targets are that are not this machine's own.
    computes: HashMap<TargetName, ComputeKind>,
    scheduler: Scheduler,
    runs: HashMap<RunId, ActiveRun>,
    /// Whose step an attempt is; there while the attempt is active.
    steps: HashMap<RunId, (RunId, StepIndex)>,
    changes: broadcast::Sender<Arc<[Change]>>,
    active: watch::Sender<usize>,
    resolver: Arc<Resolver>,
    answering: UnboundedSender<Answers>,
    answers: UnboundedReceiver<Answers>,
    completing: UnboundedSender<CompletedStep>,
    completed: UnboundedReceiver<CompletedStep>,
}

impl EventLoop {
    pub(super) async fn recover(
        start: Start,
        changes: broadcast::Sender<Arc<[Change]>>,
        active: watch::Sender<usize>,
    ) -> Result<Self, EngineError> {
        let (answering, answers) = unbounded_channel();
        let (completing, completed) = unbounded_channel();
        let resolver = Resolver {
            site: start.site.clone(),
            cas: Cas::open(&start.site.folder.objects()).map_err(EngineError::Data)?,
            contents: Contents::open(&start.site.folder.digests()),
        };
        let mut event_loop = Self {
            resolver: Arc::new(resolver),
            answering,
            answers,
            completing,
            completed,
            store: start.store,
            executors: start.executors,
            reports: start.reports,
            site: start.site,
            cores: start.cores,
            computes: HashMap::new(),
            scheduler: Scheduler::new(start.cores),
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
                Some(answers) = self.answers.recv() => self.answer(answers, &mut batch),
                Some(completed) = self.completed.recv() => self.complete(completed, &mut batch),
                Some(report) = self.reports.recv() => self.report(report, &mut batch),
            }
            for _ in 1..BATCH_MAX {
                if let Ok(answers) = self.answers.try_recv() {
                    self.answer(answers, &mut batch);
                } else if let Ok(completed) = self.completed.try_recv() {
                    self.complete(completed, &mut batch);
                } else if let Ok(report) = self.reports.try_recv() {
                    self.report(report, &mut batch);
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
                let run = ActiveRun::new(*spec, graph);
                let (topology, policy) = (run.topology(), run.policy());
                self.runs.insert(id, run);
                self.decide(SchedulerInput::Submit(id, topology, policy), batch);
            }
            Message::Cancel(run, reply) => {
                let outcome = match self.scheduler.is_active(run) {
                    false => CancelOutcome::NotActive,
                    true if self.scheduler.is_stopping(run) => CancelOutcome::AlreadyAsked,
                    true => CancelOutcome::Asked,
                };
                self.decide(SchedulerInput::Cancel(run), batch);
                batch.cancelled.push((reply, outcome));
            }
            Message::CancelStep(run, step, reply) => {
                let outcome = match self.scheduler.is_step_stopping(run, step) {
                    None => CancelOutcome::NotActive,
                    Some(true) => CancelOutcome::AlreadyAsked,
                    Some(false) => CancelOutcome::Asked,
                };
                self.decide(SchedulerInput::CancelStep(run, step), batch);
                batch.cancelled.push((reply, outcome));
            }
            Message::Fail(run, step, failure, stops, reply) => {
                let before = batch.events.len();
                self.decide(SchedulerInput::Fail(run, step, failure, stops), batch);
                let outcome = match batch.events.len() > before {
                    true => CancelOutcome::Asked,
                    false => CancelOutcome::NotActive,
                };
                batch.cancelled.push((reply, outcome));
            }
            Message::Compute(target, kind, slots) => self.set_compute(target, kind, slots, batch),
            // An asker that went away needs no answer.
            Message::Loads(reply) => drop(reply.send(self.scheduler.loads())),
            Message::Datastores(step_run, reply) => {
                let active = self.steps.get(&step_run);
                let named = active.and_then(|(run, step)| {
                    let graph = &self.runs.get(run)?.graph;
                    let stages = kinds::of(&graph.step(*step).spec.task).stages_data();
                    (!stages).then(|| launch::named_datastores(graph, *step))
                });
                drop(reply.send(named));
            }
            Message::Waits(run, steps, reply) => drop(reply.send(self.waits(run, &steps))),
        }
    }

    fn waits(&self, run: RunId, steps: &[StepIndex]) -> Vec<StepWait> {
        let Some(active) = self.runs.get(&run) else {
            return Vec::new();
        };
        let wait = |&step: &StepIndex| {
            Some(StepWait {
                step,
                reason: self.scheduler.waits_for(run, step)?,
                since: active.ready_since(step),
            })
        };
        steps.iter().filter_map(wait).collect()
    }

    fn set_compute(
        &mut self,
        target: TargetName,
        kind: ComputeKind,
        slots: Option<u32>,
        batch: &mut Batch,
    ) {
        let steps = slots.unwrap_or_else(|| kind.default_slots(self.cores));
        let limit = Limit {
            steps,
            // Whoever lets more steps run than there are cores wants them to share those.
            cores: kind.is_here().then_some(self.cores.max(steps)),
        };
        if kind == ComputeKind::default() {
            self.computes.remove(&target);
        } else {
            self.computes.insert(target.clone(), kind);
        }
        self.decide(SchedulerInput::Limit(target, limit), batch);
    }

    /// Takes a report. One of an end about which something is to be found out comes back as a
    /// completed step.
    fn report(&mut self, report: Report, batch: &mut Batch) {
        let Some(inspection) = self.inspection(&report) else {
            return self.note(report, batch);
        };
        if !inspection.is_needed(&self.resolver) {
            return self.note(report, batch);
        }
        let (store, resolver) = (self.store.clone(), Arc::clone(&self.resolver));
        let completing = self.completing.clone();
        tokio::spawn(async move {
            let completed = inspection.perform(report, store, resolver).await;
            // The loop may have stopped meanwhile.
            drop(completing.send(completed));
        });
    }

    fn inspection(&self, report: &Report) -> Option<Inspection> {
        let Report::Ended { attempt, outcome } = report else {
            return None;
        };
        let (run, step) = *self.steps.get(&attempt.run)?;
        Some(Inspection {
            graph: Arc::clone(&self.runs.get(&run)?.graph),
            step,
            step_run: attempt.run,
            parent: run,
            succeeded: matches!(outcome, Outcome::Succeeded(_)),
        })
    }

    fn complete(&mut self, completed: CompletedStep, batch: &mut Batch) {
        let CompletedStep {
            report,
            step_run,
            datasets,
            stamps,
        } = completed;
        if !datasets.is_empty() {
            batch.datasets.insert(step_run, datasets);
        }
        batch.stamps.extend(stamps.map(|stamps| (step_run, stamps)));
        self.note(report, batch);
    }

    fn note(&mut self, report: Report, batch: &mut Batch) {
        let attempt = match &report {
            Report::Waiting { attempt, .. }
            | Report::Started { attempt, .. }
            | Report::Ended { attempt, .. } => *attempt,
        };
        let Some(&(run, step)) = self.steps.get(&attempt.run) else {
            return;
        };
        let input = match report {
            Report::Waiting { reason, detail, .. } => {
                SchedulerInput::Waiting(run, step, attempt.number, reason, detail)
            }
            Report::Started { .. } => SchedulerInput::Started(run, step, attempt.number),
            Report::Ended { outcome, .. } => {
                SchedulerInput::Ended(run, step, attempt.number, outcome)
            }
        };
        self.decide(input, batch);
    }

    fn answer(&mut self, answers: Answers, batch: &mut Batch) {
        for answer in answers {
            let Answer { run, step, .. } = answer;
            let Some(active) = self.runs.get(&run) else {
                continue;
            };
            // The answers before it in this turn make the core ask about it, or it is void.
            let asked = batch.queries.remove(&(run, step));
            if let Some(assumed) = &answer.assumed
                && !(asked && active.agrees(step, assumed))
            {
                if asked {
                    batch.queries.insert((run, step));
                }
                continue;
            }
            let step_run = active.graph.step(step).run;
            let text = serde_json::to_string(&answer.explanation).unwrap_or_default();
            batch.explanations.push((step_run, text));
            if !answer.datasets.is_empty() {
                batch.datasets.insert(step_run, answer.datasets);
            }
            self.decide(
                SchedulerInput::Resolved(run, step, answer.resolution),
                batch,
            );
        }
    }

    fn decide(&mut self, input: SchedulerInput, batch: &mut Batch) {
        let decision = self.scheduler.handle(input);
        self.collect(decision, batch);
    }

    fn collect(&mut self, decision: Decision, batch: &mut Batch) {
        let at = batch.decided();
        for (run, event) in decision.events {
            let step_run = self.step_run(run, &event);
            if let Some(active) = self.runs.get_mut(&run) {
                active.note(&event, at);
            }
            batch.events.push((run, step_run, event));
        }
        for effect in decision.effects {
            match effect {
                Effect::Resolve(run, step) => drop(batch.queries.insert((run, step))),
                effect => batch.effects.push(effect),
            }
        }
    }

    /// The run of the step that an event is about; the run itself where it is about no step.
    fn step_run(&self, run: RunId, event: &Event) -> RunId {
        let step = match event {
            Event::Assigned { step, .. }
            | Event::Reused { step, .. }
            | Event::Waiting { step, .. }
            | Event::Started { step, .. }
            | Event::Ended { step, .. }
            | Event::Interrupted { step, .. }
            | Event::StepCancelAsked { step }
            | Event::FailAsked { step, .. }
            | Event::Skipped { step, .. } => *step,
            Event::Submitted | Event::Began | Event::CancelAsked | Event::Finished { .. } => {
                return run;
            }
        };
        self.runs
            .get(&run)
            .map_or(run, |active| active.graph.step(step).run)
    }

    /// Records, publishes, acts. When recording fails nothing is published and nothing is done.
    async fn commit(&mut self, mut batch: Batch) -> stepwell_store::Result<()> {
        let at = batch.decided();
        let Batch {
            events,
            effects,
            queries,
            explanations,
            stamps,
            datasets,
            cancelled,
            ..
        } = batch;
        if !events.is_empty() || !explanations.is_empty() {
            let record = Record {
                events,
                explanations,
                stamps,
                datasets,
                at,
            };
            let changes = self.store.write(move |db| record.write(db)).await?;
            self.publish(changes);
        }
        for (reply, outcome) in cancelled {
            // An asker that went away needs no answer.
            let _ = reply.send(outcome);
        }
        for effect in effects {
            if let Effect::Start(run, step, number) | Effect::Stop(run, step, number) = effect {
                self.perform(effect, run, step, number);
            }
        }
        let query = |(run, step)| Some(self.runs.get(&run)?.query(step));
        let queries: Vec<_> = queries.into_iter().filter_map(query).collect();
        if !queries.is_empty() {
            self.ask(queries);
        }
        self.active.send_replace(self.scheduler.active_runs());
        Ok(())
    }

    /// Finds out about steps off the loop; the answers come back as one message.
    fn ask(&self, queries: Vec<CacheQuery>) {
        let (store, resolver) = (self.store.clone(), Arc::clone(&self.resolver));
        let answering = self.answering.clone();
        tokio::spawn(async move {
            let places: Vec<_> = queries.iter().map(|q| (q.spec.id, q.step)).collect();
            let seen = Arc::new(resolver.site.inspect(&queries).await);
            let queries = Arc::new(queries);
            // Files are read before the database is: a read of it that lasts holds its log open.
            let prepared = {
                let (resolver, seen) = (Arc::clone(&resolver), Arc::clone(&seen));
                let queries = Arc::clone(&queries);
                let prepare = move || reuse_chain::prepare(&resolver, &queries, &seen);
                tokio::task::spawn_blocking(prepare).await
            };
            let Ok(prepared) = prepared else {
                tracing::error!("what goes into steps could not be read; they run");
                let unknown = |place| Answer::asked(place, unknown(&"a fault of the server"));
                drop(answering.send(places.into_iter().map(unknown).collect()));
                return;
            };
            let (asked, all) = (Arc::clone(&resolver), Arc::clone(&queries));
            let resolve =
                move |db: &Connection| reuse_chain::answers(&asked, db, &all, &seen, prepared);
            let answers: Answers = match store.read(resolve).await {
                Ok(mut answers) => {
                    // Those that were asked come first, in their order.
                    for (query, answer) in queries.iter().zip(&mut answers) {
                        answer.confirm(&resolver, query).await;
                    }
                    answers
                }
                Err(error) => {
                    tracing::error!(%error, "reuse cannot be looked up; the steps run");
                    let unknown = |place| Answer::asked(place, unknown(&error));
                    places.into_iter().map(unknown).collect()
                }
            };
            // The loop may have stopped meanwhile.
            drop(answering.send(answers));
        });
    }

    fn publish(&mut self, changes: Vec<Change>) {
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

    fn perform(&mut self, effect: Effect, run: RunId, step: StepIndex, number: u32) {
        let Some(active) = self.runs.get(&run) else {
            return;
        };
        let attempt = AttemptId {
            run: active.graph.step(step).run,
            number,
        };
        if let Effect::Stop(..) = effect {
            return self.executors.stop(attempt);
        }
        self.steps.insert(attempt.run, (run, step));
        let ActiveRun {
            spec,
            graph,
            sources,
            ..
        } = active;
        let target = &graph.step(step).spec.target;
        let compute = self.computes.get(target).cloned().unwrap_or_default();
        let job = Job {
            compute,
            ..self.site.job(spec, graph, sources, step, attempt)
        };
        self.executors.start(job);
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
        self.scheduler = Scheduler::new(self.cores);
        self.computes.clear();
        // Everything will be asked again; answers to what was asked before are nobody's.
        (self.answering, self.answers) = unbounded_channel();
        self.runs.clear();
        self.steps.clear();
        let mut batch = Batch::default();
        for compute in computes {
            let settings = serde_json::from_str(&compute.settings_json).unwrap_or_default();
            // A row of a kind that an older server accepted is this machine, as it was then.
            let kind = ComputeKind::parse(&compute.kind, &settings).unwrap_or_default();
            let name = TargetName::new(compute.name);
            self.set_compute(name, kind, compute.slots, &mut batch);
        }
        let mut unheard_of = Vec::new();
        for OpenRun {
            spec,
            graph,
            events,
        } in open
        {
            let id = spec.id;
            let mut run = ActiveRun::new(spec, Arc::new(graph));
            events.iter().for_each(|(at, event)| run.note(event, *at));
            let events: Vec<Event> = events.into_iter().map(|(_, event)| event).collect();
            let (topology, policy) = (run.topology(), run.policy());
            self.runs.insert(id, run);
            if events.is_empty() {
                // Accepted, and the crash came before the loop heard of it.
                unheard_of.push(SchedulerInput::Submit(id, topology, policy));
            } else {
                self.scheduler.restore(id, topology, policy, &events);
            }
        }
        let decision = self.scheduler.resume();
        self.collect(decision, &mut batch);
        // Only now is it known which slots are taken.
        for submit in unheard_of {
            self.decide(submit, &mut batch);
        }
        Ok(self.commit(batch).await?)
    }
}
