//! One run: the state of each of its steps, and the fold of events into them.
//!
//! A run knows nothing of slots: which queued step starts when is the scheduler's decision, and
//! reaches the run as an event like everything else.

use std::collections::HashMap;
use std::fmt;

use stepwell_model::{
    Digest, Event, Failure, Outcome, RunStatus, SkipReason, StepIndex, WaitReason,
};

use super::topology::{Policy, Topology};

/// Where a step stands. An active step carries the number of its attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StepState {
    /// So many edges are not satisfied yet.
    Waiting {
        unmet: u32,
    },
    /// Could start; it is being found out whether an equal step has run before.
    Resolving,
    /// Waits for an identical step that is queued or runs, to reuse its outputs.
    Deduplicated,
    /// Waits for a slot of its target.
    Queued,
    /// Has a slot; its attempt is being started.
    Starting {
        attempt: u32,
    },
    /// Its program runs.
    Running {
        attempt: u32,
    },
    /// Was asked to stop; still holds its slot.
    Stopping {
        attempt: u32,
    },
    /// Ran well, or an equal step did.
    Succeeded,
    Failed,
    Skipped,
    Cancelled,
}

impl StepState {
    /// The attempt that holds a slot, if one does.
    pub(super) fn attempt(self) -> Option<u32> {
        match self {
            Self::Starting { attempt } | Self::Running { attempt } | Self::Stopping { attempt } => {
                Some(attempt)
            }
            _ => None,
        }
    }

    /// Whether it could start, or will once something else is settled.
    pub(super) fn is_unstarted(self) -> bool {
        matches!(
            self,
            Self::Waiting { .. } | Self::Resolving | Self::Deduplicated | Self::Queued
        )
    }

    /// Whether it runs, or could start.
    pub(super) fn is_due(self) -> bool {
        !self.is_settled() && !matches!(self, Self::Waiting { .. })
    }

    pub(super) fn is_settled(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Skipped | Self::Cancelled
        )
    }
}

impl fmt::Debug for StepState {
    /// Short, so that a whole run can be read: `W(2)`, `?`, `Q`, `S(1)`, `R(1)`, `X(1)`, `ok`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting { unmet } => write!(f, "W({unmet})"),
            Self::Resolving => f.write_str("?"),
            Self::Deduplicated => f.write_str("T"),
            Self::Queued => f.write_str("Q"),
            Self::Starting { attempt } => write!(f, "S({attempt})"),
            Self::Running { attempt } => write!(f, "R({attempt})"),
            Self::Stopping { attempt } => write!(f, "X({attempt})"),
            Self::Succeeded => f.write_str("ok"),
            Self::Failed => f.write_str("failed"),
            Self::Skipped => f.write_str("skipped"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// A run being scheduled.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) topology: Topology,
    pub(super) policy: Policy,
    pub(super) states: Vec<StepState>,
    /// What the outputs of steps that are queued or active may be reused by.
    pub(super) keys: HashMap<StepIndex, Digest>,
    /// What steps wait for whose attempt was assigned and has not started.
    pub(super) waiting: HashMap<StepIndex, (WaitReason, String)>,
    /// The last attempt at each step that was interrupted.
    pub(super) interrupted: HashMap<StepIndex, u32>,
    /// How many steps are not settled.
    pub(super) unsettled: u32,
    /// The first step that failed.
    pub(super) failed: Option<StepIndex>,
    /// Whether a program of it has run.
    pub(super) began: bool,
    pub(super) cancel_asked: bool,
    /// Whether all that had not started was skipped: nothing starts from then on.
    pub(super) halted: bool,
    /// Whether a single step was asked to stop.
    pub(super) step_cancel_asked: bool,
    /// What somebody said of steps that have failed by it, whatever their programs say.
    pub(super) said_failed: HashMap<StepIndex, Failure>,
    pub(super) finished: Option<RunStatus>,
}

impl Run {
    pub(super) fn new(topology: Topology, policy: Policy) -> Self {
        let first = |(step, &unmet): (usize, &u32)| match unmet {
            0 => Self::ready(&topology, StepIndex::from(step)),
            unmet => StepState::Waiting { unmet },
        };
        let states = topology.unmet().iter().enumerate().map(first);
        let states: Vec<StepState> = states.collect();
        let unsettled = StepIndex::from(states.len()).0;
        Self {
            topology,
            policy,
            states,
            keys: HashMap::new(),
            waiting: HashMap::new(),
            interrupted: HashMap::new(),
            unsettled,
            failed: None,
            began: false,
            cancel_asked: false,
            halted: false,
            step_cancel_asked: false,
            said_failed: HashMap::new(),
            finished: None,
        }
    }

    /// The state of a step that waits for no other step of its run.
    fn ready(topology: &Topology, step: StepIndex) -> StepState {
        match topology.is_reusable(step) {
            true => StepState::Resolving,
            false => StepState::Queued,
        }
    }

    pub(super) fn state(&self, step: StepIndex) -> Option<StepState> {
        self.states.get(step.get()).copied()
    }

    /// The number of the next attempt at a step.
    pub(super) fn next_attempt(&self, step: StepIndex) -> u32 {
        self.interrupted.get(&step).map_or(1, |last| last + 1)
    }

    /// Whether steps that have not started may still start.
    pub(super) fn starts_steps(&self) -> bool {
        !self.cancel_asked && (self.failed.is_none() || self.policy == Policy::ContinueOnFailure)
    }

    /// The status of the run when every step is settled, else `None`.
    pub(super) fn verdict(&self) -> Option<RunStatus> {
        if self.unsettled > 0 {
            return None;
        }
        let all_succeeded = || {
            self.states
                .iter()
                .all(|state| *state == StepState::Succeeded)
        };
        let has_failed = || self.states.contains(&StepState::Failed);
        Some(match (self.cancel_asked, self.failed) {
            (true, _) if !all_succeeded() => RunStatus::Canceled,
            (_, Some(_)) if self.step_cancel_asked && !has_failed() => RunStatus::Canceled,
            (_, Some(_)) => RunStatus::Failed,
            _ => RunStatus::Completed,
        })
    }

    /// Folds one event. Steps that wait for no other step any more are appended to `ready`.
    pub(super) fn apply(&mut self, event: &Event, ready: &mut Vec<StepIndex>) {
        match event {
            Event::Submitted => {
                let waits = |state: &StepState| matches!(state, StepState::Waiting { .. });
                let free = (0..self.states.len()).filter(|&step| !waits(&self.states[step]));
                ready.extend(free.map(StepIndex::from));
            }
            Event::Assigned { step, attempt, key } => {
                self.states[step.get()] = StepState::Starting { attempt: *attempt };
                self.keys.extend(key.map(|key| (*step, key)));
            }
            Event::Reused { step, .. } => self.settle(*step, StepState::Succeeded, ready),
            Event::Waiting {
                step,
                reason,
                detail,
                ..
            } => {
                self.waiting.insert(*step, (*reason, detail.clone()));
            }
            Event::Started { step, attempt } => {
                self.waiting.remove(step);
                let state = &mut self.states[step.get()];
                if *state == (StepState::Starting { attempt: *attempt }) {
                    *state = StepState::Running { attempt: *attempt };
                }
            }
            Event::Ended { step, outcome, .. } => {
                self.waiting.remove(step);
                let state = match outcome {
                    Outcome::Succeeded(_) => StepState::Succeeded,
                    Outcome::Failed(..) => StepState::Failed,
                    Outcome::Cancelled(_) => StepState::Cancelled,
                };
                self.settle(*step, state, ready);
            }
            Event::Interrupted { step, attempt, .. } => {
                self.waiting.remove(step);
                self.states[step.get()] = StepState::Queued;
                self.interrupted.insert(*step, *attempt);
                ready.push(*step);
            }
            Event::Skipped { step, because } => self.skip(*step, because),
            Event::Began => self.began = true,
            Event::CancelAsked => self.ask_to_stop(),
            Event::StepCancelAsked { step } => {
                self.step_cancel_asked = true;
                self.ask_step_to_stop(*step);
            }
            Event::FailAsked {
                step,
                failure,
                stops,
            } => self.say_failed(*step, failure.clone(), *stops),
            Event::Finished { status } => self.finished = Some(*status),
        }
    }

    fn skip(&mut self, step: StepIndex, because: &SkipReason) {
        let state = match because {
            SkipReason::SaidToFail(_) => StepState::Failed,
            _ => StepState::Skipped,
        };
        self.states[step.get()] = state;
        self.unsettled -= 1;
        if state == StepState::Failed || *because == SkipReason::StepCancelled {
            self.failed.get_or_insert(step);
        }
    }

    fn say_failed(&mut self, step: StepIndex, failure: Failure, stops: bool) {
        self.said_failed.insert(step, failure);
        if stops {
            self.ask_step_to_stop(step);
        }
    }

    fn settle(&mut self, step: StepIndex, state: StepState, ready: &mut Vec<StepIndex>) {
        self.unsettled -= 1;
        self.states[step.get()] = state;
        if state != StepState::Succeeded {
            // A step that was stopped by nobody's request counts as failed for its dependents.
            self.failed.get_or_insert(step);
            return;
        }
        for &dependent in self.topology.dependents(step) {
            let state = &mut self.states[dependent.get()];
            let StepState::Waiting { unmet } = state else {
                continue;
            };
            *unmet -= 1;
            if *unmet == 0 {
                *state = Self::ready(&self.topology, dependent);
                ready.push(dependent);
            }
        }
    }

    fn ask_step_to_stop(&mut self, step: StepIndex) {
        let state = &mut self.states[step.get()];
        if let Some(attempt) = state.attempt() {
            *state = StepState::Stopping { attempt };
        }
    }

    /// How a step ended, by what its attempt and those who said that it has failed say.
    pub(super) fn as_said(&self, step: StepIndex, outcome: Outcome) -> Outcome {
        let Some(said) = self.said_failed.get(&step) else {
            return outcome;
        };
        let mut failure = said.clone();
        if let (Outcome::Failed(own, _), "") = (&outcome, failure.detail.as_str()) {
            failure.detail.clone_from(&own.detail);
        }
        Outcome::Failed(failure, outcome.usage().clone())
    }

    fn ask_to_stop(&mut self) {
        self.cancel_asked = true;
        for state in &mut self.states {
            if let Some(attempt) = state.attempt() {
                *state = StepState::Stopping { attempt };
            }
        }
    }
}
