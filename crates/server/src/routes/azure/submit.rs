//! Starting published pipelines and endpoints at the addresses of the original service.
//!
//! A value of a parameter that the pipeline does not have is left out here, as the service does;
//! the run names it in a property, and its entity says that it has warnings.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::Deserialize;
use stepwell_api::azure::{AzureErrorReply, PipelineRunEntity, PipelineSubmissionInfo};
use stepwell_model::Assignments;
use stepwell_workspace::{Started, Unknown};
use utoipa::IntoParams;
use uuid::Uuid;

use super::body::{self, Said};
use super::{Named, Names, entity};
use crate::access::Caller;
use crate::app::{App, Context};
use crate::error::{Params, Result};
use crate::routes::endpoints::endpoint_id;
use crate::routes::published::pipeline_id;
use crate::routes::register::Register;
use crate::routes::request::idempotency_key;

/// Adds the routes that start runs.
pub(super) fn routes(register: Register) -> Register {
    use utoipa_axum::routes;
    register
        .submitter(routes!(submit_pipeline))
        .submitter(routes!(submit_endpoint))
        .submitter(routes!(submit_endpoint_version))
        .submitter(routes!(submit_named_endpoint))
}

/// The run that this one belongs to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ParentQuery {
    /// The run this one belongs to.
    parent_run_id: Option<String>,
}

/// Who starts a run, and by which request.
struct Start<'a> {
    app: &'a App,
    caller: Caller,
    headers: HeaderMap,
    info: PipelineSubmissionInfo,
    parent: Option<String>,
}

impl Start<'_> {
    async fn assignments(&mut self) -> Result<Assignments> {
        let info = std::mem::take(&mut self.info);
        let mut made = body::assignments(self.app, info, self.parent.as_deref()).await?;
        made.user.get_or_insert_with(|| self.caller.user());
        Ok(made)
    }

    async fn endpoint(
        mut self,
        endpoint: Uuid,
        version: Option<&str>,
    ) -> Result<Json<PipelineRunEntity>> {
        let assignments = self.assignments().await?;
        let key = idempotency_key(&self.headers)?;
        let app = self.app;
        let endpoints = &app.workspace.endpoints;
        let started = endpoints.start(endpoint, version, assignments, Unknown::Ignore, key);
        answer(app, started.await?).await
    }
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
    Extension(caller): Extension<Caller>,
    Path(at): Path<Named>,
    Params(query): Params<ParentQuery>,
    headers: HeaderMap,
    Said(info): Said,
) -> Result<Json<PipelineRunEntity>> {
    let parent = query.parent_run_id;
    let mut start = Start {
        app: &app,
        caller,
        headers,
        info,
        parent,
    };
    let assignments = start.assignments().await?;
    let (id, key) = (pipeline_id(&at.id)?, idempotency_key(&start.headers)?);
    let published = &app.workspace.published;
    let started = published.start(id, assignments, Unknown::Ignore, key);
    answer(&app, started.await?).await
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
    Extension(caller): Extension<Caller>,
    Path(at): Path<Named>,
    Params(query): Params<EndpointQuery>,
    headers: HeaderMap,
    Said(info): Said,
) -> Result<Json<PipelineRunEntity>> {
    let (version, parent) = (query.pipeline_version, query.parent_run_id);
    let start = Start {
        app: &app,
        caller,
        headers,
        info,
        parent,
    };
    start
        .endpoint(endpoint_id(&at.id)?, version.as_deref())
        .await
}

/// An endpoint and its version, in the address.
#[derive(Debug, Deserialize)]
struct Versioned {
    id: String,
    version: String,
}

/// The same with the version in the address.
#[utoipa::path(post, path = "/PipelineRuns/PipelineEndpointSubmit/Id/{id}/{version}", tag = "azure",
    request_body = PipelineSubmissionInfo,
    params(Names, ("id" = Uuid, Path), ("version" = String, Path), ParentQuery,
    ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = PipelineRunEntity),
    (status = "default", body = AzureErrorReply)))]
async fn submit_endpoint_version(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(at): Path<Versioned>,
    Params(query): Params<ParentQuery>,
    headers: HeaderMap,
    Said(info): Said,
) -> Result<Json<PipelineRunEntity>> {
    let parent = query.parent_run_id;
    let start = Start {
        app: &app,
        caller,
        headers,
        info,
        parent,
    };
    start
        .endpoint(endpoint_id(&at.id)?, Some(&at.version))
        .await
}

/// Which endpoint and version to start, and the run that this one belongs to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct NamedEndpointQuery {
    /// The endpoint's name.
    #[serde(alias = "Name")]
    name: String,
    /// The run this one belongs to.
    parent_run_id: Option<String>,
    /// The version; the default one when absent.
    pipeline_version: Option<String>,
}

/// The same for the endpoint of a name.
#[utoipa::path(post, path = "/PipelineRuns/PipelineEndpointSubmit/Name", tag = "azure",
    request_body = PipelineSubmissionInfo,
    params(Names, NamedEndpointQuery, ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = PipelineRunEntity),
    (status = "default", body = AzureErrorReply)))]
async fn submit_named_endpoint(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Params(query): Params<NamedEndpointQuery>,
    headers: HeaderMap,
    Said(info): Said,
) -> Result<Json<PipelineRunEntity>> {
    let endpoint = app.workspace.endpoints.get_named(&query.name).await?.id;
    let (version, parent) = (query.pipeline_version, query.parent_run_id);
    let start = Start {
        app: &app,
        caller,
        headers,
        info,
        parent,
    };
    start.endpoint(endpoint, version.as_deref()).await
}

async fn answer(app: &App, started: Started) -> Result<Json<PipelineRunEntity>> {
    let record = app.workspace.runs.get(started.accepted.run()).await?;
    let steps = started.pipeline.published.steps;
    Ok(Json(entity::run(
        &record,
        Some(&started.pipeline.published),
        steps,
    )))
}
