//! One attempt from its start, or from being found again, to its reported end.
//!
//! There is one path for both: look at the folder, do what its state asks for, look again. It ends
//! when the folder holds an outcome. Before this server writes one itself, it holds the claim, so
//! that no supervisor can start the program afterwards.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use stepwell_model::{Failure, FailureKind, Outcome, Usage};
use stepwell_supervise::{Attempt, Holder, Started, State, discard, is_passing, sweep};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::Shared;
use super::pool::NotAssigned;
use super::supervisor::{News, Supervisor};
use crate::ending::{self, failed, folder_failure, internal};
use crate::progress::{OBEY_WITHIN, Progress};
use crate::{Job, Report};

/// How often the folder is looked at for the start of a program whose supervisor was found while
/// it still prepared; only such a one cannot tell.
const POLL_EVERY: Duration = Duration::from_millis(200);

/// How often it is looked at for the end of one. Mostly its supervisor's end tells first; one whose
/// server still lives has another step instead.
const POLL_FOR_END_EVERY: Duration = Duration::from_secs(1);

/// Runs or finds the attempt and reports what happens.
pub(super) async fn run(shared: Arc<Shared>, job: Job, stop: Arc<Notify>) {
    let id = job.attempt;
    let mut task = AttemptTask {
        attempt: shared.stager.attempt(id),
        progress: Progress::new(id, shared.reports.clone()),
        shared,
        job,
        stop,
        supervisor: None,
    };
    let outcome = task.outcome().await;
    let stager = Arc::clone(&task.shared.stager);
    let outcome = stager.finish(&task.job, outcome, &task.stop).await;
    task.progress.report_started(outcome.usage().started);
    task.shared.live().remove(&id);
    task.shared.report(Report::Ended {
        attempt: id,
        outcome,
    });
    if let Some(supervisor) = task.supervisor {
        let shared = &task.shared;
        let running = || shared.live().len();
        shared.supervisors.take_back(supervisor, running).await;
    }
}

struct AttemptTask {
    attempt: Attempt,
    shared: Arc<Shared>,
    job: Job,
    stop: Arc<Notify>,
    /// The supervisor this server has started, or the one it has found.
    supervisor: Option<Supervisor>,
    progress: Progress,
}

impl AttemptTask {
    async fn outcome(&mut self) -> Outcome {
        loop {
            let next = match self.attempt.state(Holder::liveness_here) {
                Ok(State::Ended(outcome)) => Some(outcome),
                Ok(State::Unclaimed) => self.launch().await,
                Ok(State::Running { holder, started }) => {
                    self.follow(&holder, started.as_ref()).await
                }
                Ok(State::Dead { started }) => Some(self.reconcile_dead(started).await),
                Err(error) if error.is_passing() => {
                    tracing::warn!(attempt = %self.job.attempt, %error, "its folder cannot be read now");
                    sleep(POLL_FOR_END_EVERY).await;
                    None
                }
                Err(error) => Some(failed(folder_failure(&error))),
            };
            if let Some(outcome) = next {
                return outcome;
            }
        }
    }

    /// Starts a supervisor and watches it. If one was started before and has died without a
    /// claim, nothing has run.
    async fn launch(&mut self) -> Option<Outcome> {
        if let Some(mut supervisor) = self.supervisor.take() {
            let status = supervisor.gone().await;
            let outcome = if self.progress.is_stopping() {
                Outcome::Cancelled(Usage::default())
            } else {
                failed(self.never_claimed(status.and_then(|status| status.code())))
            };
            return self.conclude(outcome);
        }
        let config = &self.shared.config;
        let grace_ms = u64::try_from(config.grace.as_millis()).unwrap_or(u64::MAX);
        let waits = |reason| self.progress.report_waiting(reason, String::new());
        let staged = tokio::select! {
            staged = self.shared.stager.stage(&self.job, grace_ms, &waits) => staged,
            () = self.stop.notified() => {
                self.progress.set_stopping(self.patience());
                return self.conclude(Outcome::Cancelled(Usage::default()));
            }
        };
        let staged = match staged {
            Ok(staged) => staged,
            Err(failure) => return self.conclude(failed(failure)),
        };
        if let Err(error) = staged.write_request(&self.attempt) {
            let failure = folder_failure(&error);
            return self.later_or(error.is_passing(), failure).await;
        }
        let word = staged.spec.loaded_word();
        let supervisors = &self.shared.supervisors;
        supervisors.await_heavy(word.as_deref()).await;
        match supervisors.assign(&self.attempt, &staged.spec, word.as_deref()) {
            Ok(supervisor) => self.watch(supervisor).await,
            Err(NotAssigned::Folder(error)) => {
                let failure = folder_failure(&error);
                self.later_or(error.is_passing(), failure).await
            }
            Err(NotAssigned::Supervisor(error)) => {
                let program = &self.shared.config.supervisor_program;
                let failure = internal(format!("`{program}` could not be started: {error}"));
                self.later_or(is_passing(&error), failure).await
            }
        }
    }

    async fn later_or(&self, is_passing: bool, failure: Failure) -> Option<Outcome> {
        let why = (is_passing, failure);
        ending::conclude_or_wait(self.job.attempt, &self.attempt, why, POLL_FOR_END_EVERY).await
    }

    /// Watches a supervisor that was started earlier, or by another server.
    /// One of another machine cannot be watched from here, and is not this executor's to end: its
    /// outcome is awaited.
    async fn follow(&mut self, holder: &Holder, started: Option<&Started>) -> Option<Outcome> {
        self.progress
            .report_started(started.map(|started| started.at));
        if let Some(mut late) = self.supervisor.take() {
            // It came second to the claim, and leaves.
            late.gone().await;
        }
        let process = match holder {
            Holder::Process(process) => process,
            Holder::Cluster { .. } => {
                sleep(POLL_FOR_END_EVERY).await;
                return None;
            }
        };
        match Supervisor::find(process) {
            Ok(Some(supervisor)) => self.watch(supervisor).await,
            // The next look at the folder tells how it ended.
            Ok(None) => None,
            Err(error) if is_passing(&error) => {
                tracing::warn!(attempt = %self.job.attempt, %error, "it cannot be watched now");
                sleep(POLL_FOR_END_EVERY).await;
                None
            }
            Err(error) => Some(failed(internal(format!(
                "the step's supervisor cannot be watched: {error}"
            )))),
        }
    }

    /// Waits until the supervisor has recorded an outcome, is gone, or had to be killed.
    async fn watch(&mut self, mut supervisor: Supervisor) -> Option<Outcome> {
        if self.progress.is_stopping() {
            supervisor.signal(Signal::TERM);
        }
        loop {
            let poll_every = if self.progress.is_started() {
                POLL_FOR_END_EVERY
            } else {
                POLL_EVERY
            };
            tokio::select! {
                news = supervisor.next() => match news {
                    News::Started(at) => self.progress.report_started(Some(at)),
                    News::Over => {
                        self.supervisor = Some(supervisor);
                        return None;
                    }
                },
                () = self.stop.notified() => {
                    supervisor.signal(Signal::TERM);
                    self.progress.set_stopping(self.patience());
                }
                () = self.progress.out_of_time() => {
                    supervisor.signal(Signal::KILL);
                    supervisor.gone().await;
                    return None;
                }
                () = sleep(poll_every), if !supervisor.reports() => {
                    if self.attempt.has_ended() {
                        return None;
                    }
                    if !self.progress.is_started()
                        && let Ok(State::Running { started, .. }) =
                            self.attempt.state(Holder::liveness_here)
                    {
                        self.progress.report_started(started.map(|started| started.at));
                    }
                }
            }
        }
    }

    /// Ends what a dead supervisor left, and says what became of the attempt.
    async fn reconcile_dead(&mut self, started: Option<Started>) -> Outcome {
        self.progress
            .report_started(started.as_ref().map(|started| started.at));
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
        let spec = self.attempt.spec().ok();
        let swept = tokio::task::spawn_blocking(move || {
            let swept = sweep(id, started.as_ref());
            spec.as_ref().map(discard);
            swept
        });
        let swept = swept.await;
        match swept {
            Ok(0) => {}
            Ok(count) => tracing::info!(attempt = %id, count, "killed what a step left behind"),
            Err(error) => tracing::error!(attempt = %id, %error, "the sweep failed"),
        }
        let outcome = if self.progress.is_stopping() {
            Outcome::Cancelled(usage)
        } else {
            Outcome::Failed(self.lost(code), usage)
        };
        ending::write(id, &self.attempt, &outcome);
        outcome
    }

    fn conclude(&mut self, outcome: Outcome) -> Option<Outcome> {
        ending::conclude(self.job.attempt, &self.attempt, outcome)
    }

    /// How long a supervisor may take to stop.
    fn patience(&self) -> Duration {
        let patience = self.shared.config.grace + OBEY_WITHIN;
        match self.job.work.is_several() {
            true => patience + OBEY_WITHIN,
            false => patience,
        }
    }

    fn never_claimed(&self, code: Option<i32>) -> Failure {
        let Some(code) = code else {
            return Failure::new(
                FailureKind::Lost,
                "the step's supervisor was killed before it started the script",
            );
        };
        let failure = match ending::could_not_write(Some(code), &self.attempt) {
            true => ending::not_taken(),
            false => internal("the step's supervisor could not take the step".to_owned()),
        };
        failure.with_detail(self.notes())
    }

    /// What became of a supervisor that died with the claim, and with this exit status, if that
    /// is known: only the server that has started it hears it.
    fn lost(&self, code: Option<i32>) -> Failure {
        let failure = match code {
            _ if ending::could_not_write(code, &self.attempt) => ending::not_recorded(),
            Some(_) => internal("the step's supervisor ended without an outcome".to_owned()),
            None => {
                let summary = "the step's supervisor was killed, and the step with it";
                Failure::new(FailureKind::Lost, summary).with_hint(
                    "something outside Stepwell did it: the machine restarted, the out-of-memory \
                     killer, or a person",
                )
            }
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
