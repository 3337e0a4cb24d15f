//! One compute target: its slots, and who waits for one.
//!
//! Runs take turns, so that a run of a hundred thousand steps does not hold up a run of one.
//! Within a run, steps start in the order they became ready. Nobody passes a step whose turn it is
//! and for which there are too few cores, so one that asks for many is not kept waiting by those that
//! ask for few.

use std::collections::{HashMap, VecDeque};

use stepwell_model::{RunId, StepIndex, TargetName};

/// How much may be on a compute target at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many steps.
    pub steps: u32,
    /// How many cores its steps may hold, each as many as it asks for; `None` where that is decided
    /// elsewhere. A step that asks for more has all of them.
    pub cores: Option<u32>,
}

impl Limit {
    /// So many steps, and as many cores.
    #[must_use]
    pub const fn of(count: u32) -> Self {
        Self {
            steps: count,
            cores: Some(count),
        }
    }
}

/// How busy a compute target is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetLoad {
    /// Its name.
    pub name: TargetName,
    /// How many steps may run on it at once.
    pub limit: u32,
    /// How many hold a slot.
    pub running: u32,
    /// How many wait for one.
    pub queued: u32,
}

/// Slots and queues of one compute target.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) limit: Limit,
    /// How many steps hold a slot now.
    pub(super) in_use: u32,
    /// How many cores they have asked for together.
    pub(super) cores_held: u64,
    /// The runs with a queue below, in the order of their turns. A run that was removed may still
    /// be named; it is passed over.
    turns: VecDeque<RunId>,
    queues: HashMap<RunId, VecDeque<Queued>>,
}

/// A step that waits, and the cores that it asks for.
#[derive(Debug, Clone, Copy)]
struct Queued {
    step: StepIndex,
    cores: u32,
}

impl Target {
    pub(super) fn new(limit: Limit) -> Self {
        Self {
            limit,
            in_use: 0,
            cores_held: 0,
            turns: VecDeque::new(),
            queues: HashMap::new(),
        }
    }

    /// Adds a step at the end of its run's queue.
    pub(super) fn push(&mut self, run: RunId, step: StepIndex, cores: u32) {
        let queue = self.queues.entry(run).or_default();
        if queue.is_empty() {
            self.turns.push_back(run);
        }
        queue.push_back(Queued { step, cores });
    }

    /// Takes the next step, if one waits and there is room for it. What it holds is counted when
    /// the assignment is folded into the run.
    pub(super) fn pop(&mut self) -> Option<(RunId, StepIndex)> {
        while let Some(run) = self.turns.front().copied() {
            let Some(next) = self.first_of(run) else {
                self.turns.pop_front();
                continue;
            };
            if !self.has_room(next.cores) {
                return None;
            }
            self.turns.pop_front();
            let queue = self.queues.get_mut(&run)?;
            queue.pop_front();
            if queue.is_empty() {
                self.queues.remove(&run);
            } else {
                self.turns.push_back(run);
            }
            return Some((run, next.step));
        }
        None
    }

    /// A step that asks for so many cores holds a slot from now on.
    pub(super) fn hold(&mut self, cores: u32) {
        self.in_use += 1;
        self.cores_held += u64::from(cores);
    }

    /// It holds it no more.
    pub(super) fn free(&mut self, cores: u32) {
        self.in_use -= 1;
        self.cores_held -= u64::from(cores);
    }

    /// Whether the step whose turn it is could start.
    pub(super) fn could_start_one(&self) -> bool {
        let next = self.turns.iter().find_map(|run| self.first_of(*run));
        next.is_some_and(|next| self.has_room(next.cores))
    }

    /// Whether those that wait do so for a slot, and not for cores.
    pub(super) fn is_full(&self) -> bool {
        self.in_use >= self.limit.steps
    }

    /// Forgets every waiting step of a run; whether there was one.
    pub(super) fn remove(&mut self, run: RunId) -> bool {
        let was_there = self.queues.remove(&run).is_some();
        if was_there {
            self.turns.retain(|turn| *turn != run);
        }
        was_there
    }

    /// Forgets one waiting step.
    pub(super) fn remove_step(&mut self, run: RunId, step: StepIndex) {
        let Some(queue) = self.queues.get_mut(&run) else {
            return;
        };
        queue.retain(|waiting| waiting.step != step);
        if queue.is_empty() {
            self.remove(run);
        }
    }

    /// The waiting steps, run by run.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (RunId, StepIndex)> + '_ {
        self.queues
            .iter()
            .flat_map(|(run, queue)| queue.iter().map(|waiting| (*run, waiting.step)))
    }

    /// Whether the target holds and awaits nothing.
    pub(super) fn is_idle(&self) -> bool {
        self.in_use == 0 && self.queues.is_empty()
    }

    /// How busy it is.
    pub(super) fn load(&self, name: TargetName) -> TargetLoad {
        TargetLoad {
            name,
            limit: self.limit.steps,
            running: self.in_use,
            queued: StepIndex::from(self.waiting().count()).0,
        }
    }

    fn first_of(&self, run: RunId) -> Option<Queued> {
        self.queues.get(&run)?.front().copied()
    }

    fn has_room(&self, cores: u32) -> bool {
        let fits = |limit| {
            let held = self.cores_held + u64::from(cores);
            self.in_use == 0 || held <= u64::from(limit)
        };
        !self.is_full() && self.limit.cores.is_none_or(fits)
    }
}
