//! What can go wrong with datastores. Each text names the datastore, and none holds a credential.

use std::io;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation on a datastore failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// There is no such file.
    #[error("datastore `{datastore}` has no `{path}`")]
    Absent {
        /// The datastore.
        datastore: String,
        /// The path on it.
        path: String,
    },
    /// The container, bucket or folder of the datastore is not there.
    #[error("datastore `{datastore}`: {container} is not there")]
    NoContainer {
        /// The datastore.
        datastore: String,
        /// The container, in words.
        container: String,
    },
    /// The far side does not accept the credentials, or they do not allow this.
    #[error("datastore `{datastore}` refuses its credentials: {detail}")]
    Denied {
        /// The datastore.
        datastore: String,
        /// What the far side said.
        detail: String,
    },
    /// The far side did not answer, or broke off, as often as it was asked.
    #[error("datastore `{datastore}` cannot be reached: {detail}")]
    Unreachable {
        /// The datastore.
        datastore: String,
        /// What happened.
        detail: String,
    },
    /// The far side refused for another reason.
    #[error("datastore `{datastore}`: {detail}")]
    Refused {
        /// The datastore.
        datastore: String,
        /// What it said.
        detail: String,
    },
    /// A file that is there is not to be replaced.
    #[error("datastore `{datastore}` has a file `{path}` already")]
    Exists {
        /// The datastore.
        datastore: String,
        /// The path on it.
        path: String,
    },
    /// A file changed while it was read.
    #[error("`{path}` on datastore `{datastore}` changed while it was fetched")]
    Changed {
        /// The datastore.
        datastore: String,
        /// The path on it.
        path: String,
    },
    /// The path cannot name a file of a datastore.
    #[error("`{path}` cannot name a file of datastore `{datastore}`: {fault}")]
    Path {
        /// The datastore.
        datastore: String,
        /// The path.
        path: String,
        /// What is wrong with it.
        fault: String,
    },
    /// More files than are listed.
    #[error("datastore `{datastore}` has more than {limit} files below `{path}`")]
    TooMany {
        /// The datastore.
        datastore: String,
        /// The path.
        path: String,
        /// The limit.
        limit: usize,
    },
    /// The definition or a credential does not fit the kind.
    #[error("datastore `{datastore}`: {fault}")]
    Definition {
        /// The datastore.
        datastore: String,
        /// What is wrong.
        fault: String,
    },
    /// A database has tables.
    #[error("datastore `{datastore}` is a database, which has tables and no files")]
    NoFiles {
        /// The datastore.
        datastore: String,
    },
    /// There is no datastore of that name.
    #[error("there is no datastore `{0}`")]
    Unknown(String),
    /// A file of this machine could not be read or written.
    #[error("{text}")]
    File {
        /// What the system refused.
        kind: io::ErrorKind,
        /// The operation, the path and the reason.
        text: String,
    },
    /// Stored credentials cannot be opened.
    #[error("the credentials of datastore `{datastore}` cannot be opened: {fault}")]
    Sealed {
        /// The datastore.
        datastore: String,
        /// Why.
        fault: String,
    },
    /// A stored secret cannot be opened.
    #[error("the secret `{name}` cannot be opened: {fault}")]
    SealedSecret {
        /// The secret.
        name: String,
        /// Why.
        fault: String,
    },
}

impl Error {
    /// What a person can do; empty when the text says it all.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Absent { .. } | Self::TooMany { .. } | Self::Path { .. } => "",
            Self::NoContainer { .. } => {
                "make it, or register the datastore with `create_if_not_exists=True`"
            }
            Self::Denied { .. } => {
                "check the key; register the datastore again with `overwrite=True` to change it"
            }
            Self::Unreachable { .. } => "check the endpoint and the network, then try again",
            Self::Refused { .. } => "",
            Self::Exists { .. } => {
                "replace it with `overwrite=True`, or write elsewhere, such as below `{run-id}`"
            }
            Self::NoFiles { .. } => {
                "copy its rows to a file first: `stepwell copy NAME:TABLE FILE.csv`"
            }
            Self::Changed { .. } => "try again when nothing writes to it",
            Self::Definition { .. } => {
                "correct it, and register the datastore again with `overwrite=True`"
            }
            Self::Unknown(_) => "`ws.datastores` lists those there are",
            file if file.is_full_disk() => "free some space on this disk, then try again",
            Self::File { .. } => "check the permissions of the data folder",
            Self::Sealed { .. } => "register the datastore again with `overwrite=True`",
            Self::SealedSecret { .. } => "set it again: `stepwell secrets set NAME`",
        }
    }

    /// Whether the disk or its permissions are at fault.
    #[must_use]
    pub const fn is_storage(&self) -> bool {
        matches!(self, Self::File { .. })
    }

    /// Whether there is no space left on a disk of this machine.
    #[must_use]
    pub const fn is_full_disk(&self) -> bool {
        matches!(
            self,
            Self::File {
                kind: io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded,
                ..
            }
        )
    }

    /// Whether there is nothing under the name.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent { .. })
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::File {
            kind: error.kind(),
            text: error.to_string(),
        }
    }
}
