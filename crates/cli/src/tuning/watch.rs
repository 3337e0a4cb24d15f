//! Follows one trial on a thread of its own: what it logs of the primary metric, and its end.

use std::sync::mpsc::Sender;
use std::time::Duration;

use serde_json::Value;
use stepwell_api::{MetricKind, MetricPoint, RunStatus};
use stepwell_tune::{Event, Goal, History, Outcome};

use super::link::{Fault, Link};

/// How long one question may take where each value matters.
const OFTEN: Duration = Duration::from_millis(500);

/// How long it may take where only the end matters.
const SELDOM: Duration = Duration::from_secs(10);

/// A trial and what is wanted of it.
pub(super) struct Watched {
    pub(super) trial: usize,
    pub(super) run: String,
    pub(super) metric: String,
    pub(super) goal: Goal,
    /// Whether values matter before the end.
    pub(super) often: bool,
    pub(super) link: Link,
    pub(super) events: Sender<Event>,
}

/// Begins to follow a trial; it ends with the trial.
pub(super) fn begin(watched: Watched) {
    std::thread::spawn(move || follow(&watched));
}

fn follow(watched: &Watched) {
    let trial = watched.trial;
    let limit = if watched.often { OFTEN } else { SELDOM };
    let mut known = 0;
    loop {
        let outcome = match watched.link.wait(&watched.run, limit) {
            Ok(run) => outcome(run.status),
            // A run that is gone was stopped by somebody.
            Err(Fault::Refused(_)) => Some(Outcome::Canceled),
            Err(Fault::Stopping) => return,
        };
        if watched.often || outcome.is_some() {
            let values = history(watched);
            if values.len() > known {
                known = values.len();
                if watched
                    .events
                    .send(Event::Logged { trial, values })
                    .is_err()
                {
                    return;
                }
            }
        }
        if let Some(outcome) = outcome {
            // The driver may have ended, and with it the receiver.
            let _ = watched.events.send(Event::Ended { trial, outcome });
            return;
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

fn history(watched: &Watched) -> History {
    let found = watched.link.metrics(&watched.run, Some(&watched.metric));
    let series = found.unwrap_or_default();
    let own = series
        .into_iter()
        .filter(|(name, _)| *name == watched.metric);
    let points = own.flat_map(|(_, points)| points);
    numbers(points, watched.goal)
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
