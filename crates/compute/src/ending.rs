//! How an executor ends an attempt itself, and what it says then.

use std::time::Duration;

use stepwell_model::{AttemptId, Failure, FailureKind, Outcome, Usage};
use stepwell_supervise::{Attempt, Error, Holder, Process, storage_failure};

/// A failure of what never ran.
pub(crate) fn failed(failure: Failure) -> Outcome {
    Outcome::Failed(failure, Usage::default())
}

pub(crate) fn internal(summary: String) -> Failure {
    Failure::new(FailureKind::Internal, summary)
}

pub(crate) fn folder_failure(error: &Error) -> Failure {
    storage_failure("the attempt's folder cannot be used", error)
}

/// Records an outcome of this server's own, unless a supervisor has claimed the attempt
/// meanwhile: then that one is to be followed.
pub(crate) fn conclude(id: AttemptId, attempt: &Attempt, outcome: Outcome) -> Option<Outcome> {
    let claimed = std::fs::create_dir_all(attempt.folder())
        .and_then(|()| Process::current())
        .map_err(Error::from)
        .and_then(|server| attempt.claim(Holder::Process(server)));
    match claimed {
        Ok(true) => write(id, attempt, &outcome),
        Ok(false) => return None,
        Err(error) => warn_unrecorded(id, &error),
    }
    Some(outcome)
}

/// Ends an attempt that nobody has claimed with this failure; or, if the machine lacked something for the
/// moment only, waits for `pause`, so that it is tried again.
pub(crate) async fn conclude_or_wait(
    id: AttemptId,
    attempt: &Attempt,
    (is_passing, failure): (bool, Failure),
    pause: Duration,
) -> Option<Outcome> {
    if !is_passing {
        return conclude(id, attempt, failed(failure));
    }
    tracing::warn!(attempt = %id, failure = failure.summary, "it cannot be started now");
    tokio::time::sleep(pause).await;
    None
}

/// Records an outcome. It is reported all the same when that fails; only a later server will have
/// to find out again.
pub(crate) fn write(id: AttemptId, attempt: &Attempt, outcome: &Outcome) {
    if let Err(error) = attempt.conclude(outcome) {
        warn_unrecorded(id, &error);
    }
}

fn warn_unrecorded(attempt: AttemptId, error: &Error) {
    tracing::warn!(%attempt, %error, "the outcome could not be recorded");
}
