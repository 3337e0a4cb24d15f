//! The workspace: what the server is, its experiments and its datastores.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use stepwell_api::{ErrorReply, Experiment, ExperimentList, Health, Workspace};
use stepwell_store::{experiments, runs};
use uuid::Uuid;

use crate::app::{Context, now};
use crate::convert::submit::experiment_name;
use crate::error::{ApiError, Result};
use crate::serve::Mode;

pub(super) async fn health() -> Json<Health> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Json(Health {
        status: "ok".to_owned(),
        version,
    })
}

/// The workspace that this server serves.
#[utoipa::path(get, path = "/workspace", responses(
    (status = 200, body = Workspace), (status = "default", body = ErrorReply)))]
pub(super) async fn show_workspace(State(app): Context) -> Result<Json<Workspace>> {
    let active_runs = app.store.read(runs::count_open).await?;
    Ok(Json(Workspace {
        name: app.site.workspace.clone(),
        subscription_id: app.site.subscription_id.clone(),
        resource_group: app.site.resource_group.clone(),
        id: app.workspace_id,
        default_datastore: app.datastores.default_name(),
        data_folder: app.folder.root().to_string(),
        url: app.site.url.clone(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: app.started.to_string(),
        active_runs,
        enabled_schedules: app.schedules.enabled() as u64,
        embedded: app.mode == Mode::Embedded,
    }))
}

/// Stops the server. Steps go on; the next server of the folder finds them.
#[utoipa::path(post, path = "/shutdown", responses(
    (status = 202, description = "It stops."), (status = "default", body = ErrorReply)))]
pub(super) async fn shutdown(State(app): Context) -> StatusCode {
    app.stop.notify_one();
    StatusCode::ACCEPTED
}

/// All experiments, sorted by name.
#[utoipa::path(get, path = "/experiments", responses(
    (status = 200, body = ExperimentList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_experiments(State(app): Context) -> Result<Json<ExperimentList>> {
    let experiments = app.store.read(experiments::list).await?;
    Ok(Json(ExperimentList {
        experiments: experiments.into_iter().map(experiment).collect(),
    }))
}

/// An experiment.
#[utoipa::path(get, path = "/experiments/{name}", params(("name" = String, Path)), responses(
    (status = 200, body = Experiment), (status = "default", body = ErrorReply)))]
pub(super) async fn get_experiment(
    State(app): Context,
    Path(name): Path<String>,
) -> Result<Json<Experiment>> {
    let wanted = name.clone();
    let found = app
        .store
        .read(move |db| experiments::find(db, &wanted))
        .await?;
    let missing = || ApiError::not_found(format!("there is no experiment `{name}`"));
    Ok(Json(experiment(found.ok_or_else(missing)?)))
}

/// Makes an experiment, unless there is one of that name.
#[utoipa::path(put, path = "/experiments/{name}", params(("name" = String, Path)), responses(
    (status = 200, body = Experiment), (status = "default", body = ErrorReply)))]
pub(super) async fn put_experiment(
    State(app): Context,
    Path(name): Path<String>,
) -> Result<Json<Experiment>> {
    experiment_name(&name)?;
    let id = Uuid::now_v7();
    let made = app
        .store
        .write_durable(move |db| experiments::ensure(db, &name, id, now()));
    Ok(Json(experiment(made.await?)))
}

fn experiment(experiment: experiments::Experiment) -> Experiment {
    Experiment {
        name: experiment.name,
        id: experiment.id,
        runs: experiment.runs,
        created_at: experiment.created.to_string(),
        tags: experiment.tags,
    }
}
