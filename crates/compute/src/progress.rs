//! What an executor's loop keeps of one attempt, whichever executor it is: what was reported of it,
//! and how long it may still take to stop.
//!
//! Invariants: a start is reported once; the time within which an attempt must stop is not moved
//! when it is asked again.

use std::time::Duration;

use stepwell_model::{AttemptId, Timestamp, WaitReason};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep_until};

use crate::Report;

/// How much longer than its grace a supervisor may take to obey.
pub(crate) const OBEY_WITHIN: Duration = Duration::from_secs(5);

/// What is known of an attempt's way to its end.
pub(crate) struct Progress {
    attempt: AttemptId,
    reports: UnboundedSender<Report>,
    is_started: bool,
    /// When a supervisor that was asked to stop is killed.
    stop_by: Option<Instant>,
}

impl Progress {
    pub(crate) const fn new(attempt: AttemptId, reports: UnboundedSender<Report>) -> Self {
        Self {
            attempt,
            reports,
            is_started: false,
            stop_by: None,
        }
    }

    /// Whether the start was reported.
    pub(crate) const fn is_started(&self) -> bool {
        self.is_started
    }

    /// Reports the start, if that is known now and was not reported.
    pub(crate) fn report_started(&mut self, at: Option<Timestamp>) {
        let Some(at) = at.filter(|_| !self.is_started) else {
            return;
        };
        self.is_started = true;
        let attempt = self.attempt;
        self.report(Report::Started { attempt, at });
    }

    pub(crate) fn report_waiting(&self, reason: WaitReason, detail: String) {
        self.report(Report::Waiting {
            attempt: self.attempt,
            reason,
            detail,
        });
    }

    /// A closed channel means that the server is going down; the folders keep what was not heard.
    fn report(&self, report: Report) {
        let _ = self.reports.send(report);
    }

    /// Whether the attempt was asked to stop.
    pub(crate) const fn is_stopping(&self) -> bool {
        self.stop_by.is_some()
    }

    /// Notes that it was asked to stop, and has this long for it.
    pub(crate) fn set_stopping(&mut self, patience: Duration) {
        self.stop_by
            .get_or_insert_with(|| Instant::now() + patience);
    }

    /// Gives it more time, from now on.
    pub(crate) fn extend(&mut self, patience: Duration) {
        self.stop_by = Some(Instant::now() + patience);
    }

    /// Waits until its time to stop is over: for ever, if it was not asked to.
    pub(crate) fn out_of_time(&self) -> impl Future<Output = ()> + use<> {
        let stop_by = self.stop_by;
        async move {
            match stop_by {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        }
    }
}
