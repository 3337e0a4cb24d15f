//! What went wrong in a step, as data: user code failing is a normal day, not an error of ours.

use serde::{Deserialize, Serialize};

/// Who or what made a step fail. Retry and wording depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The user's program ended with a non-zero exit status.
    UserCode,
    /// The user's program was ended by a signal that Stepwell did not send.
    Signal,
    /// The step ran longer than its limit.
    Timeout,
    /// The step's supervisor vanished: killed from outside, or the machine went down.
    Lost,
    /// The Python environment could not be built.
    Environment,
    /// The working directory could not be prepared, or outputs could not be kept.
    Storage,
    /// A fault of Stepwell itself.
    Internal,
}

impl FailureKind {
    /// Whether something outside ended the attempt, so that another one may well succeed.
    #[must_use]
    pub const fn is_interruption(self) -> bool {
        matches!(self, Self::Signal | Self::Lost)
    }

    /// The name on the wire and in the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserCode => "user_code",
            Self::Signal => "signal",
            Self::Timeout => "timeout",
            Self::Lost => "lost",
            Self::Environment => "environment",
            Self::Storage => "storage",
            Self::Internal => "internal",
        }
    }
}

/// Why a step failed, for a person to read and for a rule to match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The cause, for rules.
    pub kind: FailureKind,
    /// One sentence, for people.
    pub summary: String,
    /// The last lines of the traceback or of the builder's own words; empty when there are none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// What the user can do next; empty when the summary says it all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

impl Failure {
    /// A failure with its cause and one sentence.
    #[must_use]
    pub fn new(kind: FailureKind, summary: impl Into<String>) -> Self {
        Self {
            kind,
            summary: summary.into(),
            detail: String::new(),
            hint: String::new(),
        }
    }

    /// The same with the last lines of a traceback or of a builder's output.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }

    /// The same with the user's next step.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: hint.into(),
            ..self
        }
    }
}

/// An error and its causes in one line; what its error repeats already of a cause is left out.
#[must_use]
pub fn in_words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}
