//! How an executor ends an attempt itself, and what it says then.

use std::time::Duration;

use stepwell_model::{AttemptId, Failure, FailureKind, Outcome, Usage};
use stepwell_supervise::{Attempt, EXIT_NOT_RECORDED, Error, Holder, Process, storage_failure};

/// What to do when a supervisor could not write to the data folder.
const MAKE_ROOM: &str = "the disk of the data folder was full or failing: make room on it, and run \
                         the step again";

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

/// Whether a supervisor that is gone could not write to the attempt's folder: by its exit status, if that
/// is known, or by its notes, as on a full disk there is room for the name of that file and for nothing else.
pub(crate) fn could_not_write(code: Option<i32>, attempt: &Attempt) -> bool {
    match code {
        Some(code) => code == i32::from(EXIT_NOT_RECORDED),
        None => attempt.notes().as_deref() == Some(""),
    }
}

/// The failure of a step whose supervisor could not write down how it ended.
pub(crate) fn not_recorded() -> Failure {
    Failure::new(FailureKind::Storage, "the step's end could not be recorded").with_hint(MAKE_ROOM)
}

/// The failure of a step that never began, as its supervisor could not claim it.
pub(crate) fn not_taken() -> Failure {
    let summary = "the step's supervisor could not take the step";
    Failure::new(FailureKind::Storage, summary).with_hint(MAKE_ROOM)
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
