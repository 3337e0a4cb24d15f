//! Experiments, by MLflow's ids and filters.
//!
//! The id `0` is that of the experiment `Default`, which is made when it is first asked for: a client
//! that names none means that one.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use stepwell_api::mlflow::Pair;
use stepwell_store::experiments::{Experiment, TagsChange};
use stepwell_workspace::NamedPart;

use super::asked::Asked;
use super::filter::{self, Compare, Comparison, Condition, Constant};
use super::pages::cut;
use super::{Scheme, shown};
use crate::app::{App, Context};
use crate::error::{ApiError, Result};

/// The id and the name of the experiment of those who name none.
const DEFAULT: (&str, &str) = ("0", "Default");

/// The most experiments of one answer.
const PAGE_MAX: usize = 50_000;

/// How many there are when the client does not say.
const PAGE: usize = 1_000;

/// The experiment of an id.
pub(super) async fn of_id(app: &App, id: &str) -> Result<Experiment> {
    let experiments = &app.workspace.experiments;
    if id == DEFAULT.0 {
        return Ok(experiments.ensure(DEFAULT.1.to_owned()).await?);
    }
    let missing = || ApiError::not_found(format!("No Experiment with id={id} exists"));
    let id = id.parse().map_err(|_| missing())?;
    Ok(experiments.by_id(id).await?)
}

fn answer(found: Experiment, scheme: Scheme) -> Json<Value> {
    Json(json!({"experiment": shown::experiment(found, scheme)}))
}

/// `GET experiments/get`
pub(super) async fn get(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let found = of_id(&app, &asked.needed("experiment_id")?).await?;
    Ok(answer(found, scheme))
}

/// `GET experiments/get-by-name`
pub(super) async fn get_by_name(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let name = asked.needed("experiment_name")?;
    let found = match name == DEFAULT.1 {
        true => of_id(&app, DEFAULT.0).await?,
        false => app.workspace.experiments.get(&name).await?,
    };
    Ok(answer(found, scheme))
}

/// `POST experiments/create`
pub(super) async fn create(State(app): Context, asked: Asked) -> Result<Json<Value>> {
    let name = asked.needed("name")?;
    let tags = asked.list::<Pair>("tags")?.into_iter();
    let tags = TagsChange {
        set: tags.map(|tag| (tag.key, tag.value)).collect(),
        ..TagsChange::default()
    };
    let made = app.workspace.experiments.create(name, tags).await?;
    Ok(Json(json!({"experiment_id": made.id.to_string()})))
}

/// `POST` and `GET experiments/search`, `GET experiments/list` of old clients.
pub(super) async fn search(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let (offset, limit) = asked.part(PAGE, PAGE_MAX)?;
    let filter = asked.text("filter")?.unwrap_or_default();
    let conditions = filter::conditions(&filter).map_err(ApiError::invalid)?;
    let deleted = asked.text("view_type")?.as_deref() == Some("DELETED_ONLY");
    let all = app.workspace.experiments.list(NamedPart::default()).await?;
    let mut found = Vec::new();
    for experiment in all.rows.into_iter().filter(|_| !deleted) {
        if fits(&experiment, &conditions)? {
            found.push(experiment);
        }
    }
    sort(&mut found, asked.list("order_by")?)?;
    Ok(cut("experiments", found, (offset, limit), |each| {
        shown::experiment(each, scheme)
    }))
}

fn fits(experiment: &Experiment, conditions: &[Condition]) -> Result<bool> {
    for Condition { field, comparison } in conditions {
        let id = experiment.id.to_string();
        let text = match (field.entity.as_str(), field.key.as_str()) {
            ("tag", key) => experiment.tags.get(key).cloned(),
            ("attribute", "name") => Some(experiment.name.clone()),
            ("attribute", "experiment_id") => Some(id),
            ("attribute", "creation_time" | "last_update_time") => {
                Some(experiment.created.as_millis().to_string())
            }
            (entity, key) => {
                return Err(ApiError::invalid(format!(
                    "Invalid {entity} key '{key}' specified: experiments are searched by name, \
                     experiment_id, creation_time, last_update_time and tags"
                )));
            }
        };
        if !holds(text.as_deref(), comparison) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a value, if there is one, is as it must be.
pub(super) fn holds(value: Option<&str>, comparison: &Comparison) -> bool {
    let Some(value) = value else {
        return *comparison == Comparison::Missing(true);
    };
    let is_one_of = |texts: &[String]| texts.iter().any(|text| text == value);
    match comparison {
        Comparison::Missing(missing) => !missing,
        Comparison::In(texts) => is_one_of(texts),
        Comparison::NotIn(texts) => !is_one_of(texts),
        Comparison::Is(compare, Constant::Text(text)) => match compare {
            Compare::Equal => value == text,
            Compare::NotEqual => value != text,
            Compare::Like => filter::is_like(text, value, false),
            Compare::LikeAnyCase => filter::is_like(text, value, true),
            Compare::Less | Compare::AtMost | Compare::Greater | Compare::AtLeast => false,
        },
        Comparison::Is(compare, Constant::Number(number)) => {
            let value = value.parse().unwrap_or(f64::NAN);
            match compare {
                Compare::Equal => value == *number,
                Compare::NotEqual => value != *number,
                Compare::Less => value < *number,
                Compare::AtMost => value <= *number,
                Compare::Greater => value > *number,
                Compare::AtLeast => value >= *number,
                Compare::Like | Compare::LikeAnyCase => false,
            }
        }
    }
}

/// The newest first, unless another order is asked for.
fn sort(found: &mut [Experiment], orders: Vec<String>) -> Result<()> {
    found.sort_by_key(|each| std::cmp::Reverse((each.created, each.id)));
    // Sorts keep what is equal in its place, so the first order comes last.
    for text in orders.into_iter().rev() {
        let (name, descending) = filter::order(&text).map_err(ApiError::invalid)?;
        match name.key.as_str() {
            "name" => found.sort_by(|a, b| a.name.cmp(&b.name)),
            "experiment_id" => found.sort_by_key(|each| each.id),
            "creation_time" | "last_update_time" => found.sort_by_key(|each| each.created),
            key => {
                return Err(ApiError::invalid(format!(
                    "Invalid order_by key '{key}': experiments are sorted by name, experiment_id, \
                     creation_time and last_update_time"
                )));
            }
        }
        if descending {
            found.reverse();
        }
    }
    Ok(())
}

/// `POST experiments/set-experiment-tag`
pub(super) async fn set_tag(State(app): Context, asked: Asked) -> Result<Json<Value>> {
    let experiment = of_id(&app, &asked.needed("experiment_id")?).await?;
    let (key, value) = (asked.needed("key")?, asked.text("value")?);
    let change = TagsChange {
        set: [(key, value.unwrap_or_default())].into(),
        ..TagsChange::default()
    };
    let experiments = &app.workspace.experiments;
    experiments.change_tags(experiment.name, change).await?;
    Ok(Json(json!({})))
}

/// `POST experiments/delete-experiment-tag`
pub(super) async fn delete_tag(State(app): Context, asked: Asked) -> Result<Json<Value>> {
    let experiment = of_id(&app, &asked.needed("experiment_id")?).await?;
    let key = asked.needed("key")?;
    if !experiment.tags.contains_key(&key) {
        let name = &experiment.name;
        return Err(ApiError::not_found(format!(
            "No tag with name: {key} in experiment {name}"
        )));
    }
    let change = TagsChange {
        remove: vec![key],
        ..TagsChange::default()
    };
    let experiments = &app.workspace.experiments;
    experiments.change_tags(experiment.name, change).await?;
    Ok(Json(json!({})))
}
