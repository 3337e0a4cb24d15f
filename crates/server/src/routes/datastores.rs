//! The register of datastores, and the files on them.
//!
//! Files of datastores elsewhere go through the server, which alone has the credentials. A file
//! that is sent is received whole before it is put under its name; one that is asked for comes
//! out of the cache.

use axum::Json;
use axum::body::{Body as Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use camino::Utf8PathBuf;
use futures_util::TryStreamExt as _;
use serde::Deserialize;
use stepwell_api::{
    Datastore, DatastoreFile, DatastoreFileList, DatastoreList, DefaultDatastore, ErrorReply,
    RegisterDatastore,
};
use stepwell_datastore::transfer::{self, Lanes, Progress};
use stepwell_datastore::{self as datastore, Datastore as Known};
use stepwell_workspace::NewDatastore;
use stepwell_workspace::names::is_relative;
use tokio::io::AsyncWriteExt as _;
use utoipa::IntoParams;

use super::files::send;
use crate::app::{App, Context};
use crate::convert::datastore as convert;
use crate::error::{ApiError, Body, Params, Result};

/// The largest definition of a datastore.
const DEFINITION_MAX: usize = 1 << 20;

/// All datastores.
#[utoipa::path(get, path = "/datastores", responses(
    (status = 200, body = DatastoreList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_datastores(State(app): Context) -> Json<DatastoreList> {
    let known = &app.workspace.datastores;
    let (default, all) = (known.default_name(), known.list());
    let datastores = all.iter().map(|each| convert::datastore(each, &default));
    Json(DatastoreList {
        datastores: datastores.collect(),
    })
}

/// A datastore.
#[utoipa::path(get, path = "/datastores/{name}", params(("name" = String, Path)), responses(
    (status = 200, body = Datastore), (status = "default", body = ErrorReply)))]
pub(super) async fn get_datastore(
    State(app): Context,
    Path(name): Path<String>,
) -> Result<Json<Datastore>> {
    let found = app.workspace.datastores.get(&name)?;
    Ok(shown(&app, &found))
}

/// A datastore as clients see it.
fn shown(app: &App, datastore: &Known) -> Json<Datastore> {
    let default = app.workspace.datastores.default_name();
    Json(convert::datastore(datastore, &default))
}

/// Registers a datastore. Its credentials are kept sealed, and no answer holds them.
#[utoipa::path(put, path = "/datastores/{name}", params(("name" = String, Path)),
    request_body = RegisterDatastore, responses(
    (status = 200, body = Datastore), (status = "default", body = ErrorReply)))]
pub(super) async fn register_datastore(
    State(app): Context,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<Datastore>> {
    let body = definition(request).await?;
    let new = NewDatastore {
        name,
        place: convert::place(body.place),
        credentials: convert::credentials(body.credentials),
        overwrite: body.overwrite,
        create_container: body.create_if_not_exists,
        skip_validation: body.skip_validation,
    };
    let registered = app.workspace.datastores.register(new).await?;
    Ok(shown(&app, &registered))
}

/// The definition that was sent. What does not fit is not repeated: it may hold a credential.
async fn definition(request: Request) -> Result<RegisterDatastore> {
    let bytes = to_bytes(request.into_body(), DEFINITION_MAX)
        .await
        .map_err(|_| ApiError::invalid("the body broke off or is larger than 1 MB"))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        ApiError::invalid(format!(
            "the body is no definition of a datastore, at line {line} column {column}"
        ))
        .hint(
            "`kind` is local, azure_blob, azure_data_lake_gen2, s3, gcs, postgresql, mysql, \
               azure_sql or sqlite; the OpenAPI document has the fields of each",
        )
    })
}

/// Forgets a datastore; its files stay where they are.
#[utoipa::path(delete, path = "/datastores/{name}", params(("name" = String, Path)), responses(
    (status = 204, description = "It is forgotten."), (status = "default", body = ErrorReply)))]
pub(super) async fn unregister_datastore(
    State(app): Context,
    Path(name): Path<String>,
) -> Result<StatusCode> {
    app.workspace.datastores.unregister(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets which datastore outputs go to unless they name another.
#[utoipa::path(put, path = "/workspace/default-datastore", request_body = DefaultDatastore,
    responses((status = 200, body = Datastore), (status = "default", body = ErrorReply)))]
pub(super) async fn set_default_datastore(
    State(app): Context,
    Body(body): Body<DefaultDatastore>,
) -> Result<Json<Datastore>> {
    let found = app.workspace.datastores.set_default(&body.name).await?;
    Ok(shown(&app, &found))
}

/// Which files.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FilesQuery {
    /// Those below this folder, or the file of this path; all when absent.
    path: Option<String>,
}

/// The files that a path stands for: those below it, or the one that it names. None is no error.
#[utoipa::path(get, path = "/datastores/{name}/files",
    params(("name" = String, Path), FilesQuery), responses(
    (status = 200, body = DatastoreFileList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_datastore_files(
    State(app): Context,
    Path(name): Path<String>,
    Params(query): Params<FilesQuery>,
) -> Result<Json<DatastoreFileList>> {
    let store = app.workspace.datastores.get(&name)?;
    let files = match store.files(&query.path.unwrap_or_default()).await {
        Err(error) if error.is_absent() => Vec::new(),
        files => files?,
    };
    Ok(Json(DatastoreFileList {
        files: files.into_iter().map(convert::file).collect(),
    }))
}

/// A file of a datastore; ranges are answered.
#[utoipa::path(get, path = "/datastores/{name}/files/{*path}",
    params(("name" = String, Path), ("path" = String, Path)), responses(
    (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
    (status = 206, content_type = "application/octet-stream", body = Vec<u8>),
    (status = "default", body = ErrorReply)))]
pub(super) async fn get_datastore_file(
    State(app): Context,
    Path((name, path)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    let store = app.workspace.datastores.get(&name)?;
    inside(&name, &path)?;
    let entry = store.stat(&path).await?;
    let missing = || format!("datastore `{name}` has no `{path}`");
    if let Some(root) = store.root() {
        return send(&root.join(&entry.path), request, missing).await;
    }
    // A link of its own: the cache may throw the file away at any moment.
    let link = passage(&app)?;
    let (lanes, progress) = (Lanes::default(), Progress::default());
    let cache = app.datastores.cache();
    cache
        .link(&store, &entry, &link.0, &lanes, &progress)
        .await?;
    // An answer that has begun holds the file open.
    send(&link.0, request, missing).await
}

/// What to do with a file that is there.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PutQuery {
    /// Replace it; without this it is a conflict.
    overwrite: Option<bool>,
}

/// Puts a file on a datastore. It is there whole, or not at all.
#[utoipa::path(put, path = "/datastores/{name}/files/{*path}",
    params(("name" = String, Path), ("path" = String, Path), PutQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = 201, body = DatastoreFile), (status = "default", body = ErrorReply)))]
pub(super) async fn put_datastore_file(
    State(app): Context,
    Path((name, path)): Path<(String, String)>,
    Params(query): Params<PutQuery>,
    body: Bytes,
) -> Result<(StatusCode, Json<DatastoreFile>)> {
    let store = app.workspace.datastores.get(&name)?;
    inside(&name, &path)?;
    if query.overwrite != Some(true) {
        match store.stat(&path).await {
            Err(error) if error.is_absent() => {}
            Err(error) => return Err(error.into()),
            Ok(_) => {
                let (datastore, path) = (name, path);
                return Err(datastore::Error::Exists { datastore, path }.into());
            }
        }
    }
    let part = passage(&app)?;
    let mut file = tokio::fs::File::create(&part.0).await?;
    let mut chunks = body.into_data_stream();
    let broken = |error| ApiError::invalid(format!("the upload of `{path}` broke off: {error}"));
    while let Some(chunk) = chunks.try_next().await.map_err(broken)? {
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    drop(file);
    let (lanes, progress) = (Lanes::default(), Progress::default());
    let entry = transfer::upload(&store, &part.0, &path, &lanes, &progress).await?;
    Ok((StatusCode::CREATED, Json(convert::file(entry))))
}

/// Removes a file of a datastore; one that is not there is no error.
#[utoipa::path(delete, path = "/datastores/{name}/files/{*path}",
    params(("name" = String, Path), ("path" = String, Path)), responses(
    (status = 204, description = "It is not there any more."),
    (status = "default", body = ErrorReply)))]
pub(super) async fn delete_datastore_file(
    State(app): Context,
    Path((name, path)): Path<(String, String)>,
) -> Result<StatusCode> {
    let store = app.workspace.datastores.get(&name)?;
    inside(&name, &path)?;
    store.delete(&path).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn inside(name: &str, path: &str) -> Result<()> {
    match is_relative(path) {
        true => Ok(()),
        false => Err(ApiError::invalid(format!(
            "`{path}` cannot name a file of datastore `{name}`"
        ))
        .hint("use a relative path without `..`")),
    }
}

/// A file on its way; removed when it is dropped.
pub(super) struct Passage(pub(super) Utf8PathBuf);

impl Drop for Passage {
    fn drop(&mut self) {
        // It may not have come to be; the next server throws away what is left.
        drop(std::fs::remove_file(&self.0));
    }
}

pub(super) fn passage(app: &App) -> Result<Passage> {
    let folder = app.folder.transfer();
    fs_err::create_dir_all(&folder)?;
    Ok(Passage(folder.join(uuid::Uuid::new_v4().to_string())))
}
