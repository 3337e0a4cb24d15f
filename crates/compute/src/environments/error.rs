//! Why an environment could not be had, and what the user reads of it.
//!
//! Invariant: every failure names the environment, carries the words of whoever refused, and says
//! what to do next.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_model::{Failure, FailureKind, without_logins};

use super::hint;

/// Why an environment could not be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("uv, which builds environments, was not found; looked at {}", .places.join(", "))]
    UvMissing { places: Vec<String> },
    #[error("failed to start `{program}`")]
    Start {
        program: Utf8PathBuf,
        #[source]
        err: io::Error,
    },
    /// `words` are uv's own.
    #[error("`uv {verb}` failed")]
    Uv { verb: String, words: String },
    #[error("interpreter `{python}` does not work: {words}")]
    Interpreter { python: Utf8PathBuf, words: String },
    #[error("python {asked} is asked for, but it is not installed and uv could not install it")]
    NoPython {
        asked: String,
        found: Vec<String>,
        words: String,
    },
    /// A file or folder that the requirements name.
    #[error("`{path}`, which the requirements name, cannot be read")]
    Named {
        path: Utf8PathBuf,
        #[source]
        err: io::Error,
    },
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Error {
    /// The failure of a step whose environment is called `name` and was to be built with a log at
    /// `log`.
    pub(super) fn into_failure(self, name: &str, log: &Utf8Path) -> Failure {
        let summary = match name {
            "" => "the environment of the step could not be built".to_owned(),
            name => format!("environment `{name}` could not be built"),
        };
        let full_log = format!("the full build log is `{log}`");
        let hint = match &self {
            Self::UvMissing { .. } => {
                "install it with `pip install uv`, or set STEPWELL_UV to the path of the program"
                    .to_owned()
            }
            Self::NoPython { asked, found, .. } => format!(
                "ask for a Python that is here ({}), install Python {asked}, or start the server \
                 without STEPWELL_PYTHON_FALLBACK=0, so that it takes the nearest one; {full_log}",
                if found.is_empty() {
                    "none was found".to_owned()
                } else {
                    found.join(", ")
                },
            ),
            Self::Uv { words, .. } => match hint::of(words) {
                Some(hint) => format!("{hint}; {full_log}"),
                None => full_log,
            },
            Self::Named { .. } => {
                "a path in the requirements holds on the machine where the step runs: fix it, or \
                 give it in full"
                    .to_owned()
            }
            _ => full_log,
        };
        Failure::new(FailureKind::Environment, summary)
            .with_detail(self.detail())
            .with_hint(hint)
    }

    /// What was wrong, with the words of whoever refused, but without the logins of an index: others
    /// than the owner of a step see its failure.
    pub(super) fn detail(&self) -> String {
        without_logins(&match self {
            Self::Uv { words, .. } if !words.is_empty() => words.clone(),
            Self::NoPython { words, .. } if !words.is_empty() => format!("{self}\n{words}"),
            Self::Start { err, .. } | Self::Named { err, .. } => format!("{self}: {err}"),
            _ => self.to_string(),
        })
    }
}
