//! What can go wrong with a copy. Each text names the store and the path, none a credential.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_datastore as datastore;

use crate::plan::Refusal;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a copy failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// It must not be done at all; nothing has been.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] datastore::Error),
    /// A file of this machine could not be read or written.
    #[error("failed to {verb} `{path}`: {text}")]
    File {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: Utf8PathBuf,
        /// What the system refused.
        kind: io::ErrorKind,
        /// In the system's words.
        text: String,
    },
    /// A name that is no text.
    #[error("`{0}` is not UTF-8: a store cannot have a file of that name")]
    Name(String),
    /// A link leads to one of its own parents.
    #[error("the link `{0}` leads to a folder that contains it")]
    Loop(Utf8PathBuf),
    /// The source changed meanwhile.
    #[error("{0} changed while it was copied")]
    Changed(String),
    /// What is there now is not what was written.
    #[error("{0} is not what was written: its content differs from the source's")]
    Differs(String),
    /// The same copy is at work already.
    #[error("this copy is at work already, in another process")]
    Busy,
    /// The work was stopped.
    #[error("the copy was interrupted")]
    Interrupted,
}

impl Error {
    pub(crate) fn file(verb: &'static str, path: &Utf8Path, error: &io::Error) -> Self {
        Self::File {
            verb,
            path: path.to_owned(),
            kind: error.kind(),
            text: error.to_string(),
        }
    }

    /// What a person can do; empty when the text says it all.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.hint(),
            Self::Store(error) => error.hint(),
            Self::File { .. } if self.is_full_disk() => {
                "free some space on this disk, then try again"
            }
            Self::File {
                kind: io::ErrorKind::PermissionDenied,
                ..
            } => "check the permissions of the file and of its folder",
            Self::File { .. } | Self::Interrupted => "",
            Self::Busy => "wait until it has ended, or stop it",
            Self::Name(_) => "rename it, or leave it out with `--exclude`",
            Self::Loop(_) => "remove the link, or copy the folders one by one",
            Self::Changed(_) => "try again when nothing writes to it",
            Self::Differs(_) => "try again; if it stays so, check the disk and the network between",
        }
    }

    /// Whether there is no space left on a disk of this machine.
    #[must_use]
    pub const fn is_full_disk(&self) -> bool {
        match self {
            Self::File { kind, .. } => matches!(
                kind,
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            ),
            Self::Store(error) => error.is_full_disk(),
            _ => false,
        }
    }

    /// Whether the same request may succeed when it is made again.
    pub(crate) const fn is_passing(&self) -> bool {
        matches!(self, Self::Store(datastore::Error::Unreachable { .. }))
    }

    /// Whether what was asked for is not there, such as an upload that the store has forgotten.
    pub(crate) const fn is_absent(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_absent())
    }
}
