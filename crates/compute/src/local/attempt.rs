//! One attempt from its start, or from being found again, to its reported end.
//!
//! There is one path for both: look at the folder, do what its state asks for, look again. It ends
//! when the folder holds an outcome. Before this server writes one itself, it holds the claim, so
//! that no supervisor can start the program afterwards.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use stepwell_model::{AttemptId, Failure, FailureKind, Outcome, Timestamp, Usage};
use stepwell_supervise::{
    Attempt, EXIT_NOT_RECORDED, Error, Process, Started, State, storage_failure, sweep,
};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::supervisor::{News, Supervisor};
use super::{Shared, plan};
use crate::{Job, Report};

/// How much longer than its grace a supervisor may take to obey.
const OBEY_WITHIN: Duration = Duration::from_secs(5);

/// How often the folder is looked at for the start of a program whose supervisor was found while
/// it still prepared; only such a one cannot tell.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How often it is looked at for the end of one. Mostly its supervisor's end tells first; one whose
/// server still lives has another step instead.
const LOOK_FOR_END_EVERY: Duration = Duration::from_secs(1);

/// Runs or finds the attempt and reports what happens.
pub(super) async fn run(shared: Arc<Shared>, job: Job, stop: Arc<Notify>) {
    let id = job.attempt;
    let mut life = Life {
        attempt: Attempt::of_run(&job.folder, id.number),
        shared,
        job,
        stop,
        supervisor: None,
        told_started: false,
        stopping: None,
    };
    let outcome = life.outcome().await;
    let outcome = life.deliver(outcome).await;
    life.tell_started(outcome.usage().started);
    life.shared.live().remove(&id);
    life.shared.report(Report::Ended {
        attempt: id,
        outcome,
    });
    if let Some(supervisor) = life.supervisor {
        let shared = &life.shared;
        let running = || shared.live().len();
        shared.supervisors.take_back(supervisor, running).await;
    }
}

struct Life {
    attempt: Attempt,
    shared: Arc<Shared>,
    job: Job,
    stop: Arc<Notify>,
    /// The supervisor this server has started, or the one it has found.
    supervisor: Option<Supervisor>,
    told_started: bool,
    /// When a supervisor that was asked to stop is killed.
    stopping: Option<Instant>,
}

impl Life {
    async fn outcome(&mut self) -> Outcome {
        loop {
            let next = match self.attempt.state() {
                Ok(State::Ended(outcome)) => Some(outcome),
                Ok(State::Unclaimed) => self.launch().await,
                Ok(State::Running {
                    supervisor,
                    started,
                }) => self.follow(&supervisor, started.as_ref()).await,
                Ok(State::Dead { started }) => Some(self.bury(started).await),
                Err(error) => Some(failed(folder_failure(&error))),
            };
            if let Some(outcome) = next {
                return outcome;
            }
        }
    }

    /// Uploads what a step has written for other machines, if it ended well, and removes what is
    /// here of its data there. The step has succeeded only when everything is uploaded. A server
    /// that is killed meanwhile has told nobody of an end: the next one begins the upload anew.
    async fn deliver(&mut self, outcome: Outcome) -> Outcome {
        let Some(data) = self.job.data.clone() else {
            return outcome;
        };
        let outcome = match outcome {
            Outcome::Succeeded(usage) => {
                let delivered = tokio::select! {
                    delivered = data.deliver() => delivered.map_err(Some),
                    () = self.stop.notified() => Err(None),
                };
                if delivered.is_err() {
                    data.withdraw().await;
                }
                match delivered {
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

    /// Starts a supervisor and watches it. If one was started before and has died without a
    /// claim, nothing has run.
    async fn launch(&mut self) -> Option<Outcome> {
        if let Some(mut supervisor) = self.supervisor.take() {
            let status = supervisor.gone().await;
            let outcome = if self.stopping.is_some() {
                Outcome::Cancelled(Usage::default())
            } else {
                failed(self.never_claimed(status.and_then(|status| status.code())))
            };
            return self.conclude(outcome);
        }
        let environment = self.shared.environments.prepare(&self.job.environment);
        let inputs = async {
            match &self.job.data {
                Some(data) => data.fetch().await,
                None => Ok(()),
            }
        };
        let prepared = tokio::select! {
            prepared = async { tokio::try_join!(environment, inputs) } => prepared,
            () = self.stop.notified() => {
                self.set_stopping();
                return self.conclude(Outcome::Cancelled(Usage::default()));
            }
        };
        let prepared = match prepared {
            Ok((prepared, ())) => prepared,
            Err(failure) => return self.conclude(failed(failure)),
        };
        let path = std::env::var("PATH").unwrap_or_default();
        let config = &self.shared.config;
        let spec = plan::spec(config, &self.job, &self.attempt, &prepared, &path);
        if let Err(error) = self.attempt.write_spec(&spec) {
            return self.conclude(failed(folder_failure(&error)));
        }
        match self.shared.supervisors.assign(self.attempt.folder()) {
            Ok(supervisor) => self.watch(supervisor).await,
            Err(error) => {
                let program = &config.supervisor_program;
                let failure = internal(format!("`{program}` could not be started: {error}"));
                self.conclude(failed(failure))
            }
        }
    }

    /// Watches a supervisor that was started earlier, or by another server.
    async fn follow(&mut self, process: &Process, started: Option<&Started>) -> Option<Outcome> {
        self.tell_started(started.map(|started| started.at));
        if let Some(mut late) = self.supervisor.take() {
            // It came second to the claim, and leaves.
            late.gone().await;
        }
        match Supervisor::find(process) {
            Ok(Some(supervisor)) => self.watch(supervisor).await,
            // The next look at the folder tells how it ended.
            Ok(None) => None,
            Err(error) => Some(failed(internal(format!(
                "the step's supervisor cannot be watched: {error}"
            )))),
        }
    }

    /// Waits until the supervisor has recorded an outcome, is gone, or had to be killed.
    async fn watch(&mut self, mut supervisor: Supervisor) -> Option<Outcome> {
        if self.stopping.is_some() {
            supervisor.signal(Signal::TERM);
        }
        loop {
            let look_every = if self.told_started {
                LOOK_FOR_END_EVERY
            } else {
                LOOK_EVERY
            };
            tokio::select! {
                news = supervisor.next() => match news {
                    News::Started(at) => self.tell_started(Some(at)),
                    News::Over => {
                        self.supervisor = Some(supervisor);
                        return None;
                    }
                },
                () = self.stop.notified() => {
                    supervisor.signal(Signal::TERM);
                    self.set_stopping();
                }
                () = until(self.stopping) => {
                    supervisor.signal(Signal::KILL);
                    supervisor.gone().await;
                    return None;
                }
                () = sleep(look_every), if !supervisor.tells() => {
                    if self.attempt.has_ended() {
                        return None;
                    }
                    if !self.told_started
                        && let Ok(State::Running { started, .. }) = self.attempt.state()
                    {
                        self.tell_started(started.map(|started| started.at));
                    }
                }
            }
        }
    }

    /// Ends what a dead supervisor left, and says what became of the attempt.
    async fn bury(&mut self, started: Option<Started>) -> Outcome {
        self.tell_started(started.as_ref().map(|started| started.at));
        let usage = Usage {
            started: started.as_ref().map(|started| started.at),
            ended: Some(stepwell_supervise::now()),
            ..Usage::default()
        };
        let code = match self.supervisor.take() {
            Some(mut supervisor) => supervisor.gone().await.and_then(|status| status.code()),
            None => None,
        };
        let id = self.job.attempt;
        let swept = tokio::task::spawn_blocking(move || sweep(id, started.as_ref())).await;
        match swept {
            Ok(0) => {}
            Ok(count) => tracing::info!(attempt = %id, count, "killed what a step left behind"),
            Err(error) => tracing::error!(attempt = %id, %error, "the sweep failed"),
        }
        let outcome = if self.stopping.is_some() {
            Outcome::Cancelled(usage)
        } else {
            Outcome::Failed(self.lost(code), usage)
        };
        self.write(&outcome);
        outcome
    }

    /// Records an outcome of this server's own, unless a supervisor has claimed the attempt
    /// meanwhile: then that one is to be followed.
    fn conclude(&mut self, outcome: Outcome) -> Option<Outcome> {
        let claimed = std::fs::create_dir_all(self.attempt.folder())
            .and_then(|()| Process::current())
            .map_err(Error::from)
            .and_then(|server| self.attempt.claim(server));
        match claimed {
            Ok(true) => self.write(&outcome),
            Ok(false) => return None,
            Err(error) => warn_unrecorded(self.job.attempt, &error),
        }
        Some(outcome)
    }

    fn write(&self, outcome: &Outcome) {
        if let Err(error) = self.attempt.conclude(outcome) {
            warn_unrecorded(self.job.attempt, &error);
        }
    }

    fn set_stopping(&mut self) {
        let patience = self.shared.config.grace + OBEY_WITHIN;
        self.stopping
            .get_or_insert_with(|| Instant::now() + patience);
    }

    fn tell_started(&mut self, at: Option<Timestamp>) {
        let Some(at) = at.filter(|_| !self.told_started) else {
            return;
        };
        self.told_started = true;
        let attempt = self.job.attempt;
        self.shared.report(Report::Started { attempt, at });
    }

    fn never_claimed(&self, code: Option<i32>) -> Failure {
        let Some(code) = code else {
            return Failure::new(
                FailureKind::Lost,
                "the step's supervisor was killed before it started the script",
            );
        };
        let kind = if code == i32::from(EXIT_NOT_RECORDED) {
            FailureKind::Storage
        } else {
            FailureKind::Internal
        };
        Failure::new(kind, "the step's supervisor could not take the step")
            .with_detail(self.notes())
    }

    /// What became of a supervisor that died with the claim, and with this exit status, if that
    /// is known: only the server that has started it hears it.
    fn lost(&self, code: Option<i32>) -> Failure {
        // On a full disk there is room for the name of the note, and for nothing else.
        let speechless = self.attempt.notes().as_deref() == Some("");
        let failure = match code {
            Some(code) if code != i32::from(EXIT_NOT_RECORDED) => {
                internal("the step's supervisor ended without an outcome".to_owned())
            }
            None if !speechless => {
                let summary = "the step's supervisor was killed, and the step with it";
                Failure::new(FailureKind::Lost, summary).with_hint(
                    "something outside Stepwell did it: the machine restarted, the out-of-memory \
                     killer, or a person",
                )
            }
            _ => Failure::new(FailureKind::Storage, "the step's end could not be recorded")
                .with_hint("the disk was full or failing: make room on it, and run the step again"),
        };
        failure.with_detail(self.notes())
    }

    fn notes(&self) -> String {
        self.attempt
            .notes()
            .unwrap_or_default()
            .trim_end()
            .to_owned()
    }
}

/// Never, if there is no deadline.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn failed(failure: Failure) -> Outcome {
    Outcome::Failed(failure, Usage::default())
}

fn internal(summary: String) -> Failure {
    Failure::new(FailureKind::Internal, summary)
}

fn folder_failure(error: &Error) -> Failure {
    storage_failure("the attempt's folder cannot be used", error)
}

/// The outcome is reported all the same; only a later server will have to find out again.
fn warn_unrecorded(attempt: AttemptId, error: &Error) {
    tracing::warn!(%attempt, %error, "the outcome could not be recorded");
}
