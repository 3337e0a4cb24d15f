//! What can go wrong with rows. Each text names the datastore; none holds a credential.

/// The result of everything here that can fail.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why rows were not copied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The program was not started as it is meant to be.
    #[error("{0}")]
    Usage(String),
    /// What was asked for cannot be done; nothing has changed.
    #[error("{message}")]
    Refused {
        /// What is wrong.
        message: String,
        /// What a person can do.
        hint: String,
    },
    /// A file or its store failed.
    #[error(transparent)]
    File(#[from] stepwell_transfer::Error),
    /// A database cannot be reached or does not let us in.
    #[error("datastore `{datastore}` cannot be opened: {text}")]
    Connect {
        /// The datastore.
        datastore: String,
        /// What happened.
        text: String,
    },
    /// A database refused a statement or a row.
    #[error("{place}: {text}")]
    Database {
        /// The datastore, and the table if there is one.
        place: String,
        /// What it said.
        text: String,
    },
    /// A file is not the CSV that is read.
    #[error("line {line} of {file} is no row: {fault}")]
    Csv {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        fault: String,
    },
    /// A file is no Parquet that could be read, or could not be written as it.
    #[error("{file} cannot be read or written as Parquet: {fault}")]
    Parquet {
        /// The file.
        file: String,
        /// What is wrong with it.
        fault: String,
    },
}

impl Error {
    /// A refusal.
    pub(crate) fn refused(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// What a person can do; empty when the text says it all.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Refused { hint, .. } => hint.clone(),
            Self::File(error) => error.hint().to_owned(),
            Self::Connect { .. } => {
                "check the server, the user and the password; register the datastore again with \
                 `overwrite=True` to change them"
                    .to_owned()
            }
            Self::Csv { .. } => "write CSV as RFC 4180 says, in UTF-8, with a header".to_owned(),
            Self::Usage(_) | Self::Database { .. } | Self::Parquet { .. } => String::new(),
        }
    }
}

impl From<stepwell_datastore::Error> for Error {
    fn from(error: stepwell_datastore::Error) -> Self {
        Self::File(error.into())
    }
}
