//! Why a step runs or is reused: the answers to a query, each with its reasons in words.
//!
//! It looks nothing up. Invariant: a hit names the run that stands in, and a miss what it was compared with.

use serde::{Deserialize, Serialize};
use stepwell_data::stamp;
use stepwell_model::{Digest, RunId};

use crate::core::Resolution;
use crate::core::key::{self, Part};

/// Why a step runs or does not. Stored with its run, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Whether an identical earlier step is reused.
    pub outcome: Outcome,
    /// One line each: what hits, or what differs from the step it was compared with.
    pub reasons: Vec<String>,
    /// The step that stands in, or that it was compared with.
    pub compared_with: Option<RunId>,
    /// What it may be reused by.
    pub key: Option<Digest>,
    /// What the key is made of. Of a hit, nothing: the step that stands in has the same.
    pub parts: Vec<Part>,
}

/// Whether an equal step stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It does.
    Hit,
    /// None has run, or its outputs are gone.
    Miss,
    /// What goes into the step could not be read.
    Unknown,
}

/// The answer when something that goes into a step cannot be read: it runs, and is not reused.
pub(super) fn unknown(error: &dyn std::fmt::Display) -> (Resolution, Explanation) {
    let explanation = Explanation {
        outcome: Outcome::Unknown,
        reasons: vec![format!("what goes into it cannot be read: {error}")],
        compared_with: None,
        key: None,
        parts: Vec::new(),
    };
    (Resolution::Unknown, explanation)
}

/// The answer for a step that keeps what it made in the run that is continued.
pub(super) fn kept(source: RunId, parts: &Result<Vec<Part>, String>) -> (Resolution, Explanation) {
    let key = match parts {
        Ok(parts) => stamp::digest_of(&key::canonical(parts)),
        Err(_) => stamp::digest_of(source.to_string().as_bytes()),
    };
    let reason = format!("it had succeeded in the run that this one continues, as {source}");
    hit(source, key, reason)
}

/// The answer for a step that an earlier one stands in for.
pub(super) fn hit(source: RunId, key: Digest, reason: String) -> (Resolution, Explanation) {
    let explanation = Explanation {
        outcome: Outcome::Hit,
        reasons: vec![reason],
        compared_with: Some(source),
        key: Some(key),
        parts: Vec::new(),
    };
    (Resolution::Hit { source, key }, explanation)
}

/// Why no earlier step stands in for one with this key.
pub(super) fn miss(
    key: Digest,
    reasons: Vec<String>,
    compared_with: Option<RunId>,
    parts: Vec<Part>,
) -> Explanation {
    Explanation {
        outcome: Outcome::Miss,
        reasons,
        compared_with,
        key: Some(key),
        parts,
    }
}

/// The reason when a step cannot stand in, though nothing differs from it.
pub(super) fn touched(source: RunId) -> String {
    format!("the outputs of run {source} were changed or removed")
}

/// The answer for a step that cannot keep what it made, and may not reuse anything else.
pub(super) fn gone(source: RunId) -> (Resolution, Explanation) {
    let explanation = Explanation {
        outcome: Outcome::Miss,
        reasons: vec![format!("the outputs of run {source} were removed")],
        compared_with: Some(source),
        key: None,
        parts: Vec::new(),
    };
    (Resolution::Unknown, explanation)
}
