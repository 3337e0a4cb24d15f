//! The loop: receive, decide, record, tell, act.
//!
//! Invariant: no effect is performed whose events are not recorded. When recording fails, what is
//! in memory is thrown away and folded anew from the journal.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use stepwell_compute::{Executor, Report};
use stepwell_data::cas::Cas;
use stepwell_data::content::Contents;
use stepwell_model::{AttemptId, Event, Graph, Outcome, RunId, RunSpec, StepIndex, TargetName};
use stepwell_store::journal::{self, Change, OpenRun};
use stepwell_store::{Connection, Store, catalog};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{broadcast, oneshot, watch};

use super::active::ActiveRun;
use super::ahead::{self, Answer};
use super::batch::{Batch, Record};
use super::engine::{CancelOutcome, EngineError, Start, now};
use super::launch::Site;
use super::register::{self, NewDataset};
use super::reuse::{self, Question, Resolver};
use super::spool;
use crate::core::{Decision, Effect, Input, Scheduler, TargetLoad};

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

/// A step that ended well, and the datasets that its outputs become.
type Harvest = (Report, Vec<NewDataset>);

/// What was found out together, producers before their dependents.
type Answers = Vec<Answer>;

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
    resolver: Arc<Resolver>,
    answering: UnboundedSender<Answers>,
    answers: UnboundedReceiver<Answers>,
    harvesting: UnboundedSender<Harvest>,
    harvests: UnboundedReceiver<Harvest>,
}

impl EventLoop {
    pub(super) async fn recover(
        start: Start,
        changes: broadcast::Sender<Arc<[Change]>>,
        active: watch::Sender<usize>,
    ) -> Result<Self, EngineError> {
        let (answering, answers) = unbounded_channel();
        let (harvesting, harvests) = unbounded_channel();
        let resolver = Resolver {
            site: start.site.clone(),
            cas: Cas::open(&start.site.folder.objects()).map_err(EngineError::Data)?,
            contents: Contents::open(&start.site.folder.digests()),
        };
        let mut event_loop = Self {
            resolver: Arc::new(resolver),
            answering,
            answers,
            harvesting,
            harvests,
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
                Some(answers) = self.answers.recv() => self.answer(answers, &mut batch),
                Some(harvest) = self.harvests.recv() => self.harvest(harvest, &mut batch).await,
                Some(report) = self.reports.recv() => self.report(report, &mut batch).await,
            }
            for _ in 1..BATCH_MAX {
                if let Ok(answers) = self.answers.try_recv() {
                    self.answer(answers, &mut batch);
                } else if let Ok(harvest) = self.harvests.try_recv() {
                    self.harvest(harvest, &mut batch).await;
                } else if let Ok(report) = self.reports.try_recv() {
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
                let run = ActiveRun::new(*spec, graph);
                let (topology, policy) = (run.topology(), run.policy());
                self.runs.insert(id, run);
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

    /// Takes a report; one of a step whose outputs become datasets comes back as a harvest.
    async fn report(&mut self, report: Report, batch: &mut Batch) {
        if let Report::Ended { attempt, outcome } = &report
            && matches!(outcome, Outcome::Succeeded(_))
            && let Some(&(run, step)) = self.steps.get(&attempt.run)
            && let Some(active) = self.runs.get(&run)
            && register::concerns(&active.graph, step)
        {
            let (resolver, graph) = (Arc::clone(&self.resolver), Arc::clone(&active.graph));
            let (harvesting, step_run) = (self.harvesting.clone(), attempt.run);
            tokio::task::spawn_blocking(move || {
                let Resolver { site, contents, .. } = &*resolver;
                let found = register::look(site, contents, &graph, step, step_run);
                // The loop may have stopped meanwhile.
                drop(harvesting.send((report, found)));
            });
            return;
        }
        self.note(report, batch).await;
    }

    async fn harvest(&mut self, (report, found): Harvest, batch: &mut Batch) {
        let Report::Ended { attempt, .. } = &report else {
            return;
        };
        batch.datasets.insert(attempt.run, found);
        self.note(report, batch).await;
    }

    async fn note(&mut self, report: Report, batch: &mut Batch) {
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
                if matches!(outcome, Outcome::Succeeded(_)) {
                    self.stamp(run, step, attempt.run, batch);
                }
                Input::Ended(run, step, attempt.number, outcome)
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
            let asked = batch.questions.remove(&(run, step));
            if let Some(assumed) = &answer.assumed
                && !(asked && active.agrees(step, assumed))
            {
                if asked {
                    batch.questions.insert((run, step));
                }
                continue;
            }
            let step_run = active.graph.step(step).run;
            let text = serde_json::to_string(&answer.explanation).unwrap_or_default();
            batch.explanations.push((step_run, text));
            if !answer.datasets.is_empty() {
                batch.datasets.insert(step_run, answer.datasets);
            }
            self.decide(Input::Resolved(run, step, answer.resolution), batch);
        }
    }

    /// Notes what the outputs of a step look like that may be reused.
    fn stamp(&self, run: RunId, step: StepIndex, step_run: RunId, batch: &mut Batch) {
        let Some(active) = self.runs.get(&run) else {
            return;
        };
        if !active.graph.step(step).spec.allow_reuse {
            return;
        }
        match reuse::stamps(&self.site, &active.graph, step) {
            Ok(stamps) => drop(batch.stamps.insert(step_run, stamps)),
            Err(error) => tracing::warn!(%error, "the outputs of a step cannot be read"),
        }
    }

    fn decide(&mut self, input: Input, batch: &mut Batch) {
        let decision = self.scheduler.handle(input);
        self.collect(decision, batch);
    }

    fn collect(&mut self, decision: Decision, batch: &mut Batch) {
        for (run, event) in decision.events {
            let step_run = self.step_run(run, &event);
            if let Some(active) = self.runs.get_mut(&run) {
                active.note(&event);
            }
            batch.events.push((run, step_run, event));
        }
        for effect in decision.effects {
            match effect {
                Effect::Resolve(run, step) => drop(batch.questions.insert((run, step))),
                effect => batch.effects.push(effect),
            }
        }
    }

    /// The run of the step that an event is about; the run itself where it is about no step.
    fn step_run(&self, run: RunId, event: &Event) -> RunId {
        let step = match event {
            Event::Assigned { step, .. }
            | Event::Reused { step, .. }
            | Event::Started { step, .. }
            | Event::Ended { step, .. }
            | Event::Interrupted { step, .. }
            | Event::Skipped { step, .. } => *step,
            Event::Submitted | Event::Began | Event::CancelAsked | Event::Finished { .. } => {
                return run;
            }
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
            questions,
            explanations,
            stamps,
            datasets,
            cancelled,
        } = batch;
        if !events.is_empty() || !explanations.is_empty() {
            let record = Record {
                events,
                explanations,
                stamps,
                datasets,
                at: now(),
            };
            let changes = self.store.write(move |db| record.write(db)).await?;
            self.tell(changes);
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
        let question = |(run, step)| Some(self.runs.get(&run)?.question(step));
        let questions: Vec<_> = questions.into_iter().filter_map(question).collect();
        if !questions.is_empty() {
            self.ask(questions);
        }
        self.active.send_replace(self.scheduler.active_runs());
        Ok(())
    }

    /// Finds out about steps off the loop; the answers come back as one message.
    fn ask(&self, questions: Vec<Question>) {
        let (store, resolver) = (self.store.clone(), Arc::clone(&self.resolver));
        let answering = self.answering.clone();
        tokio::spawn(async move {
            let places: Vec<_> = questions.iter().map(|q| (q.spec.id, q.step)).collect();
            let seen = resolver.site.look(&questions).await;
            let (questions, asked) = (Arc::new(questions), Arc::clone(&resolver));
            let all = Arc::clone(&questions);
            let resolve = move |db: &Connection| ahead::answers(&asked, db, &all, &seen);
            let answers: Answers = match store.read(resolve).await {
                Ok(mut answers) => {
                    // Those that were asked come first, in their order.
                    for (question, answer) in questions.iter().zip(&mut answers) {
                        answer.confirm(&resolver, question).await;
                    }
                    answers
                }
                Err(error) => {
                    tracing::error!(%error, "reuse cannot be looked up; the steps run");
                    let unknown = |place| Answer::asked(place, reuse::unknown(&error));
                    places.into_iter().map(unknown).collect()
                }
            };
            // The loop may have stopped meanwhile.
            drop(answering.send(answers));
        });
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

    fn perform(&mut self, effect: Effect, run: RunId, step: StepIndex, number: u32) {
        let Some(active) = self.runs.get(&run) else {
            return;
        };
        let attempt = AttemptId {
            run: active.graph.step(step).run,
            number,
        };
        if let Effect::Stop(..) = effect {
            return self.executor.stop(attempt);
        }
        self.steps.insert(attempt.run, (run, step));
        let ActiveRun {
            spec,
            graph,
            sources,
            ..
        } = active;
        let job = self.site.job(spec, graph, sources, step, attempt);
        self.executor.start(job);
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
        // Everything will be asked again; answers to what was asked before are nobody's.
        (self.answering, self.answers) = unbounded_channel();
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
            let mut run = ActiveRun::new(spec, Arc::new(graph));
            events.iter().for_each(|event| run.note(event));
            let (topology, policy) = (run.topology(), run.policy());
            self.runs.insert(id, run);
            if events.is_empty() {
                // Accepted, and the crash came before the loop heard of it.
                unheard_of.push(Input::Submit(id, topology, policy));
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
