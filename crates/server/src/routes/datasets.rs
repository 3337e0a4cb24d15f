//! The register of datasets.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use stepwell_api as api;
use stepwell_api::{
    DatasetChange, DatasetList, DatasetPlace, ErrorReply, FileChange, FileChanges, SaveDataset,
};
use stepwell_model::{DatasetDefinition, Place};
use stepwell_workspace::{ChangedFile, DatasetUpdate, NewDataset};
use utoipa::IntoParams;
use uuid::Uuid;

use super::request::NamedQuery;
use crate::app::Context;
use crate::convert;
use crate::error::{ApiError, Body, Params, Result};

/// Saves a dataset, or registers it when it has a name.
#[utoipa::path(post, path = "/datasets", request_body = SaveDataset, responses(
    (status = 201, body = api::Dataset), (status = "default", body = ErrorReply)))]
pub(super) async fn save_dataset(
    State(app): Context,
    Body(body): Body<SaveDataset>,
) -> Result<(StatusCode, Json<api::Dataset>)> {
    let definition = DatasetDefinition::parse(&body.definition.to_string())
        .map_err(|error| ApiError::invalid(error.to_string()))?;
    let place = |DatasetPlace { datastore, path }| Place { datastore, path };
    let new = NewDataset {
        name: body.name,
        kind: convert::dataset::kind(body.kind),
        definition,
        files: body.files.into_iter().map(place).collect(),
        tags: body.tags,
        description: body.description,
        new_version: body.create_new_version,
    };
    let saved = app.workspace.datasets.save(new).await?;
    Ok((StatusCode::CREATED, Json(convert::dataset::dataset(saved)?)))
}

/// The newest version of every registered dataset, sorted by name.
#[utoipa::path(get, path = "/datasets", params(NamedQuery), responses(
    (status = 200, body = DatasetList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_datasets(
    State(app): Context,
    Params(query): Params<NamedQuery>,
) -> Result<Json<DatasetList>> {
    let page = app.workspace.datasets.list(query.part()).await?;
    let datasets = page.rows.into_iter().map(convert::dataset::dataset);
    Ok(Json(DatasetList {
        datasets: datasets.collect::<Result<_>>()?,
        next: page.next,
    }))
}

fn dataset_id(text: &str) -> Result<Uuid> {
    let refuse = |_| ApiError::not_found(format!("`{text}` is not the id of a dataset"));
    text.parse().map_err(refuse)
}

/// A saved dataset, or a version, by its id.
#[utoipa::path(get, path = "/datasets/{id}", params(("id" = Uuid, Path)), responses(
    (status = 200, body = api::Dataset), (status = "default", body = ErrorReply)))]
pub(super) async fn get_dataset(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<Json<api::Dataset>> {
    let found = app.workspace.datasets.get(dataset_id(&id)?).await?;
    Ok(Json(convert::dataset::dataset(found)?))
}

/// Changes the tags and the description of a version.
#[utoipa::path(patch, path = "/datasets/{id}", params(("id" = Uuid, Path)),
    request_body = DatasetChange, responses(
    (status = 200, body = api::Dataset), (status = "default", body = ErrorReply)))]
pub(super) async fn change_dataset(
    State(app): Context,
    Path(id): Path<String>,
    Body(body): Body<DatasetChange>,
) -> Result<Json<api::Dataset>> {
    let update = DatasetUpdate {
        description: body.description,
        tags: body.tags,
        remove_tags: body.remove_tags,
        set_tags: body.set_tags,
    };
    let datasets = &app.workspace.datasets;
    let changed = datasets.update(dataset_id(&id)?, update).await?;
    Ok(Json(convert::dataset::dataset(changed)?))
}

/// Which files of a version are not what they were when it was registered.
#[utoipa::path(get, path = "/datasets/{id}/changes", params(("id" = Uuid, Path)), responses(
    (status = 200, body = FileChanges), (status = "default", body = ErrorReply)))]
pub(super) async fn show_changes(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<Json<FileChanges>> {
    let changes = app.workspace.datasets.changes(dataset_id(&id)?).await?;
    let shown = |changed: ChangedFile| FileChange {
        datastore: changed.datastore,
        path: changed.path,
        change: changed.change.name().to_owned(),
    };
    Ok(Json(FileChanges {
        changes: changes.into_iter().map(shown).collect(),
    }))
}

/// Which version.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DatasetVersionQuery {
    /// This one; the newest when absent.
    version: Option<u64>,
}

/// A version of a registered dataset.
#[utoipa::path(get, path = "/datasets/named/{name}",
    params(("name" = String, Path), DatasetVersionQuery), responses(
    (status = 200, body = api::Dataset), (status = "default", body = ErrorReply)))]
pub(super) async fn get_named_dataset(
    State(app): Context,
    Path(name): Path<String>,
    Params(query): Params<DatasetVersionQuery>,
) -> Result<Json<api::Dataset>> {
    let found = app.workspace.datasets.get_named(&name, query.version);
    Ok(Json(convert::dataset::dataset(found.await?)?))
}

/// Unregisters all versions of a dataset. They stay there under their ids, for runs that read them.
#[utoipa::path(delete, path = "/datasets/named/{name}", params(("name" = String, Path)), responses(
    (status = 204, description = "It is unregistered."), (status = "default", body = ErrorReply)))]
pub(super) async fn unregister_dataset(
    State(app): Context,
    Path(name): Path<String>,
) -> Result<StatusCode> {
    app.workspace.datasets.unregister(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
