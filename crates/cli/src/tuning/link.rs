//! Calls to the server that started the search. A server that does not answer may be restarting at
//! another port: the data folder says where it is.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camino::Utf8PathBuf;
use stepwell_api::{KeyedRun, LogMetrics, MetricPoint, Run, RunChange, SubmitRun};
use stepwell_model::{Failure, FailureKind, RunId};
use stepwell_worker::Worker;
use uuid::Uuid;

use crate::client::{self, Client, Events};
use crate::embedded;
use crate::failure::Advice as _;

/// How long to wait before the server is looked for again.
const PAUSE: Duration = Duration::from_millis(300);

/// How often a search that is to stop still tries.
const STOPPING_TRIES: u32 = 5;

/// Why a call came to nothing.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server refused, with its words.
    Refused(String),
    /// Nobody answers and the search is to stop.
    Stopping,
}

/// The way to the server; clones share what they find.
#[derive(Debug, Clone)]
pub(super) struct Link {
    client: Arc<Mutex<Client>>,
    token: String,
    data_folder: Option<Utf8PathBuf>,
    stopping: Arc<AtomicBool>,
}

impl Link {
    pub(super) fn from_environment(worker: &Worker) -> Result<Self, Failure> {
        let read = |name: &str| std::env::var(name).unwrap_or_default();
        let (url, token) = (read("STEPWELL_URL"), read("STEPWELL_TOKEN"));
        if url.is_empty() || token.is_empty() {
            let summary = "`STEPWELL_URL` and `STEPWELL_TOKEN` do not name the server";
            return Err(Failure::new(FailureKind::Internal, summary));
        }
        let data = read("STEPWELL_DATA");
        Ok(Self {
            client: Arc::new(Mutex::new(Client::new(&url, &token))),
            token,
            data_folder: (!data.is_empty()).then(|| Utf8PathBuf::from(data)),
            stopping: worker.stop_flag(),
        })
    }

    /// Makes a call that may be repeated until the server has answered it.
    pub(super) fn call<T>(&self, call: impl Fn(&Client) -> client::Result<T>) -> Result<T, Fault> {
        let mut tries_left = STOPPING_TRIES;
        loop {
            let client = self.client.lock().expect("no holder panics").clone();
            let error = match call(&client) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if !error.is_unreachable() {
                let hint = error.hint();
                let text = match hint.is_empty() {
                    true => error.to_string(),
                    false => format!("{error}; {hint}"),
                };
                return Err(Fault::Refused(text));
            }
            if self.stopping.load(Ordering::Relaxed) {
                tries_left = tries_left.saturating_sub(1);
                if tries_left == 0 {
                    return Err(Fault::Stopping);
                }
            }
            std::thread::sleep(PAUSE);
            self.find_again();
        }
    }

    /// Uses the folder's server of now, which may be another than that of the beginning.
    fn find_again(&self) {
        if let Some(endpoint) = self.data_folder.as_deref().and_then(embedded::find) {
            let found = Client::by(&endpoint.url, &self.token, Some(&endpoint.socket));
            *self.client.lock().expect("no holder panics") = found;
        }
    }

    pub(super) fn run(&self, run: &str) -> Result<Run, Fault> {
        let id = id(run)?;
        self.call(|client| client.run(id))
    }

    /// The ends of the runs that were submitted as children of a run, with what each has logged of a
    /// metric, after a place in the journal; 0 for all.
    pub(super) fn child_ends(
        &self,
        parent: RunId,
        metric: &str,
        after: i64,
    ) -> Result<Events, Fault> {
        self.call(|client| client.child_ends(parent.uuid(), metric, after))
    }

    pub(super) fn children(&self, run: &str) -> Result<Vec<Run>, Fault> {
        let id = id(run)?;
        self.call(|client| client.children(id))
    }

    pub(super) fn metrics(&self, run: &str, name: Option<&str>) -> Result<Vec<Series>, Fault> {
        let id = id(run)?;
        let found = self.call(|client| client.metrics_named(id, name))?;
        let series = found.series.into_iter();
        Ok(series.map(|each| (each.name, each.points)).collect())
    }

    pub(super) fn submit(&self, body: &SubmitRun, key: &str) -> Result<String, Fault> {
        let run = self.call(|client| client.submit_once(body, key))?;
        Ok(run.id.to_string())
    }

    /// Starts runs together: all of them, or none.
    pub(super) fn submit_together(&self, runs: &[KeyedRun]) -> Result<Vec<String>, Fault> {
        let started = self.call(|client| client.submit_together(runs))?;
        Ok(started.iter().map(Uuid::to_string).collect())
    }

    pub(super) fn cancel(&self, run: &str) -> Result<(), Fault> {
        let id = id(run)?;
        self.call(|client| client.cancel(id)).map(drop)
    }

    pub(super) fn change(&self, run: RunId, change: &RunChange) -> Result<(), Fault> {
        self.call(|client| client.change_run(run.uuid(), change))
            .map(drop)
    }

    /// Logs points of the run, known by their numbers; what cannot be logged is not worth a failure.
    pub(super) fn log(&self, run: RunId, first: usize, points: &[MetricPoint]) {
        let batch = LogMetrics {
            writer: format!("search-{run}"),
            first: u64::try_from(first).unwrap_or(u64::MAX),
            points: points.to_vec(),
        };
        if let Err(Fault::Refused(reason)) =
            self.call(|client| client.log_metrics(run.uuid(), &batch))
        {
            super::say(&format!("a metric could not be logged: {reason}"));
        }
    }

    pub(super) fn files(&self, run: &str, prefix: &str) -> Result<Vec<String>, Fault> {
        let id = id(run)?;
        let found = self.call(|client| client.run_files(id, prefix))?;
        Ok(found.files.into_iter().map(|file| file.name).collect())
    }

    /// Fetches a file of a run to a path on this machine, which it replaces when it is there.
    pub(super) fn fetch(&self, run: &str, file: &str, to: &Path) -> Result<(), Fault> {
        let id = id(run)?;
        let content = self.call(|client| client.run_file(id, file))?;
        let written = || {
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(to, &content)
        };
        written().map_err(|error| Fault::Refused(format!("{}: {error}", to.display())))
    }
}

/// A metric with its points.
pub(super) type Series = (String, Vec<MetricPoint>);

fn id(run: &str) -> Result<Uuid, Fault> {
    run.parse()
        .map_err(|_| Fault::Refused(format!("`{run}` is no id of a run")))
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(reason) => Self::new(FailureKind::Internal, reason),
            Fault::Stopping => Self::new(FailureKind::Lost, "the server does not answer"),
        }
    }
}
