//! What is written down of each time: that it fires, or why it does not.

use serde::{Deserialize, Serialize};
use stepwell_model::{RunId, Timestamp};

/// One firing: a logical time, or for schedules on data a change that was found at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// The logical time.
    pub at: Timestamp,
    /// The path that changed; empty when the schedule goes by the clock.
    pub path: String,
}

impl Slot {
    /// The firing of a logical time.
    #[must_use]
    pub const fn time(at: Timestamp) -> Self {
        Self {
            at,
            path: String::new(),
        }
    }

    /// What makes a repeated submission of the firing the same run.
    #[must_use]
    pub fn key(&self, schedule: &str) -> String {
        if self.path.is_empty() {
            format!("schedule:{schedule}:{}", self.at)
        } else {
            format!("schedule:{schedule}:{}:{}", self.at, self.path)
        }
    }
}

/// What became of a firing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It is being started: what a crash leaves of it is started again, once.
    Due {
        /// The later time for which its run is to be cancelled.
        cancelled_for: Option<Timestamp>,
    },
    /// It waits until the run before is over.
    Queued,
    /// It has started a run.
    Fired {
        /// The run.
        run: RunId,
        /// The later time for which the run was cancelled.
        cancelled_for: Option<Timestamp>,
    },
    /// It does not fire.
    Skipped {
        /// Why.
        reason: Reason,
    },
}

/// Why a time did not fire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// No server ran at the time, and the policy leaves such times out.
    Missed,
    /// No server ran at the time; of such times only the last fires.
    Superseded {
        /// The time that fires instead.
        by: Timestamp,
    },
    /// No server ran at the time, and more such times came after it than are caught up.
    TooMany {
        /// How many are caught up.
        limit: usize,
    },
    /// A run of the schedule was not over.
    Overlap {
        /// The run; absent while it is only being started.
        run: Option<RunId>,
    },
    /// As many firings waited as may.
    QueueFull {
        /// How many may.
        limit: usize,
    },
    /// The schedule was disabled.
    Disabled,
    /// The run could not be submitted.
    Refused {
        /// Why, and what to do.
        message: String,
    },
}

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The firing, or the first of several times with one fate.
    pub slot: Slot,
    /// The last of them.
    pub last: Timestamp,
    /// How many they are.
    pub count: u64,
    /// What became of it.
    pub outcome: Outcome,
}

impl Entry {
    pub(crate) fn one(slot: Slot, outcome: Outcome) -> Self {
        Self {
            last: slot.at,
            slot,
            count: 1,
            outcome,
        }
    }
}
