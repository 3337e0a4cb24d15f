//! A copy with a table at one end or at both: one side reads, the other writes, at the same time.

use stepwell_datastore::definition::Place;
use stepwell_model::{ProcedureParameter, Selection, WriteMode};
use stepwell_transfer::table::{TableEnd, TableOutcome, TableRequest};
use tokio::task::spawn_blocking;

use crate::digest;
use crate::error::{Error, Result};
use crate::rows::{Rows, Sender, channel};
use crate::value::Heading;
use crate::{files, mysql, postgres, sqlite, sqlserver};

/// Which rows are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Select {
    /// All of a table.
    Table(String),
    /// Those of a query.
    Query(String),
    /// Those that a stored procedure gives.
    Procedure {
        name: String,
        parameters: Vec<ProcedureParameter>,
    },
}

impl Select {
    pub(crate) fn of(request: &TableRequest) -> Self {
        match &request.select {
            None => Self::Table(request.source.path.clone()),
            Some(Selection::Query { query }) => Self::Query(query.clone()),
            Some(Selection::Procedure { name, parameters }) => Self::Procedure {
                name: name.clone(),
                parameters: parameters.clone(),
            },
        }
    }
}

/// What is read: rows of a database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) end: &'a TableEnd,
    pub(crate) select: &'a Select,
}

impl Source<'_> {
    /// The same, to hand it to another thread.
    pub(crate) fn owned(&self) -> (TableEnd, Select) {
        (self.end.clone(), self.select.clone())
    }

    /// That the table is not there.
    pub(crate) fn missing(&self) -> Error {
        let table = match self.select {
            Select::Table(table) => table.as_str(),
            _ => self.end.path.as_str(),
        };
        missing_table(&TableEnd {
            path: table.to_owned(),
            ..self.end.clone()
        })
    }

    /// That there is nothing to copy.
    pub(crate) fn no_rows(&self) -> Error {
        Error::refused(
            format!(
                "what is asked of datastore `{}` gives no rows",
                self.end.name
            ),
            "only a SELECT, or a procedure that selects, has rows to copy",
        )
    }

    /// Refuses two columns of one name.
    pub(crate) fn check_names(&self, headings: &[Heading]) -> Result<()> {
        for (index, heading) in headings.iter().enumerate() {
            let name = &heading.name;
            if headings[..index].iter().any(|other| other.name == *name) {
                return Err(Error::refused(
                    format!(
                        "what is read of datastore `{}` has two columns `{name}`",
                        self.end.name
                    ),
                    "give each a name of its own, as with `SELECT a AS b`",
                ));
            }
        }
        Ok(())
    }
}

/// That a table is not there.
pub(crate) fn missing_table(end: &TableEnd) -> Error {
    Error::refused(
        format!("datastore `{}` has no table `{}`", end.name, end.path),
        "check its name, which is case-sensitive",
    )
}

/// That a table is not there that rows are written to.
pub(crate) fn no_target(end: &TableEnd) -> Error {
    Error::refused(
        format!("datastore `{}` has no table `{}`", end.name, end.path),
        "check its name, which is case-sensitive, or have it made: `--create`, and in Python \
         `stepwell.datastores.table(..., create=True)`",
    )
}

/// What is written: a table, and how.
pub(crate) struct Sink<'a> {
    pub(crate) end: &'a TableEnd,
    pub(crate) mode: WriteMode,
    pub(crate) keys: &'a [String],
    /// Whether the table is made if it is not there.
    pub(crate) create: bool,
}

/// What has been written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) rows: u64,
    /// The size of the file, if it is one.
    pub(crate) bytes: Option<u64>,
    /// The path of the file, if it is one.
    pub(crate) file: Option<String>,
}

impl Written {
    /// Rows of a table.
    pub(crate) fn rows(rows: u64) -> Self {
        Self {
            rows,
            ..Self::default()
        }
    }
}

/// Does it.
pub(crate) async fn copy(request: &TableRequest) -> Result<TableOutcome> {
    let (from, to) = (&request.source, &request.destination);
    let is_one = from.definition == to.definition && from.path == to.path;
    if is_one && request.select.is_none() && !request.only_digest {
        let same = stepwell_transfer::Refusal::SamePlace(to.shown());
        return Err(Error::File(same.into()));
    }
    let (sender, rows) = channel();
    let reading = async {
        let read = match request.source.definition.is_database() {
            true => read_apart(request, &sender).await,
            false => read(request, &sender).await,
        };
        let read = match read {
            Ok(bytes) => bytes,
            Err(error) => {
                // The writer undoes what it has done, and ends with this error.
                sender.failed(error).await;
                None
            }
        };
        drop(sender);
        read
    };
    let writing = async {
        match request.only_digest {
            true => digest::of(rows).await,
            false => write(request, rows).await,
        }
    };
    let (mut reading, mut writing) = (std::pin::pin!(reading), std::pin::pin!(writing));
    let mut size = None;
    let mut is_reading = true;
    let mut outcome = loop {
        tokio::select! {
            read = &mut reading, if is_reading => (size, is_reading) = (read, false),
            written = &mut writing => break written?,
        }
    };
    if let Some(size) = size {
        outcome.bytes = size;
    }
    Ok(outcome)
}

/// The same on a thread of its own, with the connection: what a server sends in small pieces wakes no
/// other thread.
async fn read_apart(request: &TableRequest, sender: &Sender) -> Result<Option<u64>> {
    let (request, sender) = (request.clone(), sender.clone());
    let reading = spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::Usage(error.to_string()))?;
        runtime.block_on(read(&request, &sender))
    });
    let read = reading.await;
    read.unwrap_or_else(|error| Err(Error::Usage(error.to_string())))
}

/// Reads all rows; how large the file is, if it is one.
async fn read(request: &TableRequest, sender: &Sender) -> Result<Option<u64>> {
    let end = &request.source;
    let select = &Select::of(request);
    let source = Source { end, select };
    match &end.definition {
        Place::PostgreSql(place) => postgres::read(place, &source, sender).await?,
        Place::MySql(place) => mysql::read(place, &source, sender).await?,
        Place::AzureSql(place) => sqlserver::read(place, &source, sender).await?,
        Place::Sqlite { file } => sqlite::read(file, &source, sender).await?,
        _ => {
            return files::read(end, request.source_type, sender)
                .await
                .map(Some);
        }
    }
    Ok(None)
}

async fn write(request: &TableRequest, mut rows: Rows) -> Result<TableOutcome> {
    let sink = Sink {
        end: &request.destination,
        mode: request.mode,
        keys: &request.keys,
        create: request.create,
    };
    let written = match &request.destination.definition {
        Place::PostgreSql(place) => {
            let written = postgres::write(place, &sink, &mut rows).await?;
            (written, Some(rows))
        }
        Place::MySql(place) => {
            let written = mysql::write(place, &sink, &mut rows).await?;
            (written, Some(rows))
        }
        Place::AzureSql(place) => {
            let written = sqlserver::write(place, &sink, &mut rows).await?;
            (written, Some(rows))
        }
        Place::Sqlite { file } => (sqlite::write(file, &sink, rows).await?, None),
        _ => (files::write(request, rows).await?, None),
    };
    let (written, rows) = written;
    let bytes = rows.map(|mut rows| {
        rows.count.say();
        rows.count.bytes
    });
    Ok(TableOutcome {
        rows: written.rows,
        bytes: written.bytes.or(bytes).unwrap_or_default(),
        file: written.file,
        digest: None,
    })
}
