//! What is asked of the program `stepwell-transfer`, which has the drivers of databases, and how it
//! is started.
//!
//! The request goes to its standard input, with the credentials, so that they are in no file, no
//! argument and no variable. It answers with lines of JSON on standard output: progress, and at the
//! end an outcome or a failure. Its input stays open for as long as it is wanted: dropping the work
//! kills it, and it ends by itself when whoever started it is gone.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use stepwell_datastore::definition::Place;
use stepwell_model::{Selection, WriteMode};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

use crate::{End, EntryType, Progress};

/// The program.
pub const PROGRAM: &str = "stepwell-transfer";

/// A copy of which at least one end is a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TableRequest {
    /// What is copied.
    pub source: TableEnd,
    /// Where to.
    pub destination: TableEnd,
    /// What the destination is to be, when it is a file or a directory.
    #[serde(default)]
    pub destination_type: Option<EntryType>,
    /// What the source is, when it is a file or a directory.
    #[serde(default)]
    pub source_type: Option<EntryType>,
    /// What a file is whose name the program makes, in a directory.
    #[serde(default)]
    pub format: Option<Format>,
    /// Which rows are copied, when the source is a database and not all of a table.
    #[serde(default)]
    pub select: Option<Selection>,
    /// How rows are written, when the destination is a database.
    #[serde(default)]
    pub mode: WriteMode,
    /// The columns that tell rows apart when they are updated; the primary key when empty.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Whether a table that is not there is made, with the columns of the source.
    #[serde(default)]
    pub create: bool,
    /// Whether it is only asked what the rows of the source are, as a digest; nothing is written.
    #[serde(default)]
    pub only_digest: bool,
    /// A folder that outlives the process, where it notes what it has begun.
    #[serde(default)]
    pub state: Option<Utf8PathBuf>,
}

/// One end: a datastore with what opens it, and a path or a table on it.
#[derive(Clone, Serialize, Deserialize)]
pub struct TableEnd {
    /// The name of the datastore; empty for a path of this machine.
    #[serde(default)]
    pub name: String,
    /// What it is.
    pub definition: Place,
    /// What opens it, by name.
    #[serde(default)]
    pub credentials: BTreeMap<String, String>,
    /// The path of a file, or the name of a table.
    pub path: String,
}

impl fmt::Debug for TableEnd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.name, self.path)
    }
}

impl TableEnd {
    /// The end in a message.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.path.as_str() {
            "" => format!("datastore `{}`", self.name),
            path => format!("table `{path}` of datastore `{}`", self.name),
        }
    }

    /// An end with what opens it.
    ///
    /// # Errors
    /// When its credentials cannot be had.
    pub fn of(end: &End) -> stepwell_datastore::Result<Self> {
        let store = end.store();
        Ok(Self {
            name: match end.is_plain() {
                true => String::new(),
                false => store.name().to_owned(),
            },
            definition: store.place().clone(),
            credentials: store.lend()?,
            path: end.path().to_owned(),
        })
    }
}

/// What a file with rows is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Text with commas between the values.
    #[default]
    Csv,
    /// Columns with types.
    Parquet,
}

/// A line of the answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Rows and bytes since the last line.
    Progress {
        /// Rows.
        rows: u64,
        /// Bytes of the file.
        bytes: u64,
    },
    /// It is done.
    Done(TableOutcome),
    /// It failed; nothing has changed at the destination.
    Failed {
        /// What was wrong, and where.
        message: String,
        /// What a person can do.
        hint: String,
    },
}

/// What came of a copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableOutcome {
    /// Rows that were copied.
    pub rows: u64,
    /// Bytes of the file that was read or written; of rows between two databases, their values'.
    pub bytes: u64,
    /// The path of the file that was written, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What tells these rows from others, whatever their order, when it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Why the program did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TableError {
    /// What was wrong, and where.
    pub message: String,
    /// What a person can do.
    pub hint: String,
}

impl TableError {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// Has a copy done by the program, which is found beside this one or on the `PATH`.
///
/// # Errors
/// When it is not installed, and what it reports.
pub async fn copy(request: &TableRequest, progress: &Progress) -> Result<TableOutcome, TableError> {
    let failed = |error: std::io::Error| {
        TableError::new(format!("`{PROGRAM}` could not be run: {error}"), "")
    };
    let mut child = Command::new(find()?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let mut text = serde_json::to_vec(request).map_err(|error| failed(error.into()))?;
    text.push(b'\n');
    let mut input = child.stdin.take();
    if let Some(input) = &mut input {
        input.write_all(&text).await.map_err(failed)?;
    }
    let mut ended = None;
    if let Some(output) = child.stdout.take() {
        let mut lines = BufReader::new(output).lines();
        while let Some(line) = lines.next_line().await.map_err(failed)? {
            match serde_json::from_str(&line) {
                Ok(Reply::Progress { rows, bytes }) => {
                    progress.rows(rows);
                    progress.copied(bytes);
                }
                Ok(Reply::Done(outcome)) => ended = Some(Ok(outcome)),
                Ok(Reply::Failed { message, hint }) => {
                    ended = Some(Err(TableError { message, hint }));
                }
                Err(_) => tracing::debug!("a line of `{PROGRAM}` that is no reply"),
            }
        }
    }
    drop(input);
    let status = child.wait().await.map_err(failed)?;
    ended.unwrap_or_else(|| {
        let message = format!("`{PROGRAM}` ended without an answer: {status}");
        Err(TableError::new(
            message,
            "install it and stepwell of the same release",
        ))
    })
}

fn find() -> Result<PathBuf, TableError> {
    let beside = std::env::current_exe().ok();
    let beside = beside.and_then(|program| program.parent().map(|folder| folder.join(PROGRAM)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join(PROGRAM));
    let mut found = beside.into_iter().chain(on_path);
    found.find(|program| program.is_file()).ok_or_else(|| {
        TableError::new(
            format!(
                "the program `{PROGRAM}`, which has the drivers of databases, is not installed"
            ),
            "`pip install stepwell[tables]`, or from a checkout `pip install ./crates/tables`, puts it \
             beside `stepwell`",
        )
    })
}
