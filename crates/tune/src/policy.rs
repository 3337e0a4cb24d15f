//! When a trial is stopped early.
//!
//! An *interval* is one logged value of the primary metric. A policy is asked when a trial has
//! reached interval `n`, if `n` is a multiple of `evaluation_interval` and at least
//! `delay_evaluation`. The rules are those that Azure ML documents for its early termination
//! policies; what it leaves open (minimising under [`Policy::Bandit`]) is the mirror image.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// Whether more or less of the primary metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// More is better.
    Maximize,
    /// Less is better.
    Minimize,
}

impl Goal {
    /// Whether `one` is better than `other`.
    #[must_use]
    pub fn is_better(self, one: f64, other: f64) -> bool {
        match self {
            Self::Maximize => one > other,
            Self::Minimize => one < other,
        }
    }

    /// How two trials rank, each by its best value and its number: the better value first, of equal
    /// values the lower number, and last those that have logged no number. Who ends when does not
    /// matter.
    ///
    /// # Examples
    /// ```
    /// use std::cmp::Ordering;
    /// use stepwell_tune::Goal;
    /// let goal = Goal::Maximize;
    /// assert_eq!(goal.rank((Some(0.9), 7), (Some(0.8), 0)), Ordering::Less);
    /// assert_eq!(goal.rank((Some(0.9), 7), (Some(0.9), 3)), Ordering::Greater);
    /// assert_eq!(goal.rank((None, 1), (Some(0.1), 2)), Ordering::Greater);
    /// ```
    #[must_use]
    pub fn rank(self, one: (Option<f64>, usize), other: (Option<f64>, usize)) -> Ordering {
        let by_value = match (one.0, other.0) {
            (Some(one), Some(other)) if self.is_better(one, other) => Ordering::Less,
            (Some(one), Some(other)) if self.is_better(other, one) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            _ => Ordering::Equal,
        };
        by_value.then(one.1.cmp(&other.1))
    }

    /// The best of some values; what is no number is worse than any.
    #[must_use]
    pub fn best(self, values: &[f64]) -> Option<f64> {
        let numbers = values.iter().copied().filter(|value| !value.is_nan());
        numbers.reduce(|best, value| {
            if self.is_better(value, best) {
                value
            } else {
                best
            }
        })
    }
}

/// The values of the primary metric that a trial has logged, in order.
pub type History = Vec<f64>;

/// A rule by which trials are stopped early.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default)]
#[serde(tag = "name", content = "properties")]
pub enum Policy {
    /// All trials run to their end.
    #[default]
    Default,
    /// A trial is stopped when its best value is worse than the best of all by more than a slack.
    Bandit {
        /// When it is asked.
        #[serde(flatten)]
        when: When,
        /// The slack as a factor: worse than `best / (1 + factor)`.
        #[serde(default)]
        slack_factor: Option<f64>,
        /// The slack as an amount: worse than `best - amount`.
        #[serde(default)]
        slack_amount: Option<f64>,
    },
    /// A trial is stopped when its best value is worse than the median of the averages of all.
    MedianStopping {
        /// When it is asked.
        #[serde(flatten)]
        when: When,
    },
    /// The given share of the trials with the worst values is stopped.
    TruncationSelection {
        /// When it is asked.
        #[serde(flatten)]
        when: When,
        /// The share in hundredths, 1 to 99.
        truncation_percentage: u32,
        /// Whether trials that have ended are left out of the comparison.
        #[serde(default)]
        exclude_finished_jobs: bool,
    },
}

/// The intervals at which a policy is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// It is asked at multiples of this; 0 or less is every interval.
    #[serde(default = "one")]
    pub evaluation_interval: i64,
    /// It is not asked before this interval.
    #[serde(default)]
    pub delay_evaluation: i64,
}

const fn one() -> i64 {
    1
}

impl When {
    fn includes(self, interval: usize) -> bool {
        let interval = i64::try_from(interval).unwrap_or(i64::MAX);
        interval >= self.delay_evaluation && interval % self.evaluation_interval.max(1) == 0
    }
}

/// A trial as a policy compares it.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'a> {
    /// What it has logged.
    pub history: &'a [f64],
    /// Whether it has ended.
    pub ended: bool,
}

impl Policy {
    /// Whether the values of trials matter before they end.
    #[must_use]
    pub const fn watches(&self) -> bool {
        !matches!(self, Self::Default)
    }

    /// Whether the trial `own` of `all` is stopped now that it has reached interval `n`.
    #[must_use]
    pub fn stops(&self, goal: Goal, all: &[Compared<'_>], own: usize, n: usize) -> bool {
        let Some(history) = all.get(own).and_then(|trial| trial.history.get(..n)) else {
            return false;
        };
        match *self {
            Self::Default => false,
            Self::Bandit {
                when,
                slack_factor,
                slack_amount,
            } => when.includes(n) && bandit(goal, all, history, slack_factor, slack_amount),
            Self::MedianStopping { when } => when.includes(n) && median(goal, all, history, n),
            Self::TruncationSelection {
                when,
                truncation_percentage,
                exclude_finished_jobs,
            } => {
                let counts = |trial: &Compared<'_>| !(exclude_finished_jobs && trial.ended);
                let values: Vec<f64> = all
                    .iter()
                    .filter(|trial| counts(trial))
                    .filter_map(|trial| trial.history.get(n.checked_sub(1)?).copied())
                    .collect();
                when.includes(n) && truncated(goal, &values, history, truncation_percentage)
            }
        }
    }
}

/// Whether the best of `history` is beyond the slack around the best of all.
fn bandit(
    goal: Goal,
    all: &[Compared<'_>],
    history: &[f64],
    factor: Option<f64>,
    amount: Option<f64>,
) -> bool {
    let bests: Vec<f64> = all
        .iter()
        .filter_map(|trial| goal.best(trial.history))
        .collect();
    let (Some(best), Some(own)) = (goal.best(&bests), goal.best(history)) else {
        return false;
    };
    let limit = match (goal, factor, amount) {
        (Goal::Maximize, Some(factor), _) => best / (1.0 + factor),
        (Goal::Minimize, Some(factor), _) => best * (1.0 + factor),
        (Goal::Maximize, None, Some(amount)) => best - amount,
        (Goal::Minimize, None, Some(amount)) => best + amount,
        (_, None, None) => return false,
    };
    // With a factor the limit of a best value below 0 would be better than the best itself.
    own != best && goal.is_better(limit, own)
}

/// Whether the best of `history` is worse than the median of the averages over the first `n`.
fn median(goal: Goal, all: &[Compared<'_>], history: &[f64], n: usize) -> bool {
    let average = |values: &[f64]| {
        let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
        values.iter().sum::<f64>() / f64::from(count)
    };
    let first = all.iter().filter_map(|trial| trial.history.get(..n));
    let mut averages: Vec<f64> = first.map(average).collect();
    averages.sort_by(f64::total_cmp);
    let middle = averages.len() / 2;
    let median = match (averages.len() % 2, averages.get(middle)) {
        (_, None) => return false,
        (1, Some(value)) => *value,
        (_, Some(value)) => f64::midpoint(averages[middle - 1], *value),
    };
    goal.best(history)
        .is_some_and(|own| goal.is_better(median, own))
}

/// Whether the value at the interval is among the worst `percentage` of `values`.
fn truncated(goal: Goal, values: &[f64], history: &[f64], percentage: u32) -> bool {
    let Some(own) = history.last() else {
        return false;
    };
    let count = u64::try_from(values.len()).unwrap_or(u64::MAX);
    let cut = count * u64::from(percentage) / 100;
    let better = values
        .iter()
        .filter(|value| goal.is_better(**value, *own))
        .count();
    // Of equal values none goes before all are among the worst.
    u64::try_from(better).unwrap_or(u64::MAX) >= count - cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stops(policy: &Policy, goal: Goal, histories: &[&[f64]], own: usize, n: usize) -> bool {
        let ended = false;
        let all: Vec<Compared<'_>> = histories
            .iter()
            .map(|history| Compared { history, ended })
            .collect();
        policy.stops(goal, &all, own, n)
    }

    fn policy(text: serde_json::Value) -> Policy {
        serde_json::from_value(text).expect("a policy")
    }

    #[test]
    fn bandit_keeps_the_example_of_its_documentation() {
        // The best is 0.8 and the factor 0.2: the limit is 0.8 / 1.2 = 0.66.
        let bandit = policy(json!({"name": "Bandit", "properties":
            {"evaluation_interval": 1, "delay_evaluation": 0, "slack_factor": 0.2}}));
        let with = |own: f64| stops(&bandit, Goal::Maximize, &[&[0.8], &[own]], 1, 1);
        assert!(with(0.66) && !with(0.67));
        assert!(
            !stops(&bandit, Goal::Maximize, &[&[0.8], &[0.1]], 0, 1),
            "the best goes on"
        );
    }

    #[test]
    fn bandit_with_an_amount_and_for_less() {
        let bandit = policy(json!({"name": "Bandit", "properties": {"slack_amount": 0.2}}));
        assert!(stops(&bandit, Goal::Maximize, &[&[0.8], &[0.59]], 1, 1));
        assert!(!stops(&bandit, Goal::Maximize, &[&[0.8], &[0.61]], 1, 1));
        assert!(stops(&bandit, Goal::Minimize, &[&[0.2], &[0.41]], 1, 1));
        assert!(!stops(&bandit, Goal::Minimize, &[&[0.2], &[0.39]], 1, 1));
        let own_best_counts: [&[f64]; 2] = [&[0.8, 0.8], &[0.75, 0.1]];
        assert!(!stops(&bandit, Goal::Maximize, &own_best_counts, 1, 2));
    }

    #[test]
    fn bandit_never_stops_the_best_even_below_zero() {
        let bandit = policy(json!({"name": "Bandit", "properties": {"slack_factor": 0.1}}));
        assert!(!stops(&bandit, Goal::Maximize, &[&[-1.0]], 0, 1));
    }

    #[test]
    fn a_policy_is_asked_only_at_its_intervals() {
        let bandit = policy(json!({"name": "Bandit", "properties":
            {"evaluation_interval": 2, "delay_evaluation": 4, "slack_amount": 0.1}}));
        let good = [1.0; 6];
        let bad = [0.0; 6];
        let asked: Vec<usize> = (1..=6)
            .filter(|n| stops(&bandit, Goal::Maximize, &[&good, &bad], 1, *n))
            .collect();
        assert_eq!(asked, [4, 6]);
    }

    #[test]
    fn median_stopping_compares_the_best_with_the_median_of_averages() {
        let median = policy(json!({"name": "MedianStopping", "properties": {}}));
        let all: [&[f64]; 3] = [&[0.9, 0.9], &[0.5, 0.7], &[0.1, 0.5]];
        // The averages are 0.9, 0.6 and 0.3; the median is 0.6.
        assert!(stops(&median, Goal::Maximize, &all, 2, 2));
        assert!(!stops(&median, Goal::Maximize, &all, 1, 2));
        assert!(stops(&median, Goal::Minimize, &all, 0, 2));
    }

    #[test]
    fn truncation_stops_the_worst_share_at_the_same_interval() {
        let truncation = policy(json!({"name": "TruncationSelection", "properties":
            {"truncation_percentage": 40, "exclude_finished_jobs": false}}));
        let all: [&[f64]; 5] = [&[0.1], &[0.2], &[0.3], &[0.4], &[0.5]];
        let stopped: Vec<usize> = (0..5)
            .filter(|own| stops(&truncation, Goal::Maximize, &all, *own, 1))
            .collect();
        assert_eq!(stopped, [0, 1]);
        assert!(
            !stops(&truncation, Goal::Maximize, &[&[0.1]], 0, 1),
            "one alone goes on"
        );
        let equal: [&[f64]; 5] = [&[0.1]; 5];
        assert!(!stops(&truncation, Goal::Maximize, &equal, 0, 1));
    }

    #[test]
    fn no_policy_stops_nothing() {
        assert_eq!(policy(json!({"name": "Default"})), Policy::Default);
        assert!(!stops(
            &Policy::Default,
            Goal::Maximize,
            &[&[1.0], &[0.0]],
            1,
            1
        ));
    }
}
