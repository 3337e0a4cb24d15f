//! How a command fails before a person: the sentence, what to do, and the exit code.
//!
//! Errors are made where they happen, with their own types; each says through [`Advice`] what a
//! command line adds to it. `?` then turns any of them into a [`Failure`].

use std::error::Error;
use std::fmt::Write as _;
use std::io;

use stepwell_model::in_words;

use crate::exit::Exit;

/// What an error means to the person at the command line.
pub(crate) trait Advice {
    /// The exit code.
    fn exit(&self) -> Exit;

    /// What to do next; empty when the message says it all.
    fn hint(&self) -> String {
        String::new()
    }
}

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What was wrong and where.
    pub(crate) message: String,
    /// What to do next; may be empty.
    pub(crate) hint: String,
}

impl Failure {
    /// A failure that has no error type of its own.
    pub(crate) fn new(exit: Exit, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// The text for standard error; empty when there is nothing to tell.
    pub(crate) fn report(&self) -> String {
        if self.exit == Exit::Success {
            return String::new();
        }
        let mut text = format!("error: {}\n", self.message);
        if !self.hint.is_empty() {
            let _ = write!(text, "\nhint: {}\n", self.hint);
        }
        text
    }
}

impl<E: Error + Advice> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.exit(), in_words(&error), error.hint())
    }
}

/// What to do about a file error.
pub(crate) fn storage_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space, or keep the data elsewhere: set STEPWELL_DATA to a folder on another disk"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "make the folder writable, or keep the data elsewhere: set STEPWELL_DATA to a folder of your own"
        }
        _ => "",
    }
}

impl Advice for io::Error {
    /// A reader that went away, as `head` does, is no failure; a full disk is.
    fn exit(&self) -> Exit {
        match self.kind() {
            io::ErrorKind::BrokenPipe => Exit::Success,
            io::ErrorKind::NotFound => Exit::NotFound,
            _ => Exit::Refused,
        }
    }

    fn hint(&self) -> String {
        storage_hint(self).to_owned()
    }
}

impl Advice for stepwell_data::Error {
    fn exit(&self) -> Exit {
        match self {
            Self::NotAFolder { .. } | Self::NoFiles { .. } => Exit::NotFound,
            _ => Exit::Refused,
        }
    }

    /// Its texts say what to do, but for the disk's own refusals.
    fn hint(&self) -> String {
        match self {
            Self::File(error) | Self::Write { source: error, .. } => storage_hint(error).to_owned(),
            Self::NotAFolder { .. } => "give the path of a folder that is there".to_owned(),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_an_error_and_a_hint() {
        let failure = Failure::new(
            Exit::NotFound,
            "no run `x`",
            "list them with `stepwell runs`",
        );
        insta::assert_snapshot!(failure.report(), @r"
        error: no run `x`

        hint: list them with `stepwell runs`
        ");
    }

    #[test]
    fn a_closed_pipe_is_told_to_nobody() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(failure.exit, Exit::Success);
        assert_eq!(failure.report(), "");
    }
}
