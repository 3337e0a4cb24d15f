//! One trial of a search, and how far it is.

use serde::Serialize;

use crate::message::{CancelReason, Outcome};
use crate::policy::History;
use crate::space::Values;

/// How far a trial is.
#[derive(Debug, Clone, PartialEq)]
pub enum TrialState {
    /// The model is asked for values.
    Suggesting,
    /// It is being started.
    Submitting,
    /// It runs.
    Running {
        /// Its run.
        run: String,
        /// Why it is being stopped, if it is.
        cancelling: Option<CancelReason>,
    },
    /// It is over.
    Ended {
        /// Its run, if it was started.
        run: Option<String>,
        /// How.
        outcome: Outcome,
    },
}

/// One trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Its values; empty until they are known.
    pub values: Values,
    /// What it logged of the primary metric.
    pub history: History,
    /// How far it is.
    pub state: TrialState,
}

impl Trial {
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, TrialState::Ended { .. })
    }

    /// Its run, once it was started.
    #[must_use]
    pub fn run(&self) -> Option<&str> {
        match &self.state {
            TrialState::Running { run, .. } => Some(run),
            TrialState::Ended { run, .. } => run.as_deref(),
            TrialState::Suggesting | TrialState::Submitting => None,
        }
    }
}

/// Numbers for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Progress {
    /// Trials that are under way.
    pub running: usize,
    /// Trials that ended well.
    pub completed: usize,
    /// Trials that failed.
    pub failed: usize,
    /// Trials that were stopped.
    pub canceled: usize,
}

impl Progress {
    /// Counts a trial that was under way among those that ended.
    pub(crate) const fn end(&mut self, outcome: Outcome) {
        self.running -= 1;
        match outcome {
            Outcome::Completed => self.completed += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Canceled => self.canceled += 1,
        }
    }
}
