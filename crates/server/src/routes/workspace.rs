//! The workspace: what the server is, its experiments and its datastores.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use stepwell_api::{ErrorReply, Experiment, ExperimentChange, ExperimentList, Health, Workspace};
use stepwell_store::{experiments, runs};

use super::request::NamedQuery;
use crate::app::Context;
use crate::error::{Body, Params, Result};
use crate::serve::Mode;

/// Anybody may ask: the faults themselves are for those who may look into the server.
pub(super) async fn health(State(app): Context) -> Json<Health> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let status = match app.condition.faults(&app.folder).is_empty() {
        true => "ok",
        false => "degraded",
    };
    Json(Health {
        status: status.to_owned(),
        version,
        folder: app.root.identity(),
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
        faults: app.condition.faults(&app.folder),
        enabled_schedules: app.workspace.schedules.enabled() as u64,
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

/// Experiments, sorted by name.
#[utoipa::path(get, path = "/experiments", params(NamedQuery), responses(
    (status = 200, body = ExperimentList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_experiments(
    State(app): Context,
    Params(query): Params<NamedQuery>,
) -> Result<Json<ExperimentList>> {
    let page = app.workspace.experiments.list(query.part()).await?;
    Ok(Json(ExperimentList {
        experiments: page.rows.into_iter().map(experiment).collect(),
        next: page.next,
    }))
}

/// An experiment.
#[utoipa::path(get, path = "/experiments/{name}", params(("name" = String, Path)), responses(
    (status = 200, body = Experiment), (status = "default", body = ErrorReply)))]
pub(super) async fn get_experiment(
    State(app): Context,
    Path(name): Path<String>,
) -> Result<Json<Experiment>> {
    let found = app.workspace.experiments.get(&name).await?;
    Ok(Json(experiment(found)))
}

/// Makes an experiment, unless there is one of that name.
#[utoipa::path(put, path = "/experiments/{name}", params(("name" = String, Path)), responses(
    (status = 200, body = Experiment), (status = "default", body = ErrorReply)))]
pub(super) async fn put_experiment(
    State(app): Context,
    Path(name): Path<String>,
) -> Result<Json<Experiment>> {
    let made = app.workspace.experiments.ensure(name).await?;
    Ok(Json(experiment(made)))
}

/// Changes the tags of an experiment.
#[utoipa::path(patch, path = "/experiments/{name}", params(("name" = String, Path)),
    request_body = ExperimentChange, responses(
    (status = 200, body = Experiment), (status = "default", body = ErrorReply)))]
pub(super) async fn change_experiment(
    State(app): Context,
    Path(name): Path<String>,
    Body(body): Body<ExperimentChange>,
) -> Result<Json<Experiment>> {
    let change = experiments::TagsChange {
        set: body.set_tags,
        remove: body.remove_tags,
    };
    let changed = app.workspace.experiments.change_tags(name, change).await?;
    Ok(Json(experiment(changed)))
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
