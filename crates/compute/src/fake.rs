//! An executor without processes, for tests of the engine.
//!
//! Each job ends as the test's script says: at once, or when the test says so or somebody asks it
//! to stop. It keeps the contract of [`Executor`]: one end for each attempt, the same when asked
//! again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stepwell_model::{Arg, AttemptId, ExecutorKind, Outcome, Timestamp, Usage};
use stepwell_supervise::{Holder, Liveness};
use tokio::sync::mpsc::UnboundedSender;

use crate::{BoxFuture, Executor, Executors, Job, Report, Work};

/// The words of a job's command line that are text, for scripts that go by them.
#[must_use]
pub fn words(job: &Job) -> Vec<&str> {
    let Work::Program { arguments, .. } = &job.work else {
        return Vec::new();
    };
    let literal = arguments.iter().filter_map(|argument| match argument {
        Arg::Literal(text) | Arg::Value(text) => Some(text.as_str()),
        _ => None,
    });
    literal.collect()
}

/// What a job does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Play {
    /// Starts and ends at once.
    End(Outcome),
    /// Starts and runs until [`FakeExecutor::finish`] or a stop.
    Run,
    /// Is accepted and not heard of until [`FakeExecutor::finish`] or a stop.
    Hang,
}

impl Play {
    /// Succeeds at once.
    #[must_use]
    pub fn succeed() -> Self {
        Self::End(Outcome::Succeeded(Usage::default()))
    }
}

/// An executor that plays a script.
pub struct FakeExecutor {
    script: Box<dyn Fn(&Job) -> Play + Send + Sync>,
    reports: UnboundedSender<Report>,
    attempts: Mutex<BTreeMap<AttemptId, Life>>,
}

#[derive(Clone, Default)]
struct Life {
    started: bool,
    outcome: Option<Outcome>,
}

impl FakeExecutor {
    /// An executor that asks `script` what each job does.
    pub fn new(
        reports: UnboundedSender<Report>,
        script: impl Fn(&Job) -> Play + Send + Sync + 'static,
    ) -> Self {
        Self {
            script: Box::new(script),
            reports,
            attempts: Mutex::default(),
        }
    }

    /// The same for all targets of an engine.
    pub fn everywhere(
        reports: UnboundedSender<Report>,
        script: impl Fn(&Job) -> Play + Send + Sync + 'static,
    ) -> Executors {
        let fake = Self::new(reports.clone(), script);
        Executors::new(reports).with(ExecutorKind::Local, Arc::new(fake))
    }

    /// Ends a running attempt; false if it does not run.
    pub fn finish(&self, attempt: AttemptId, outcome: Outcome) -> bool {
        match self.attempts().get_mut(&attempt) {
            Some(life @ Life { outcome: None, .. }) => life.outcome = Some(outcome.clone()),
            _ => return false,
        }
        self.report(Report::Ended { attempt, outcome });
        true
    }

    /// The attempts that run now.
    #[must_use]
    pub fn running(&self) -> Vec<AttemptId> {
        let attempts = self.attempts();
        let running = attempts.iter().filter(|(_, life)| life.outcome.is_none());
        running.map(|(&attempt, _)| attempt).collect()
    }

    fn attempts(&self) -> MutexGuard<'_, BTreeMap<AttemptId, Life>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A test that no longer listens has seen enough.
    fn report(&self, report: Report) {
        let _ = self.reports.send(report);
    }
}

impl Executor for FakeExecutor {
    fn start(&self, job: Job) {
        let attempt = job.attempt;
        let at = Timestamp::default();
        let known = self.attempts().get(&attempt).cloned();
        if let Some(life) = known {
            if let Some(outcome) = life.outcome {
                if life.started {
                    self.report(Report::Started { attempt, at });
                }
                self.report(Report::Ended { attempt, outcome });
            }
            return;
        }
        let play = (self.script)(&job);
        let started = play != Play::Hang;
        let outcome = None;
        self.attempts().insert(attempt, Life { started, outcome });
        if started {
            self.report(Report::Started { attempt, at });
        }
        if let Play::End(outcome) = play {
            self.finish(attempt, outcome);
        }
    }

    fn stop(&self, attempt: AttemptId) {
        self.finish(attempt, Outcome::Cancelled(Usage::default()));
    }

    /// Its attempts are held by jobs of a cluster `fake`, with the attempt as the job's id.
    fn find<'a>(&'a self, holder: &'a Holder) -> BoxFuture<'a, Liveness> {
        let job = match holder {
            Holder::Cluster { cluster, job } if cluster == "fake" => job,
            _ => return Box::pin(std::future::ready(Liveness::Unknown)),
        };
        let runs = |attempt| self.running().contains(&attempt);
        let alive = job.parse().is_ok_and(runs);
        Box::pin(std::future::ready(match alive {
            true => Liveness::Alive,
            false => Liveness::Gone,
        }))
    }
}
