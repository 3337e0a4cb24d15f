//! What happened, as facts that are never changed: the journal of a run is a list of these, and
//! its state is their fold.

use serde::{Deserialize, Serialize};

use crate::{Digest, Failure, RunId, StepIndex, Timestamp};

/// One fact of a run's history.
///
/// Stored as JSON with short field names, one row each. A variant is never removed and a field
/// never changes its meaning; new fields have defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "e", rename_all = "snake_case")]
pub enum Event {
    /// The run was accepted with its graph.
    Submitted,
    /// The first program of the run runs.
    Began,
    /// A slot of the step's compute target was given to an attempt, which must now be started.
    Assigned {
        /// The step.
        step: StepIndex,
        /// The number of the attempt, from 1.
        attempt: u32,
        /// What its outputs may be reused by, if they may.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<Digest>,
    },
    /// Outputs of an equal earlier step stand in for the step.
    Reused {
        /// The step.
        step: StepIndex,
        /// The run of the step that made them.
        source: RunId,
        /// What the two have in common.
        key: Digest,
    },
    /// The attempt's program runs.
    Started {
        /// The step.
        step: StepIndex,
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// The attempt ended and its slot is free.
    Ended {
        /// The step.
        step: StepIndex,
        /// The number of the attempt, from 1.
        attempt: u32,
        /// How it ended.
        outcome: Outcome,
    },
    /// The attempt was lost to something outside, its slot is free, and the step waits for another
    /// one that goes on from what this one has kept.
    Interrupted {
        /// The step.
        step: StepIndex,
        /// The number of the attempt, from 1.
        attempt: u32,
        /// What ended it.
        failure: Failure,
        /// What it used.
        usage: Usage,
    },
    /// The step will never start.
    Skipped {
        /// The step.
        step: StepIndex,
        /// Why.
        because: SkipReason,
    },
    /// Somebody asked for the run to stop.
    CancelAsked,
    /// All steps are settled: the run is over.
    Finished {
        /// Whether every step succeeded.
        status: crate::RunStatus,
    },
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The program ended with exit status 0 and its outputs are kept.
    Succeeded(Usage),
    /// It did not.
    Failed(Failure, Usage),
    /// It was stopped on request.
    Cancelled(Usage),
}

impl Outcome {
    /// What the attempt used.
    #[must_use]
    pub fn usage(&self) -> &Usage {
        match self {
            Self::Succeeded(usage) | Self::Failed(_, usage) | Self::Cancelled(usage) => usage,
        }
    }
}

/// What an attempt used, and how its program ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Usage {
    /// When the program started; `None` if it never did.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Its exit status, if it exited.
    pub exit_code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// The resident memory of its largest process, in bytes.
    pub peak_memory_bytes: u64,
    /// Processor time in user mode of all its processes, in milliseconds.
    pub user_ms: u64,
    /// Processor time in kernel mode of all its processes, in milliseconds.
    pub system_ms: u64,
}

/// Why a step never started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// A step it depends on failed or was skipped; this names the first cause.
    Upstream(StepIndex),
    /// Another step failed, and the run stops at the first failure.
    RunFailed(StepIndex),
    /// The run was cancelled.
    Cancelled,
}
