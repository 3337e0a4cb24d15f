//! What happened, as facts that are never changed: the journal of a run is a list of these, and
//! its state is their fold.

use std::fmt;

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
    /// The step is reused: it has the outputs of an identical earlier step.
    Reused {
        /// The step.
        step: StepIndex,
        /// The run of the step that made them.
        source: RunId,
        /// What the two have in common.
        key: Digest,
    },
    /// The attempt's program does not run yet, for a reason that takes a while.
    Waiting {
        /// The step.
        step: StepIndex,
        /// The number of the attempt, from 1.
        attempt: u32,
        /// What it waits for.
        #[serde(rename = "for")]
        reason: WaitReason,
        /// More, in the words of whoever makes it wait; may be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
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
    /// Somebody asked for one step to stop; the run goes on as it does after a failed step.
    StepCancelAsked {
        /// The step.
        step: StepIndex,
    },
    /// Somebody said that a step has failed: however its program ends, the step has failed.
    FailAsked {
        /// The step.
        step: StepIndex,
        /// Why it failed.
        failure: Failure,
        /// Whether its attempt was asked to stop as well.
        #[serde(default)]
        stops: bool,
    },
    /// All steps are settled: the run is over.
    Finished {
        /// Whether every step succeeded.
        status: crate::RunStatus,
    },
}

/// What a step that could run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// A free slot of its compute target.
    Slot,
    /// Free cores of its compute target, for itself or for a step before it.
    Cores,
    /// An identical step, whose outputs it will reuse.
    IdenticalStep,
    /// Its turn in the queue of a cluster.
    ClusterQueue,
    /// Its Python environment, which is being built.
    Environment,
    /// Its inputs, which are being fetched.
    Data,
}

impl WaitReason {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slot => "slot",
            Self::Cores => "cores",
            Self::IdenticalStep => "identical_step",
            Self::ClusterQueue => "cluster_queue",
            Self::Environment => "environment",
            Self::Data => "data",
        }
    }

    /// The reason of a name, if it is one.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        let all = [
            Self::Slot,
            Self::Cores,
            Self::IdenticalStep,
            Self::ClusterQueue,
            Self::Environment,
            Self::Data,
        ];
        all.into_iter().find(|reason| reason.as_str() == name)
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::Slot => "a free slot of its compute target",
            Self::Cores => {
                "free cores of its compute target, which it or a step before it asks for"
            }
            Self::IdenticalStep => "an identical step, whose outputs it will reuse",
            Self::ClusterQueue => "its turn in the cluster's queue",
            Self::Environment => "its environment, which is being built",
            Self::Data => "its inputs, which are being fetched",
        }
    }

    /// A sentence for people, with what is known beyond the reason.
    #[must_use]
    pub fn message(self, detail: &str) -> String {
        match detail {
            "" => format!("waits for {}", self.in_words()),
            detail => format!("waits for {}: {detail}", self.in_words()),
        }
    }

    /// The status of a run that waits for it.
    #[must_use]
    pub const fn status(self) -> crate::RunStatus {
        match self {
            Self::Slot | Self::Cores | Self::IdenticalStep | Self::ClusterQueue => {
                crate::RunStatus::Queued
            }
            Self::Environment | Self::Data => crate::RunStatus::Preparing,
        }
    }
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

    /// The same, to add what only its executor knows.
    pub fn usage_mut(&mut self) -> &mut Usage {
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
    /// How the program started; `None` if it never did, or if nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// The cluster's nodes that it ran on, as the cluster names them: `n[1-3]`. Empty on the
    /// server's own machine.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub nodes: String,
}

/// How the program of an attempt started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// As a fork of an interpreter that was loaded already.
    Warm,
    /// As a process that loaded everything itself; why, as a fragment of a sentence.
    Cold(String),
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Warm => f.write_str("started warm"),
            Self::Cold(reason) => write!(f, "started cold: {reason}"),
        }
    }
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
    /// The step itself was cancelled.
    StepCancelled,
    /// Somebody said that it has failed: it counts as failed.
    SaidToFail(Failure),
}
