//! Endpoints: a name for one of several published pipelines.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::Deserialize;
use stepwell_api::{
    AddVersion, CreateEndpoint, EndpointChange, EndpointList, EndpointVersion, ErrorReply,
    PipelineEndpoint, PublishedStatus, Run, SubmitPublished,
};
use stepwell_store::endpoints::Endpoint;
use stepwell_workspace::{EndpointUpdate, Unknown};
use utoipa::IntoParams;
use uuid::Uuid;

use super::published::ListQuery;
use super::request::{idempotency_key, next, started};
use crate::access::Caller;
use crate::app::Context;
use crate::convert;
use crate::error::{ApiError, Body, Params, Result};

/// Makes an endpoint; its version `0` is the pipeline.
#[utoipa::path(post, path = "/endpoints", request_body = CreateEndpoint, responses(
    (status = 201, body = PipelineEndpoint), (status = "default", body = ErrorReply)))]
pub(super) async fn create_endpoint(
    State(app): Context,
    Body(body): Body<CreateEndpoint>,
) -> Result<(StatusCode, Json<PipelineEndpoint>)> {
    let endpoints = &app.workspace.endpoints;
    let made = endpoints.create(body.name, body.description, body.pipeline);
    let made = made.await?;
    Ok((StatusCode::CREATED, Json(show(&made))))
}

/// Endpoints, newest first.
#[utoipa::path(get, path = "/endpoints", params(ListQuery), responses(
    (status = 200, body = EndpointList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_endpoints(
    State(app): Context,
    Params(query): Params<ListQuery>,
) -> Result<Json<EndpointList>> {
    let endpoints = &app.workspace.endpoints;
    let page = endpoints.list(query.active_only(), query.part()?).await?;
    Ok(Json(EndpointList {
        endpoints: page.rows.iter().map(show).collect(),
        next: next(page.next),
    }))
}

/// An endpoint.
#[utoipa::path(get, path = "/endpoints/{id}", params(("id" = Uuid, Path)), responses(
    (status = 200, body = PipelineEndpoint), (status = "default", body = ErrorReply)))]
pub(super) async fn get_endpoint(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<Json<PipelineEndpoint>> {
    Ok(Json(show(
        &app.workspace.endpoints.get(endpoint_id(&id)?).await?,
    )))
}

/// The endpoint of a name.
#[utoipa::path(get, path = "/endpoints/named/{name}", params(("name" = String, Path)),
    responses((status = 200, body = PipelineEndpoint), (status = "default", body = ErrorReply)))]
pub(super) async fn get_named_endpoint(
    State(app): Context,
    Path(name): Path<String>,
) -> Result<Json<PipelineEndpoint>> {
    Ok(Json(show(&app.workspace.endpoints.get_named(&name).await?)))
}

/// Changes an endpoint.
#[utoipa::path(patch, path = "/endpoints/{id}", params(("id" = Uuid, Path)),
    request_body = EndpointChange, responses(
    (status = 200, body = PipelineEndpoint), (status = "default", body = ErrorReply)))]
pub(super) async fn change_endpoint(
    State(app): Context,
    Path(id): Path<String>,
    Body(body): Body<EndpointChange>,
) -> Result<Json<PipelineEndpoint>> {
    let update = EndpointUpdate {
        name: body.name,
        description: body.description,
        active: body.status.map(|status| status == PublishedStatus::Active),
        default_version: body.default_version,
    };
    let endpoints = &app.workspace.endpoints;
    Ok(Json(show(
        &endpoints.update(endpoint_id(&id)?, update).await?,
    )))
}

/// Adds a published pipeline as the next version of an endpoint.
#[utoipa::path(post, path = "/endpoints/{id}/versions", params(("id" = Uuid, Path)),
    request_body = AddVersion, responses(
    (status = 201, body = PipelineEndpoint), (status = "default", body = ErrorReply)))]
pub(super) async fn add_version(
    State(app): Context,
    Path(id): Path<String>,
    Body(body): Body<AddVersion>,
) -> Result<(StatusCode, Json<PipelineEndpoint>)> {
    let (id, endpoints) = (endpoint_id(&id)?, &app.workspace.endpoints);
    let changed = endpoints.add_version(id, body.pipeline, body.make_default);
    Ok((StatusCode::CREATED, Json(show(&changed.await?))))
}

/// Which version to start.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct VersionQuery {
    /// The version; the default one when absent.
    version: Option<String>,
}

/// Starts a run of an endpoint's pipeline. A repeated request with the same `Idempotency-Key`
/// gives the run of the first.
#[utoipa::path(post, path = "/endpoints/{id}/submit", request_body = SubmitPublished,
    params(("id" = Uuid, Path), VersionQuery, ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = Run),
    (status = 200, body = Run, description = "It was started before."),
    (status = "default", body = ErrorReply)))]
pub(super) async fn submit_endpoint(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Params(query): Params<VersionQuery>,
    headers: HeaderMap,
    Body(mut body): Body<SubmitPublished>,
) -> Result<(StatusCode, Json<Run>)> {
    let (id, key) = (endpoint_id(&id)?, idempotency_key(&headers)?);
    body.user.get_or_insert_with(|| caller.user());
    let assignments = convert::template::assignments(body);
    let (version, endpoints) = (query.version.as_deref(), &app.workspace.endpoints);
    let run = endpoints.start(id, version, assignments, Unknown::Refuse, key);
    started(&app, run.await?.accepted).await
}

/// The endpoint that a path names.
pub(super) fn endpoint_id(text: &str) -> Result<Uuid> {
    text.parse().map_err(|_| {
        ApiError::not_found(format!("there is no pipeline endpoint `{text}`"))
            .hint("`stepwell published endpoints` lists them")
    })
}

fn show(endpoint: &Endpoint) -> PipelineEndpoint {
    let version = |(version, pipeline): &(u64, Uuid)| EndpointVersion {
        version: version.to_string(),
        pipeline: *pipeline,
    };
    PipelineEndpoint {
        id: endpoint.id,
        name: endpoint.name.clone(),
        description: endpoint.description.clone(),
        status: match endpoint.active {
            true => PublishedStatus::Active,
            false => PublishedStatus::Disabled,
        },
        default_version: endpoint.default_version.to_string(),
        versions: endpoint.versions.iter().map(version).collect(),
        created_at: endpoint.created.to_string(),
        changed_at: endpoint.changed.to_string(),
    }
}
