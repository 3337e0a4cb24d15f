//! Reuse: a step takes the outputs of an identical earlier step, and of two identical steps that are
//! wanted at the same moment only one runs.
//!
//! What makes two steps equal is found out by the world, which answers [`Effect::Resolve`] with a
//! key; the core only compares keys. A step whose answer was lost in a crash is asked about again.
//!
//! Invariant: no two steps with one key hold or await a slot at the same time.

use std::collections::HashMap;

use stepwell_model::{Digest, Event, RunId, StepIndex};

use super::run::StepState;
use super::scheduler::{Decision, Effect, Scheduler};

/// What the world found out about a step that could start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// An equal step has run.
    Hit {
        /// The run of the step that made the outputs.
        source: RunId,
        /// What the two have in common.
        key: Digest,
    },
    /// None has; this is what later ones may reuse it by.
    Miss(Digest),
    /// It has to run, and cannot be reused, as when an input cannot be read.
    Unknown,
}

/// The steps that hold or await a slot and may be reused, by key, and who waits for them.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    pub(super) owners: HashMap<Digest, (RunId, StepIndex)>,
    pub(super) duplicates: HashMap<Digest, Vec<(RunId, StepIndex)>>,
    /// The open questions, each with the moment it was asked.
    open: HashMap<(RunId, StepIndex), u64>,
    /// Keys whose owner succeeded while questions were open, with the moment: an answer to a
    /// question that was asked before does not know of it.
    news: HashMap<Digest, u64>,
    /// Counts questions and news: the moment.
    moment: u64,
}

impl InFlight {
    fn ask(&mut self, place: (RunId, StepIndex)) {
        self.moment += 1;
        self.open.insert(place, self.moment);
    }

    fn announce(&mut self, key: Digest) {
        self.moment += 1;
        if !self.open.is_empty() {
            self.news.insert(key, self.moment);
        }
    }

    /// Closes a question; gives whether its answer, a miss of this key, is out of date.
    fn close(&mut self, place: (RunId, StepIndex), miss: Option<Digest>) -> bool {
        let asked = self.open.remove(&place).unwrap_or(0);
        let news = miss.and_then(|key| self.news.get(&key).copied());
        if self.open.is_empty() {
            self.news.clear();
        }
        news.is_some_and(|news| asked < news)
    }
}

impl Scheduler {
    /// Asks the world about a step that could start.
    pub(super) fn ask(&mut self, id: RunId, step: StepIndex, decision: &mut Decision) {
        self.in_flight.ask((id, step));
        decision.effects.push(Effect::Resolve(id, step));
    }

    /// Takes the world's answer; one about a step that is no longer in question changes nothing.
    pub(super) fn resolve(
        &mut self,
        id: RunId,
        step: StepIndex,
        resolution: Resolution,
        decision: &mut Decision,
    ) {
        let miss = match resolution {
            Resolution::Miss(key) => Some(key),
            _ => None,
        };
        let stale = self.in_flight.close((id, step), miss);
        if self.state(id, step) != Some(StepState::Resolving) {
            return;
        }
        if stale {
            return self.ask(id, step, decision);
        }
        match resolution {
            Resolution::Hit { source, key } => {
                self.record(id, Event::Reused { step, source, key }, decision);
                self.after_success(id, step, decision);
            }
            Resolution::Miss(key) => match self.in_flight.owners.get(&key) {
                Some(owner) if *owner != (id, step) => {
                    self.in_flight
                        .duplicates
                        .entry(key)
                        .or_default()
                        .push((id, step));
                    self.set_state(id, step, StepState::Deduplicated);
                }
                _ => {
                    self.in_flight.owners.insert(key, (id, step));
                    self.queue(id, step, Some(key), decision);
                }
            },
            Resolution::Unknown => self.queue(id, step, None, decision),
        }
    }

    fn queue(&mut self, id: RunId, step: StepIndex, key: Option<Digest>, decision: &mut Decision) {
        let Some(run) = self.runs.get_mut(&id) else {
            return;
        };
        run.states[step.get()] = StepState::Queued;
        run.keys.extend(key.map(|key| (step, key)));
        let name = run.topology.target(step).clone();
        self.await_turn(id, step);
        self.assign(&name, decision);
    }

    fn set_state(&mut self, id: RunId, step: StepIndex, state: StepState) {
        if let Some(run) = self.runs.get_mut(&id) {
            run.states[step.get()] = state;
        }
    }

    /// A step succeeded: answers that were found before may not know of it.
    pub(super) fn announce(&mut self, id: RunId, step: StepIndex) {
        let run = self.runs.get(&id);
        if let Some(key) = run.and_then(|run| run.keys.get(&step).copied()) {
            self.in_flight.announce(key);
        }
    }

    /// A step that held or awaited a slot does so no more: those that waited for its outputs are
    /// asked about again, and find them or run themselves.
    pub(super) fn release(&mut self, id: RunId, step: StepIndex, decision: &mut Decision) {
        let Some(key) = self
            .runs
            .get_mut(&id)
            .and_then(|run| run.keys.remove(&step))
        else {
            return;
        };
        if self.in_flight.owners.get(&key) != Some(&(id, step)) {
            return;
        }
        self.in_flight.owners.remove(&key);
        for (duplicate, step) in self.in_flight.duplicates.remove(&key).unwrap_or_default() {
            if self.state(duplicate, step) == Some(StepState::Deduplicated) {
                self.set_state(duplicate, step, StepState::Resolving);
                self.ask(duplicate, step, decision);
            }
        }
    }
}
