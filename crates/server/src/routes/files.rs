//! The files of a run: outputs, logs, uploads.
//!
//! Invariant: no request reads or writes outside the run's own folder.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use camino::{Utf8Path, Utf8PathBuf};
use futures_util::TryStreamExt as _;
use serde::Deserialize;
use stepwell_api::{ErrorReply, FileInfo, FileList};
use tokio::io::AsyncWriteExt as _;
use tower_http::services::ServeFile;
use utoipa::IntoParams;

use super::runs::{find, find_kept, find_shown};
use crate::app::Context;
use crate::convert::ports::is_relative;
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
    let run = find_shown(&app, run_id(&run)?).await?;
    let root = app.folder.run_files(run);
    let prefix = query.prefix.unwrap_or_default();
    let list = tokio::task::spawn_blocking(move || {
        let mut files = Vec::new();
        walk(&root, "", &mut files)?;
        files.retain(|file: &FileInfo| file.name.starts_with(&prefix));
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok::<_, std::io::Error>(files)
    });
    let files = list.await.map_err(|error| ApiError::internal(&error))??;
    Ok(Json(FileList { files }))
}

/// Adds the regular files below a folder; links are not followed.
pub(super) fn walk(
    folder: &Utf8Path,
    prefix: &str,
    files: &mut Vec<FileInfo>,
) -> std::io::Result<()> {
    let entries = match folder.read_dir_utf8() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name());
        let about = entry.metadata()?;
        if about.is_dir() {
            walk(entry.path(), &format!("{name}/"), files)?;
        } else if about.is_file() && !entry.file_name().starts_with(PART) {
            files.push(FileInfo {
                name,
                size: about.len(),
            });
        }
    }
    Ok(())
}

/// How the name of a file begins that is being received.
const PART: &str = ".stepwell-part-";

/// The place of a file of a run, if the name stays inside the run's folder.
pub(super) fn place(root: &Utf8Path, name: &str) -> Result<Utf8PathBuf> {
    let refused = |hint| {
        let message = format!("`{name}` cannot name a file of a run");
        Err(ApiError::invalid(message).hint(hint))
    };
    if !is_relative(name) {
        return refused("use a relative path without `..`");
    }
    let place = root.join(name);
    let mut folders = place.ancestors().skip(1).take_while(|at| *at != root);
    // A step may leave links to wherever it likes.
    match folders.any(Utf8Path::is_symlink) {
        true => refused("a folder on the way to it is a link; name the file where it is"),
        false => Ok(place),
    }
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
    let run = find_kept(&app, run_id(&run)?).await?;
    let place = place(&app.folder.run_files(run), &path)?;
    send(&place, request, || {
        format!("run {run} has no file `{path}`")
    })
    .await
}

/// Answers with a regular file, whole or in part.
pub(super) async fn send(
    place: &Utf8Path,
    request: Request,
    missing: impl FnOnce() -> String,
) -> Result<Response> {
    let about = tokio::fs::symlink_metadata(place).await;
    if !about.is_ok_and(|about| about.is_file()) {
        return Err(ApiError::not_found(missing()));
    }
    let response = ServeFile::new(place).try_call(request).await?;
    Ok(response.map(Body::new).into_response())
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
    Path((run, path)): Path<(String, String)>,
    Params(query): Params<PutQuery>,
    body: Body,
) -> Result<StatusCode> {
    let run = find(&app, run_id(&run)?).await?.id;
    let place = place(&app.folder.run_files(run), &path)?;
    let exists = || ApiError::conflict(format!("run {run} has a file `{path}` already"));
    let overwrite = query.overwrite == Some(true);
    if !overwrite && place.exists() {
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
        Ok(_) => Ok(StatusCode::CREATED),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(exists()),
        Err(error) => Err(error.error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_the_folder_whatever_links_it_meets() {
        let guard = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(guard.path()).expect("UTF-8");
        std::os::unix::fs::symlink("/", root.join("link")).expect("a link");
        for name in ["outputs/model", "new/folder/file"] {
            assert_eq!(place(root, name).expect("inside"), root.join(name));
        }
        for name in ["/a", "../a", "a/../../b", "link/a", "link/a/b", ""] {
            assert!(place(root, name).is_err(), "{name}");
        }
    }
}
