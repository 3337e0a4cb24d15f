//! A worker's request, its progress, its stop and its failure: what is in files and signals.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fs_err as fs;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stepwell_model::{Failure, FailureKind, WorkerRequest};

use crate::home::{Connection, Home};

/// The file in the request's folder for state that the server shows of a running step.
const PROGRESS: &str = "progress.json";

/// Why a worker cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server did not start it.
    #[error("`{0}` is not set: the server starts this program for a step of a pipeline")]
    NotSet(&'static str),
    /// The request is not there.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The request is none.
    #[error("`{}` holds no request: {fault}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        fault: serde_json::Error,
    },
    /// The request was written by a server of another release.
    #[error(
        "the request has version {found} and this program knows version {known}: install both of \
         the same release",
        known = WorkerRequest::VERSION
    )]
    Version {
        /// What the request says.
        found: u32,
    },
}

/// A worker with its request.
#[derive(Debug)]
pub struct Worker {
    request: WorkerRequest,
    failure: Option<PathBuf>,
    home: Home,
    stopping: Arc<AtomicBool>,
}

impl Worker {
    /// The worker of the request that the environment names. From here on a request to stop is a
    /// flag, [`Self::is_stopping`], and no longer the end of the process.
    ///
    /// # Errors
    /// When there is no request, or it cannot be read.
    pub fn from_environment() -> Result<Self, Error> {
        let variable = |name| std::env::var_os(name).ok_or(Error::NotSet(name));
        let path = variable(WorkerRequest::VARIABLE)?;
        let failure = std::env::var_os(WorkerRequest::FAILURE_VARIABLE).map(PathBuf::from);
        let stopping = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopping);
        signal_hook::flag::register(signal_hook::consts::SIGTERM, flag)?;
        let home = Home::from_environment();
        Ok(Self {
            stopping,
            ..Self::open(Path::new(&path), failure, home)?
        })
    }

    /// The worker of a request in a file, for tests and for programs that drive workers.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path, failure: Option<PathBuf>, home: Home) -> Result<Self, Error> {
        let text = fs::read(path)?;
        let request: WorkerRequest = serde_json::from_slice(&text).map_err(|fault| {
            let path = path.to_owned();
            Error::Unreadable { path, fault }
        })?;
        if request.version != WorkerRequest::VERSION {
            let found = request.version;
            return Err(Error::Version { found });
        }
        Ok(Self {
            request,
            failure,
            home,
            stopping: Arc::default(),
        })
    }

    /// What it is asked to do.
    #[must_use]
    pub const fn request(&self) -> &WorkerRequest {
        &self.request
    }

    /// What its kind says.
    ///
    /// # Errors
    /// When the server, of another release, says it in another way.
    pub fn task<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        T::deserialize(&self.request.task).map_err(|error| {
            let summary = format!("the step's task cannot be read: {error}");
            Failure::new(FailureKind::Internal, summary)
                .with_hint("install the server and its workers of the same release")
        })
    }

    /// Whether it was asked to stop. One that does not is killed after a grace of some seconds.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// The flag behind [`Self::is_stopping`], for threads of the worker.
    #[must_use]
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stopping)
    }

    /// Makes the folder for what the next attempt continues from, and gives it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn state(&self) -> io::Result<&Path> {
        let folder = Path::new(&self.request.state);
        fs::create_dir_all(folder)?;
        Ok(folder)
    }

    /// Shows how far the step is: any JSON object; it replaces the one before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn show_progress(&self, progress: &impl Serialize) -> io::Result<()> {
        let path = self.state()?.join(PROGRESS);
        replace(&path, &serde_json::to_vec(progress)?)
    }

    /// Records what the worker has written to datastores, for reuse: see
    /// [`WorkerRequest::record`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn record(&self, written: &impl Serialize) -> io::Result<()> {
        let path = Path::new(&self.request.record);
        replace(path, &serde_json::to_vec(written)?)
    }

    /// Borrows a datastore that the step names, with what opens it, for this attempt.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub fn connection(&self, datastore: &str) -> Result<Connection, Failure> {
        self.home.connection(self.request.run, datastore)
    }

    /// Logs a metric of the run.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub fn log_metric(&self, name: &str, value: f64) -> Result<(), Failure> {
        self.home.log_metric(self.request.run, name, value)
    }

    /// Says why the step fails, in its log and to its supervisor.
    pub fn report(&self, failure: &Failure) {
        println!("[stepwell] {}", failure.summary);
        let Some(path) = &self.failure else { return };
        let text = serde_json::to_vec(failure).unwrap_or_default();
        if let Err(error) = replace(path, &text) {
            eprintln!("the failure could not be recorded: {error}");
        }
    }
}

/// Readers see the old text or the new one.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("new");
    fs::write(&aside, text)?;
    fs::rename(aside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(folder: &Path, version: u32) -> PathBuf {
        let request = serde_json::json!({
            "version": version,
            "run": "0192f5c4-1111-7222-8333-444455556666",
            "task": {"mode": "copy"},
            "inputs": {"source": {"datastore": "blob", "path": "a/b", "local": null}},
            "state": folder.join("state"),
            "files": folder.join("files"),
            "record": folder.join("written.json"),
            "added_by_a_later_release": true,
        });
        let path = folder.join("request.json");
        fs::write(&path, request.to_string()).expect("written");
        path
    }

    #[test]
    fn a_worker_reads_its_request_and_leaves_progress_and_its_failure() {
        let folder = tempfile::tempdir().expect("a folder");
        let failure = folder.path().join("failure.json");
        let path = request(folder.path(), 1);
        let worker = Worker::open(&path, Some(failure.clone()), Home::new("", "")).expect("opens");
        let task: serde_json::Value = worker.task().expect("a task");
        assert_eq!(task["mode"], "copy");
        assert_eq!(worker.request().inputs["source"].path, "a/b");
        for done in [1, 2] {
            let progress = serde_json::json!({"done": done});
            worker.show_progress(&progress).expect("shown");
        }
        let shown = fs::read_to_string(folder.path().join("state/progress.json"));
        assert_eq!(shown.expect("progress"), r#"{"done":2}"#);
        let why =
            Failure::new(FailureKind::Storage, "the container is full").with_hint("make room");
        worker.report(&why);
        let text = fs::read(failure).expect("a failure");
        assert_eq!(serde_json::from_slice::<Failure>(&text).expect("one"), why);
        assert!(!worker.is_stopping());
    }

    #[test]
    fn a_request_of_another_version_is_refused_with_both_versions() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = request(folder.path(), 7);
        let error = Worker::open(&path, None, Home::new("", "")).expect_err("another version");
        assert!(error.to_string().contains("version 7"), "{error}");
    }
}
