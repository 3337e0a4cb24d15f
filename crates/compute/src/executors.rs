//! The executors of a server, by the kind of target whose steps they run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stepwell_model::{
    AttemptId, ComputeKind, ExecutorKind, Failure, FailureKind, Outcome, Resources, Usage,
};
use tokio::sync::mpsc::UnboundedSender;

use crate::{Executor, Job, Report};

/// How long a submission waits for a cluster to say what it has.
const ASKED_FOR: Duration = Duration::from_secs(5);

/// Picks the executor of each job.
#[derive(Clone)]
pub struct Executors {
    by_kind: BTreeMap<ExecutorKind, Arc<dyn Executor>>,
    reports: UnboundedSender<Report>,
}

impl std::fmt::Debug for Executors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.by_kind.keys()).finish()
    }
}

impl Executors {
    /// None yet; all report to `reports`.
    #[must_use]
    pub fn new(reports: UnboundedSender<Report>) -> Self {
        Self {
            by_kind: BTreeMap::new(),
            reports,
        }
    }

    /// The same with one more.
    #[must_use]
    pub fn with(mut self, kind: ExecutorKind, executor: Arc<dyn Executor>) -> Self {
        self.by_kind.insert(kind, executor);
        self
    }

    /// Starts the attempt where its target is, or finds it there. Where this server has no such
    /// executor, the attempt fails.
    pub fn start(&self, job: Job) {
        let failure = match self.by_kind.get(&job.compute.executor()) {
            Some(executor) => match job.compute.refuses(&job.resources, job.work.is_several()) {
                None => return executor.start(job),
                Some(reason) => Failure::new(FailureKind::Environment, reason),
            },
            None => {
                let (target, kind) = (&job.target, job.compute.executor().as_str());
                let summary = format!(
                    "this server runs no steps on the target `{target}`, which is of kind `{kind}`"
                );
                Failure::new(FailureKind::Environment, summary)
            }
        };
        let failure = failure.with_hint("name a compute target that can run the step");
        // A closed channel means that the server is going down.
        let _ = self.reports.send(Report::Ended {
            attempt: job.attempt,
            outcome: Outcome::Failed(failure, Usage::default()),
        });
    }

    /// Why an attempt that needs so much can never run on such a target, with what is there; `None`
    /// when it can, or when that cannot be known within a moment: then it is found out when the
    /// attempt starts.
    pub async fn refuses(
        &self,
        target: &ComputeKind,
        needs: &Resources,
        is_several: bool,
    ) -> Option<String> {
        if let Some(reason) = target.refuses(needs, is_several) {
            return Some(reason);
        }
        let executor = self.by_kind.get(&target.executor())?;
        let asked = tokio::time::timeout(ASKED_FOR, executor.refuses(target, needs)).await;
        asked.ok().flatten()
    }

    /// Asks the attempt to stop, wherever it is: an executor that does not know it ignores this,
    /// and its target may have been changed since it was started.
    pub fn stop(&self, attempt: AttemptId) {
        for executor in self.by_kind.values() {
            executor.stop(attempt);
        }
    }
}
