//! Snapshots: which files one has, the files themselves, and those sent by clients on other
//! machines, the manifest first, then what is missing.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::TryStreamExt as _;
use stepwell_api::{ErrorReply, Snapshot, SnapshotFile, SnapshotReply};
use stepwell_data::snapshot::{self, Entry, Manifest};
use stepwell_model::Digest;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::files::send;
use crate::app::{App, Context};
use crate::error::{ApiError, Result};

fn digest(text: &str) -> Result<Digest> {
    text.parse()
        .map_err(|error: stepwell_model::ParseIdError| ApiError::invalid(error.to_string()))
}

/// The files of a snapshot: what a step's source directory held when it was submitted.
#[utoipa::path(get, path = "/snapshots/{digest}", params(("digest" = String, Path, pattern = "^[0-9a-f]{64}$")),
    responses(
    (status = 200, body = Snapshot), (status = "default", body = ErrorReply)))]
pub(super) async fn show_snapshot(
    State(app): Context,
    Path(text): Path<String>,
) -> Result<Json<Snapshot>> {
    let manifest = manifest_of(&app, &text).await?;
    let shown = |entry: Entry| SnapshotFile {
        path: entry.path.to_string(),
        size: entry.size,
        digest: entry.digest.to_string(),
    };
    let files = manifest.entries.into_iter().map(shown).collect();
    Ok(Json(Snapshot { files }))
}

/// A file of a snapshot.
#[utoipa::path(get, path = "/snapshots/{digest}/files/{*path}",
    params(("digest" = String, Path, pattern = "^[0-9a-f]{64}$"), ("path" = String, Path)), responses(
    (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
    (status = 206, content_type = "application/octet-stream", body = Vec<u8>),
    (status = "default", body = ErrorReply)))]
pub(super) async fn get_snapshot_file(
    State(app): Context,
    Path((text, path)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    let manifest = manifest_of(&app, &text).await?;
    let missing = || format!("snapshot `{text}` has no file `{path}`");
    let entry = manifest.entries.iter().find(|entry| entry.path == path);
    let entry = entry.ok_or_else(|| ApiError::not_found(missing()))?;
    send(&app.cas.path_of(&entry.digest), request, missing).await
}

async fn manifest_of(app: &App, text: &str) -> Result<Manifest> {
    let wanted = digest(text)?;
    let cas = app.cas.clone();
    let manifest = tokio::task::spawn_blocking(move || snapshot::load(&cas, &wanted)).await;
    let manifest = manifest.map_err(|error| ApiError::internal(&error))?;
    manifest.map_err(|error| match error {
        stepwell_data::Error::Absent(_) | stepwell_data::Error::NotAManifest { .. } => {
            ApiError::not_found(format!("there is no snapshot `{text}`"))
        }
        error => refused(error),
    })
}

/// Sends a manifest. The answer names the objects that are missing; when there are none, the
/// snapshot is stored and can be used.
#[utoipa::path(put, path = "/snapshots/{digest}", params(("digest" = String, Path, pattern = "^[0-9a-f]{64}$")),
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
    check(&manifest)?;
    let cas = app.cas.clone();
    let store = move || {
        let objects: Vec<Digest> = manifest.entries.iter().map(|entry| entry.digest).collect();
        let missing = cas.missing(&objects);
        let is_wrong = |entry: &&Entry| cas.size(&entry.digest) != Some(entry.size);
        if missing.is_empty() {
            if let Some(wrong) = manifest.entries.iter().find(is_wrong) {
                return Ok(Err(wrong_size(wrong)));
            }
            cas.put_reader(&wanted, &body[..])?;
        }
        Ok(Ok(missing))
    };
    let missing = tokio::task::spawn_blocking(store).await;
    let missing = missing
        .map_err(|error| ApiError::internal(&error))?
        .map_err(refused)??;
    let missing = missing.iter().map(Digest::to_string).collect();
    Ok(Json(SnapshotReply {
        snapshot: text,
        missing,
    }))
}

/// Sends an object. Content that is not what its digest says is refused.
#[utoipa::path(put, path = "/objects/{digest}", params(("digest" = String, Path, pattern = "^[0-9a-f]{64}$")),
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

fn wrong_size(entry: &Entry) -> ApiError {
    let (path, size) = (&entry.path, entry.size);
    ApiError::invalid(format!(
        "the manifest gives `{path}` {size} bytes, which its object has not"
    ))
    .hint("store the snapshot with `stepwell snapshot` or the SDK")
}

/// A step finds folders of these names in its working folder: a file there fails every step.
fn check(manifest: &Manifest) -> Result<()> {
    let kept = ["outputs", "logs"];
    let file = manifest
        .entries
        .iter()
        .find(|entry| kept.contains(&entry.path.as_str()));
    match file {
        None => Ok(()),
        Some(Entry { path, .. }) => Err(ApiError::invalid(format!(
            "the snapshot has a file `{path}`, where a step finds a folder for what it leaves"
        ))
        .hint("rename the file, or name it in `.amlignore`")),
    }
}

fn refused(error: stepwell_data::Error) -> ApiError {
    match error {
        stepwell_data::Error::Mismatch { .. } => ApiError::invalid(error.to_string()),
        stepwell_data::Error::File(error) => error.into(),
        stepwell_data::Error::Write { source, .. } => source.into(),
        error => ApiError::internal(&error),
    }
}
