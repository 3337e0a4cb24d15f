//! One compute target: its slots, and who waits for one.
//!
//! Runs take turns, so that a run of a hundred thousand steps does not hold up a run of one.
//! Within a run, steps start in the order they became ready.

use std::collections::{HashMap, VecDeque};

use stepwell_model::{RunId, StepIndex};

/// Slots and queues of one compute target.
#[derive(Debug)]
pub(super) struct Target {
    /// How many steps may hold a slot at once.
    pub(super) limit: u32,
    /// How many hold one now.
    pub(super) in_use: u32,
    /// The runs with a queue below, in the order of their turns. A run that was removed may still
    /// be named; it is passed over.
    turns: VecDeque<RunId>,
    queues: HashMap<RunId, VecDeque<StepIndex>>,
}

impl Target {
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            in_use: 0,
            turns: VecDeque::new(),
            queues: HashMap::new(),
        }
    }

    /// Adds a step at the end of its run's queue.
    pub(super) fn push(&mut self, run: RunId, step: StepIndex) {
        let queue = self.queues.entry(run).or_default();
        if queue.is_empty() {
            self.turns.push_back(run);
        }
        queue.push_back(step);
    }

    /// Takes the next step, if a slot is free and one waits. The slot itself is counted when the
    /// assignment is folded into the run.
    pub(super) fn pop(&mut self) -> Option<(RunId, StepIndex)> {
        if self.in_use >= self.limit {
            return None;
        }
        while let Some(run) = self.turns.pop_front() {
            let Some(queue) = self.queues.get_mut(&run) else {
                continue;
            };
            let Some(step) = queue.pop_front() else {
                continue;
            };
            if queue.is_empty() {
                self.queues.remove(&run);
            } else {
                self.turns.push_back(run);
            }
            return Some((run, step));
        }
        None
    }

    /// Forgets every waiting step of a run.
    pub(super) fn remove(&mut self, run: RunId) {
        if self.queues.remove(&run).is_some() {
            self.turns.retain(|turn| *turn != run);
        }
    }

    /// Forgets one waiting step.
    pub(super) fn remove_step(&mut self, run: RunId, step: StepIndex) {
        let Some(queue) = self.queues.get_mut(&run) else {
            return;
        };
        queue.retain(|waiting| *waiting != step);
        if queue.is_empty() {
            self.remove(run);
        }
    }

    /// The waiting steps, run by run.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (RunId, StepIndex)> + '_ {
        self.queues
            .iter()
            .flat_map(|(run, queue)| queue.iter().map(|step| (*run, *step)))
    }

    /// Whether the target holds and awaits nothing.
    pub(super) fn is_idle(&self) -> bool {
        self.in_use == 0 && self.queues.is_empty()
    }
}
