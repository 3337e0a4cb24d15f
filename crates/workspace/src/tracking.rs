//! What programs record of runs, and the search among runs in any order: metrics, parameters, tags and
//! datasets, as clients of MLflow send and ask for them.
//!
//! Such a client sends a request again when its answer was lost, without a number that would tell the
//! two apart. Invariant: what is sent twice is recorded once: a point is known by all it says, and a
//! parameter never changes its value.

use std::collections::BTreeMap;

use stepwell_model::{RunId, RunQuery};
use stepwell_store::metrics::{self, Latest, Point};
use stepwell_store::runs::{self as store, Change, Order, Ordered, Record, RunInput};
use stepwell_store::{Connection, experiments, logged_models};
use uuid::Uuid;

use crate::{Error, Result, Runs};

/// Who has written the points, in their rows.
const WRITER: &str = "mlflow";

/// The most characters of the name of a metric, a parameter or a tag.
const NAME_MAX: usize = 250;

/// The most characters of the value of a parameter.
const PARAMETER_MAX: usize = 6_000;

/// What is recorded together, or not at all.
#[derive(Debug, Clone, Default)]
pub struct LogBatch {
    /// Numbers, each with its time and step.
    pub metrics: Vec<Point>,
    /// Parameters: name and value.
    pub parameters: Vec<(String, String)>,
    /// Tags to set.
    pub tags: BTreeMap<String, String>,
}

/// A run with what was recorded of it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunData {
    /// The run.
    pub record: Record,
    /// The number of each metric that was logged last.
    pub metrics: Vec<Latest>,
    /// The datasets that it says it has read.
    pub inputs: Vec<RunInput>,
    /// The models that it has logged, each with its step.
    pub outputs: Vec<(String, i64)>,
    /// The id of its experiment.
    pub experiment: Uuid,
}

/// Which runs, in what order.
#[derive(Debug, Clone, Default)]
pub struct RunSearch {
    /// Of one of these experiments.
    pub experiments: Vec<Uuid>,
    /// That fit this query.
    pub query: Option<RunQuery>,
    /// Sorted by these, then the newest first.
    pub order: Vec<Order>,
}

impl Runs {
    /// Records metrics, parameters and tags of a run, all or none; what is there already stays.
    ///
    /// # Errors
    /// When there is no such run, a name or a value is none, or a parameter has another value.
    pub async fn log(&self, run: RunId, batch: LogBatch) -> Result<()> {
        let names = batch.metrics.iter().map(|point| ("metric", &point.name));
        let parameters = batch.parameters.iter();
        let names = names.chain(parameters.map(|(name, _)| ("param", name)));
        for (what, name) in names.chain(batch.tags.keys().map(|name| ("tag", name))) {
            check_key(what, name)?;
        }
        let parameters = parameters_of(batch.parameters)?;
        let (points, tags) = (batch.metrics, batch.tags);
        let log = move |db: &Connection| {
            let Some(record) = store::find(db, run)? else {
                return Ok(Logged::NoRun);
            };
            if !parameters.is_empty()
                && let Some((name, old)) = store::add_parameters(db, &record, &parameters)?
            {
                return Ok(Logged::Changed(name, old));
            }
            let numbered = points.iter().map(|point| (number_of(point), point));
            metrics::add_numbered(db, run, WRITER, numbered)?;
            if !tags.is_empty() {
                let change = Change {
                    set_tags: tags,
                    ..Change::default()
                };
                store::change(db, run, change)?;
            }
            Ok(Logged::Done)
        };
        match self.0.store.write(log).await? {
            Logged::Done => Ok(()),
            Logged::NoRun => Err(Error::no_run(run)),
            Logged::Changed(name, old) => Err(Error::invalid(format!(
                "Changing param values is not allowed. Param with key='{name}' was already logged \
                 with value='{old}' for run ID='{run}'"
            ))),
        }
    }

    /// Takes note of datasets that a run has read.
    ///
    /// # Errors
    /// When there is no such run.
    pub async fn add_inputs(&self, run: RunId, inputs: Vec<RunInput>) -> Result<()> {
        self.get(run).await?;
        let add = move |db: &Connection| store::add_inputs(db, run, &inputs);
        Ok(self.0.store.write(add).await?)
    }

    /// A run with what was recorded of it; of a reused step that of the earlier run too.
    ///
    /// # Errors
    /// When there is no such run.
    pub async fn data(&self, run: RunId) -> Result<RunData> {
        let record = self.get(run).await?;
        Ok(self.0.store.read(move |db| data(db, record)).await?)
    }

    /// The runs after the first `offset` that fit, at most `limit`, and whether there are more.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn search(
        &self,
        search: RunSearch,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<RunData>, bool)> {
        let wanted = Ordered {
            experiments: search.experiments,
            query: search.query,
            order: search.order,
        };
        let read = move |db: &Connection| {
            let mut rows = store::list_ordered(db, &wanted, offset, limit.saturating_add(1))?;
            let more = rows.len() > limit;
            rows.truncate(limit);
            let rows = rows.into_iter().map(|record| data(db, record));
            Ok((rows.collect::<stepwell_store::Result<_>>()?, more))
        };
        Ok(self.0.store.read(read).await?)
    }

    /// The numbers that a run has logged under a name, in the order of their steps. One without a
    /// step has its place among them for a step.
    ///
    /// # Errors
    /// When there is no such run.
    pub async fn history(&self, run: RunId, name: String) -> Result<Vec<(i64, f64, Point)>> {
        let sources = self.sources(run).await?;
        let read = move |db: &Connection| {
            let mut points = Vec::new();
            for run in sources {
                points.extend(metrics::list(db, run, Some(&name))?);
            }
            Ok(points)
        };
        let points = self.0.store.read(read).await?.into_iter();
        let numbers = points.filter_map(|point| Some((point.number()?, point)));
        let placed = (0..).zip(numbers).map(|(place, (number, point))| {
            let step = point.step.unwrap_or(place);
            (step, number, point)
        });
        let mut placed: Vec<_> = placed.collect();
        placed.sort_by_key(|(step, _, point)| (*step, point.at.as_millis()));
        Ok(placed)
    }

    /// Removes a tag.
    ///
    /// # Errors
    /// When there is no such run, or it has no such tag.
    pub async fn remove_tag(&self, run: RunId, name: String) -> Result<()> {
        let record = self.get(run).await?;
        if !record.tags.contains_key(&name) {
            return Err(Error::not_found(format!(
                "No tag with name: {name} in run with id {run}"
            )));
        }
        let change = Change {
            remove_tags: vec![name],
            ..Change::default()
        };
        self.update(run, change).await?;
        Ok(())
    }
}

/// What became of a batch.
enum Logged {
    Done,
    NoRun,
    Changed(String, String),
}

fn data(db: &Connection, record: Record) -> stepwell_store::Result<RunData> {
    let mut metrics = metrics::latest(db, record.id)?;
    if let Some(earlier) = record.reused_from {
        let own: Vec<String> = metrics.iter().map(|metric| metric.name.clone()).collect();
        let earlier = metrics::latest(db, earlier)?;
        metrics.extend(earlier.into_iter().filter(|each| !own.contains(&each.name)));
    }
    let experiment = experiments::find(db, &record.experiment)?;
    Ok(RunData {
        metrics,
        inputs: store::inputs(db, record.id)?,
        outputs: logged_models::outputs(db, record.id)?,
        experiment: experiment.map_or_else(Uuid::nil, |found| found.id),
        record,
    })
}

/// The number that a point is known by: equal points have the same.
fn number_of(point: &Point) -> i64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(point.name.as_bytes());
    hasher.update(&[0]);
    hasher.update(point.value_json.as_bytes());
    hasher.update(&point.at.as_millis().to_le_bytes());
    hasher.update(&point.step.unwrap_or(0).to_le_bytes());
    let digest = hasher.finalize();
    let first = digest.as_bytes().first_chunk().copied();
    i64::from_le_bytes(first.unwrap_or_default())
}

/// The parameters by their names; one that is given twice has one value.
fn parameters_of(given: Vec<(String, String)>) -> Result<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    for (name, value) in given {
        if value.chars().count() > PARAMETER_MAX {
            return Err(Error::invalid(format!(
                "the value of param '{name}' has more than {PARAMETER_MAX} characters"
            )));
        }
        match parameters.insert(name.clone(), value.clone()) {
            Some(old) if old != value => {
                return Err(Error::invalid(format!(
                    "Changing param values is not allowed. Param with key='{name}' is given as \
                     '{old}' and as '{value}' in one batch"
                )));
            }
            _ => {}
        }
    }
    Ok(parameters)
}

/// Refuses a name that is none: it is a relative path of letters, digits, `_`, `-`, `.`, `:` and
/// spaces.
fn check_key(what: &str, name: &str) -> Result<()> {
    let is_allowed = |c: char| c.is_alphanumeric() || "_-. :/".contains(c);
    let is_path = crate::names::is_relative(name) && !name.ends_with('/') && !name.contains("//");
    let is_short = name.chars().count() <= NAME_MAX;
    match is_short && is_path && name.chars().all(is_allowed) {
        true => Ok(()),
        false => Err(Error::invalid(format!(
            "Invalid {what} name: '{name}'. Names have at most {NAME_MAX} characters: letters, \
             digits, underscores, dashes, periods, spaces, colons and slashes, as a relative path"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use stepwell_model::Timestamp;

    use super::*;

    #[test]
    fn equal_points_have_one_number_and_others_another() {
        let point = Point {
            name: "loss".to_owned(),
            kind: "scalar".to_owned(),
            value_json: "0.5".to_owned(),
            step: Some(1),
            at: Timestamp::from_millis(7),
            description: String::new(),
        };
        let number = number_of(&point);
        assert_eq!(number, number_of(&point.clone()));
        let others = [
            Point {
                name: "loss0".to_owned(),
                ..point.clone()
            },
            Point {
                value_json: "0.25".to_owned(),
                ..point.clone()
            },
            Point {
                step: Some(2),
                ..point.clone()
            },
            Point {
                at: Timestamp::from_millis(8),
                ..point
            },
        ];
        assert!(others.iter().all(|other| number_of(other) != number));
    }

    #[test]
    fn names_are_relative_paths() {
        for name in ["loss", "train/loss 1", "a.b-c_d:e", "größe"] {
            assert!(check_key("metric", name).is_ok(), "{name}");
        }
        let long = "x".repeat(251);
        for name in ["", "/a", "../a", "a/../b", "a//b", "a/", "a?b", &long] {
            assert!(check_key("metric", name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_parameter_has_one_value_in_a_batch() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let same = parameters_of(vec![pair("a", "1"), pair("a", "1"), pair("b", "2")]);
        assert_eq!(same.expect("no contradiction").len(), 2);
        assert!(parameters_of(vec![pair("a", "1"), pair("a", "2")]).is_err());
    }
}
