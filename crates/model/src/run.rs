//! Runs: what was asked for, and how far it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{OpenInput, Parameter, RunId, StepIndex};

/// What sort of run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// A pipeline: the parent of its step runs.
    Pipeline,
    /// One step of a pipeline.
    Step,
    /// A script submitted on its own.
    Script,
    /// A run that a program opens and closes itself: `start_logging`, `child_run`.
    Interactive,
}

impl RunKind {
    /// The name on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Step => "step",
            Self::Script => "script",
            Self::Interactive => "interactive",
        }
    }

    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Pipeline, Self::Step, Self::Script, Self::Interactive];

    /// The kind of a name, if it is one.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How far a run is. The texts are those of Azure ML's run history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RunStatus {
    /// Accepted; waits for the steps before it.
    NotStarted,
    /// Could start; waits for a free slot of its compute target, or in the queue of a cluster.
    Queued,
    /// Its environment or working directory is being made.
    Preparing,
    /// Its program runs, or, for a pipeline, a step has started.
    Running,
    /// Asked to stop, and not yet stopped.
    CancelRequested,
    /// Stopped on request, or never started because of another step.
    Canceled,
    /// Ended well.
    Completed,
    /// Ended badly.
    Failed,
}

impl RunStatus {
    /// Whether it will never change again.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Canceled | Self::Completed | Self::Failed)
    }

    /// The text on the wire and in the database.
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

    /// All statuses, in the order a run passes them.
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

    /// The status of a text, if it is one.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// What the user asked for, beside the graph of steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSpec {
    /// The run.
    pub id: RunId,
    /// What sort it is: `Pipeline` or `Script`.
    pub kind: RunKind,
    /// The experiment it belongs to.
    pub experiment: String,
    /// The run that started it, if a run did.
    #[serde(default)]
    pub parent: Option<RunId>,
    /// The folder with the packages of the submitting SDK, on the server's own machine.
    #[serde(default)]
    pub sdk_path: Option<String>,
    /// Values of the pipeline parameters, as text.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The parameters with their types and the values of this run, so that it can be published.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub declared: BTreeMap<String, Parameter>,
    /// The inputs that parameters chose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_inputs: Vec<OpenInput>,
    /// Whether steps that do not depend on a failed step still run.
    #[serde(default)]
    pub continue_on_step_failure: bool,
    /// Whether outputs of earlier runs must not be reused.
    #[serde(default)]
    pub regenerate_outputs: bool,
    /// Of a run that continues a failed one: the steps that had succeeded, with the runs that made
    /// their outputs. They are reused whatever their `allow_reuse` says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<StepIndex, RunId>,
}
