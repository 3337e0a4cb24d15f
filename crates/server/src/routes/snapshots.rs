//! Snapshots sent by clients on other machines: the manifest first, then what is missing.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use futures_util::TryStreamExt as _;
use stepwell_api::{ErrorReply, SnapshotReply};
use stepwell_data::snapshot::Manifest;
use stepwell_model::Digest;
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::app::Context;
use crate::error::{ApiError, Result};

fn digest(text: &str) -> Result<Digest> {
    text.parse()
        .map_err(|error: stepwell_model::ParseIdError| ApiError::invalid(error.to_string()))
}

/// Sends a manifest. The answer names the objects that are missing; when there are none, the
/// snapshot is stored and can be used.
#[utoipa::path(put, path = "/snapshots/{digest}", params(("digest" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = 200, body = SnapshotReply), (status = "default", body = ErrorReply)))]
pub(super) async fn put_snapshot(
    State(app): Context,
    Path(text): Path<String>,
    body: Bytes,
) -> Result<Json<SnapshotReply>> {
    let wanted = digest(&text)?;
    let manifest = Manifest::decode(&body)
        .map_err(|error| ApiError::invalid(format!("the manifest cannot be read: {error}")))?;
    let cas = app.cas.clone();
    let store = move || {
        let objects: Vec<Digest> = manifest.entries.iter().map(|entry| entry.digest).collect();
        let missing = cas.missing(&objects);
        if missing.is_empty() {
            cas.put_reader(&wanted, &body[..])?;
        }
        Ok(missing)
    };
    let missing = tokio::task::spawn_blocking(store).await;
    let missing = missing
        .map_err(|error| ApiError::internal(&error))?
        .map_err(refused)?;
    let missing = missing.iter().map(Digest::to_string).collect();
    Ok(Json(SnapshotReply {
        snapshot: text,
        missing,
    }))
}

/// Sends an object. Content that is not what its digest says is refused.
#[utoipa::path(put, path = "/objects/{digest}", params(("digest" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = 201, description = "It is stored."), (status = "default", body = ErrorReply)))]
pub(super) async fn put_object(
    State(app): Context,
    Path(text): Path<String>,
    body: Body,
) -> Result<StatusCode> {
    let wanted = digest(&text)?;
    let cas = app.cas.clone();
    let chunks = body.into_data_stream().map_err(std::io::Error::other);
    let reader = SyncIoBridge::new(StreamReader::new(Box::pin(chunks)));
    let store = tokio::task::spawn_blocking(move || cas.put_reader(&wanted, reader));
    store
        .await
        .map_err(|error| ApiError::internal(&error))?
        .map_err(refused)?;
    Ok(StatusCode::CREATED)
}

fn refused(error: stepwell_data::Error) -> ApiError {
    match error {
        stepwell_data::Error::Mismatch { .. } => ApiError::invalid(error.to_string()),
        stepwell_data::Error::File(error) => error.into(),
        stepwell_data::Error::Write { source, .. } => source.into(),
        error => ApiError::internal(&error),
    }
}
