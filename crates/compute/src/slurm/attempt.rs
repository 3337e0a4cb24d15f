//! One attempt on a cluster, from its start, or from being found again, to its reported end.
//!
//! There is one path for both: look at the folder, do what its state asks for, wait until the
//! queue was looked at, look again. It ends when the folder holds an outcome. Before this server
//! writes one itself it holds the claim, or the job is gone that did.

use std::sync::Arc;
use std::time::Duration;

use stepwell_model::{Failure, FailureKind, Outcome, SlurmTarget, Timestamp, Usage, WaitReason};
use stepwell_supervise::{Attempt, Holder, Liveness, Started, State, discard};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};

use super::cli::CliError;
use super::cluster::{Cluster, Seen};
use super::queue::{Ended, waits_for};
use super::record::Record;
use super::{Shared, ends, script};
use crate::ending::{self, failed, folder_failure};
use crate::{Job, Report};

/// How much longer than its grace a supervisor may take to obey.
const OBEY_WITHIN: Duration = Duration::from_secs(5);

/// How much longer again where a launcher has to see that processes on other nodes end.
const LAUNCHER_WITHIN: Duration = Duration::from_secs(10);

/// How often Slurm is asked how a job ended that is not quite over.
const ASK_AGAIN: u32 = 30;

/// The longest part of the job's own output that is reported, in bytes.
const LOG_MAX: usize = 4 << 10;

/// Runs or finds the attempt and reports what happens.
pub(super) async fn run(
    shared: Arc<Shared>,
    cluster: Arc<Cluster>,
    target: SlurmTarget,
    job: Job,
    stop: Arc<Notify>,
) {
    let id = job.attempt;
    let mut task = AttemptTask {
        attempt: shared.stager.attempt(id),
        seen: cluster.look(),
        shared,
        cluster,
        target,
        job,
        stop,
        record: None,
        newest: Instant::now(),
        missing: None,
        gone: false,
        waits: String::new(),
        reported_started: false,
        stopping: None,
        stop_asked: false,
    };
    let outcome = task.outcome().await;
    let stager = Arc::clone(&task.shared.stager);
    let outcome = stager.finish(&task.job, outcome, &task.stop).await;
    task.report_started(outcome.usage().started);
    task.shared.live().remove(&id);
    task.shared.report(Report::Ended {
        attempt: id,
        outcome,
    });
}

struct AttemptTask {
    attempt: Attempt,
    shared: Arc<Shared>,
    cluster: Arc<Cluster>,
    target: SlurmTarget,
    job: Job,
    stop: Arc<Notify>,
    seen: watch::Receiver<Seen>,
    /// What is known of its job; `None` when it has none yet.
    record: Option<Record>,
    /// What the queue showed before does not count.
    newest: Instant,
    /// Since when the queue does not show the job any more.
    missing: Option<Instant>,
    /// Whether it is over for good, and what it has written can be seen.
    gone: bool,
    /// What it was last said to wait for.
    waits: String,
    reported_started: bool,
    /// When a job that was asked to stop is ended.
    stopping: Option<Instant>,
    /// Whether Slurm has passed on that it should stop.
    stop_asked: bool,
}

impl AttemptTask {
    async fn outcome(&mut self) -> Outcome {
        loop {
            let gone = self.gone;
            let liveness = |holder: &Holder| match holder {
                Holder::Process(_) => holder.liveness_here(),
                Holder::Cluster { .. } if gone => Liveness::Gone,
                Holder::Cluster { .. } => Liveness::Alive,
            };
            let state = self.attempt.state(liveness);
            let next = match state {
                Ok(State::Ended(outcome)) => Some(self.explained(outcome).await),
                Ok(State::Unclaimed) => self.queued().await,
                Ok(State::Running { holder, started }) => {
                    self.follow(&holder, started.as_ref()).await;
                    None
                }
                Ok(State::Dead { started }) => Some(self.reconcile_dead(started.as_ref()).await),
                Err(error) if error.is_passing() => {
                    tracing::warn!(attempt = %self.job.attempt, %error, "its folder cannot be read now");
                    sleep(self.shared.config.every).await;
                    None
                }
                Err(error) => Some(failed(folder_failure(&error))),
            };
            if let Some(outcome) = next {
                return outcome;
            }
        }
    }

    /// One turn of an attempt that nobody has claimed: its job is submitted, or waits.
    async fn queued(&mut self) -> Option<Outcome> {
        if self.record.is_none() {
            match Record::read(&self.attempt) {
                Ok(record) => self.record = record,
                Err(error) => return self.conclude(failed(folder_failure(&error.into()))),
            }
        }
        match self.record.as_ref().map(|record| record.job) {
            None => self.prepare().await,
            Some(None) => self.submit().await,
            Some(Some(job)) if self.gone => {
                let ended = self.how_it_ended(job).await;
                let failure = ends::of_unclaimed(job, &ended, &self.jobs_log());
                self.conclude(failed(failure))
            }
            Some(Some(job)) => {
                let stop = Arc::clone(&self.stop);
                tokio::select! {
                    () = self.wait(job) => None,
                    () = stop.notified() => self.give_up(Some(job)).await,
                }
            }
        }
    }

    /// Stages what the job needs, and notes down that it may be submitted from now on.
    async fn prepare(&mut self) -> Option<Outcome> {
        let capacity = self.cluster.capacity().await;
        // One that cannot be asked now is asked by `sbatch`.
        let refusal = capacity
            .ok()
            .and_then(|has| has.refuses(&self.target, &self.job.resources));
        if let Some(refusal) = refusal {
            let failure = Failure::new(FailureKind::Environment, refusal)
                .with_hint("let the step ask for less, or name another compute target");
            return self.conclude(failed(failure));
        }
        let grace = self.shared.config.grace.as_millis();
        let grace_ms = u64::try_from(grace).unwrap_or(u64::MAX);
        let waits = |reason| self.report_waiting(reason, String::new());
        let staged = tokio::select! {
            staged = self.shared.stager.stage(&self.job, grace_ms, &waits) => staged,
            () = self.stop.notified() => return self.give_up(None).await,
        };
        let staged = match staged {
            Ok(staged) => staged,
            Err(failure) => return self.conclude(failed(failure)),
        };
        let record = Record::default();
        let written = staged.write(&self.attempt);
        if let Err(error) = written.and_then(|()| Ok(record.write(&self.attempt)?)) {
            return self.conclude(failed(folder_failure(&error)));
        }
        self.record = Some(record);
        self.submit().await
    }

    /// Finds the job that a server before this one has submitted, or submits one.
    async fn submit(&mut self) -> Option<Outcome> {
        let id = self.job.attempt;
        let found = match self.attempt.spec() {
            Ok(_) => self.cluster.find(&script::job_name(id)).await,
            Err(error) => return self.conclude(failed(folder_failure(&error))),
        };
        let submitted = match found {
            Ok(Some(job)) => Ok(job),
            Ok(None) => {
                let folder = self.attempt.folder();
                let options = script::options(id, folder, &self.target, &self.job.resources);
                let program = &self.shared.config.supervisor_program;
                let script = script::script(&self.cluster.name, program, folder);
                self.cluster.submit(&options, &script).await
            }
            Err(error) => Err(error),
        };
        match submitted {
            Ok(job) => {
                self.newest = Instant::now();
                self.remember(|record| record.job = Some(job));
                None
            }
            Err(CliError::Silent(said)) => {
                self.report_queue(format!("Slurm does not answer: {said}"));
                let stop = Arc::clone(&self.stop);
                tokio::select! {
                    () = sleep(self.shared.config.every) => None,
                    () = stop.notified() => self.give_up(None).await,
                }
            }
            Err(CliError::Refused(said)) => {
                let summary = format!("Slurm refused the step's job: {said}");
                let failure = Failure::new(FailureKind::Environment, summary).with_hint(format!(
                    "`stepwell compute show {}` shows what is asked of Slurm for each step",
                    self.job.target
                ));
                self.conclude(failed(failure))
            }
            Err(error @ CliError::Missing { .. }) => {
                let failure = Failure::new(FailureKind::Environment, error.to_string());
                self.conclude(failed(failure.with_hint(
                    "Slurm's commands must be on the server's PATH; or let the target name a \
                     login node that has them: `--ssh HOST`",
                )))
            }
        }
    }

    /// Ends an attempt that nobody has claimed. Holding the claim, its job runs nothing any more.
    async fn give_up(&mut self, job: Option<u64>) -> Option<Outcome> {
        self.set_stopping();
        if self.record.is_some() {
            self.remember(|record| record.stopping = true);
        }
        let outcome = self.conclude(Outcome::Cancelled(Usage::default()))?;
        if let Some(job) = job
            && let Err(error) = self.cluster.end(job).await
        {
            tracing::warn!(attempt = %self.job.attempt, job, %error, "its job could not be cancelled, and will do nothing");
        }
        Some(outcome)
    }

    /// One turn of an attempt that is claimed.
    async fn follow(&mut self, holder: &Holder, started: Option<&Started>) {
        self.report_started(started.map(|started| started.at));
        let job = match holder {
            Holder::Cluster { job, .. } => job.parse().ok(),
            // A server that ends the attempt: its outcome comes at once.
            Holder::Process(_) => None,
        };
        let Some(job) = job else {
            return sleep(self.shared.config.every).await;
        };
        if self.record.as_ref().and_then(|record| record.job) != Some(job) {
            self.remember(|record| record.job = Some(job));
        }
        if self.stopping.is_some() && !self.stop_asked {
            self.remember(|record| record.stopping = true);
            self.stop_asked = self.cluster.ask_to_stop(job).await.is_ok();
        }
        let stop = Arc::clone(&self.stop);
        let deadline = self.stopping;
        tokio::select! {
            () = self.wait(job) => {}
            () = stop.notified() => self.set_stopping(),
            () = until(deadline) => {
                // Slurm kills what is left a while after this.
                if self.cluster.end(job).await.is_ok() {
                    self.stopping = Some(Instant::now() + Duration::from_secs(60));
                }
            }
        }
    }

    /// Waits until the queue was looked at, and takes from it what there is of the job.
    async fn wait(&mut self, job: u64) {
        let seen = loop {
            // Its sender lives as long as the cluster.
            let _ = self.seen.changed().await;
            let seen = self.seen.borrow_and_update().clone();
            if seen.asked > self.newest {
                break seen;
            }
        };
        let queue = match seen.queue {
            Ok(queue) => queue,
            Err(said) => return self.report_queue(format!("Slurm does not answer: {said}")),
        };
        match queue.find(job) {
            Some(queued) => {
                self.missing = None;
                if !queued.runs {
                    self.report_queue(waits_for(job, &queued.reason));
                }
            }
            None => {
                let since = *self.missing.get_or_insert(seen.asked);
                // A listing has a network file system look again.
                let _ = std::fs::read_dir(self.attempt.folder()).map(Iterator::count);
                self.gone = since.elapsed() >= self.shared.config.file_delay;
            }
        }
    }

    /// The outcome that a supervisor has recorded, with what only the cluster knows: the nodes, and
    /// whether it was Slurm that ended the step.
    async fn explained(&mut self, outcome: Outcome) -> Outcome {
        let record = Record::read(&self.attempt)
            .ok()
            .flatten()
            .unwrap_or_default();
        let asked = record.stopping || self.stopping.is_some();
        let mut explained = match (outcome.clone(), record.job) {
            // The signal may have come to the program before it came to its supervisor.
            (Outcome::Failed(_, usage), _) if asked && usage.signal.is_some() => {
                Outcome::Cancelled(usage)
            }
            (Outcome::Failed(_, usage) | Outcome::Cancelled(usage), Some(job)) if !asked => {
                let ended = self.how_it_ended(job).await;
                match ends::is_slurms_doing(&ended) {
                    true => Outcome::Failed(ends::of_claimed(job, &ended), usage),
                    false => outcome.clone(),
                }
            }
            (outcome, _) => outcome,
        };
        explained.usage_mut().nodes = self.nodes();
        if explained != outcome {
            ending::write(self.job.attempt, &self.attempt, &explained);
        }
        explained
    }

    /// Says what became of an attempt whose job is gone without an outcome.
    async fn reconcile_dead(&mut self, started: Option<&Started>) -> Outcome {
        self.report_started(started.map(|started| started.at));
        let job = match self.attempt.holder() {
            Some(Holder::Cluster { job, .. }) => job.parse().unwrap_or_default(),
            _ => 0,
        };
        let ended = self.how_it_ended(job).await;
        let usage = Usage {
            started: started.map(|started| started.at),
            ended: Some(stepwell_supervise::now()),
            exit_code: ended.exit_code,
            signal: ended.signal,
            nodes: self.nodes(),
            ..Usage::default()
        };
        if let Ok(spec) = self.attempt.spec() {
            let discarded = tokio::task::spawn_blocking(move || discard(&spec)).await;
            if discarded.is_err() {
                tracing::error!(attempt = %self.job.attempt, "half outputs could not be removed");
            }
        }
        let outcome = match self.stopping {
            Some(_) => Outcome::Cancelled(usage),
            None => Outcome::Failed(
                ends::of_claimed(job, &ended).with_detail(self.jobs_log()),
                usage,
            ),
        };
        ending::write(self.job.attempt, &self.attempt, &outcome);
        outcome
    }

    /// How Slurm says that a job ended, once it is over; empty when Slurm cannot say.
    async fn how_it_ended(&self, job: u64) -> Ended {
        for _ in 0..ASK_AGAIN {
            match self.cluster.ended(job).await {
                Ok(ended) if !ended.is_alive() => return ended,
                _ => sleep(self.shared.config.every).await,
            }
        }
        Ended::default()
    }

    fn conclude(&self, outcome: Outcome) -> Option<Outcome> {
        ending::conclude(self.job.attempt, &self.attempt, outcome)
    }

    /// Changes the record. One that cannot be written costs the next server a look for the name.
    fn remember(&mut self, change: impl FnOnce(&mut Record)) {
        let record = self.record.get_or_insert_default();
        change(record);
        if let Err(error) = record.write(&self.attempt) {
            tracing::warn!(attempt = %self.job.attempt, %error, "its job could not be noted down");
        }
    }

    fn nodes(&self) -> String {
        let path = self.attempt.folder().join(script::NODES);
        let names = std::fs::read_to_string(path).unwrap_or_default();
        names.trim().to_owned()
    }

    /// What Slurm and the supervisor have printed, its end.
    fn jobs_log(&self) -> String {
        let path = self.attempt.folder().join(script::LOG);
        let log = std::fs::read(path).unwrap_or_default();
        let log = String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_MAX)..]).into_owned();
        log.trim_end().to_owned()
    }

    fn set_stopping(&mut self) {
        let mut patience = self.shared.config.grace + OBEY_WITHIN;
        if self.job.work.is_several() {
            patience += LAUNCHER_WITHIN;
        }
        self.stopping
            .get_or_insert_with(|| Instant::now() + patience);
    }

    fn report_started(&mut self, at: Option<Timestamp>) {
        let Some(at) = at.filter(|_| !self.reported_started) else {
            return;
        };
        self.reported_started = true;
        let attempt = self.job.attempt;
        self.shared.report(Report::Started { attempt, at });
    }

    /// Says what the job waits for, when that is another thing than before.
    fn report_queue(&mut self, detail: String) {
        if !self.reported_started && self.waits != detail {
            self.report_waiting(WaitReason::ClusterQueue, detail.clone());
            self.waits = detail;
        }
    }

    fn report_waiting(&self, reason: WaitReason, detail: String) {
        self.shared.report(Report::Waiting {
            attempt: self.job.attempt,
            reason,
            detail,
        });
    }
}

/// Never, if there is no deadline.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
