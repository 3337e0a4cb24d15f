//! Follows the trials of a search, all together: their ends come by one stream of the server's
//! events, each with what the trial has logged of the primary metric. Where that matters before the
//! end, it is asked for now and then.
//!
//! Invariant: of a trial whose run is known its values are reported before its end, and its end once.

use std::collections::HashMap;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;
use stepwell_api::{MetricKind, MetricPoint, RunStatus};
use stepwell_model::RunId;
use stepwell_tune::{Event, Goal, History, Outcome};
use uuid::Uuid;

use super::link::{Fault, Link};

/// How often the values of a trial that runs are asked for, where they matter before its end.
const SAMPLE_EVERY: Duration = Duration::from_millis(500);

/// What is followed, and for whom.
pub(super) struct Watched {
    /// The search, whose children the trials are.
    pub(super) search: RunId,
    pub(super) metric: String,
    pub(super) goal: Goal,
    /// Whether values matter before the end.
    pub(super) samples: bool,
    pub(super) link: Link,
    pub(super) events: Sender<Event>,
}

/// Follows trials, on threads of its own, until the process ends.
pub(super) struct Watch(Arc<Shared>);

struct Shared {
    watched: Watched,
    trials: Mutex<Trials>,
}

/// The trials by their runs.
#[derive(Default)]
struct Trials {
    open: HashMap<Uuid, usize>,
    /// Ends of runs whose trials are not known yet: a run may end before its submission is answered.
    ended: HashMap<Uuid, (Outcome, History)>,
    /// Whether no more ends will be heard of.
    closed: bool,
}

impl Watch {
    /// Begins to listen.
    pub(super) fn begin(watched: Watched) -> Self {
        let samples = watched.samples;
        let shared = Arc::new(Shared {
            watched,
            trials: Mutex::default(),
        });
        let listening = Arc::clone(&shared);
        std::thread::spawn(move || listening.listen());
        if samples {
            let sampling = Arc::clone(&shared);
            std::thread::spawn(move || sampling.sample());
        }
        Self(shared)
    }

    /// Follows a trial, whose run may have ended already.
    pub(super) fn add(&self, trial: usize, run: &str) {
        let Ok(run) = run.parse::<Uuid>() else {
            // It cannot be followed, nor can it be a run of the server's.
            self.0.report(trial, Outcome::Failed);
            return;
        };
        let mut trials = self.0.trials();
        let ended = trials.ended.remove(&run);
        if ended.is_none() && !trials.closed {
            trials.open.insert(run, trial);
            return;
        }
        drop(trials);
        let (outcome, values) = ended.unwrap_or((Outcome::Canceled, History::new()));
        self.0.end(trial, outcome, values);
    }
}

impl Shared {
    fn trials(&self) -> MutexGuard<'_, Trials> {
        self.trials.lock().expect("no holder panics")
    }

    /// Reads the ends of the search's runs. A stream that broke off goes on after its last event.
    fn listen(&self) {
        let Watched {
            link,
            search,
            metric,
            goal,
            ..
        } = &self.watched;
        let mut after = 0;
        let fault = loop {
            match link.child_ends(*search, metric, after) {
                Ok(mut events) => {
                    for event in events.by_ref() {
                        if let Some(outcome) = outcome(event.status) {
                            let values = numbers(event.logged.unwrap_or_default(), *goal);
                            self.on_end(event.run, outcome, values);
                        }
                    }
                    after = events.last_seq();
                }
                Err(fault) => break fault,
            }
        };
        if let Fault::Refused(reason) = fault {
            self.close(reason);
        }
    }

    /// The server lets the search hear no more of its trials.
    fn close(&self, reason: String) {
        self.send(Event::Broken { reason });
        let mut trials = self.trials();
        trials.closed = true;
        let open = std::mem::take(&mut trials.open);
        drop(trials);
        for trial in open.into_values() {
            self.report(trial, Outcome::Canceled);
        }
    }

    fn on_end(&self, run: Uuid, outcome: Outcome, values: History) {
        let mut trials = self.trials();
        let Some(trial) = trials.open.remove(&run) else {
            trials.ended.insert(run, (outcome, values));
            return;
        };
        drop(trials);
        self.end(trial, outcome, values);
    }

    fn end(&self, trial: usize, outcome: Outcome, values: History) {
        if !values.is_empty() {
            self.send(Event::Logged { trial, values });
        }
        self.report(trial, outcome);
    }

    fn report(&self, trial: usize, outcome: Outcome) {
        self.send(Event::Ended { trial, outcome });
    }

    /// The receiver ends with the search, as does the process.
    fn send(&self, event: Event) {
        let _ = self.watched.events.send(event);
    }

    /// Asks again and again for the values of the trials that are not over.
    fn sample(&self) {
        loop {
            std::thread::sleep(SAMPLE_EVERY);
            let open = self.trials().open.clone();
            for (run, trial) in open {
                self.ask_values(run, trial);
            }
        }
    }

    fn ask_values(&self, run: Uuid, trial: usize) {
        let Watched {
            link, metric, goal, ..
        } = &self.watched;
        let found = link.metrics(&run.to_string(), Some(metric));
        let series = found.unwrap_or_default();
        let own = series.into_iter().filter(|(name, _)| name == metric);
        let values = numbers(own.flat_map(|(_, points)| points), *goal);
        if !values.is_empty() {
            self.send(Event::Logged { trial, values });
        }
    }
}

const fn outcome(status: RunStatus) -> Option<Outcome> {
    match status {
        RunStatus::Completed => Some(Outcome::Completed),
        RunStatus::Failed => Some(Outcome::Failed),
        RunStatus::Canceled => Some(Outcome::Canceled),
        _ => None,
    }
}

/// The numbers among points; what is none is worse than any.
pub(super) fn numbers(points: impl IntoIterator<Item = MetricPoint>, goal: Goal) -> History {
    let scalars = points
        .into_iter()
        .filter(|point| point.kind == MetricKind::Scalar);
    scalars
        .filter_map(|point| number(&point.value, goal))
        .collect()
}

fn number(value: &Value, goal: Goal) -> Option<f64> {
    let worst = match goal {
        Goal::Maximize => f64::MIN,
        Goal::Minimize => f64::MAX,
    };
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(worst),
            "Infinity" => Some(f64::MAX),
            "-Infinity" => Some(f64::MIN),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_no_number_is_worse_than_any() {
        let point = |value: Value| MetricPoint {
            name: "loss".to_owned(),
            kind: MetricKind::Scalar,
            value,
            step: None,
            at_ms: 0,
            description: String::new(),
        };
        let points = || [json!(1.5), json!("NaN"), json!("text"), json!("-Infinity")].map(point);
        let less = numbers(points(), Goal::Minimize);
        assert_eq!(less, [1.5, f64::MAX, f64::MIN]);
        let more = numbers(points(), Goal::Maximize);
        assert_eq!(more, [1.5, f64::MIN, f64::MIN]);
    }
}
