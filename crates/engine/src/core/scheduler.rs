//! The scheduler: every run that is not over, and the compute targets they share.

use std::collections::{HashMap, VecDeque};

use stepwell_model::{
    Event, Failure, Outcome, RunId, SkipReason, StepIndex, TargetName, WaitReason,
};

use super::reuse::{InFlight, Resolution};
use super::run::{Run, StepState};
use super::target::{Limit, Target, TargetLoad};
use super::topology::{Policy, Topology};

/// How many attempts there are at a step whose attempts are interrupted.
pub const ATTEMPTS_MAX: u32 = 5;

/// What the scheduler decides about.
#[derive(Debug, Clone)]
pub enum SchedulerInput {
    /// A run with its graph.
    Submit(RunId, Topology, Policy),
    /// An attempt waits for something, and why in words.
    Waiting(RunId, StepIndex, u32, WaitReason, String),
    /// The program of an attempt runs.
    Started(RunId, StepIndex, u32),
    /// What was found out about a step that could start.
    Resolved(RunId, StepIndex, Resolution),
    /// An attempt ended.
    Ended(RunId, StepIndex, u32, Outcome),
    /// Somebody wants the run to stop.
    Cancel(RunId),
    /// Somebody wants one step to stop, whether or not it has started.
    CancelStep(RunId, StepIndex),
    /// Somebody says that a step has failed, and whether its attempt is to stop.
    Fail(RunId, StepIndex, Failure, bool),
    /// A compute target takes so much at once from now on.
    Limit(TargetName, Limit),
}

/// What the world must do. Doing an effect twice is doing it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Find out whether an equal step has run, and answer with [`SchedulerInput::Resolved`].
    Resolve(RunId, StepIndex),
    /// Start the attempt, or find it again if it was started before.
    Start(RunId, StepIndex, u32),
    /// Ask the attempt to stop.
    Stop(RunId, StepIndex, u32),
}

/// What was decided: facts to record, then things to do.
#[derive(Debug, Default)]
pub struct Decision {
    /// To be recorded, in this order, before any effect is performed. Empty when the input was
    /// late, doubled or about a run that is over: then nothing changed.
    pub events: Vec<(RunId, Event)>,
    /// To be performed after the events are recorded.
    pub effects: Vec<Effect>,
}

/// Every run that is not over.
#[derive(Debug)]
pub struct Scheduler {
    pub(super) runs: HashMap<RunId, Run>,
    pub(super) targets: HashMap<TargetName, Target>,
    limits: HashMap<TargetName, Limit>,
    default_limit: Limit,
    pub(super) in_flight: InFlight,
    /// Reused by every input, so that deciding allocates little.
    ready: Vec<StepIndex>,
    examined: u64,
}

impl Scheduler {
    /// An empty scheduler; targets without a limit of their own take so many steps and cores.
    #[must_use]
    pub fn new(default_limit: u32) -> Self {
        Self {
            runs: HashMap::new(),
            targets: HashMap::new(),
            limits: HashMap::new(),
            default_limit: Limit::of(default_limit.max(1)),
            in_flight: InFlight::default(),
            ready: Vec::new(),
            examined: 0,
        }
    }

    /// How many steps were gone through, over all inputs, to find those that do not start any
    /// more: what an input costs beyond what it changes.
    #[must_use]
    pub const fn examined(&self) -> u64 {
        self.examined
    }

    /// How many runs are not over.
    #[must_use]
    pub fn active_runs(&self) -> usize {
        self.runs.len()
    }

    /// Whether the run is being scheduled.
    #[must_use]
    pub fn is_active(&self, run: RunId) -> bool {
        self.runs.contains_key(&run)
    }

    /// Whether the run was asked to stop.
    #[must_use]
    pub fn is_stopping(&self, run: RunId) -> bool {
        self.runs.get(&run).is_some_and(|run| run.cancel_asked)
    }

    /// Whether the step can still be asked to stop: `Some(true)` when it has been, `None` when it is
    /// settled.
    #[must_use]
    pub fn is_step_stopping(&self, run: RunId, step: StepIndex) -> Option<bool> {
        let state = self.state(run, step)?;
        let asked = matches!(state, StepState::Stopping { .. });
        (!state.is_settled()).then_some(asked)
    }

    /// How busy each target is that is in use or has a limit of its own, sorted by name.
    #[must_use]
    pub fn loads(&self) -> Vec<TargetLoad> {
        let load = |(name, target): (&TargetName, &Target)| target.load(name.clone());
        let mut loads: Vec<TargetLoad> = self.targets.iter().map(load).collect();
        loads.sort_by(|a, b| a.name.cmp(&b.name));
        loads
    }

    /// Takes one input, changes the state by the events it decides on, and returns both.
    pub fn handle(&mut self, input: SchedulerInput) -> Decision {
        let mut decision = Decision::default();
        match input {
            SchedulerInput::Submit(run, topology, policy) => {
                self.submit(run, topology, policy, &mut decision);
            }
            SchedulerInput::Waiting(run, step, attempt, reason, detail) => {
                self.wait(run, step, attempt, (reason, detail), &mut decision);
            }
            SchedulerInput::Started(run, step, attempt) => {
                if self.state(run, step) == Some(StepState::Starting { attempt }) {
                    if !self.runs[&run].began {
                        self.record(run, Event::Began, &mut decision);
                    }
                    self.record(run, Event::Started { step, attempt }, &mut decision);
                }
            }
            SchedulerInput::Resolved(run, step, resolution) => {
                self.resolve(run, step, resolution, &mut decision);
            }
            SchedulerInput::Ended(run, step, attempt, outcome) => {
                if self.state(run, step).and_then(StepState::attempt) == Some(attempt) {
                    self.end(run, step, attempt, outcome, &mut decision);
                }
            }
            SchedulerInput::Cancel(run) => self.cancel(run, &mut decision),
            SchedulerInput::CancelStep(run, step) => self.cancel_step(run, step, &mut decision),
            SchedulerInput::Fail(run, step, failure, stops) => {
                self.fail(run, step, failure, stops, &mut decision);
            }
            SchedulerInput::Limit(target, limit) => {
                let steps = limit.steps.max(1);
                let limit = Limit { steps, ..limit };
                self.limits.insert(target.clone(), limit);
                self.target(&target).limit = limit;
                self.assign(&target, &mut decision);
            }
        }
        decision
    }

    /// What a step that could run waits for, if it has no attempt yet.
    #[must_use]
    pub fn waits_for(&self, run: RunId, step: StepIndex) -> Option<WaitReason> {
        match self.state(run, step)? {
            StepState::Queued => {
                let name = self.runs[&run].topology.target(step);
                let full = self.targets.get(name).is_none_or(Target::is_full);
                Some(if full {
                    WaitReason::Slot
                } else {
                    WaitReason::Cores
                })
            }
            StepState::Deduplicated => Some(WaitReason::IdenticalStep),
            _ => None,
        }
    }

    /// Records what an attempt waits for that has not started, once.
    fn wait(
        &mut self,
        id: RunId,
        step: StepIndex,
        attempt: u32,
        (reason, detail): (WaitReason, String),
        decision: &mut Decision,
    ) {
        if self.state(id, step) != Some(StepState::Starting { attempt }) {
            return;
        }
        let known = self.runs.get(&id).and_then(|run| run.waiting.get(&step));
        if known != Some(&(reason, detail.clone())) {
            let event = Event::Waiting {
                step,
                attempt,
                reason,
                detail,
            };
            self.record(id, event, decision);
        }
    }

    /// Rebuilds a run from its journal; [`Self::resume`] must follow once all runs are restored.
    pub fn restore(&mut self, id: RunId, topology: Topology, policy: Policy, events: &[Event]) {
        let mut run = Run::new(topology, policy);
        let mut ignored = Vec::new();
        for event in events {
            run.apply(event, &mut ignored);
        }
        let states = &run.states;
        // A step that waits for its next attempt still owns its key.
        run.keys.retain(|step, _| {
            let state = states[step.get()];
            state.attempt().is_some() || state == StepState::Queued
        });
        if run.finished.is_none() {
            self.runs.insert(id, run);
        }
    }

    /// After restoring, and before any other run is submitted: what is still to be recorded and
    /// done so that every run goes on.
    ///
    /// The events of one input are recorded whole or not at all, so nothing is half decided here.
    /// Effects of the journal that may or may not have been performed before the crash are asked
    /// for again; they are idempotent.
    pub fn resume(&mut self) -> Decision {
        let mut decision = Decision::default();
        let mut ids: Vec<RunId> = self.runs.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            self.requeue(id, &mut decision);
        }
        let names: Vec<TargetName> = self.targets.keys().cloned().collect();
        for name in names {
            self.assign(&name, &mut decision);
        }
        decision
    }

    pub(super) fn state(&self, run: RunId, step: StepIndex) -> Option<StepState> {
        self.runs.get(&run)?.state(step)
    }

    pub(super) fn target(&mut self, name: &TargetName) -> &mut Target {
        if !self.targets.contains_key(name) {
            let limit = self.limits.get(name).copied().unwrap_or(self.default_limit);
            self.targets.insert(name.clone(), Target::new(limit));
        }
        self.targets.get_mut(name).expect("it was just put there")
    }

    fn submit(&mut self, id: RunId, topology: Topology, policy: Policy, decision: &mut Decision) {
        if self.runs.contains_key(&id) {
            return;
        }
        self.runs.insert(id, Run::new(topology, policy));
        self.record(id, Event::Submitted, decision);
        self.finish_if_settled(id, decision);
        let Some(run) = self.runs.get(&id) else {
            return;
        };
        let names = run.topology.targets().to_vec();
        for name in names {
            self.assign(&name, decision);
        }
    }

    fn end(
        &mut self,
        id: RunId,
        step: StepIndex,
        attempt: u32,
        outcome: Outcome,
        decision: &mut Decision,
    ) {
        let outcome = self.runs[&id].as_said(step, outcome);
        if let Some(interrupted) = self.interruption(id, step, attempt, &outcome) {
            let freed = self.runs[&id].topology.target(step).clone();
            self.record(id, interrupted, decision);
            return self.assign(&freed, decision);
        }
        let succeeded = matches!(outcome, Outcome::Succeeded(_));
        self.record(
            id,
            Event::Ended {
                step,
                attempt,
                outcome,
            },
            decision,
        );
        let freed = self.runs[&id].topology.target(step).clone();
        if succeeded {
            self.announce(id, step);
        }
        self.release(id, step, decision);
        match succeeded {
            true => self.after_success(id, step, decision),
            false => {
                self.skip_after(id, step, decision);
                self.finish_if_settled(id, decision);
            }
        }
        self.assign(&freed, decision);
    }

    /// The event of an attempt that another one follows.
    fn interruption(
        &self,
        id: RunId,
        step: StepIndex,
        attempt: u32,
        outcome: &Outcome,
    ) -> Option<Event> {
        let run = &self.runs[&id];
        let asked = matches!(run.state(step), Some(StepState::Stopping { .. }));
        let continues = run.starts_steps()
            && !asked
            && run.topology.is_resumable(step)
            && attempt < ATTEMPTS_MAX;
        match outcome {
            Outcome::Failed(failure, usage) if continues && failure.kind.is_interruption() => {
                Some(Event::Interrupted {
                    step,
                    attempt,
                    failure: failure.clone(),
                    usage: usage.clone(),
                })
            }
            _ => None,
        }
    }

    /// Starts what a step's success has made ready, or ends the run.
    pub(super) fn after_success(&mut self, id: RunId, step: StepIndex, decision: &mut Decision) {
        let run = &self.runs[&id];
        let touched = match run.starts_steps() {
            true => run.topology.targets_of(run.topology.dependents(step)),
            false => Vec::new(),
        };
        self.finish_if_settled(id, decision);
        for name in touched {
            self.assign(&name, decision);
        }
    }

    fn cancel(&mut self, id: RunId, decision: &mut Decision) {
        let Some(run) = self.runs.get(&id) else {
            return;
        };
        if run.cancel_asked {
            return;
        }
        self.record(id, Event::CancelAsked, decision);
        for (step, state) in self.runs[&id].states.iter().enumerate() {
            if let Some(attempt) = state.attempt() {
                decision
                    .effects
                    .push(Effect::Stop(id, StepIndex::from(step), attempt));
            }
        }
        self.skip_unstarted(id, &SkipReason::Cancelled, decision);
        self.finish_if_settled(id, decision);
    }

    fn cancel_step(&mut self, id: RunId, step: StepIndex, decision: &mut Decision) {
        if self.is_stopping(id) || self.is_step_stopping(id, step) != Some(false) {
            return;
        }
        self.record(id, Event::StepCancelAsked { step }, decision);
        if let Some(attempt) = self.state(id, step).and_then(StepState::attempt) {
            decision.effects.push(Effect::Stop(id, step, attempt));
            return;
        }
        let name = self.runs[&id].topology.target(step).clone();
        self.target(&name).remove_step(id, step);
        self.release(id, step, decision);
        let because = SkipReason::StepCancelled;
        self.record(id, Event::Skipped { step, because }, decision);
        self.skip_after(id, step, decision);
        self.finish_if_settled(id, decision);
        self.assign(&name, decision);
    }

    /// A step that runs has failed when its attempt ends, one that could start has failed now. Of
    /// one that waits for others nothing is recorded.
    fn fail(
        &mut self,
        id: RunId,
        step: StepIndex,
        failure: Failure,
        stops: bool,
        decision: &mut Decision,
    ) {
        let Some(state) = self.state(id, step).filter(|state| state.is_due()) else {
            return;
        };
        if let Some(attempt) = state.attempt() {
            if !stops && self.runs[&id].said_failed.contains_key(&step) {
                return;
            }
            let event = Event::FailAsked {
                step,
                failure,
                stops,
            };
            self.record(id, event, decision);
            if stops {
                decision.effects.push(Effect::Stop(id, step, attempt));
            }
            return;
        }
        let name = self.runs[&id].topology.target(step).clone();
        self.target(&name).remove_step(id, step);
        self.release(id, step, decision);
        let because = SkipReason::SaidToFail(failure);
        self.record(id, Event::Skipped { step, because }, decision);
        self.skip_after(id, step, decision);
        self.finish_if_settled(id, decision);
        self.assign(&name, decision);
    }

    /// Skips what a failed step holds back: its dependents, or all that has not started.
    fn skip_after(&mut self, id: RunId, cause: StepIndex, decision: &mut Decision) {
        if !self.runs[&id].starts_steps() {
            return self.skip_unstarted(id, &SkipReason::RunFailed(cause), decision);
        }
        let mut line = VecDeque::from([cause]);
        while let Some(step) = line.pop_front() {
            let dependents = self.runs[&id].topology.dependents(step).to_vec();
            for dependent in dependents {
                if matches!(self.state(id, dependent), Some(StepState::Waiting { .. })) {
                    let because = SkipReason::Upstream(cause);
                    self.record(
                        id,
                        Event::Skipped {
                            step: dependent,
                            because,
                        },
                        decision,
                    );
                    line.push_back(dependent);
                }
            }
        }
    }

    /// Skips every step that has not started. A run that starts no more steps has none of them
    /// the second time.
    fn skip_unstarted(&mut self, id: RunId, because: &SkipReason, decision: &mut Decision) {
        let Some(run) = self.runs.get_mut(&id) else {
            return;
        };
        if std::mem::replace(&mut run.halted, true) {
            return;
        }
        self.examined += run.states.len() as u64;
        let mut left = Vec::new();
        for (name, target) in &mut self.targets {
            if target.remove(id) {
                left.push(name.clone());
            }
        }
        for step in (0..self.runs[&id].topology.len()).map(StepIndex::from) {
            if self.state(id, step).is_some_and(StepState::is_unstarted) {
                self.release(id, step, decision);
                self.record(
                    id,
                    Event::Skipped {
                        step,
                        because: because.clone(),
                    },
                    decision,
                );
            }
        }
        // Those behind them may not have to wait any more.
        left.sort_unstable();
        for name in left {
            self.assign(&name, decision);
        }
    }

    fn finish_if_settled(&mut self, id: RunId, decision: &mut Decision) {
        let Some(status) = self.runs.get(&id).and_then(Run::verdict) else {
            return;
        };
        self.record(id, Event::Finished { status }, decision);
        self.runs.remove(&id);
    }

    /// Folds an event into the run and into the slots and queues of its targets.
    pub(super) fn record(&mut self, id: RunId, event: Event, decision: &mut Decision) {
        let Some(run) = self.runs.get_mut(&id) else {
            return;
        };
        let mut ready = std::mem::take(&mut self.ready);
        run.apply(&event, &mut ready);
        let queue = run.starts_steps();
        match &event {
            Event::Assigned { step, .. } => {
                let (name, cores) = (
                    run.topology.target(*step).clone(),
                    run.topology.cores(*step),
                );
                self.target(&name).hold(cores);
            }
            Event::Ended { step, .. } | Event::Interrupted { step, .. } => {
                let (name, cores) = (
                    run.topology.target(*step).clone(),
                    run.topology.cores(*step),
                );
                self.target(&name).free(cores);
            }
            _ => {}
        }
        decision.events.push((id, event));
        for step in ready.drain(..) {
            if !queue {
                continue;
            }
            if self.state(id, step) == Some(StepState::Resolving) {
                self.ask(id, step, decision);
                continue;
            }
            self.await_turn(id, step);
        }
        self.ready = ready;
    }

    /// Has a step wait for its target.
    pub(super) fn await_turn(&mut self, id: RunId, step: StepIndex) {
        let topology = &self.runs[&id].topology;
        let (name, cores) = (topology.target(step).clone(), topology.cores(step));
        self.target(&name).push(id, step, cores);
    }

    /// Gives free slots of a target to the steps that wait for them.
    pub(super) fn assign(&mut self, name: &TargetName, decision: &mut Decision) {
        while let Some((run, step)) = self.targets.get_mut(name).and_then(Target::pop) {
            let known = self.runs.get(&run);
            let attempt = known.map_or(1, |run| run.next_attempt(step));
            let key = known.and_then(|run| run.keys.get(&step).copied());
            self.record(run, Event::Assigned { step, attempt, key }, decision);
            decision.effects.push(Effect::Start(run, step, attempt));
        }
        if self.targets.get(name).is_some_and(Target::is_idle) && !self.limits.contains_key(name) {
            self.targets.remove(name);
        }
    }

    /// Counts the slots a restored run holds, queues what is ready, and asks again for effects.
    fn requeue(&mut self, id: RunId, decision: &mut Decision) {
        for index in 0..self.runs[&id].states.len() {
            let step = StepIndex::from(index);
            let run = &self.runs[&id];
            let name = run.topology.target(step);
            match run.states[index] {
                StepState::Resolving if run.starts_steps() => self.ask(id, step, decision),
                StepState::Queued if run.starts_steps() => {
                    if let Some(key) = run.keys.get(&step) {
                        self.in_flight.owners.insert(*key, (id, step));
                    }
                    self.await_turn(id, step);
                }
                state => {
                    let Some(attempt) = state.attempt() else {
                        continue;
                    };
                    if let Some(key) = run.keys.get(&step) {
                        self.in_flight.owners.insert(*key, (id, step));
                    }
                    let (name, cores) = (name.clone(), run.topology.cores(step));
                    self.target(&name).hold(cores);
                    decision.effects.push(Effect::Start(id, step, attempt));
                    if matches!(state, StepState::Stopping { .. }) {
                        decision.effects.push(Effect::Stop(id, step, attempt));
                    }
                }
            }
        }
    }
}
