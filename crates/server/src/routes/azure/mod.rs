//! The original service's pipeline interface, for programs that were written for it: an existing
//! one changes its host and its token.
//!
//! The names in the address are those of any workspace: a server has one. What is done is done by
//! [`stepwell_workspace`]; only the words differ.

mod body;
mod entity;
mod errors;
mod schedules;
mod submit;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use stepwell_api::azure::{
    AzureErrorReply, PipelineEndpointEntity, PipelineEntity, PipelineRunEntity,
};
use stepwell_model::RunKind;
use stepwell_workspace::{PAGE_MAX, Page, Part};
use utoipa::IntoParams;

use super::endpoints::endpoint_id;
use super::published::pipeline_id;
use super::register::Register;
use crate::app::Context;
use crate::error::{ApiError, Body, Params, Result, run_id};
pub(super) use errors::to_azure_error;

use entity::At;

/// Where the interface begins.
pub(super) const ROOT: &str = "/pipelines/v1.0/subscriptions/{subscription}/resourceGroups/{group}\
    /providers/Microsoft.MachineLearningServices/workspaces/{workspace}";

/// Addresses like these at which there is nothing.
pub(super) const ELSEWHERE: &str = "/pipelines/{*path}";

/// The most entities of one list.
const LIST_MAX: usize = 10_000;

/// The routes, each under the role it asks for.
pub(super) fn routes() -> Register {
    use utoipa_axum::routes;
    let register = Register::default()
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
    schedules::routes(submit::routes(register))
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

/// A pipeline run with its status.
#[utoipa::path(get, path = "/PipelineRuns/{id}", tag = "azure", params(Names, ("id" = Uuid, Path)),
    responses((status = 200, body = PipelineRunEntity),
    (status = "default", body = AzureErrorReply)))]
async fn get_pipeline_run(
    State(app): Context,
    Path(at): Path<Named>,
) -> Result<Json<PipelineRunEntity>> {
    let record = app.workspace.runs.get(run_id(&at.id)?).await?;
    if record.kind != RunKind::Pipeline {
        return Err(ApiError::no_run(record.id));
    }
    if let Some(pipeline) = record.published {
        let ready = app.workspace.published.get(pipeline).await?;
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
    app.workspace.runs.cancel(run_id(&at.id)?).await?;
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
    let (id, published) = (pipeline_id(&at.id)?, &app.workspace.published);
    let ready = published.get(id).await?;
    let rows = all(|part| published.runs(id, part)).await?;
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
    let found = all(|part| app.workspace.published.list(active, part)).await?;
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
    let ready = app.workspace.published.get(pipeline_id(&named.id)?).await?;
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
    let published = &app.workspace.published;
    published.set_active(pipeline_id(&at.id)?, active).await?;
    Ok(())
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
    let found = all(|part| app.workspace.endpoints.list(active, part)).await?;
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
    let found = app.workspace.endpoints.get(endpoint_id(&named.id)?).await?;
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
    let found = app.workspace.endpoints.get_named(&query.name).await?;
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
    let endpoint = app.workspace.endpoints.get(endpoint_id(&named.id)?).await?;
    let at = At::new(&app, &named.names);
    let mut found = Vec::with_capacity(endpoint.versions.len());
    for (_, pipeline) in &endpoint.versions {
        let ready = app.workspace.published.get(*pipeline).await?;
        if ready.published.active || query.active_only != Some(true) {
            found.push(at.pipeline(&ready.published));
        }
    }
    Ok(Json(found))
}

/// Every row of a list, up to [`LIST_MAX`]: the original interface has no pages.
async fn all<T, F>(read: impl Fn(Part) -> F) -> Result<Vec<T>>
where
    F: Future<Output = stepwell_workspace::Result<Page<T>>>,
{
    let (mut rows, mut part) = (Vec::new(), Part::first(PAGE_MAX));
    loop {
        let page = read(part).await?;
        rows.extend(page.rows);
        match page.next {
            Some(next) if rows.len() < LIST_MAX => part.after = Some(next),
            _ => return Ok(rows),
        }
    }
}
