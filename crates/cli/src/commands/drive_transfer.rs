//! `stepwell drive-transfer`: the worker of a step that copies data. The server starts it, nobody
//! else.
//!
//! It opens the datastores with what the server lends it for as long as the step runs. What it has
//! finished is in the folder of its state, so that the next attempt goes on after a kill. A step
//! that is stopped or fails takes its unfinished parts away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use stepwell_datastore::definition::Place as Location;
use stepwell_datastore::steps::{Delivered, DeliveredFile};
use stepwell_datastore::{Credentials, Datastore, Secret};
use stepwell_model::{EntryType, Failure, FailureKind, PortLocation, TransferTask};
use stepwell_transfer::{Copy, End, Error, Options, Outcome, Plan, Progress, Snapshot};
use stepwell_worker::Worker;

use super::drive_rows;
use crate::exit::Exit;
use crate::failure;
use crate::render::size;

/// How often the progress is written and a stop is looked for.
pub(super) const TICK: Duration = Duration::from_millis(200);

/// How often the log says how far the copy is.
pub(super) const LOG_EVERY: Duration = Duration::from_secs(10);

/// Copy the data of a step; started by the server
#[derive(Debug, clap::Args)]
#[command(
    hide = true,
    after_help = "Example:\n  STEPWELL_REQUEST=request.json stepwell drive-transfer\n\nThe server starts it for a DataTransferStep; `stepwell copy` copies without a step."
)]
pub(crate) struct Args {}

/// Does it.
pub(crate) fn run(_args: &Args) -> Result<Exit, failure::Failure> {
    let worker = Worker::from_environment().map_err(|error| {
        let hint = "submit a pipeline with a DataTransferStep, or use `stepwell copy`";
        failure::Failure::new(Exit::Usage, error.to_string(), hint)
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    Ok(match runtime.block_on(copy(&worker)) {
        Ok(()) => Exit::Success,
        Err(failure) => {
            worker.report(&failure);
            Exit::Failed
        }
    })
}

async fn copy(worker: &Worker) -> Result<(), Failure> {
    let task: TransferTask = worker.task()?;
    let (source, destination) = (end(worker, &task.source)?, end(worker, &task.destination)?);
    let is_database = |end: &End| end.store().place().is_database();
    if is_database(&source) || is_database(&destination) {
        return drive_rows::copy(worker, &task, &source, &destination).await;
    }
    let copy = Copy {
        source,
        destination,
        options: Options {
            source_type: task.source_type.map(entry_type),
            destination_type: task.destination_type.map(entry_type),
            checksum: true,
            ..Options::default()
        },
        state: Some(Utf8PathBuf::from(&worker.request().state)),
    };
    println!(
        "[stepwell] copies {} to {}",
        copy.source.shown(),
        copy.destination.shown()
    );
    let begun = Instant::now();
    let progress = Progress::default();
    let done = tokio::select! {
        done = perform(&copy, &progress) => done,
        () = follow(worker, &progress) => Err(Error::Interrupted),
    };
    show(worker, &progress.snapshot());
    match done {
        Ok((plan, outcome)) => {
            record(worker, &task, &copy, &plan).await?;
            report(worker, &outcome, begun.elapsed().as_secs_f64())?;
            copy.forget();
            Ok(())
        }
        Err(error) => {
            copy.discard().await;
            Err(failed(&error))
        }
    }
}

async fn perform(copy: &Copy, progress: &Progress) -> Result<(Plan, Outcome), Error> {
    let plan = copy.plan().await?;
    let outcome = copy.perform(&plan, progress).await?;
    Ok((plan, outcome))
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

pub(super) fn show(worker: &Worker, progress: &Snapshot) {
    // Progress is an extra: the copy does not depend on it.
    if let Err(error) = worker.show_progress(progress) {
        tracing::debug!(%error, "the progress cannot be written");
    }
}

fn words(at: &Snapshot) -> String {
    format!(
        "{} of {} files, {} of {}",
        at.files,
        at.files_total,
        size::bytes(at.bytes),
        size::bytes(at.bytes_total)
    )
}

fn report(worker: &Worker, outcome: &Outcome, seconds: f64) -> Result<(), Failure> {
    println!(
        "[stepwell] copied {}, {} in {seconds:.1} s",
        size::count(usize::try_from(outcome.files).unwrap_or(usize::MAX), "file"),
        size::bytes(outcome.bytes)
    );
    let numbers = [
        ("files", outcome.files),
        ("bytes", outcome.bytes),
        ("skipped", outcome.skipped),
        ("resumed_bytes", outcome.resumed_bytes),
    ];
    for (name, number) in numbers {
        worker.log_metric(name, number as f64)?;
    }
    worker.log_metric("seconds", seconds)
}

/// Writes down what was written, so that the step can be reused while it is untouched.
async fn record(
    worker: &Worker,
    task: &TransferTask,
    copy: &Copy,
    plan: &Plan,
) -> Result<(), Failure> {
    let files = copy.written(plan).await.map_err(|error| failed(&error))?;
    record_files(worker, task, files)
}

/// Writes down which files were written.
pub(super) fn record_files(
    worker: &Worker,
    task: &TransferTask,
    files: Vec<stepwell_datastore::Entry>,
) -> Result<(), Failure> {
    let file = |entry: stepwell_datastore::Entry| DeliveredFile {
        path: entry.path,
        size: entry.size,
        etag: entry.etag,
        digest: None,
    };
    let files = files.into_iter().map(file).collect();
    let written = Delivered {
        outputs: BTreeMap::from([(task.output.clone(), files)]),
    };
    worker.record(&written).map_err(|error| {
        let summary = format!("it could not be recorded what was copied: {error}");
        Failure::new(FailureKind::Storage, summary)
    })
}

/// Opens the datastore of a port.
fn end(worker: &Worker, port: &str) -> Result<End, Failure> {
    let internal = |summary: String| Failure::new(FailureKind::Internal, summary);
    let location: &PortLocation = worker
        .request()
        .inputs
        .get(port)
        .ok_or_else(|| internal(format!("the request has no port `{port}`")))?;
    let name = &location.datastore;
    let lent = worker.connection(name)?;
    let definition: Location = serde_json::from_value(lent.definition()).map_err(|_| {
        internal(format!(
            "the definition of datastore `{name}` cannot be read"
        ))
        .with_hint("install the server and its workers of the same release")
    })?;
    let secret = |(key, text): (&String, &String)| (key.clone(), Secret::new(text.as_str()));
    let credentials: Credentials = lent.credentials().iter().map(secret).collect();
    let store = Datastore::new(name.as_str(), definition, credentials);
    Ok(End::on(Arc::new(store), &location.path))
}

pub(super) const fn entry_type(given: EntryType) -> stepwell_transfer::EntryType {
    match given {
        EntryType::File => stepwell_transfer::EntryType::File,
        EntryType::Directory => stepwell_transfer::EntryType::Directory,
    }
}

fn failed(error: &Error) -> Failure {
    let kind = match error {
        // What a person asked for cannot be done; everything else is the stores'.
        Error::Refused(_) | Error::Name(_) | Error::Loop(_) => FailureKind::UserCode,
        _ => FailureKind::Storage,
    };
    let failure = Failure::new(kind, format!("the copy failed: {error}"));
    match error.hint() {
        "" => failure,
        hint => failure.with_hint(hint),
    }
}
