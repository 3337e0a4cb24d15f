//! The files of a run: outputs, logs, uploads.
//!
//! Invariant: no request reads or writes outside the run's own folder.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{IF_RANGE, RANGE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use camino::Utf8Path;
use futures_util::TryStreamExt as _;
use serde::Deserialize;
use stepwell_api::{ErrorReply, FileInfo, FileList};
use stepwell_model::RunId;
use stepwell_workspace::files::{FoundFile, PART, of_run, place_of};
use tokio::io::AsyncWriteExt as _;
use tower_http::services::ServeFile;
use utoipa::IntoParams;

use super::request::note_writer;
use crate::access::Caller;
use crate::app::{App, Context};
use crate::error::{ApiError, Params, Result, run_id};

/// Which files.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FilesQuery {
    /// Those whose name begins so.
    prefix: Option<String>,
}

/// The files of a run, sorted by name.
#[utoipa::path(get, path = "/runs/{run}/files", params(("run" = Uuid, Path), FilesQuery),
    responses((status = 200, body = FileList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_files(
    State(app): Context,
    Path(run): Path<String>,
    Params(query): Params<FilesQuery>,
) -> Result<Json<FileList>> {
    let found = found(&app, run_id(&run)?, query.prefix.unwrap_or_default()).await?;
    let shown = |FoundFile { name, size }| FileInfo { name, size };
    Ok(Json(FileList {
        files: found.into_iter().map(shown).collect(),
    }))
}

/// The files of a run whose names begin so, sorted by name.
pub(super) async fn found(app: &Arc<App>, run: RunId, prefix: String) -> Result<Vec<FoundFile>> {
    let sources = app.workspace.runs.sources(run).await?;
    let app = Arc::clone(app);
    let list = tokio::task::spawn_blocking(move || {
        let mut found = Vec::new();
        for run in sources {
            found.extend(of_run(&app.folder, run)?);
        }
        found.retain(|file| file.name.starts_with(&prefix));
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found.dedup_by(|later, own| later.name == own.name);
        Ok::<_, std::io::Error>(found)
    });
    Ok(list.await.map_err(|error| ApiError::internal(&error))??)
}

/// A file of a run; ranges are answered.
#[utoipa::path(get, path = "/runs/{run}/files/{*path}",
    params(("run" = Uuid, Path), ("path" = String, Path)), responses(
    (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
    (status = 206, content_type = "application/octet-stream", body = Vec<u8>),
    (status = 304, description = "It is what the client has."),
    (status = 412, body = ErrorReply, description = "It is not what the client has."),
    (status = 416, body = ErrorReply, description = "It has no such part."),
    (status = "default", body = ErrorReply)))]
pub(super) async fn get_file(
    State(app): Context,
    Path((run, path)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    let run = run_id(&run)?;
    let place = app.workspace.runs.find_file(run, &path).await?;
    send(&place, request, || {
        format!("run {run} has no file `{path}`")
    })
    .await
}

/// Answers with a regular file, whole or in part.
pub(super) async fn send(
    place: &Utf8Path,
    mut request: Request,
    missing: impl FnOnce() -> String,
) -> Result<Response> {
    let about = tokio::fs::symlink_metadata(place).await;
    let Some(about) = about.ok().filter(std::fs::Metadata::is_file) else {
        return Err(ApiError::not_found(missing()));
    };
    let modified = about.modified().ok().map(http_date);
    if !range_counts(request.headers(), about.len(), modified.as_deref()) {
        request.headers_mut().remove(RANGE);
    }
    request.headers_mut().remove(IF_RANGE);
    let response = ServeFile::new(place).try_call(request).await?;
    Ok(response.map(Body::new).into_response())
}

/// Whether a request for a part is answered with that part (RFC 9110, sections 13.1.5 and 14.2): a
/// range in another unit, or several of them, and one of a file that is not the one the client has,
/// is answered with the whole file. So is one of an empty file, which has no part.
fn range_counts(headers: &HeaderMap, length: u64, modified: Option<&str>) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_plain = text(RANGE)
        .and_then(|range| range.strip_prefix("bytes="))
        .is_some_and(|range| !range.contains(','));
    let is_same = !headers.contains_key(IF_RANGE) || text(IF_RANGE) == modified;
    is_plain && length > 0 && is_same
}

/// As in `Last-Modified`.
fn http_date(at: std::time::SystemTime) -> String {
    let at = jiff::Timestamp::try_from(at).unwrap_or_default();
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// What to do with a file that is there.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PutQuery {
    /// Replace it; without this it is a conflict.
    overwrite: Option<bool>,
}

/// Adds a file to a run. It is there whole, or not at all.
#[utoipa::path(put, path = "/runs/{run}/files/{*path}",
    params(("run" = Uuid, Path), ("path" = String, Path), PutQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = 201, description = "It is stored."), (status = "default", body = ErrorReply)))]
pub(super) async fn put_file(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path((run, path)): Path<(String, String)>,
    Params(query): Params<PutQuery>,
    body: Body,
) -> Result<StatusCode> {
    let run = run_id(&run)?;
    app.workspace.runs.get(run).await?;
    note_writer(&app, &caller, run).await?;
    keep(&app, run, &path, query.overwrite == Some(true), body).await?;
    Ok(StatusCode::CREATED)
}

/// Stores a file of a run; one that is there already is replaced only if `overwrite` says so.
pub(super) async fn keep(
    app: &App,
    run: RunId,
    path: &str,
    overwrite: bool,
    body: Body,
) -> Result<()> {
    let sources = app.workspace.runs.sources(run).await?;
    let place = place_of(&app.folder, run, path)?;
    let exists = || ApiError::conflict(format!("run {run} has a file `{path}` already"));
    let is_there = |run: &RunId| {
        let place = place_of(&app.folder, *run, path);
        place.is_ok_and(|place| place.exists())
    };
    if !overwrite && sources.iter().any(is_there) {
        return Err(exists());
    }
    let folder = place.parent().unwrap_or(&place).to_owned();
    tokio::fs::create_dir_all(&folder).await?;
    let part = tempfile::Builder::new().prefix(PART).tempfile_in(&folder)?;
    let mut file = tokio::fs::File::from_std(part.reopen()?);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks
        .try_next()
        .await
        .map_err(|error| ApiError::invalid(format!("the upload of `{path}` broke off: {error}")))?
    {
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    let stored = match overwrite {
        true => part.persist(&place),
        false => part.persist_noclobber(&place),
    };
    match stored {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(exists()),
        Err(error) => Err(error.error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_range_gives_the_whole_a_part_that_it_names_or_a_refusal(
            range in "bytes=-?[0-9]{0,3}-?[0-9]{0,20}|bytes=[0-9,-]{0,12}|[ -~]{0,20}",
            length in 0_usize..200,
        ) {
            let folder = camino_tempfile::tempdir().expect("a folder");
            let place = folder.path().join("file");
            let content: Vec<u8> = (0..length).map(|place| u8::try_from(place % 251).unwrap_or(0)).collect();
            std::fs::write(&place, &content).expect("written");
            let request = axum::http::Request::builder().header(RANGE, &range).body(Body::empty());
            let answered = async {
                let answer = send(&place, request.expect("a request"), String::new).await;
                let answer = answer.unwrap_or_else(IntoResponse::into_response);
                let (head, body) = answer.into_parts();
                (head, axum::body::to_bytes(body, 1 << 20).await.expect("a body"))
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let (head, body) = runtime.expect("a runtime").block_on(answered);
            match head.status.as_u16() {
                200 => proptest::prop_assert_eq!(body, content),
                206 => {
                    let said = head.headers[axum::http::header::CONTENT_RANGE].to_str().expect("text");
                    let (part, total) = said.trim_start_matches("bytes ").split_once('/').expect(said);
                    let (first, last) = part.split_once('-').expect(said);
                    let [first, last, total] = [first, last, total].map(|it| it.parse::<usize>().expect(said));
                    proptest::prop_assert_eq!(total, length);
                    proptest::prop_assert_eq!(&body[..], &content[first..=last]);
                }
                status => proptest::prop_assert_eq!(status, 416),
            }
        }
    }

    #[test]
    fn a_part_is_given_only_of_the_file_that_the_client_has() {
        let modified = "Sun, 06 Nov 1994 08:49:37 GMT";
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(784_111_777);
        assert_eq!(http_date(at), modified);
        for (range, if_range, length, counts) in [
            ("bytes=0-4", None, 10, true),
            ("bytes=-4", Some(modified), 10, true),
            ("bytes=4-", Some("Sun, 06 Nov 1994 08:49:38 GMT"), 10, false),
            ("bytes=4-", Some("\"etag\""), 10, false),
            ("bytes=0-0", None, 0, false),
            ("bytes=0-1,3-4", None, 10, false),
            ("lines=0-1", None, 10, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, range.parse().expect("a header"));
            if let Some(text) = if_range {
                headers.insert(IF_RANGE, text.parse().expect("a header"));
            }
            let found = range_counts(&headers, length, Some(modified));
            assert_eq!(found, counts, "{range} {if_range:?}");
        }
    }
}
