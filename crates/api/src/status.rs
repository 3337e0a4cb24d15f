//! What sort of run it is and how far it is: the same closed lists in the database, in the OpenAPI
//! document and for clients.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What sort of run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// A pipeline: the parent of its step runs.
    Pipeline,
    /// One step of a pipeline.
    Step,
    /// A script submitted on its own.
    Script,
    /// A run that a program opens and ends itself.
    Interactive,
}

impl RunKind {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Step => "step",
            Self::Script => "script",
            Self::Interactive => "interactive",
        }
    }
}

impl fmt::Display for RunKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How far a run is, in the order in which a run passes them. The words are those of Azure ML's run
/// history.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
pub enum RunStatus {
    /// Accepted; waits for the steps before it.
    NotStarted,
    /// Could start; waits for a free slot of its compute target.
    Queued,
    /// Its environment or working directory is being made.
    Preparing,
    /// Its program runs, or, for a pipeline, a step has started.
    Running,
    /// It was asked to stop, and has not yet stopped.
    CancelRequested,
    /// Stopped on request, or never started because of another step.
    Canceled,
    /// Ended well.
    Completed,
    /// Ended badly.
    Failed,
}

impl RunStatus {
    /// All statuses, in the order in which a run passes them.
    pub const ALL: [Self; 8] = [
        Self::NotStarted,
        Self::Queued,
        Self::Preparing,
        Self::Running,
        Self::CancelRequested,
        Self::Canceled,
        Self::Completed,
        Self::Failed,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "NotStarted",
            Self::Queued => "Queued",
            Self::Preparing => "Preparing",
            Self::Running => "Running",
            Self::CancelRequested => "CancelRequested",
            Self::Canceled => "Canceled",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
        }
    }

    /// Whether it will never change again.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Canceled | Self::Completed | Self::Failed)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a run that a program opened itself ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum EndStatus {
    /// It was stopped.
    Canceled,
    /// Well.
    Completed,
    /// Badly.
    Failed,
}
