//! Staging: all that is done on the server's machine before an attempt's work starts and after it
//! has ended, whichever executor runs it.
//!
//! Before: its environment is made ready, inputs of other machines are fetched, and what its
//! supervisor and its worker are to do is written down. After: outputs for other machines are
//! uploaded, or what an upload came to is rolled back, and what was fetched is cleaned up. A
//! [`Stager`] starts no process and knows nothing of slots.
//!
//! Everything may be done again from the start after a crash.

mod command_line;
mod layout;
mod mlflow;
mod plan;
mod start_hook;
mod view;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use camino::Utf8PathBuf;
use stepwell_data::folder::DataFolder;
use stepwell_datastore::Registry;
use stepwell_model::{AttemptId, Failure, Outcome, WaitReason, WorkerRequest};
use stepwell_supervise::{Attempt, Error, Spec};
use tokio::sync::Notify;

use self::layout::Layout;
use crate::{Job, PrepareEnvironment};

/// How long staging may take before its step is shown as waiting.
const WAIT_SHOWN_AFTER: Duration = Duration::from_secs(1);

/// What is around every attempt of a server.
pub struct Stager {
    /// The server's data folder.
    pub folder: DataFolder,
    /// The datastores of the workspace.
    pub datastores: Arc<Registry>,
    /// Makes Python environments ready.
    pub environments: Arc<dyn PrepareEnvironment>,
    /// The server's URL, as its attempts reach it.
    pub url: String,
    /// The server's socket, if attempts run on this machine. On others they know the server by its URL
    /// alone: they cannot reach its socket, and must not start another one for the data folder that
    /// they see.
    pub socket: Option<Utf8PathBuf>,
    /// The `stepwell` program, so that the SDK in a step can find or start the server again, and
    /// beside which other workers are installed.
    pub program: Utf8PathBuf,
}

/// An attempt whose environment and inputs are here, as its supervisor is to run it.
#[derive(Debug)]
pub struct Staged {
    /// What the supervisor is to do.
    pub spec: Spec,
    /// What a native worker is to do.
    pub request: Option<WorkerRequest>,
}

impl Staged {
    /// Writes both into the attempt's folder, from which a supervisor takes them.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn write(&self, attempt: &Attempt) -> Result<(), Error> {
        self.write_request(attempt)?;
        attempt.write_spec(&self.spec)
    }

    /// Writes what a worker takes from there; a supervisor is given the rest.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn write_request(&self, attempt: &Attempt) -> Result<(), Error> {
        self.request
            .as_ref()
            .map_or(Ok(()), |request| attempt.write_request(request))
    }
}

impl Stager {
    /// The folder of an attempt.
    #[must_use]
    pub fn attempt(&self, attempt: AttemptId) -> Attempt {
        Attempt::of_run(&self.folder.run(attempt.run), attempt.number)
    }

    /// Makes the environment ready and brings the inputs here. Dropping the future gives up, and
    /// leaves nothing behind that another try would trip over. `grace_ms` is how long the work may
    /// take to stop when asked; `waits` gets what is waited for when it takes a while.
    ///
    /// # Errors
    /// As a failure of the step.
    pub async fn stage(
        &self,
        job: &Job,
        grace_ms: u64,
        waits: &(dyn Fn(WaitReason) + Sync),
    ) -> Result<Staged, Failure> {
        let layout = self.layout(job);
        let (environment_ready, data_slow) = (AtomicBool::new(false), AtomicBool::new(false));
        let environment = async {
            let Some(spec) = job.work.python() else {
                environment_ready.store(true, Ordering::Relaxed);
                return Ok(None);
            };
            let work = self.environments.prepare(spec);
            let prepared = when_slow(work, || waits(WaitReason::Environment)).await?;
            environment_ready.store(true, Ordering::Relaxed);
            if data_slow.load(Ordering::Relaxed) {
                waits(WaitReason::Data);
            }
            Ok(Some(prepared))
        };
        let transfers = layout.transfers();
        let inputs = async {
            let Some(data) = &transfers else {
                return Ok(());
            };
            let slow = || {
                data_slow.store(true, Ordering::Relaxed);
                if environment_ready.load(Ordering::Relaxed) {
                    waits(WaitReason::Data);
                }
            };
            let fetched = when_slow(data.fetch(), slow).await;
            data_slow.store(false, Ordering::Relaxed);
            fetched
        };
        let (prepared, ()) = tokio::try_join!(environment, inputs)?;
        let path = std::env::var("PATH").unwrap_or_default();
        let staged = plan::staged(self, &layout, prepared.as_ref(), &path, grace_ms)?;
        start_hook::write(&start_hook::folder(&self.folder));
        if let Some(notice) = prepared.and_then(|prepared| prepared.notice) {
            record_notice(&staged.spec, &notice);
        }
        Ok(staged)
    }

    /// Uploads what a step has written for other machines, if it ended well, and removes what is
    /// here of its data there. The step has succeeded only when everything is uploaded; `stop`
    /// gives up. A server that is killed meanwhile has reported no end: the next one begins the
    /// upload anew.
    pub async fn finish(&self, job: &Job, outcome: Outcome, stop: &Notify) -> Outcome {
        let Some(data) = self.layout(job).transfers() else {
            return outcome;
        };
        let outcome = match outcome {
            Outcome::Succeeded(usage) => {
                let uploaded = tokio::select! {
                    uploaded = data.deliver() => uploaded.map_err(Some),
                    () = stop.notified() => Err(None),
                };
                if uploaded.is_err() {
                    data.withdraw().await;
                }
                match uploaded {
                    Ok(()) => Outcome::Succeeded(usage),
                    Err(Some(failure)) => Outcome::Failed(failure, usage),
                    Err(None) => Outcome::Cancelled(usage),
                }
            }
            outcome => outcome,
        };
        data.discard().await;
        outcome
    }

    fn layout<'a>(&'a self, job: &'a Job) -> Layout<'a> {
        Layout {
            attempt: self.attempt(job.attempt),
            log: self.folder.run_log(job.attempt.run),
            folder: &self.folder,
            datastores: &self.datastores,
            job,
        }
    }
}

/// Does work, and says so when it takes longer than a moment.
async fn when_slow<T>(work: impl Future<Output = T>, slow: impl FnOnce()) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return done,
        () = tokio::time::sleep(WAIT_SHOWN_AFTER) => slow(),
    }
    work.await
}

/// The file of a run that says what the user should know of its environment.
const NOTICES: &str = "system_logs/environment.log";

/// Writes a notice on the environment into the step's log, and into a file of its own. A disk that
/// is full is seen by the supervisor as well.
fn record_notice(spec: &Spec, notice: &str) {
    use std::io::Write;
    for path in [spec.log.clone(), spec.files_dir.join(NOTICES)] {
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        let written = folder.and_then(|()| {
            let mut options = std::fs::OpenOptions::new();
            let mut file = options.append(true).create(true).open(&path)?;
            file.write_all(format!("stepwell: {notice}\n").as_bytes())
        });
        if let Err(error) = written {
            tracing::warn!(%path, %error, "a notice could not be written");
        }
    }
}
