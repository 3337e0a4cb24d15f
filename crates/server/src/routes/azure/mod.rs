//! The original service's pipeline interface, for programs that were written for it: an existing
//! one changes its host and its token.
//!
//! The names in the address are those of any workspace: a server has one. What is done is done by
//! [`crate::published`]; only the words differ.

mod body;
mod entity;
mod errors;
mod schedules;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use stepwell_api::azure::{
    AzureErrorReply, PipelineEndpointEntity, PipelineEntity, PipelineRunEntity,
    PipelineSubmissionInfo,
};
use stepwell_model::RunKind;
use stepwell_store::{endpoints, published as store};
use utoipa::IntoParams;
use uuid::Uuid;

use super::published::pipeline_id;
use super::register::Register;
use super::runs::{find, idempotency_key};
use crate::app::{App, Context};
use crate::error::{ApiError, Body, Params, Result, run_id};
use crate::published;
pub(super) use errors::speak;

use body::Said;
use entity::At;

/// Where the interface begins.
pub(super) const ROOT: &str = "/pipelines/v1.0/subscriptions/{subscription}/resourceGroups/{group}\
    /providers/Microsoft.MachineLearningServices/workspaces/{workspace}";

/// The most entities of one list.
const LIST_MAX: usize = 10_000;

/// The routes, each under the role it asks for.
pub(super) fn routes() -> Register {
    use utoipa_axum::routes;
    let register = Register::default()
        .submitter(routes!(submit_pipeline))
        .submitter(routes!(submit_endpoint))
        .reader(routes!(get_pipeline_run))
        .submitter(routes!(cancel_pipeline_run))
        .reader(routes!(list_runs_of_pipeline))
        .reader(routes!(list_pipelines))
        .reader(routes!(get_pipeline))
        .contributor(routes!(set_pipeline_status))
        .reader(routes!(list_pipeline_endpoints))
        .reader(routes!(get_pipeline_endpoint))
        .reader(routes!(get_named_pipeline_endpoint))
        .reader(routes!(list_pipelines_of_endpoint));
    schedules::routes(register)
}

/// The workspace in the address.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct Names {
    /// The subscription; any will do.
    subscription: String,
    /// The resource group; any will do.
    group: String,
    /// The workspace; any will do.
    workspace: String,
}

/// The same with what is asked for.
#[derive(Debug, Clone, Deserialize)]
struct Named {
    #[serde(flatten)]
    names: Names,
    id: String,
}

/// The run that this one belongs to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ParentQuery {
    /// The run this one belongs to.
    parent_run_id: Option<String>,
}

/// Starts a run of a published pipeline. A repeated request with the same `Idempotency-Key` gives
/// the run of the first.
#[utoipa::path(post, path = "/PipelineRuns/PipelineSubmit/{id}", tag = "azure",
    request_body = PipelineSubmissionInfo,
    params(Names, ("id" = Uuid, Path), ParentQuery, ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = PipelineRunEntity),
    (status = "default", body = AzureErrorReply)))]
async fn submit_pipeline(
    State(app): Context,
    Path(at): Path<Named>,
    Params(query): Params<ParentQuery>,
    headers: HeaderMap,
    Said(said): Said,
) -> Result<Json<PipelineRunEntity>> {
    let assignments = body::assignments(&app, said, query.parent_run_id.as_deref()).await?;
    let (id, key) = (pipeline_id(&at.id)?, idempotency_key(&headers)?);
    answer(&app, published::start(&app, id, assignments, key).await?).await
}

/// Which version to start, and the run that this one belongs to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct EndpointQuery {
    /// The run this one belongs to.
    parent_run_id: Option<String>,
    /// The version; the default one when absent.
    pipeline_version: Option<String>,
}

/// Starts a run of an endpoint's pipeline. A repeated request with the same `Idempotency-Key`
/// gives the run of the first.
#[utoipa::path(post, path = "/PipelineRuns/PipelineEndpointSubmit/Id/{id}", tag = "azure",
    request_body = PipelineSubmissionInfo,
    params(Names, ("id" = Uuid, Path), EndpointQuery, ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = PipelineRunEntity),
    (status = "default", body = AzureErrorReply)))]
async fn submit_endpoint(
    State(app): Context,
    Path(at): Path<Named>,
    Params(query): Params<EndpointQuery>,
    headers: HeaderMap,
    Said(said): Said,
) -> Result<Json<PipelineRunEntity>> {
    let assignments = body::assignments(&app, said, query.parent_run_id.as_deref()).await?;
    let (id, key) = (endpoint_id(&at.id)?, idempotency_key(&headers)?);
    let version = query.pipeline_version.as_deref();
    let started = published::start_endpoint(&app, id, version, assignments, key).await?;
    answer(&app, started).await
}

async fn answer(app: &App, started: published::Started) -> Result<Json<PipelineRunEntity>> {
    let record = find(app, started.accepted.run()).await?;
    let steps = started.pipeline.published.steps;
    Ok(Json(entity::run(
        &record,
        Some(&started.pipeline.published),
        steps,
    )))
}

/// A pipeline run with its status.
#[utoipa::path(get, path = "/PipelineRuns/{id}", tag = "azure", params(Names, ("id" = Uuid, Path)),
    responses((status = 200, body = PipelineRunEntity),
    (status = "default", body = AzureErrorReply)))]
async fn get_pipeline_run(
    State(app): Context,
    Path(at): Path<Named>,
) -> Result<Json<PipelineRunEntity>> {
    let record = find(&app, run_id(&at.id)?).await?;
    if record.kind != RunKind::Pipeline.as_str() {
        return Err(ApiError::no_run(record.id));
    }
    if let Some(pipeline) = record.published {
        let ready = app.templates.get(&app, pipeline).await?;
        let steps = ready.published.steps;
        return Ok(Json(entity::run(&record, Some(&ready.published), steps)));
    }
    let run = record.id;
    let steps = app
        .store
        .read(move |db| stepwell_store::runs::count_steps(db, run))
        .await?;
    Ok(Json(entity::run(&record, None, steps)))
}

/// Asks a pipeline run to stop.
#[utoipa::path(delete, path = "/PipelineRuns/{id}/Execution", tag = "azure",
    params(Names, ("id" = Uuid, Path)), responses(
    (status = 200, description = "It is asked to stop, or is over."),
    (status = "default", body = AzureErrorReply)))]
async fn cancel_pipeline_run(State(app): Context, Path(at): Path<Named>) -> Result<()> {
    let record = find(&app, run_id(&at.id)?).await?;
    app.engine.cancel(super::runs::scheduled(&record)).await?;
    Ok(())
}

/// The runs of a published pipeline, newest first.
#[utoipa::path(get, path = "/PipelineRuns/Pipeline/{id}", tag = "azure",
    params(Names, ("id" = Uuid, Path)), responses(
    (status = 200, body = Vec<PipelineRunEntity>), (status = "default", body = AzureErrorReply)))]
async fn list_runs_of_pipeline(
    State(app): Context,
    Path(at): Path<Named>,
) -> Result<Json<Vec<PipelineRunEntity>>> {
    let id = pipeline_id(&at.id)?;
    let ready = app.templates.get(&app, id).await?;
    let read = move |db: &_| store::runs_of(db, id, None, LIST_MAX);
    let rows = app.store.read(read).await?;
    let steps = ready.published.steps;
    let run = |record| entity::run(record, Some(&ready.published), steps);
    Ok(Json(rows.iter().map(run).collect()))
}

/// Which to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ActiveQuery {
    /// Only those that can be started; all when absent.
    active_only: Option<bool>,
}

/// Published pipelines, newest first.
#[utoipa::path(get, path = "/Pipelines", tag = "azure", params(Names, ActiveQuery), responses(
    (status = 200, body = Vec<PipelineEntity>), (status = "default", body = AzureErrorReply)))]
async fn list_pipelines(
    State(app): Context,
    Path(names): Path<Names>,
    Params(query): Params<ActiveQuery>,
) -> Result<Json<Vec<PipelineEntity>>> {
    let active = query.active_only.unwrap_or(false);
    let read = move |db: &_| store::list(db, active, None, LIST_MAX);
    let found = app.store.read(read).await?;
    let at = At::new(&app, &names);
    Ok(Json(found.iter().map(|each| at.pipeline(each)).collect()))
}

/// A published pipeline.
#[utoipa::path(get, path = "/Pipelines/{id}", tag = "azure", params(Names, ("id" = Uuid, Path)),
    responses((status = 200, body = PipelineEntity), (status = "default", body = AzureErrorReply)))]
async fn get_pipeline(
    State(app): Context,
    Path(named): Path<Named>,
) -> Result<Json<PipelineEntity>> {
    let ready = app.templates.get(&app, pipeline_id(&named.id)?).await?;
    Ok(Json(At::new(&app, &named.names).pipeline(&ready.published)))
}

/// Lets a published pipeline be started (`0`, `Active`), or not (`2`, `Disabled`).
#[utoipa::path(put, path = "/Pipelines/{id}/status", tag = "azure", request_body = String,
    params(Names, ("id" = Uuid, Path)), responses(
    (status = 200, description = "It is so now."), (status = "default", body = AzureErrorReply)))]
async fn set_pipeline_status(
    State(app): Context,
    Path(at): Path<Named>,
    Body(status): Body<serde_json::Value>,
) -> Result<()> {
    let text = match &status {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let active = match text.to_ascii_lowercase().as_str() {
        "0" | "active" => true,
        "1" | "deprecated" | "2" | "disabled" => false,
        _ => {
            return Err(ApiError::invalid(format!("`{text}` is no status"))
                .hint("one of Active and Disabled"));
        }
    };
    published::set_active(&app, pipeline_id(&at.id)?, active).await
}

/// Endpoints, newest first.
#[utoipa::path(get, path = "/PipelineEndpoints", tag = "azure", params(Names, ActiveQuery),
    responses((status = 200, body = Vec<PipelineEndpointEntity>),
    (status = "default", body = AzureErrorReply)))]
async fn list_pipeline_endpoints(
    State(app): Context,
    Path(names): Path<Names>,
    Params(query): Params<ActiveQuery>,
) -> Result<Json<Vec<PipelineEndpointEntity>>> {
    let active = query.active_only.unwrap_or(false);
    let read = move |db: &_| endpoints::list(db, active, None, LIST_MAX);
    let found = app.store.read(read).await?;
    let at = At::new(&app, &names);
    Ok(Json(found.iter().map(|each| at.endpoint(each)).collect()))
}

/// An endpoint.
#[utoipa::path(get, path = "/PipelineEndpoints/Id/{id}", tag = "azure",
    params(Names, ("id" = Uuid, Path)), responses((status = 200, body = PipelineEndpointEntity),
    (status = "default", body = AzureErrorReply)))]
async fn get_pipeline_endpoint(
    State(app): Context,
    Path(named): Path<Named>,
) -> Result<Json<PipelineEndpointEntity>> {
    let found = published::find_endpoint(&app, endpoint_id(&named.id)?).await?;
    Ok(Json(At::new(&app, &named.names).endpoint(&found)))
}

/// Whose name it is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct NameQuery {
    /// The endpoint's name.
    #[serde(rename = "Name", alias = "name")]
    #[param(rename = "Name")]
    name: String,
}

/// The endpoint of a name.
#[utoipa::path(get, path = "/PipelineEndpoints/Name", tag = "azure", params(Names, NameQuery),
    responses((status = 200, body = PipelineEndpointEntity),
    (status = "default", body = AzureErrorReply)))]
async fn get_named_pipeline_endpoint(
    State(app): Context,
    Path(names): Path<Names>,
    Params(query): Params<NameQuery>,
) -> Result<Json<PipelineEndpointEntity>> {
    let name = query.name.clone();
    let read = move |db: &_| endpoints::find_named(db, &name);
    let found = app.store.read(read).await?;
    let found = found.ok_or_else(|| published::no_endpoint(&format_args!("`{}`", query.name)))?;
    Ok(Json(At::new(&app, &names).endpoint(&found)))
}

/// The published pipelines of an endpoint, oldest version first.
#[utoipa::path(get, path = "/PipelineEndpoints/{id}/pipelines", tag = "azure",
    params(Names, ("id" = Uuid, Path), ActiveQuery), responses(
    (status = 200, body = Vec<PipelineEntity>), (status = "default", body = AzureErrorReply)))]
async fn list_pipelines_of_endpoint(
    State(app): Context,
    Path(named): Path<Named>,
    Params(query): Params<ActiveQuery>,
) -> Result<Json<Vec<PipelineEntity>>> {
    let endpoint = published::find_endpoint(&app, endpoint_id(&named.id)?).await?;
    let at = At::new(&app, &named.names);
    let mut found = Vec::with_capacity(endpoint.versions.len());
    for (_, pipeline) in &endpoint.versions {
        let ready = app.templates.get(&app, *pipeline).await?;
        if ready.published.active || query.active_only != Some(true) {
            found.push(at.pipeline(&ready.published));
        }
    }
    Ok(Json(found))
}

fn endpoint_id(text: &str) -> Result<Uuid> {
    let refuse = |_| published::no_endpoint(&format_args!("`{text}`"));
    text.parse().map_err(refuse)
}
