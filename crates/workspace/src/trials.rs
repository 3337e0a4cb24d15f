//! The trials of a search of hyperparameters, compared.
//!
//! A search says on its run what its trials are compared by, and on each trial which values it has:
//! in tags, as the programs of v1 read them.

use std::collections::BTreeMap;

use serde_json::Value;
use stepwell_model::RunId;
use stepwell_store::metrics;
use stepwell_store::runs::{self as store, Record};
use stepwell_tune::Goal;

use crate::{Error, Result, RunFilter, Runs};

/// The tag of a search with its metric and goal.
const METRIC_TAG: &str = "primary_metric_config";

/// The tag of a trial with its values.
const VALUES_TAG: &str = "hyperparameters";

/// A search's trials in the order of [`Goal::rank`].
#[derive(Debug, Clone, PartialEq)]
pub struct Trials {
    /// The metric by which they are compared.
    pub metric: String,
    /// Whether more of it is better.
    pub is_more_better: bool,
    /// The trials.
    pub trials: Vec<Trial>,
}

/// One trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Its run.
    pub run: Record,
    /// Its values.
    pub values: BTreeMap<String, Value>,
    /// The best number that it has logged.
    pub best: Option<f64>,
}

impl Runs {
    /// The trials of a search; those of a reused one are the earlier search's.
    ///
    /// # Errors
    /// When there is no such run, or it is no search.
    pub async fn trials(&self, run: RunId) -> Result<Trials> {
        let shown = self.shown(run).await?;
        let search = self.get(shown).await?;
        let (metric, is_more_better) = compared_by(&search).ok_or_else(|| {
            Error::not_found(format!("run {run} is no search of hyperparameters"))
        })?;
        let name = metric.clone();
        let read = move |db: &stepwell_store::Connection| {
            let filter = RunFilter {
                parent: Some(shown),
                ..RunFilter::default()
            };
            let children = store::list(db, &filter, usize::MAX)?;
            let best = metrics::extremes(db, shown, &name, is_more_better)?;
            Ok((children, best))
        };
        let (children, best) = self.0.store.read(read).await?;
        let best: BTreeMap<RunId, f64> = best.into_iter().collect();
        let trial = |run: Record| Trial {
            values: values(&run),
            best: best.get(&run.id).copied(),
            run,
        };
        let goal = match is_more_better {
            true => Goal::Maximize,
            false => Goal::Minimize,
        };
        // They are listed in the order in which they were submitted, which is that of their numbers.
        let mut trials: Vec<(usize, Trial)> = children.into_iter().map(trial).enumerate().collect();
        trials.sort_by(|(number, one), (other_number, other)| {
            goal.rank((one.best, *number), (other.best, *other_number))
        });
        Ok(Trials {
            metric,
            is_more_better,
            trials: trials.into_iter().map(|(_, trial)| trial).collect(),
        })
    }
}

fn compared_by(search: &Record) -> Option<(String, bool)> {
    let described: Value = serde_json::from_str(search.tags.get(METRIC_TAG)?).ok()?;
    let name = described["name"].as_str()?.to_owned();
    Some((name, described["goal"] == "maximize"))
}

fn values(trial: &Record) -> BTreeMap<String, Value> {
    let text = trial.tags.get(VALUES_TAG).map(String::as_str);
    serde_json::from_str(text.unwrap_or_default()).unwrap_or_default()
}
