//! Runs and experiments in MLflow's words, and what its conditions mean for runs.
//!
//! | MLflow | the workspace |
//! |---|---|
//! | tags `mlflow.runName`, `mlflow.note.content`, `mlflow.user`, `mlflow.parentRunId` | a run's display name, description, user, parent |
//! | other tags beginning with `mlflow.` | tags, and properties of that name |
//! | params | parameters |

use std::collections::BTreeMap;

use stepwell_api::mlflow as wire;
use stepwell_model::{Field, Operand, Operator, RunId, RunQuery, RunStatus, Timestamp};
use stepwell_store::experiments::Experiment;
use stepwell_store::runs::{Order, Record};
use stepwell_workspace::RunData;
use uuid::Uuid;

use super::filter::{self, Compare, Comparison, Condition, Constant, Name};
use super::{Scheme, artifacts};
use crate::error::{ApiError, Result, run_id};

/// The tag with a run's name.
pub(super) const NAME: &str = "mlflow.runName";
/// The tag with a run's description.
pub(super) const NOTE: &str = "mlflow.note.content";
/// The tag with who started a run.
pub(super) const USER: &str = "mlflow.user";
/// The tag with the run that a run belongs to.
pub(super) const PARENT: &str = "mlflow.parentRunId";

/// An experiment.
pub(super) fn experiment(found: Experiment, scheme: Scheme) -> wire::Experiment {
    wire::Experiment {
        artifact_location: format!("{}:/experiments/{}", scheme.word(), found.id),
        experiment_id: found.id.to_string(),
        name: found.name,
        lifecycle_stage: "active",
        creation_time: found.created.as_millis(),
        last_update_time: found.created.as_millis(),
        tags: pairs(found.tags),
    }
}

/// A run.
pub(super) fn run(data: RunData, scheme: Scheme) -> wire::Run {
    let tags = pairs(tags(&data.record));
    let metric = |latest: stepwell_store::metrics::Latest| wire::Metric {
        key: latest.name,
        value: latest.value,
        timestamp: latest.at.as_millis(),
        step: latest.step.unwrap_or(0),
    };
    let input = |input: stepwell_store::runs::RunInput| serde_json::from_str(&input.input_json);
    let output = |(model_id, step)| wire::ModelOutput { model_id, step };
    wire::Run {
        info: info(&data.record, data.experiment, scheme),
        data: wire::RunData {
            metrics: data.metrics.into_iter().map(metric).collect(),
            params: pairs(data.record.parameters),
            tags,
        },
        outputs: wire::RunOutputs {
            model_outputs: data.outputs.into_iter().map(output).collect(),
        },
        inputs: wire::RunInputs {
            dataset_inputs: data
                .inputs
                .into_iter()
                .filter_map(|it| input(it).ok())
                .collect(),
        },
    }
}

/// What a run is.
pub(super) fn info(record: &Record, experiment: Uuid, scheme: Scheme) -> wire::RunInfo {
    let id = record.id.to_string();
    wire::RunInfo {
        artifact_uri: artifacts::root(record.id, scheme),
        run_uuid: id.clone(),
        run_id: id,
        run_name: record.display_name.clone(),
        experiment_id: experiment.to_string(),
        user_id: record.user.clone(),
        status: status(record.status),
        start_time: record.started.unwrap_or(record.created).as_millis(),
        end_time: record.ended.map(Timestamp::as_millis),
        lifecycle_stage: "active",
    }
}

const fn status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::NotStarted | RunStatus::Queued | RunStatus::Preparing => "SCHEDULED",
        RunStatus::Running | RunStatus::CancelRequested => "RUNNING",
        RunStatus::Completed => "FINISHED",
        RunStatus::Failed => "FAILED",
        RunStatus::Canceled => "KILLED",
    }
}

fn tags(record: &Record) -> BTreeMap<String, String> {
    let own = record.properties.iter();
    let own = own.filter(|(name, _)| name.starts_with("mlflow."));
    let mut tags: BTreeMap<String, String> = own
        .chain(&record.tags)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    tags.insert(NAME.to_owned(), record.display_name.clone());
    tags.insert(USER.to_owned(), record.user.clone());
    if let Some(parent) = record.parent {
        tags.insert(PARENT.to_owned(), parent.to_string());
    }
    if !record.description.is_empty() {
        tags.insert(NOTE.to_owned(), record.description.clone());
    }
    tags
}

/// Names with values, as a list.
pub(super) fn pairs(map: BTreeMap<String, String>) -> Vec<wire::Pair> {
    let pair = |(key, value)| wire::Pair { key, value };
    map.into_iter().map(pair).collect()
}

/// The query that a filter is, if it asks for anything.
pub(super) fn query(filter: &str) -> Result<Option<RunQuery>> {
    let conditions = filter::conditions(filter).map_err(ApiError::invalid)?;
    let parts: Result<Vec<RunQuery>> = conditions.into_iter().map(condition).collect();
    let parts = parts?;
    Ok((!parts.is_empty()).then_some(RunQuery::And(parts)))
}

/// The orders that a client asks for.
pub(super) fn orders(asked: Vec<String>) -> Result<Vec<Order>> {
    let order = |text: String| {
        let (name, descending) = filter::order(&text).map_err(ApiError::invalid)?;
        let field = field(&name)?;
        Ok(Order { field, descending })
    };
    asked.into_iter().map(order).collect()
}

/// The field of a run that MLflow names so.
fn field(name: &Name) -> Result<Field> {
    let key = name.key.clone();
    Ok(match (name.entity.as_str(), name.key.as_str()) {
        ("metric", _) => Field::Metric(key),
        ("param", _) => Field::Parameter(key),
        ("tag", NAME) => Field::Name,
        ("tag", USER) => Field::User,
        ("tag", PARENT) => Field::Parent,
        ("tag", _) => Field::Tag(key),
        ("attribute", "run_id" | "run_uuid") => Field::Id,
        ("attribute", "run_name" | "run name" | "Run name" | "Run Name") => Field::Name,
        ("attribute", "status") => Field::Status,
        ("attribute", "user_id") => Field::User,
        ("attribute", "start_time" | "created" | "Created") => Field::Started,
        ("attribute", "end_time") => Field::Ended,
        (entity, _) => {
            return Err(ApiError::invalid(format!(
                "Invalid {entity} key '{key}' specified: runs are searched and sorted by metrics, \
                 params, tags, run_id, run_name, status, user_id, start_time and end_time"
            )));
        }
    })
}

fn condition(
    Condition {
        field: name,
        comparison,
    }: Condition,
) -> Result<RunQuery> {
    let field = field(&name)?;
    let is_one_of = |texts: Vec<String>| {
        let is = |text: String| equals(&field, &text);
        Ok(RunQuery::Or(
            texts.into_iter().map(is).collect::<Result<_>>()?,
        ))
    };
    match comparison {
        Comparison::Missing(missing) => {
            let has = RunQuery::Has(field.clone());
            match field {
                Field::Tag(_) | Field::Parameter(_) | Field::Metric(_) | Field::Parent => {}
                _ => return Err(unfit(&name, "IS NULL")),
            }
            Ok(match missing {
                true => RunQuery::Not(Box::new(has)),
                false => has,
            })
        }
        Comparison::In(texts) => is_one_of(texts),
        Comparison::NotIn(texts) => Ok(RunQuery::Not(Box::new(is_one_of(texts)?))),
        Comparison::Is(compare, constant) => compared(&name, field, compare, constant),
    }
}

fn compared(name: &Name, field: Field, compare: Compare, constant: Constant) -> Result<RunQuery> {
    let operator = match compare {
        Compare::Equal => Operator::Equal,
        Compare::NotEqual => Operator::NotEqual,
        Compare::Less => Operator::Less,
        Compare::AtMost => Operator::AtMost,
        Compare::Greater => Operator::Greater,
        Compare::AtLeast => Operator::AtLeast,
        Compare::Like => Operator::Like,
        Compare::LikeAnyCase => Operator::LikeAnyCase,
    };
    let is_pattern = matches!(compare, Compare::Like | Compare::LikeAnyCase);
    let is_plain = matches!(compare, Compare::Equal | Compare::NotEqual);
    match (&field, constant) {
        (Field::Metric(_), Constant::Number(number)) if !is_pattern => {
            Ok(RunQuery::Compare(field, operator, Operand::Number(number)))
        }
        (Field::Started | Field::Ended, Constant::Number(number)) if !is_pattern => {
            let time = Operand::Time(Timestamp::from_millis(number as i64));
            Ok(RunQuery::Compare(field, operator, time))
        }
        (Field::Status | Field::Id | Field::Parent, Constant::Text(text)) if is_plain => {
            let equals = equals(&field, &text)?;
            Ok(match compare {
                Compare::Equal => equals,
                _ => RunQuery::Not(Box::new(equals)),
            })
        }
        (Field::Tag(_) | Field::Parameter(_) | Field::Name | Field::User, Constant::Text(text))
            if is_plain || is_pattern =>
        {
            Ok(RunQuery::Compare(field, operator, Operand::Text(text)))
        }
        _ => Err(unfit(name, "such a comparison")),
    }
}

/// Whether a field is this text.
fn equals(field: &Field, text: &str) -> Result<RunQuery> {
    let is = |operand| RunQuery::Compare(field.clone(), Operator::Equal, operand);
    Ok(match field {
        Field::Status => {
            let fits = RunStatus::ALL
                .into_iter()
                .filter(|each| status(*each) == text);
            let all: Vec<RunQuery> = fits.map(|each| is(Operand::Status(each))).collect();
            match all.is_empty() {
                true => {
                    return Err(ApiError::invalid(format!(
                        "Invalid status '{text}': one of SCHEDULED, RUNNING, FINISHED, FAILED, KILLED"
                    )));
                }
                false => RunQuery::Or(all),
            }
        }
        // What is no id is no run's.
        Field::Id | Field::Parent => {
            let run = run_id(text).unwrap_or_else(|_| RunId::new(Uuid::nil()));
            is(Operand::Run(run))
        }
        _ => is(Operand::Text(text.to_owned())),
    })
}

fn unfit(name: &Name, what: &str) -> ApiError {
    let Name { entity, key } = name;
    ApiError::invalid(format!(
        "Invalid comparator: {entity} '{key}' does not take {what}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_of_mlflow_are_queries_for_runs() {
        let query = |text: &str| query(text).expect("a filter").expect("a condition");
        let text = |text: &str| Operand::Text(text.to_owned());
        let one = |part| RunQuery::And(vec![part]);
        assert_eq!(
            query("tags.mlflow.runName LIKE 'a%'"),
            one(RunQuery::Compare(Field::Name, Operator::Like, text("a%")))
        );
        assert_eq!(
            query("params.lr != '0.1'"),
            one(RunQuery::Compare(
                Field::Parameter("lr".to_owned()),
                Operator::NotEqual,
                text("0.1")
            ))
        );
        let running = [RunStatus::Running, RunStatus::CancelRequested];
        let is = |each| RunQuery::Compare(Field::Status, Operator::Equal, Operand::Status(each));
        assert_eq!(
            query("attributes.status = 'RUNNING'"),
            one(RunQuery::Or(running.map(is).to_vec()))
        );
        assert_eq!(
            query("tags.a IS NULL"),
            one(RunQuery::Not(Box::new(RunQuery::Has(Field::Tag(
                "a".to_owned()
            )))))
        );
    }

    #[test]
    fn conditions_that_mean_nothing_are_refused() {
        for filter in [
            "metrics.a = 'x'",
            "params.a > '1'",
            "status = 'GONE'",
            "status LIKE 'R%'",
            "artifact_uri = 'x'",
            "start_time = 'now'",
            "run_id IS NULL",
            "dataset.name = 'd'",
        ] {
            assert!(query(filter).is_err(), "{filter}");
        }
        assert_eq!(query("").expect("no condition"), None);
    }
}
