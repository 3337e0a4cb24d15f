//! The examination behind `stepwell doctor`: one finding for each thing that can be wrong.

mod programs;
mod server;
mod warm;

use serde::Serialize;

use crate::discover::Place;
use crate::failure::Failure;
use crate::session::Context;

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// As it should be.
    Fine,
    /// Worth knowing; nothing fails because of it alone.
    Note,
    /// To be mended.
    Wrong,
}

/// What was found about one thing.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Finding {
    /// The thing.
    pub(crate) subject: &'static str,
    /// How it is.
    pub(crate) verdict: Verdict,
    /// The same in words.
    pub(crate) what: String,
    /// How to fix it; empty when it is fine.
    pub(crate) hint: String,
}

impl Finding {
    /// All is well.
    pub(crate) fn fine(subject: &'static str, what: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Fine, what.into(), String::new())
    }

    /// Something to know.
    pub(crate) fn note(
        subject: &'static str,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::new(subject, Verdict::Note, what.into(), hint.into())
    }

    /// Something to fix.
    pub(crate) fn wrong(
        subject: &'static str,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::new(subject, Verdict::Wrong, what.into(), hint.into())
    }

    const fn new(subject: &'static str, verdict: Verdict, what: String, hint: String) -> Self {
        Self {
            subject,
            verdict,
            what,
            hint,
        }
    }
}

/// Looks at everything that matters to runs of the folder.
pub(crate) fn examine(context: &Context) -> Result<Vec<Finding>, Failure> {
    let mut findings = programs::examine();
    match context.place()? {
        Place::Remote { url, token, socket } => {
            findings.push(server::remote(&url, &token, socket.as_deref()));
        }
        Place::Local(home) => findings.extend(server::local(&home)),
    }
    Ok(findings)
}
