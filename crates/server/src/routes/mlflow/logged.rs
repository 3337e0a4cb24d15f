//! Models that runs have logged, as clients of MLflow's third version log them.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use stepwell_api::mlflow::{self as wire, ModelOutput, Pair};
use stepwell_model::uri_part;
use stepwell_store::logged_models::LoggedModel;
use stepwell_workspace::{LoggedModelChange, NewLoggedModel};

use super::super::request::note_writer;
use super::asked::{Asked, run_of};
use super::experiments::{self, holds};
use super::filter::{self, Condition};
use super::models::tags;
use super::pages::cut;
use super::shown::pairs;
use super::{Scheme, artifacts};
use crate::access::Caller;
use crate::app::Context;
use crate::error::{ApiError, Result};

/// How many models there are when the client does not say, and the most.
const MODELS: (usize, usize) = (100, 10_000);

/// The states of a model, by MLflow's words and their numbers.
const STATES: [(&str, &str); 3] = [
    ("1", "LOGGED_MODEL_PENDING"),
    ("2", "LOGGED_MODEL_READY"),
    ("3", "LOGGED_MODEL_UPLOAD_FAILED"),
];

fn shown(model: LoggedModel, scheme: Scheme) -> wire::LoggedModel {
    let folder = uri_part(&model.folder);
    wire::LoggedModel {
        info: wire::LoggedModelInfo {
            artifact_uri: format!("{}/{folder}", artifacts::root(model.run, scheme)),
            source_run_id: model.is_of_run.then(|| model.run.to_string()),
            model_id: model.id,
            experiment_id: model.experiment.to_string(),
            name: model.name,
            creation_timestamp_ms: model.created.as_millis(),
            last_updated_timestamp_ms: model.updated.as_millis(),
            status: model.status,
            model_type: model.kind,
            tags: pairs(model.tags),
        },
        data: wire::LoggedModelData {
            params: pairs(model.params),
        },
    }
}

fn answer(model: LoggedModel, scheme: Scheme) -> Json<Value> {
    Json(json!({"model": shown(model, scheme)}))
}

fn params(asked: &Asked) -> Result<BTreeMap<String, String>> {
    let params = asked.list::<Pair>("params")?.into_iter();
    Ok(params.map(|param| (param.key, param.value)).collect())
}

/// `POST logged-models`
pub(super) async fn create(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let id = asked.text("experiment_id")?.filter(|id| !id.is_empty());
    let run = asked.text("source_run_id")?.filter(|run| !run.is_empty());
    let run = run.as_deref().map(run_of).transpose()?;
    if let Some(run) = run {
        note_writer(&app, &caller, run).await?;
    }
    let new = NewLoggedModel {
        experiment: experiments::of_id(&app, id.as_deref().unwrap_or("0")).await?,
        run,
        name: asked.text("name")?.unwrap_or_default(),
        kind: asked.text("model_type")?.unwrap_or_default(),
        status: STATES[0].1.to_owned(),
        user: caller.user(),
        tags: tags(&asked)?,
        params: params(&asked)?,
    };
    Ok(answer(app.workspace.runs.log_model(new).await?, scheme))
}

/// `GET logged-models/ID`
pub(super) async fn get(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    Ok(answer(app.workspace.runs.logged_model(&id).await?, scheme))
}

/// `PATCH logged-models/ID`
pub(super) async fn finalize(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Json<Value>> {
    let status = asked.needed("status")?;
    let known = STATES
        .iter()
        .find(|(number, word)| [*number, *word].contains(&status.as_str()));
    let (_, word) = known.ok_or_else(|| {
        ApiError::invalid(format!(
            "Invalid value \"{status}\" for parameter 'status' supplied"
        ))
    })?;
    let change = LoggedModelChange {
        status: Some((*word).to_owned()),
        ..LoggedModelChange::default()
    };
    let changed = app.workspace.runs.change_logged_model(&id, change).await?;
    Ok(answer(changed, scheme))
}

/// `PATCH logged-models/ID/tags`
pub(super) async fn set_tags(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Json<Value>> {
    let change = LoggedModelChange {
        set_tags: tags(&asked)?,
        ..LoggedModelChange::default()
    };
    let changed = app.workspace.runs.change_logged_model(&id, change).await?;
    Ok(answer(changed, scheme))
}

/// `DELETE logged-models/ID/tags/KEY`
pub(super) async fn delete_tag(
    State(app): Context,
    Path((id, key)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let change = LoggedModelChange {
        remove_tag: Some(key),
        ..LoggedModelChange::default()
    };
    app.workspace.runs.change_logged_model(&id, change).await?;
    Ok(Json(json!({})))
}

/// `POST logged-models/ID/params`
pub(super) async fn add_params(
    State(app): Context,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Json<Value>> {
    let change = LoggedModelChange {
        add_params: params(&asked)?,
        ..LoggedModelChange::default()
    };
    app.workspace.runs.change_logged_model(&id, change).await?;
    Ok(Json(json!({})))
}

/// `DELETE logged-models/ID`
pub(super) async fn delete(State(app): Context, Path(id): Path<String>) -> Result<Json<Value>> {
    app.workspace.runs.forget_logged_model(&id).await?;
    Ok(Json(json!({})))
}

/// An order of models; unlike others it comes in parts.
#[derive(Deserialize)]
struct Order {
    field_name: String,
    ascending: Option<bool>,
}

/// `POST logged-models/search`
pub(super) async fn search(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let (offset, limit) = asked.part(MODELS.0, MODELS.1)?;
    let filter = asked.text("filter")?.unwrap_or_default();
    let conditions = filter::conditions(&filter).map_err(ApiError::invalid)?;
    let mut within = Vec::new();
    for id in asked.list::<String>("experiment_ids")? {
        // An experiment that is not there has no models.
        if let Ok(experiment) = experiments::of_id(&app, &id).await {
            within.push(experiment.id);
        }
    }
    let mut found = Vec::new();
    for model in app.workspace.runs.logged_models(within).await? {
        if fits(&model, &conditions)? {
            found.push(model);
        }
    }
    sort(&mut found, asked.list("order_by")?)?;
    Ok(cut("models", found, (offset, limit), |model| {
        shown(model, scheme)
    }))
}

fn sort(found: &mut [LoggedModel], orders: Vec<Order>) -> Result<()> {
    for order in orders.into_iter().rev() {
        match order.field_name.as_str() {
            "name" => found.sort_by(|a, b| a.name.cmp(&b.name)),
            "creation_timestamp" | "creation_time" => found.sort_by_key(|it| it.created),
            "last_updated_timestamp" => found.sort_by_key(|it| it.updated),
            field => {
                return Err(ApiError::invalid(format!(
                    "Invalid order_by field '{field}': logged models are sorted by name, \
                     creation_timestamp and last_updated_timestamp"
                )));
            }
        }
        if order.ascending == Some(false) {
            found.reverse();
        }
    }
    Ok(())
}

fn fits(model: &LoggedModel, conditions: &[Condition]) -> Result<bool> {
    for Condition { field, comparison } in conditions {
        let value = match (field.entity.as_str(), field.key.as_str()) {
            ("attribute", "name" | "model_name") => Some(model.name.clone()),
            ("attribute", "model_id") => Some(model.id.clone()),
            ("attribute", "model_type") => Some(model.kind.clone()),
            ("attribute", "status") => {
                Some(model.status.trim_start_matches("LOGGED_MODEL_").to_owned())
            }
            ("attribute", "source_run_id") => model.is_of_run.then(|| model.run.to_string()),
            ("attribute", "creation_timestamp" | "creation_time") => {
                Some(model.created.as_millis().to_string())
            }
            ("attribute", "last_updated_timestamp") => Some(model.updated.as_millis().to_string()),
            ("tag", key) => model.tags.get(key).cloned(),
            ("param", key) => model.params.get(key).cloned(),
            (entity, key) => {
                return Err(ApiError::invalid(format!(
                    "Invalid {entity} key '{key}' specified: logged models are searched by name, \
                     model_id, model_type, status, source_run_id, times, tags and params"
                )));
            }
        };
        if !holds(value.as_deref(), comparison) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `POST runs/outputs`
pub(super) async fn outputs(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    asked: Asked,
) -> Result<Json<Value>> {
    let run = asked.run()?;
    let models = asked.list::<ModelOutput>("models")?.into_iter();
    let models = models.map(|model| (model.model_id, model.step)).collect();
    note_writer(&app, &caller, run).await?;
    app.workspace.runs.add_model_outputs(run, models).await?;
    Ok(Json(json!({})))
}
