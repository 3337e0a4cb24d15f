//! The worker of a search of hyperparameters: it performs what [`stepwell_tune::Core`] decides.
//!
//! Trials are ordinary script runs whose parent is the search's run, submitted with the step's own
//! token; those that are begun at once go in one request. Each event is written to a file of the step's
//! state before its effects are performed; after a crash the events are folded again and what was open
//! is done again, under keys that make submitting a trial twice the same run, however the trials are
//! cut into requests.

mod finish;
mod link;
mod record;
mod suggest;
mod trials;
mod watch;

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use stepwell_api::{KeyedRun, MetricKind, SubmitRun};
use stepwell_model::{Failure, FailureKind, TuneRequest};
use stepwell_tune::{CancelReason, Core, Effect, Event, Search, Verdict};
use stepwell_worker::Worker;

use link::Link;
use record::Record;
use suggest::Suggester;
use trials::Trials;
use watch::Watch;

/// How often a request to stop and the time limit are looked at.
const TICK: Duration = Duration::from_millis(200);

/// How many trials are submitted together, and how many events are taken in before what follows from
/// them is done: few enough that the first trials start at once.
const TOGETHER_MAX: usize = 64;

/// The metric of the search that names each new best trial.
const BEST: &str = "best_child_by_primary_metric";

/// How a search ended, if it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Completed,
    Canceled,
}

/// Does the whole search.
pub(crate) fn run(worker: &Worker) -> Result<Ended, Failure> {
    let request: TuneRequest = worker.task()?;
    let search = Search::read(&request.search)
        .map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
    let link = Link::from_environment(worker)?;
    let state = worker.state().map_err(|error| storage(&error))?.to_owned();
    let trials = Trials::prepare(worker, &link, &search, &state)?;
    let (record, known) = Record::open(&state).map_err(|error| storage(&error))?;
    let (events, inbox) = mpsc::channel();
    let settings = search.settings(
        trials.fallback_seed(),
        trials.resumed_values(),
        trials.earlier_histories(),
    );
    let watch = Watch::begin(watch::Watched {
        search: worker.request().run,
        metric: search.primary_metric.name.clone(),
        goal: search.primary_metric.goal,
        samples: search.policy.watches(),
        link: link.clone(),
        events: events.clone(),
    });
    let mut driver = Driver {
        core: Core::new(settings),
        search,
        request,
        worker,
        link,
        trials,
        record,
        events,
        watch,
        suggester: None,
        bests: Vec::new(),
        shown: None,
        began_ms: known.first().map_or_else(now_ms, |(at_ms, _)| *at_ms),
    };
    driver.go_on(known.into_iter().map(|(_, event)| event).collect())?;
    driver.serve(&inbox)
}

/// The edge of one search.
struct Driver<'a> {
    core: Core,
    search: Search,
    request: TuneRequest,
    worker: &'a Worker,
    link: Link,
    trials: Trials,
    record: Record,
    events: Sender<Event>,
    watch: Watch,
    suggester: Option<Suggester>,
    /// Each new best in order: the trial, its value, when.
    bests: Vec<(usize, f64, u64)>,
    /// When it was last shown how far the search is, and what.
    shown: Option<(Instant, Value)>,
    /// When the search began; an attempt after a crash goes on from there.
    began_ms: u64,
}

impl Driver<'_> {
    /// Begins, or goes on from the recorded events.
    fn go_on(&mut self, known: Vec<Event>) -> Result<(), Failure> {
        if known.is_empty() {
            say("the search begins");
            self.trials
                .describe(&self.link, &self.search, &self.request)?;
            return self.take(vec![Event::Began]);
        }
        say("the search goes on from what was recorded");
        for event in known {
            for effect in self.core.step(event) {
                if let Effect::Best { trial, value } = effect {
                    self.bests.push((trial, value, self.began_ms));
                }
            }
        }
        let pending = self.core.pending();
        self.perform(pending);
        Ok(())
    }

    /// Takes events in until the search is over.
    fn serve(&mut self, inbox: &Receiver<Event>) -> Result<Ended, Failure> {
        let mut looked = Instant::now();
        loop {
            if let Some(verdict) = self.core.verdict() {
                return self.finish(verdict);
            }
            if looked.elapsed() >= TICK {
                looked = Instant::now();
                self.look_around()?;
            }
            match inbox.recv_timeout(TICK) {
                Ok(event) => {
                    let come = inbox.try_iter().take(TOGETHER_MAX);
                    self.take(std::iter::once(event).chain(come).collect())?;
                }
                Err(RecvTimeoutError::Timeout) => self.show_progress(),
                Err(RecvTimeoutError::Disconnected) => {}
            }
        }
    }

    fn look_around(&mut self) -> Result<(), Failure> {
        if self.worker.is_stopping() {
            self.take(vec![Event::Stopped])?;
        }
        let minutes = now_ms().saturating_sub(self.began_ms) / 60_000;
        if minutes >= self.search.max_duration_minutes {
            self.take(vec![Event::Expired])?;
        }
        Ok(())
    }

    /// Records events and does what follows from them.
    fn take(&mut self, events: Vec<Event>) -> Result<(), Failure> {
        let mut effects = Vec::new();
        for event in events {
            if !self.core.takes(&event) {
                continue;
            }
            self.record
                .write(now_ms(), &event)
                .map_err(|error| storage(&error))?;
            effects.extend(self.core.step(event.clone()));
            self.trials.log_event(&self.core, &event);
        }
        self.perform(effects);
        self.show_progress();
        Ok(())
    }

    /// Performs effects in their order; only that trials which are begun are submitted together, when
    /// all else is done.
    fn perform(&mut self, effects: Vec<Effect>) {
        let mut begun = Vec::new();
        for effect in effects {
            match effect {
                Effect::Suggest { trial } => self.suggest(trial),
                Effect::Submit { trial, values } => begun.push((trial, values)),
                Effect::Watch { trial, run } => self.watch.add(trial, &run),
                Effect::Cancel { trial, reason } => self.cancel(trial, reason),
                Effect::Best { trial, value } => self.note_best(trial, value),
                // `serve` sees it in the state, so that it comes after all else is recorded.
                Effect::Finish { .. } => {}
            }
        }
        for together in begun.chunks(TOGETHER_MAX) {
            self.submit(together);
        }
    }

    fn report(&self, event: Event) {
        // The receiver lives as long as the driver.
        let _ = self.events.send(event);
    }

    fn suggest(&mut self, trial: usize) {
        let asked = self.suggester.take().map_or_else(Suggester::start, Ok);
        let answer = asked.and_then(|mut suggester| {
            let values = suggester.ask(&self.core, &self.search, &self.trials, trial)?;
            self.suggester = Some(suggester);
            Ok(values)
        });
        self.report(match answer {
            Ok(values) => Event::Suggested { trial, values },
            Err(reason) => Event::Broken { reason },
        });
    }

    /// Submits trials together. A refusal says nothing of a trial of an earlier request, so each is then
    /// asked for alone.
    fn submit(&self, trials: &[(usize, stepwell_tune::Values)]) {
        let keyed = |(trial, values): &(usize, stepwell_tune::Values)| KeyedRun {
            key: format!("{}-trial-{trial}", self.worker.request().run),
            run: self.trials.body(self.worker, &self.request, *trial, values),
        };
        let numbers = trials.iter().map(|(trial, _)| *trial);
        let runs: Vec<KeyedRun> = trials.iter().map(keyed).collect();
        if let [_, _, ..] = runs[..] {
            match self.link.submit_together(&runs) {
                Ok(started) => {
                    for (trial, run) in numbers.zip(started) {
                        self.report(Event::Submitted { trial, run });
                    }
                    return;
                }
                Err(link::Fault::Stopping) => return,
                Err(link::Fault::Refused(_)) => {}
            }
        }
        for (trial, KeyedRun { key, run }) in numbers.zip(&runs) {
            self.submit_alone(trial, run, key);
        }
    }

    fn submit_alone(&self, trial: usize, body: &SubmitRun, key: &str) {
        match self.link.submit(body, key) {
            Ok(run) => self.report(Event::Submitted { trial, run }),
            Err(link::Fault::Refused(reason)) => {
                let reason = format!("the server refused a trial: {reason}");
                self.report(Event::Broken { reason });
                // A trial that cannot be started has ended.
                let outcome = stepwell_tune::Outcome::Failed;
                self.report(Event::Ended { trial, outcome });
            }
            Err(link::Fault::Stopping) => {}
        }
    }

    fn cancel(&self, trial: usize, reason: CancelReason) {
        let Some(run) = self.core.trials()[trial].run() else {
            return;
        };
        if reason == CancelReason::Policy {
            say(&format!("trial {trial} is stopped early by the policy"));
        }
        if let Err(link::Fault::Refused(reason)) = self.link.cancel(run) {
            say(&format!("trial {trial} could not be stopped: {reason}"));
        }
    }

    fn note_best(&mut self, trial: usize, value: f64) {
        say(&format!("trial {trial} is the best so far: {value}"));
        self.bests.push((trial, value, now_ms()));
        let number = self.bests.len() - 1;
        let points = [self.best_point(number, false)];
        self.link.log(self.worker.request().run, number, &points);
    }

    /// A row of the table of bests; rows are known by their numbers, so that repeating one is safe.
    fn best_point(&self, number: usize, is_final: bool) -> stepwell_api::MetricPoint {
        let (trial, value, at_ms) = self.bests[number];
        let run = self.core.trials()[trial].run().unwrap_or_default();
        let row = json!({
            "metric_name": self.search.primary_metric.name,
            "timestamp": at_ms,
            "run_id": run,
            "metric_value": value,
            "final": is_final,
        });
        stepwell_api::MetricPoint {
            name: BEST.to_owned(),
            kind: MetricKind::Row,
            value: row,
            step: None,
            at_ms: i64::try_from(at_ms).unwrap_or(i64::MAX),
            description: String::new(),
        }
    }

    /// Shows how far the search is, now and then: each time replaces a file.
    fn show_progress(&mut self) {
        let is_over = self.core.verdict().is_some();
        if !is_over
            && self
                .shown
                .as_ref()
                .is_some_and(|(at, _)| at.elapsed() < TICK)
        {
            return;
        }
        let best = self.core.best().map(|(trial, value)| {
            let run = self.core.trials()[trial].run();
            json!({"trial": trial, "run": run, "value": value})
        });
        let mut progress = serde_json::to_value(self.core.progress()).unwrap_or_default();
        progress["trials_max"] = Value::from(self.core.settings().trials_max);
        progress["best"] = best.unwrap_or(Value::Null);
        if self
            .shown
            .as_ref()
            .is_none_or(|(_, known)| *known != progress)
        {
            // What is shown is for people; the search does not fail for it.
            let _ = self.worker.show_progress(&progress);
            self.shown = Some((Instant::now(), progress));
        }
    }

    fn finish(&self, verdict: Verdict) -> Result<Ended, Failure> {
        for number in 0..self.bests.len() {
            let is_last = number + 1 == self.bests.len();
            self.link.log(
                self.worker.request().run,
                number,
                &[self.best_point(number, false)],
            );
            if is_last {
                let last = [self.best_point(number, true)];
                self.link.log(self.worker.request().run, number + 1, &last);
            }
        }
        self.trials.write_tags(&self.link, &self.core)?;
        say(&finish::summary(&self.core, &self.search));
        match verdict {
            Verdict::Failed(reason) => Err(Failure::new(FailureKind::UserCode, reason).with_hint(
                "`stepwell show` lists the trials; `stepwell logs` shows what one printed",
            )),
            Verdict::Canceled => Ok(Ended::Canceled),
            Verdict::Completed => {
                finish::write_outputs(self.worker, &self.link, &self.core, &self.request)?;
                Ok(Ended::Completed)
            }
        }
    }
}

/// Values by the names of their parameters, as v1 writes them.
fn as_object(values: &stepwell_tune::Values) -> BTreeMap<&str, &Value> {
    let pairs = values.iter().map(|(name, value)| (name.as_str(), value));
    pairs.collect()
}

/// A line of the step's log.
fn say(line: &str) {
    println!("[stepwell] {line}");
}

fn storage(error: &dyn std::error::Error) -> Failure {
    let summary = format!("the state of the search cannot be kept: {error}");
    Failure::new(FailureKind::Storage, summary)
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
