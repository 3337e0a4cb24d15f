//! A search as a client describes it, read and checked in one go.

use serde::Deserialize;
use serde_json::Value;

use crate::{Goal, History, Policy, Sampling, Settings, Space, SpaceError, Values};

/// A search as it is described.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// How values are chosen.
    pub sampling: Method,
    /// What is searched: pairs of a name and an expression.
    pub space: Space,
    /// What trials are compared by.
    pub primary_metric: Metric,
    /// When trials are stopped early.
    #[serde(default)]
    pub policy: Policy,
    /// The most trials.
    pub max_total_runs: u64,
    /// The most trials at once; all of them when 0 or absent.
    #[serde(default)]
    pub max_concurrent_runs: u64,
    /// The longest the search may take, in minutes.
    pub max_duration_minutes: u64,
    /// What values are drawn from; the run's id when absent.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Runs of earlier searches whose trials count as known.
    #[serde(default)]
    pub resume_from: Vec<String>,
    /// Trials of earlier searches to go on with.
    #[serde(default)]
    pub resume_child_runs: Vec<String>,
}

/// How values are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Drawn from the space.
    Random,
    /// Every point once.
    Grid,
    /// Suggested by a model.
    Bayesian,
}

/// What trials are compared by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Whether more of it is better.
    pub goal: Goal,
}

/// What is wrong with a search.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A field that is missing, unknown or of another form.
    #[error("the search cannot be read: {0}")]
    Form(#[from] serde_json::Error),
    /// A space that the sampling cannot use.
    #[error("{0}")]
    Space(#[from] SpaceError),
    /// A metric without a name.
    #[error("the primary metric has no name")]
    NoMetric,
}

impl Search {
    /// Reads and checks a search.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn read(described: &Value) -> Result<Self, SearchError> {
        let search = Self::deserialize(described)?;
        if search.primary_metric.name.is_empty() {
            return Err(SearchError::NoMetric);
        }
        if search.space.parameters().is_empty() {
            return Err(SpaceError::Empty.into());
        }
        if search.sampling == Method::Grid {
            search.space.grid_size()?;
        }
        Ok(search)
    }

    /// Whether a model must be asked for values.
    #[must_use]
    pub fn needs_suggestions(&self) -> bool {
        self.sampling == Method::Bayesian
    }

    /// The settings of the core. `fallback_seed` is used where the client gave none.
    #[must_use]
    pub fn settings(
        &self,
        fallback_seed: u64,
        resumed: Vec<Values>,
        earlier: Vec<History>,
    ) -> Settings {
        let space = self.space.clone();
        Settings {
            sampling: match self.sampling {
                Method::Random => Sampling::Random(space),
                Method::Grid => Sampling::Grid(space),
                Method::Bayesian => Sampling::Bayesian(space),
            },
            goal: self.primary_metric.goal,
            policy: self.policy,
            trials_max: self.max_total_runs,
            concurrent_max: match self.max_concurrent_runs {
                0 => self.max_total_runs.max(1),
                count => count,
            },
            seed: self.seed.unwrap_or(fallback_seed),
            resumed,
            earlier,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn described() -> Value {
        json!({
            "sampling": "grid",
            "space": [["C", ["choice", [[0.1, 1.0]]]]],
            "primary_metric": {"name": "accuracy", "goal": "maximize"},
            "policy": {"name": "Default"},
            "max_total_runs": 6,
            "max_duration_minutes": 10
        })
    }

    #[test]
    fn a_search_is_read_with_what_it_leaves_out() {
        let search = Search::read(&described()).expect("a search");
        let settings = search.settings(9, Vec::new(), Vec::new());
        assert_eq!((settings.concurrent_max, settings.seed), (6, 9));
        assert!(!search.needs_suggestions());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let change = |name: &str, value: Value| {
            let mut changed = described();
            changed[name] = value;
            Search::read(&changed).expect_err("wrong").to_string()
        };
        let uniform = json!([["C", ["uniform", [0, 1]]]]);
        assert!(change("space", uniform).contains("a grid needs `choice`, not `uniform`"));
        assert!(change("space", json!([])).contains("no parameters"));
        assert!(change("sampling", json!("smoke")).contains("unknown variant"));
        let metric = json!({"name": "", "goal": "maximize"});
        assert!(change("primary_metric", metric).contains("has no name"));
        assert!(change("max_totl_runs", json!(1)).contains("max_totl_runs"));
    }
}
