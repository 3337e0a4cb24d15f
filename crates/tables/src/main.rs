//! `stepwell-transfer`: copies rows of databases to files and back, and between databases.
//!
//! A program of its own because of the drivers, which nobody else needs. It is started by
//! `stepwell copy`, by the worker of a `DataTransferStep` and by the server; what it is asked is a
//! [`stepwell_transfer::table::TableRequest`] on standard input.
//!
//! - [`value`]: rows as they travel, whatever the ends are;
//! - [`postgres`], [`mysql`], [`sqlite`], [`sqlserver`]: the databases;
//! - [`files`], with [`csv`], [`parquet`] and [`text`]: the files;
//! - [`check`]: what can be refused before the first row;
//! - [`create`]: the table that is made where there is none;
//! - [`digest`]: what tells rows from others.
//!
//! Invariants: a table is changed in one transaction; a file appears complete or not at all; no
//! credential is printed; memory does not grow with the number of rows.

mod check;
mod copy;
mod create;
mod csv;
mod digest;
mod error;
mod files;
mod mysql;
mod parquet;
mod postgres;
mod rows;
mod sql;
mod sqlite;
mod sqlserver;
mod text;
mod value;

use std::io::{BufRead as _, Read as _, Write as _};
use std::process::ExitCode;

use stepwell_transfer::table::{PROGRAM, Reply, TableRequest};

use crate::error::{Error, Result};

fn main() -> ExitCode {
    match perform() {
        Ok(reply) => {
            say(&reply);
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&Reply::Failed {
                message: error.to_string(),
                hint: error.hint(),
            });
            ExitCode::FAILURE
        }
    }
}

fn perform() -> Result<Reply> {
    if std::env::args().nth(1).is_some() {
        return Err(Error::Usage(format!(
            "`{PROGRAM}` takes no arguments: `stepwell copy` starts it"
        )));
    }
    let mut text = String::new();
    let read = std::io::stdin().lock().read_line(&mut text);
    read.map_err(|error| Error::Usage(error.to_string()))?;
    // What does not fit is not repeated: it holds credentials.
    let request: TableRequest = serde_json::from_str(&text).map_err(|error| {
        let column = error.column();
        Error::Usage(format!("the request cannot be read, at column {column}"))
    })?;
    drop(text);
    std::thread::spawn(end_with_the_asker);
    // Some dependencies bring another provider; which one it is must not depend on them.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Usage(error.to_string()))?;
    let done = runtime.block_on(copy::copy(&request)).map(Reply::Done);
    // A thread that reads a database for nobody is not waited for.
    runtime.shutdown_background();
    done
}

/// Ends the process when nobody waits for it any more: whoever asked holds its input open.
fn end_with_the_asker() {
    let mut rest = Vec::new();
    drop(std::io::stdin().read_to_end(&mut rest));
    std::process::exit(1);
}

/// One line of the answer.
fn say(reply: &Reply) {
    let mut text = serde_json::to_string(reply).unwrap_or_default();
    text.push('\n');
    let mut out = std::io::stdout().lock();
    // When nobody reads it the work is still what counts.
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}
