//! Endpoints: a name for one of several published pipelines.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use stepwell_api::{
    AddVersion, CreateEndpoint, EndpointChange, EndpointList, EndpointVersion, ErrorReply,
    PipelineEndpoint, PublishedStatus, Run, SubmitPublished,
};
use stepwell_store::endpoints::{self, Change, Endpoint};
use utoipa::IntoParams;
use uuid::Uuid;

use super::published::{ListQuery, answer, cursor};
use super::runs::idempotency_key;
use crate::app::{Context, now};
use crate::error::{ApiError, Body, Params, Result};
use crate::published::{find_endpoint, no_endpoint, start_endpoint};

/// Makes an endpoint; its version `0` is the pipeline.
#[utoipa::path(post, path = "/endpoints", request_body = CreateEndpoint, responses(
    (status = 201, body = PipelineEndpoint), (status = "default", body = ErrorReply)))]
pub(super) async fn create_endpoint(
    State(app): Context,
    Body(body): Body<CreateEndpoint>,
) -> Result<(StatusCode, Json<PipelineEndpoint>)> {
    check_name(&body.name)?;
    app.templates.get(&app, body.pipeline).await?;
    let (id, at) = (Uuid::new_v4(), now());
    let create = move |db: &stepwell_store::Connection| {
        endpoints::create(db, id, &body.name, &body.description, body.pipeline, at)?;
        endpoints::find(db, id)
    };
    let made = app.store.write_durable(create).await?;
    let made = made.ok_or_else(|| no_endpoint(&id))?;
    Ok((StatusCode::CREATED, Json(show(&made))))
}

fn check_name(name: &str) -> Result<()> {
    let odd = |c: char| c.is_control() || c == '/';
    match name.trim().is_empty() || name.chars().count() > 255 || name.contains(odd) {
        true => Err(
            ApiError::invalid(format!("`{name}` cannot name an endpoint"))
                .hint("use 1 to 255 characters without slashes and line breaks"),
        ),
        false => Ok(()),
    }
}

/// Endpoints, newest first.
#[utoipa::path(get, path = "/endpoints", params(ListQuery), responses(
    (status = 200, body = EndpointList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_endpoints(
    State(app): Context,
    Params(query): Params<ListQuery>,
) -> Result<Json<EndpointList>> {
    let before = cursor(query.cursor.as_deref())?;
    let (limit, active_only) = (query.limit(), query.active_only());
    let read = move |db: &_| endpoints::list(db, active_only, before, limit + 1);
    let mut rows = app.store.read(read).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.seq.to_string());
    let endpoints = rows.iter().map(show).collect();
    Ok(Json(EndpointList { endpoints, next }))
}

/// An endpoint.
#[utoipa::path(get, path = "/endpoints/{id}", params(("id" = Uuid, Path)), responses(
    (status = 200, body = PipelineEndpoint), (status = "default", body = ErrorReply)))]
pub(super) async fn get_endpoint(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<Json<PipelineEndpoint>> {
    Ok(Json(show(&find_endpoint(&app, endpoint_id(&id)?).await?)))
}

/// The endpoint of a name.
#[utoipa::path(get, path = "/endpoints/named/{name}", params(("name" = String, Path)),
    responses((status = 200, body = PipelineEndpoint), (status = "default", body = ErrorReply)))]
pub(super) async fn get_named_endpoint(
    State(app): Context,
    Path(name): Path<String>,
) -> Result<Json<PipelineEndpoint>> {
    let wanted = name.clone();
    let read = move |db: &_| endpoints::find_named(db, &wanted);
    let found = app.store.read(read).await?;
    Ok(Json(show(
        &found.ok_or_else(|| no_endpoint(&format_args!("`{name}`")))?,
    )))
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
    let id = endpoint_id(&id)?;
    if let Some(name) = &body.name {
        check_name(name)?;
    }
    let parse = |text: String| {
        let refuse = |_| ApiError::invalid(format!("`{text}` is no version"));
        text.trim().parse::<u64>().map_err(refuse)
    };
    let change = Change {
        name: body.name,
        description: body.description,
        active: body.status.map(|status| status == PublishedStatus::Active),
        default_version: body.default_version.map(parse).transpose()?,
    };
    let at = now();
    let write = move |db: &_| endpoints::change(db, id, change, at);
    let changed = app.store.write_durable(write).await?;
    Ok(Json(show(&changed.ok_or_else(|| no_endpoint(&id))?)))
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
    let id = endpoint_id(&id)?;
    app.templates.get(&app, body.pipeline).await?;
    let at = now();
    let write = move |db: &_| endpoints::add(db, id, body.pipeline, body.make_default, at);
    let changed = app.store.write_durable(write).await?;
    let changed = changed.ok_or_else(|| no_endpoint(&id))?;
    Ok((StatusCode::CREATED, Json(show(&changed))))
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
    Path(id): Path<String>,
    Params(query): Params<VersionQuery>,
    headers: HeaderMap,
    Body(body): Body<SubmitPublished>,
) -> Result<(StatusCode, Json<Run>)> {
    let (id, key) = (endpoint_id(&id)?, idempotency_key(&headers)?);
    let started = start_endpoint(&app, id, query.version.as_deref(), body, key).await?;
    answer(&app, started.accepted).await
}

fn endpoint_id(text: &str) -> Result<Uuid> {
    text.parse()
        .map_err(|_| no_endpoint(&format_args!("`{text}`")))
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
