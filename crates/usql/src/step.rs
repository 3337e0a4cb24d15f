//! A U-SQL script as a pipeline's step: `stepwell-usql` without arguments, started by Stepwell.
//!
//! `@@name@@` in the script is the place of an input or an output, or a parameter. Other paths lead
//! into the workspace's first local datastore; databases and tables are the workspace's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;
use stepwell_model::{Failure, FailureKind};
use stepwell_usql::job::{self, Failed, Options, Stage, Stop};
use stepwell_usql::paths::Paths;
use stepwell_usql::source::Source;
use stepwell_worker::Worker;

/// What the kind says of a step.
#[derive(Debug, Deserialize)]
struct Task {
    /// The script, relative to the working directory.
    script: String,
    /// What replaces `@@name@@`, beside inputs and outputs.
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    /// How many cores are used; all when absent.
    #[serde(default)]
    degree_of_parallelism: Option<u32>,
}

/// The folder of the server's data, which holds the local datastores and the tables.
const DATA: &str = "STEPWELL_DATA";
/// The first local datastore, and the catalog, in that folder: as the crate `data` names them, whose
/// dependencies would have DataFusion built with other features.
const DATASTORE: &str = "data/workspaceblobstore";
const CATALOG: &str = "usql";

pub(crate) fn main() -> ExitCode {
    stepwell_worker::run(work)
}

fn work(worker: &Worker) -> Result<(), Failure> {
    let task: Task = worker.task()?;
    let text = std::fs::read_to_string(&task.script).map_err(|error| {
        let summary = format!("the script `{}` cannot be read: {error}", task.script);
        Failure::new(FailureKind::Storage, summary)
    })?;
    let text = job::substituted(&text, &values(worker, &task)?);
    if let Some(name) = job::unreplaced(&text) {
        let summary = format!(
            "`@@{name}@@` in `{}` is neither an input, an output nor a parameter",
            task.script
        );
        return Err(Failure::new(FailureKind::UserCode, summary)
            .with_hint("add it to `inputs`, `outputs` or `params` of the AdlaStep"));
    }
    let source = Source::new(task.script.clone(), text);
    let cores = task
        .degree_of_parallelism
        .and_then(|cores| usize::try_from(cores).ok());
    let options = options(cores);
    let (stop, done): (Stop, _) = (Arc::default(), AtomicBool::new(false));
    let mut progress = Progress::new(worker);
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| watch(worker, &stop, &done));
        let mut show = |stage: &Stage| progress.show(stage);
        let work = job::run(&source, &options, &stop, &mut show);
        let outcome = crate::command::block_on(cores, work);
        done.store(true, Ordering::Relaxed);
        outcome
    });
    let outcome =
        outcome.map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
    match outcome {
        Ok(summary) => {
            for warning in &summary.warnings {
                print!("{}", warning.render(&source));
            }
            let mut written = summary.rows_inserted;
            for output in &summary.outputs {
                println!(
                    "[stepwell] {}: {} rows, {} bytes",
                    output.path.display(),
                    output.rows,
                    output.bytes
                );
                written += output.rows;
            }
            worker.log_metric("rows_read", summary.rows_read as f64)?;
            worker.log_metric("rows_written", written as f64)
        }
        Err(failed) => Err(failure(&failed, &source)),
    }
}

/// The values of `@@name@@`: parameters, and the files of ports as addresses of this machine.
fn values(worker: &Worker, task: &Task) -> Result<BTreeMap<String, String>, Failure> {
    let mut values = task.parameters.clone();
    let request = worker.request();
    for (name, location) in request.inputs.iter().chain(&request.outputs) {
        let Some(local) = &location.local else {
            let summary = format!("the data of `{name}` is not on this machine");
            return Err(Failure::new(FailureKind::Internal, summary));
        };
        values.insert(name.clone(), address(local));
    }
    Ok(values)
}

/// A path of this machine as a script may write it in a text or a verbatim text.
fn address(path: &str) -> String {
    let escape = |c: char| match c {
        '%' | '"' | '\\' | '{' | '}' => format!("%{:02X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("file://{}", path.chars().map(escape).collect::<String>())
}

fn options(cores: Option<usize>) -> Options {
    let data = std::env::var_os(DATA).map_or_else(|| PathBuf::from("."), PathBuf::from);
    Options {
        paths: Paths {
            root: data.join(DATASTORE),
            stores: BTreeMap::new(),
        },
        catalog: data.join(CATALOG),
        parameters: BTreeMap::new(),
        python: None,
        cores,
        memory_bytes: memory(),
    }
}

/// Half of the machine's memory: what is beyond goes to disk.
fn memory() -> Option<usize> {
    let about = std::fs::read_to_string(Path::new("/proc/meminfo")).ok()?;
    let line = about.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kilobytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    kilobytes.checked_mul(512)
}

/// Passes the request to stop on to the job.
fn watch(worker: &Worker, stop: &Stop, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        if worker.is_stopping() {
            stop.store(true, Ordering::Relaxed);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// How often a running step says how far it is.
const SHOWN_EVERY: Duration = Duration::from_secs(1);

struct Progress<'a> {
    worker: &'a Worker,
    next: Instant,
}

impl<'a> Progress<'a> {
    fn new(worker: &'a Worker) -> Self {
        let next = Instant::now();
        Self { worker, next }
    }

    fn show(&mut self, stage: &Stage) {
        if Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + SHOWN_EVERY;
        let record = serde_json::json!({
            "stage": stage.name,
            "number": stage.number,
            "count": stage.count,
            "rows_read": stage.rows_read,
            "bytes_read": stage.bytes_read,
            "rows_written": stage.rows_written,
        });
        // The job does not depend on it.
        let _ = self.worker.show_progress(&record);
    }
}

/// What failed, with every diagnostic as its detail.
fn failure(failed: &Failed, source: &Source) -> Failure {
    let rendered = |diagnostics: &[stepwell_usql::diagnostic::Diagnostic]| {
        let texts: Vec<String> = diagnostics.iter().map(|each| each.render(source)).collect();
        texts.concat()
    };
    match failed {
        Failed::Script(diagnostics) => {
            let detail = rendered(diagnostics);
            print!("{detail}");
            let first = diagnostics
                .first()
                .map(|each| each.message.clone())
                .unwrap_or_default();
            let summary = match diagnostics.len() {
                1 => format!("`{}` is wrong: {first}", source.name()),
                count => format!("`{}` has {count} errors; the first: {first}", source.name()),
            };
            Failure::new(FailureKind::UserCode, summary).with_detail(detail)
        }
        Failed::Run(diagnostic) => {
            let detail = rendered(std::slice::from_ref(&**diagnostic));
            print!("{detail}");
            Failure::new(FailureKind::UserCode, diagnostic.message.clone()).with_detail(detail)
        }
        Failed::Stopped => Failure::new(
            FailureKind::Signal,
            "the job was stopped; nothing was committed",
        ),
    }
}
