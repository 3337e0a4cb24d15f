//! A step that copies rows: the part of `drive-transfer` for a database at either end. The program
//! `stepwell-transfer` does it.
//!
//! A table is changed in one transaction, so an attempt that was killed has changed nothing, and the
//! next one begins anew.

use std::time::Instant;

use camino::Utf8PathBuf;
use stepwell_model::{Failure, FailureKind, TransferTask};
use stepwell_transfer::table::{self, TableEnd, TableError, TableOutcome, TableRequest};
use stepwell_transfer::{End, Progress, Snapshot};
use stepwell_worker::Worker;

use super::drive_transfer::{LOG_EVERY, TICK, entry_type, record_files, show};
use crate::render::size;

/// Does it.
pub(super) async fn copy(
    worker: &Worker,
    task: &TransferTask,
    source: &End,
    destination: &End,
) -> Result<(), Failure> {
    let request = request(worker, task, source, destination)?;
    println!(
        "[stepwell] copies rows of {} to {}",
        shown(source),
        shown(destination)
    );
    let begun = Instant::now();
    let progress = Progress::default();
    let done = tokio::select! {
        done = table::copy(&request, &progress) => done.map_err(|error| failed(&error)),
        () = follow(worker, &progress) => {
            let summary = "the copy was interrupted; nothing has changed at the destination";
            Err(Failure::new(FailureKind::Storage, summary))
        }
    };
    show(worker, &progress.snapshot());
    let outcome = done?;
    if let Some(path) = &outcome.file {
        let written = destination.store().stat(path).await.map_err(|error| {
            Failure::new(FailureKind::Storage, format!("the copy failed: {error}"))
        })?;
        // Rows that were written to a table leave no record: such a step is not reused.
        record_files(worker, task, vec![written])?;
    }
    report(worker, &outcome, begun.elapsed().as_secs_f64())
}

fn request(
    worker: &Worker,
    task: &TransferTask,
    source: &End,
    destination: &End,
) -> Result<TableRequest, Failure> {
    let is_database = |end: &End| end.store().place().is_database();
    let refuse = |summary: String, hint: &str| {
        Err(Failure::new(FailureKind::UserCode, summary).with_hint(hint))
    };
    if task.select.is_some() && !is_database(source) {
        let summary = format!(
            "rows are selected of {}, which is no database",
            source.shown()
        );
        return refuse(summary, "use a SqlDataReference with a database only");
    }
    if (task.mode.is_some() || task.create) && !is_database(destination) {
        let summary = format!(
            "rows cannot be written to {}: it is no database",
            destination.shown()
        );
        return refuse(
            summary,
            "name a table of a database, or leave out how rows are written",
        );
    }
    for end in [source, destination] {
        let is_selected = std::ptr::eq(end, source) && task.select.is_some();
        if is_database(end) && end.path().is_empty() && !is_selected {
            let summary = format!("{} is a database, of which no table is named", end.shown());
            return refuse(
                summary,
                "name one: `SqlDataReference(datastore, sql_table=...)`",
            );
        }
    }
    let end = |end: &End| {
        let opened = TableEnd::of(end);
        opened.map_err(|error| Failure::new(FailureKind::Storage, error.to_string()))
    };
    Ok(TableRequest {
        source: end(source)?,
        destination: end(destination)?,
        source_type: task.source_type.map(entry_type),
        destination_type: task.destination_type.map(entry_type),
        format: None,
        select: task.select.clone(),
        mode: task.mode.unwrap_or_default(),
        keys: task.keys.clone(),
        create: task.create,
        only_digest: false,
        state: Some(Utf8PathBuf::from(&worker.request().state)),
    })
}

fn shown(end: &End) -> String {
    match end.store().place().is_database() && !end.path().is_empty() {
        true => format!(
            "table `{}` of datastore `{}`",
            end.path(),
            end.store().name()
        ),
        false => end.shown(),
    }
}

/// Writes how far the copy is, until the step is to stop.
async fn follow(worker: &Worker, progress: &Progress) {
    let mut ticks = tokio::time::interval(TICK);
    let mut logged = Instant::now();
    while !worker.is_stopping() {
        ticks.tick().await;
        let now = progress.snapshot();
        show(worker, &now);
        if logged.elapsed() >= LOG_EVERY {
            logged = Instant::now();
            println!("[stepwell] {}", words(&now));
        }
    }
}

fn words(at: &Snapshot) -> String {
    let rows = size::count(usize::try_from(at.rows).unwrap_or(usize::MAX), "row");
    format!("{rows}, {}", size::bytes(at.bytes))
}

fn report(worker: &Worker, outcome: &TableOutcome, seconds: f64) -> Result<(), Failure> {
    let rows = size::count(usize::try_from(outcome.rows).unwrap_or(usize::MAX), "row");
    let bytes = size::bytes(outcome.bytes);
    println!("[stepwell] copied {rows}, {bytes} in {seconds:.1} s");
    worker.log_metric("rows", outcome.rows as f64)?;
    worker.log_metric("bytes", outcome.bytes as f64)?;
    worker.log_metric("seconds", seconds)
}

fn failed(error: &TableError) -> Failure {
    let summary = format!("the copy failed: {error}");
    let failure = Failure::new(FailureKind::Storage, summary);
    match error.hint.as_str() {
        "" => failure,
        hint => failure.with_hint(hint),
    }
}
