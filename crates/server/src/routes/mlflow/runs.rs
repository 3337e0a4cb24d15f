//! Runs as MLflow opens, ends, reads and searches them.
//!
//! A run that a client opens is one that a program ends itself. The status of a run that Stepwell
//! runs is that of its program: what a client in it says of its end changes nothing.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};
use stepwell_api::mlflow::Pair;
use stepwell_model::{RunKind, RunStatus};
use stepwell_store::runs::Change;
use stepwell_workspace::{NewRun, RunSearch};

use super::super::request::note_writer;
use super::asked::{Asked, run_of};
use super::pages::page_of;
use super::{Scheme, experiments, shown};
use crate::access::Caller;
use crate::app::Context;
use crate::error::{ApiError, Result};

/// The most runs of one answer.
const PAGE_MAX: usize = 50_000;

/// How many there are when the client does not say.
const PAGE: usize = 1_000;

/// `POST runs/create`
pub(super) async fn create(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let id = asked.text("experiment_id")?.filter(|id| !id.is_empty());
    let experiment = experiments::of_id(&app, id.as_deref().unwrap_or("0")).await?;
    let tags = asked.list::<Pair>("tags")?.into_iter();
    let mut tags: BTreeMap<String, String> = tags.map(|tag| (tag.key, tag.value)).collect();
    let parent = tags.remove(shown::PARENT);
    let said = asked.text("run_name")?.filter(|name| !name.is_empty());
    let name = tags.remove(shown::NAME);
    let user = tags.remove(shown::USER);
    let note = tags.remove(shown::NOTE);
    let user = user
        .or(asked.text("user_id")?)
        .filter(|user| !user.is_empty());
    let new = NewRun {
        experiment: experiment.name,
        display_name: said.or(name),
        parent: parent.as_deref().map(run_of).transpose()?,
        snapshot: None,
        user: user.unwrap_or_else(|| caller.user()),
        tags,
        properties: BTreeMap::new(),
    };
    let runs = &app.workspace.runs;
    let made = runs.open(new).await?;
    if note.is_some() {
        let change = Change {
            description: note,
            ..Change::default()
        };
        runs.update(made.id, change).await?;
    }
    let data = runs.data(made.id).await?;
    Ok(Json(json!({"run": shown::run(data, scheme)})))
}

/// `GET runs/get`
pub(super) async fn get(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let data = app.workspace.runs.data(asked.run()?).await?;
    Ok(Json(json!({"run": shown::run(data, scheme)})))
}

/// `POST runs/update`
pub(super) async fn update(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let (run, runs) = (asked.run()?, &app.workspace.runs);
    note_writer(&app, &caller, run).await?;
    if let Some(name) = asked.text("run_name")?.filter(|name| !name.is_empty()) {
        let change = Change {
            display_name: Some(name),
            ..Change::default()
        };
        runs.update(run, change).await?;
    }
    let status = asked.text("status")?;
    let end = status.as_deref().map(end_status).transpose()?.flatten();
    let is_own = runs.get(run).await?.kind == RunKind::Interactive;
    if let Some(end) = end.filter(|_| is_own) {
        runs.end(run, end, None, caller.step()).await?;
    }
    let data = runs.data(run).await?;
    let info = shown::info(&data.record, data.experiment, scheme);
    Ok(Json(json!({"run_info": info})))
}

/// The end that a status is, if it is one.
fn end_status(status: &str) -> Result<Option<RunStatus>> {
    match status {
        // Old clients send the numbers.
        "RUNNING" | "SCHEDULED" | "1" | "2" => Ok(None),
        "FINISHED" | "3" => Ok(Some(RunStatus::Completed)),
        "FAILED" | "4" => Ok(Some(RunStatus::Failed)),
        "KILLED" | "5" => Ok(Some(RunStatus::Canceled)),
        other => Err(ApiError::invalid(format!(
            "Invalid value \"{other}\" for parameter 'status' supplied: one of RUNNING, SCHEDULED, \
             FINISHED, FAILED and KILLED"
        ))),
    }
}

/// `POST runs/search`
pub(super) async fn search(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let (offset, limit) = asked.part(PAGE, PAGE_MAX)?;
    let mut within = Vec::new();
    for id in asked.list::<String>("experiment_ids")? {
        // An experiment that is not there has no runs.
        if let Ok(experiment) = experiments::of_id(&app, &id).await {
            within.push(experiment.id);
        }
    }
    let filter = asked.text("filter")?.unwrap_or_default();
    let wanted = RunSearch {
        experiments: within,
        query: shown::query(&filter)?,
        order: shown::orders(asked.list("order_by")?)?,
    };
    let is_deleted = asked.text("run_view_type")?.as_deref() == Some("DELETED_ONLY");
    let (found, more) = match is_deleted {
        true => (Vec::new(), false),
        false => app.workspace.runs.search(wanted, offset, limit).await?,
    };
    let found = found.into_iter().map(|data| shown::run(data, scheme));
    let rows: Vec<_> = found.collect();
    Ok(page_of("runs", &rows, offset, more))
}

/// What MLflow can delete, restore and rename and a workspace cannot.
pub(super) async fn kept(_asked: Asked) -> ApiError {
    ApiError::invalid("a workspace keeps its experiments and runs, under their names")
        .hint("`stepwell gc` removes the files of old runs")
}
