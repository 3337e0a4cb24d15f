//! Why a step ran or did not.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Whether a step is reused, and why.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Why {
    /// The step's run; absent in a plan, where there is none yet.
    pub run: Option<Uuid>,
    /// The step's name.
    pub step: String,
    /// What became of it.
    pub outcome: ReuseOutcome,
    /// One line each: what is equal, what differs, or what forbids reuse.
    pub reasons: Vec<String>,
    /// The step run that stands in, or that it was compared with.
    pub compared_with: Option<Uuid>,
    /// Whether its program started warm or cold, and why; absent until it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
}

/// What became of a step that could be reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReuseOutcome {
    /// It is reused: it has the outputs of an identical earlier step.
    Reused,
    /// It runs, ran, or will run.
    Runs,
    /// It has not been decided: it waits for other steps, or was skipped.
    Undecided,
}

/// The reasons of several steps, in the pipeline's order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WhyList {
    /// The steps.
    pub steps: Vec<Why>,
}
