//! What can go wrong with the database.

use camino::Utf8PathBuf;

/// An error of the metadata database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk is full, the folder cannot be written, or reading and writing fail.
    #[error("the database `{path}` cannot be written: {reason}")]
    Storage {
        /// The database file.
        path: Utf8PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file was made by a newer Stepwell.
    #[error("the database `{path}` has format {found}; this Stepwell knows formats up to {known}")]
    TooNew {
        /// The database file.
        path: Utf8PathBuf,
        /// The format of the file.
        found: usize,
        /// The newest format known.
        known: usize,
    },
    /// The file is no database, or is damaged.
    #[error("the database `{path}` is damaged: {reason}")]
    Damaged {
        /// The database file.
        path: Utf8PathBuf,
        /// What SQLite said.
        reason: String,
    },
    /// What is asked contradicts what there is; the text says how.
    #[error("{0}")]
    Conflict(String),
    /// The store is closed, because the server stops.
    #[error("the database is closed")]
    Closed,
    /// A stored value does not read back: a fault of Stepwell or a damaged file.
    #[error("a stored {what} cannot be read: {reason}")]
    Unreadable {
        /// What kind of value.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// Any other answer of SQLite.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl Error {
    /// Whether a number was asked for or given that no column can hold.
    #[must_use]
    pub fn is_out_of_range(&self) -> bool {
        let conversion =
            |error: &rusqlite::Error| matches!(error, rusqlite::Error::ToSqlConversionFailure(_));
        matches!(self, Self::Sqlite(error) if conversion(error))
    }

    /// Whether the disk, not the request, is at fault.
    #[must_use]
    pub fn is_storage(&self) -> bool {
        match self {
            Self::Storage { .. } => true,
            Self::Sqlite(error) => is_storage(error),
            _ => false,
        }
    }

    /// Names the file, where SQLite's own error does not.
    pub(crate) fn at(error: rusqlite::Error, path: &Utf8PathBuf) -> Self {
        let reason = error.to_string();
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                Self::Damaged {
                    path: path.clone(),
                    reason,
                }
            }
            _ if is_storage(&error) => Self::Storage {
                path: path.clone(),
                reason,
            },
            _ => Self::Sqlite(error),
        }
    }
}

fn is_storage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, PermissionDenied, ReadOnly, SystemIoFailure};
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(DiskFull | ReadOnly | CannotOpen | SystemIoFailure | PermissionDenied)
    )
}
