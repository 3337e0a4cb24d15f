//! What goes into a search and what comes out of it: events and effects.

use serde::{Deserialize, Serialize};

use crate::policy::History;
use crate::space::Values;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The search begins.
    Began,
    /// A model suggested values.
    Suggested {
        /// The trial they are for.
        trial: usize,
        /// The values.
        #[serde(with = "crate::exact::values")]
        values: Values,
    },
    /// A trial was accepted by the server.
    Submitted {
        /// The trial.
        trial: usize,
        /// Its run.
        run: String,
    },
    /// A trial logged the primary metric.
    Logged {
        /// The trial.
        trial: usize,
        /// All that it has logged so far, in order.
        #[serde(with = "crate::exact::history")]
        values: History,
    },
    /// A trial ended.
    Ended {
        /// The trial.
        trial: usize,
        /// How.
        outcome: Outcome,
    },
    /// The search has taken as long as it may.
    Expired,
    /// The user stops the search.
    Stopped,
    /// The search cannot go on.
    Broken {
        /// Why.
        reason: String,
    },
}

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its script ended well.
    Completed,
    /// It failed.
    Failed,
    /// It was stopped.
    Canceled,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the model for values, then report [`Event::Suggested`].
    Suggest {
        /// The trial they are for.
        trial: usize,
    },
    /// Start a trial, under a key that makes starting it again the same run.
    Submit {
        /// The trial.
        trial: usize,
        /// Its values.
        values: Values,
    },
    /// Follow a trial that runs, which reports [`Event::Logged`] and [`Event::Ended`].
    Watch {
        /// The trial.
        trial: usize,
        /// Its run.
        run: String,
    },
    /// Stop a trial; it still ends.
    Cancel {
        /// The trial.
        trial: usize,
        /// Why.
        reason: CancelReason,
    },
    /// A trial is the best so far.
    Best {
        /// The trial.
        trial: usize,
        /// Its best value.
        value: f64,
    },
    /// The search is over.
    Finish {
        /// What became of it.
        verdict: Verdict,
    },
}

/// Why a trial is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReason {
    /// The policy stops it.
    Policy,
    /// The search is closed.
    Closed,
}

/// What became of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All trials were run, or as many as there was time for.
    Completed,
    /// The user stopped it.
    Canceled,
    /// It could not go on, with the reason.
    Failed(String),
}
