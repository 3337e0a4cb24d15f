//! One attempt on a cluster, from its start, or from being found again, to its reported end.
//!
//! There is one path for both: look at the folder, do what its state asks for, wait until the
//! jobs were listed, look again. It ends when the folder holds an outcome. Before this server
//! writes one itself it holds the claim, or the job is gone that did.

use std::sync::Arc;
use std::time::Duration;

use stepwell_model::{Failure, FailureKind, Outcome, Usage, WaitReason};
use stepwell_supervise::{Attempt, Holder, Liveness, Started, State, discard};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};

use super::listing::{Listed, Listing};
use super::record::Record;
use super::{Cluster, JobEnd, NODES, NotSubmitted, Shared, Submission};
use crate::ending::{self, failed, folder_failure};
use crate::progress::{OBEY_WITHIN, Progress};
use crate::{Job, Report};

/// How much longer again where a launcher has to see that processes on other nodes end.
const LAUNCHER_WITHIN: Duration = Duration::from_secs(10);

/// How long the cluster is left alone after it was asked to end a job.
const END_WITHIN: Duration = Duration::from_secs(60);

/// How long the cluster is asked how a job ended that is not quite over: it may take that long to see
/// that a node is gone.
const ASK_FOR: Duration = Duration::from_secs(60);

/// How often the folder of an attempt is looked at whose job waits in the queue.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// The longest part of the job's own output that is reported, in bytes.
const LOG_MAX: usize = 4 << 10;

/// Runs or finds the attempt and reports what happens.
pub(super) async fn run(
    shared: Arc<Shared>,
    cluster: Arc<dyn Cluster>,
    job: Job,
    stop: Arc<Notify>,
) {
    let id = job.attempt;
    let mut task = AttemptTask {
        attempt: shared.stager.attempt(id),
        shown: cluster.listing(),
        progress: Progress::new(id, shared.reports.clone()),
        shared,
        cluster,
        job,
        stop,
        record: None,
        may_be_there: true,
        newest: Instant::now(),
        missing: None,
        gone: false,
        waits: String::new(),
        stop_asked: false,
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
}

struct AttemptTask {
    attempt: Attempt,
    shared: Arc<Shared>,
    cluster: Arc<dyn Cluster>,
    job: Job,
    stop: Arc<Notify>,
    shown: watch::Receiver<Listing>,
    progress: Progress,
    /// What is known of its job; `None` when it has none yet.
    record: Option<Record>,
    /// Whether a job of it may have been submitted already.
    may_be_there: bool,
    /// What the cluster showed before does not count.
    newest: Instant,
    /// Since when the cluster does not show the job any more.
    missing: Option<Instant>,
    /// Whether it is over for good, and what it has written can be seen.
    gone: bool,
    /// What it was last said to wait for.
    waits: String,
    /// Whether the cluster has passed on that it should stop.
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
            match Record::read(&self.attempt, self.cluster.files().record) {
                Ok(record) => self.record = record,
                Err(error) => return self.later_or(&error.into()).await,
            }
        }
        match self.record.as_ref().map(|record| record.job.clone()) {
            None => self.prepare().await,
            Some(None) => self.submit().await,
            Some(Some(job)) if self.gone => self.never_began(&job).await,
            Some(Some(job)) => {
                let stop = Arc::clone(&self.stop);
                tokio::select! {
                    () = self.wait(&job) => None,
                    () = stop.notified() => self.give_up(Some(&job)).await,
                }
            }
        }
    }

    /// Its job is over, and nobody has claimed the attempt.
    async fn never_began(&mut self, job: &str) -> Option<Outcome> {
        let ended = self.how_it_ended(job).await;
        if ending::could_not_write(ended.exit_code, &self.attempt) {
            return self.conclude(failed(self.with_log(ending::not_taken())));
        }
        if !ended.try_again {
            return self.conclude(failed(ended.of_unclaimed));
        }
        self.report_queue(ended.of_unclaimed.summary);
        (self.gone, self.missing) = (false, None);
        self.remember(|record| {
            record.job = None;
            record.jobs_before += 1;
        });
        None
    }

    /// Stages what the job needs, and notes down that it may be submitted from now on.
    async fn prepare(&mut self) -> Option<Outcome> {
        if let Some(refusal) = self.cluster.refuses(&self.job.needs()).await {
            let failure = Failure::new(FailureKind::Environment, refusal)
                .with_hint("let the step ask for less, or name another compute target");
            return self.conclude(failed(failure));
        }
        let grace = self.shared.config.grace.as_millis();
        let grace_ms = u64::try_from(grace).unwrap_or(u64::MAX);
        let waits = |reason| self.progress.report_waiting(reason, String::new());
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
        if let Err(error) =
            written.and_then(|()| Ok(record.write(&self.attempt, self.cluster.files().record)?))
        {
            return self.later_or(&error).await;
        }
        self.record = Some(record);
        self.may_be_there = false;
        self.submit().await
    }

    /// Finds the job that a server before this one has submitted, or submits one.
    async fn submit(&mut self) -> Option<Outcome> {
        if let Err(error) = self.attempt.spec() {
            return self.later_or(&error).await;
        }
        let submission = Submission {
            attempt: self.job.attempt,
            folder: self.attempt.folder(),
            needs: &self.job.needs(),
            outlives_nodes: self.job.places_workers(),
            target: &self.job.target,
            program: &self.shared.config.supervisor_program,
            stops_within: self.patience(),
            jobs_before: self.record.as_ref().map_or(0, |record| record.jobs_before),
            may_be_there: std::mem::replace(&mut self.may_be_there, true),
        };
        match self.cluster.submit(&submission).await {
            Ok(job) => {
                self.newest = Instant::now();
                self.remember(|record| record.job = Some(job));
                None
            }
            Err(NotSubmitted::Silent(said)) => {
                self.report_silence(&said);
                let stop = Arc::clone(&self.stop);
                tokio::select! {
                    () = sleep(self.shared.config.every) => None,
                    () = stop.notified() => self.give_up(None).await,
                }
            }
            Err(NotSubmitted::Never(failure)) => self.conclude(failed(failure)),
        }
    }

    /// Ends an attempt that nobody has claimed. Holding the claim, its job runs nothing any more.
    async fn give_up(&mut self, job: Option<&str>) -> Option<Outcome> {
        self.progress.set_stopping(self.patience());
        if self.record.is_some() {
            self.remember(|record| record.stopping = true);
        }
        let outcome = self.conclude(Outcome::Cancelled(Usage::default()))?;
        if let Some(job) = job
            && let Err(said) = self.cluster.end(job).await
        {
            tracing::warn!(attempt = %self.job.attempt, job, said, "its job could not be cancelled, and will do nothing");
        }
        Some(outcome)
    }

    /// One turn of an attempt that is claimed.
    async fn follow(&mut self, holder: &Holder, started: Option<&Started>) {
        self.progress
            .report_started(started.map(|started| started.at));
        let Holder::Cluster { job, .. } = holder else {
            // A server that ends the attempt: its outcome comes at once.
            return sleep(self.shared.config.every).await;
        };
        let known = self.record.as_ref().and_then(|record| record.job.as_ref());
        if known != Some(job) {
            self.remember(|record| record.job = Some(job.clone()));
        }
        if self.progress.is_stopping() && !self.stop_asked {
            self.remember(|record| record.stopping = true);
            self.stop_asked = self.cluster.ask_to_stop(job).await.is_ok();
        }
        let stop = Arc::clone(&self.stop);
        let out_of_time = self.progress.out_of_time();
        tokio::select! {
            () = self.wait(job) => {}
            () = stop.notified() => self.progress.set_stopping(self.patience()),
            () = out_of_time => {
                // The cluster kills what is left a while after this.
                if self.cluster.end(job).await.is_ok() {
                    self.progress.extend(END_WITHIN);
                }
            }
        }
    }

    /// Waits until the jobs were listed, and takes from that what there is of its own. While its job
    /// waits in the queue there is seldom anything to see in its folder.
    async fn wait(&mut self, job: &str) {
        let look_at = Instant::now() + LOOK_EVERY;
        loop {
            // Its sender lives as long as the cluster.
            let _ = self.shown.changed().await;
            let shown = self.shown.borrow_and_update().clone();
            if shown.asked <= self.newest {
                continue;
            }
            let jobs = match shown.jobs {
                Ok(jobs) => jobs,
                Err(said) => return self.report_silence(&said),
            };
            match jobs.get(job) {
                Some(Listed::Runs) => self.missing = None,
                Some(Listed::Waits(reason)) => {
                    self.missing = None;
                    self.report_queue(self.cluster.waits_for(job, reason));
                    if Instant::now() < look_at {
                        continue;
                    }
                }
                Some(Listed::Over) => self.is_missing(shown.asked, Duration::ZERO),
                None => self.is_missing(shown.asked, self.cluster.keeps_hidden_jobs_for()),
            }
            return;
        }
    }

    /// Its job is not among those that are not over. It is gone when it has been so long enough for
    /// it to end and for its files to be seen.
    fn is_missing(&mut self, asked: Instant, may_run_for: Duration) {
        let since = *self.missing.get_or_insert(asked);
        // A listing has a network file system look again.
        let _ = std::fs::read_dir(self.attempt.folder()).map(Iterator::count);
        self.gone = since.elapsed() >= self.shared.config.file_delay + may_run_for;
    }

    /// The outcome that a supervisor has recorded, with what only the cluster knows: the nodes, and
    /// whether it was the cluster that ended the step.
    async fn explained(&mut self, outcome: Outcome) -> Outcome {
        let record = Record::read(&self.attempt, self.cluster.files().record)
            .ok()
            .flatten()
            .unwrap_or_default();
        let asked = record.stopping || self.progress.is_stopping();
        let mut explained = match (outcome.clone(), record.job) {
            // The signal may have come to the program before it came to its supervisor.
            (Outcome::Failed(_, usage), _) if asked && usage.signal.is_some() => {
                Outcome::Cancelled(usage)
            }
            (Outcome::Failed(failure, usage), Some(job)) if !asked => {
                let ended = self.how_it_ended(&job).await;
                match ended.by_cluster {
                    true => Outcome::Failed(ended.of_claimed, usage),
                    false => Outcome::Failed(failure, usage),
                }
            }
            // Whoever it was, it was not this server.
            (Outcome::Cancelled(usage), Some(job)) if !asked => {
                Outcome::Failed(self.how_it_ended(&job).await.of_claimed, usage)
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
        self.progress
            .report_started(started.map(|started| started.at));
        let job = match self.attempt.holder() {
            Some(Holder::Cluster { job, .. }) => job,
            _ => String::new(),
        };
        let ended = self.how_it_ended(&job).await;
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
        let unwritten =
            !ended.by_cluster && ending::could_not_write(ended.exit_code, &self.attempt);
        let failure = match unwritten {
            true => ending::not_recorded(),
            false => ended.of_claimed,
        };
        let outcome = match self.progress.is_stopping() {
            true => Outcome::Cancelled(usage),
            false => Outcome::Failed(self.with_log(failure), usage),
        };
        ending::write(self.job.attempt, &self.attempt, &outcome);
        outcome
    }

    /// How the cluster says that a job ended, once it is over.
    async fn how_it_ended(&self, job: &str) -> JobEnd {
        let printed = self.jobs_log();
        let until = Instant::now() + ASK_FOR;
        while Instant::now() < until {
            match self.cluster.how_it_ended(job, &printed).await {
                Some(ended) => return ended,
                None => sleep(self.shared.config.every).await,
            }
        }
        self.cluster.unknown_end(job, &printed)
    }

    async fn later_or(&self, error: &stepwell_supervise::Error) -> Option<Outcome> {
        let why = (error.is_passing(), folder_failure(error));
        let pause = self.shared.config.every;
        ending::conclude_or_wait(self.job.attempt, &self.attempt, why, pause).await
    }

    fn conclude(&self, outcome: Outcome) -> Option<Outcome> {
        ending::conclude(self.job.attempt, &self.attempt, outcome)
    }

    /// Changes the record. One that cannot be written costs the next server a look for the name.
    fn remember(&mut self, change: impl FnOnce(&mut Record)) {
        let record = self.record.get_or_insert_default();
        change(record);
        if let Err(error) = record.write(&self.attempt, self.cluster.files().record) {
            tracing::warn!(attempt = %self.job.attempt, %error, "its job could not be noted down");
        }
    }

    fn nodes(&self) -> String {
        let path = self.attempt.folder().join(NODES);
        let names = std::fs::read_to_string(path).unwrap_or_default();
        names.trim().to_owned()
    }

    /// What the cluster and the supervisor have printed, its end.
    fn jobs_log(&self) -> String {
        let path = self.attempt.folder().join(self.cluster.files().log);
        let log = std::fs::read(path).unwrap_or_default();
        let log = String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_MAX)..]).into_owned();
        log.trim_end().to_owned()
    }

    /// With what was printed, if anything was.
    fn with_log(&self, failure: Failure) -> Failure {
        match self.jobs_log() {
            log if log.is_empty() => failure,
            log => failure.with_detail(log),
        }
    }

    /// How long a job may take to stop.
    fn patience(&self) -> Duration {
        let patience = self.shared.config.grace + OBEY_WITHIN;
        match self.job.work.is_several() {
            true => patience + LAUNCHER_WITHIN,
            false => patience,
        }
    }

    fn report_silence(&mut self, said: &str) {
        self.report_queue(format!("{} does not answer: {said}", self.cluster.kind()));
    }

    /// Says what the job waits for, when that is another thing than before.
    fn report_queue(&mut self, detail: String) {
        if !self.progress.is_started() && self.waits != detail {
            self.progress
                .report_waiting(WaitReason::ClusterQueue, detail.clone());
            self.waits = detail;
        }
    }
}
