//! Why a workspace does not do what it is asked.
//!
//! A refusal says what was wrong, where, and what to do. A fault of Stepwell's own is logged in
//! full here and is one sentence for the asker, so that no path or query leaks. The form of an error
//! on a wire is for the front doors.

use stepwell_engine::driver::EngineError;
use stepwell_model::{AssignmentError, RunId};

/// The result of what a workspace does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of error it is; what a program decides by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A value is out of its range, or does not fit the others.
    Invalid,
    /// The steps do not make a graph.
    InvalidGraph,
    /// What is named does not exist.
    NotFound,
    /// What is asked contradicts what there is.
    Conflict,
    /// More is given than there may be.
    TooLarge,
    /// The disk is full, or the data folder cannot be written; asking again later may succeed.
    Storage,
    /// A datastore on another machine cannot be reached, or refuses.
    Datastore,
    /// A fault of Stepwell; asking again may succeed.
    Internal,
}

impl ErrorKind {
    /// Whether the same request may succeed later although nothing of it changes.
    #[must_use]
    pub const fn may_pass(self) -> bool {
        matches!(self, Self::Storage | Self::Internal)
    }
}

/// What was wrong and where, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What sort of error it is.
    pub kind: ErrorKind,
    /// What was wrong and where.
    pub message: String,
    /// What to do next; empty when the message says it all.
    pub hint: String,
}

impl Error {
    /// An error without a hint.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: String::new(),
        }
    }

    /// The same with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same of one of several runs that are asked for together, counted from 0.
    #[must_use]
    pub(crate) fn of_number(mut self, number: usize) -> Self {
        self.message = format!("run number {number}: {}", self.message);
        self
    }

    /// A value that cannot be.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Something that does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// A contradiction to what there is.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// A run that does not exist.
    #[must_use]
    pub fn no_run(run: RunId) -> Self {
        Self::not_found(format!("there is no run {run}"))
            .hint("`stepwell runs` lists the runs of this workspace")
    }

    /// A fault of Stepwell's own.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed by a fault of the server");
        Self::new(ErrorKind::Internal, "the server has a fault").hint("its log says more")
    }

    /// A data folder that cannot be written.
    pub fn storage(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "the data folder cannot be written");
        Self::new(ErrorKind::Storage, error.to_string())
            .hint("free some space or fix the folder's permissions, then try again")
    }
}

impl From<stepwell_store::Error> for Error {
    fn from(error: stepwell_store::Error) -> Self {
        match error {
            stepwell_store::Error::Conflict(message) => Self::conflict(message),
            error if error.is_storage() => Self::storage(&error),
            error if error.is_out_of_range() => {
                Self::invalid("a number is larger than 9,223,372,036,854,775,807")
            }
            error => Self::internal(&error),
        }
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Graph(error) => Self::new(ErrorKind::InvalidGraph, error.to_string()),
            EngineError::Store(error) => error.into(),
            EngineError::Data(_) | EngineError::Stopped => Self::internal(&error),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{
            InvalidFilename, InvalidInput, IsADirectory, NotADirectory, PermissionDenied,
            QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        match error.kind() {
            StorageFull | QuotaExceeded | PermissionDenied | ReadOnlyFilesystem => {
                Self::storage(&error)
            }
            InvalidFilename | InvalidInput | IsADirectory | NotADirectory => {
                Self::invalid("no file can have this name or place")
                    .hint("names have at most 255 bytes, and a file is no folder")
            }
            _ => Self::internal(&error),
        }
    }
}

impl From<stepwell_data::Error> for Error {
    fn from(error: stepwell_data::Error) -> Self {
        Self::storage(&error)
    }
}

impl From<stepwell_datastore::Error> for Error {
    fn from(error: stepwell_datastore::Error) -> Self {
        use stepwell_datastore::Error as Fault;
        let (text, hint) = (error.to_string(), error.hint());
        let kind = match error {
            Fault::Absent { .. } | Fault::Unknown(_) => ErrorKind::NotFound,
            Fault::Changed { .. } | Fault::Exists { .. } => ErrorKind::Conflict,
            Fault::File { .. } => return Self::storage(&text),
            Fault::Path { .. }
            | Fault::NoFiles { .. }
            | Fault::TooMany { .. }
            | Fault::Definition { .. }
            | Fault::NoContainer { .. }
            | Fault::Denied { .. } => ErrorKind::Invalid,
            Fault::Unreachable { .. } | Fault::Refused { .. } | Fault::Sealed { .. } => {
                ErrorKind::Datastore
            }
            Fault::SealedSecret { .. } => ErrorKind::Conflict,
        };
        Self::new(kind, text).hint(hint)
    }
}

impl From<AssignmentError> for Error {
    fn from(error: AssignmentError) -> Self {
        let hint = match &error {
            AssignmentError::Unknown { known, .. } if known.is_empty() => {
                "it has no parameters".to_owned()
            }
            AssignmentError::Unknown { known, .. } => {
                format!("its parameters: {}", known.join(", "))
            }
            AssignmentError::WrongType { .. } => "a value has the type of the default".to_owned(),
            AssignmentError::Setting { .. } => {
                "give the pipeline parameter that it names another value".to_owned()
            }
            AssignmentError::NoPlace { .. } => {
                "give a dataset that is one folder or one file of a datastore, or submit with the \
                 SDK, which gathers the files"
                    .to_owned()
            }
        };
        Self::invalid(error.to_string()).hint(hint)
    }
}
