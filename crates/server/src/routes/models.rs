//! The model registry. A version's files are a snapshot, whatever they came from.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use stepwell_api::{ErrorReply, Model, ModelChange, ModelList, RegisterModel};
use stepwell_data::cas::Cas;
use stepwell_data::snapshot::{self, Entry, Manifest, ScanOptions};
use stepwell_model::{Digest, RunId};
use stepwell_store::models::{self, ModelFile};
use stepwell_store::runs;
use utoipa::IntoParams;
use uuid::Uuid;

use super::runs::find;
use crate::app::{App, Context, now};
use crate::convert;
use crate::convert::submit::is_relative;
use crate::error::{ApiError, Body, Params, Result};

/// Registers a model under the next version of its name.
#[utoipa::path(post, path = "/models", request_body = RegisterModel, responses(
    (status = 201, body = Model), (status = "default", body = ErrorReply)))]
pub(super) async fn register_model(
    State(app): Context,
    Body(body): Body<RegisterModel>,
) -> Result<(StatusCode, Json<Model>)> {
    let odd = |c: char| c.is_control() || c == '/' || c == '\\';
    if body.name.is_empty() || body.name.len() > 255 || body.name.contains(odd) {
        return Err(
            ApiError::invalid(format!("`{}` cannot name a model", body.name))
                .hint("use 1 to 255 characters without slashes"),
        );
    }
    let run = match body.run {
        Some(run) => Some(find(&app, RunId::new(run)).await?),
        None => None,
    };
    let cas = app.cas.clone();
    let (digest, is_file) = match (body.snapshot, &run, body.path) {
        (Some(text), _, None) => {
            let digest: Digest = text
                .parse()
                .map_err(|error: stepwell_model::ParseIdError| {
                    ApiError::invalid(error.to_string())
                })?;
            (digest, false)
        }
        (None, Some(run), Some(path)) => {
            if !is_relative(&path) {
                return Err(ApiError::invalid(format!(
                    "`{path}` cannot name a file of a run"
                )));
            }
            let place = app
                .folder
                .run_files(run.id)
                .join(path.trim_end_matches('/'));
            let id = run.id;
            if !place.exists() {
                return Err(
                    ApiError::not_found(format!("run {id} has no file `{path}`"))
                        .hint("`get_file_names` of the run lists its files"),
                );
            }
            let kept = tokio::task::spawn_blocking(move || keep(&cas, &place));
            kept.await
                .map_err(|error| ApiError::internal(&error))?
                .map_err(data)?
        }
        _ => {
            return Err(
                ApiError::invalid("a model comes from a run's file or from a snapshot")
                    .hint("give `run` and `path`, or `snapshot`"),
            );
        }
    };
    let manifest = snapshot::load(&app.cas, &digest).map_err(data)?;
    let file = |entry: &Entry| ModelFile {
        name: entry.path.to_string(),
        size: entry.size,
    };
    let model = models::Model {
        name: body.name,
        version: 0,
        run: run.as_ref().map(|run| run.id),
        snapshot: digest.to_string(),
        is_file: is_file || manifest.entries.len() == 1,
        files: manifest.entries.iter().map(file).collect(),
        tags: body.tags,
        properties: body.properties,
        description: body.description,
        framework: body.framework,
        framework_version: body.framework_version,
        created: now(),
    };
    let made = app
        .store
        .write_durable(move |db| models::insert(db, model))
        .await?;
    let experiment = run.map(|run| run.experiment);
    Ok((
        StatusCode::CREATED,
        Json(convert::model::model(made, experiment)),
    ))
}

/// Puts a file or folder into the store, as a snapshot.
fn keep(cas: &Cas, place: &camino::Utf8Path) -> stepwell_data::Result<(Digest, bool)> {
    if place.is_dir() {
        let scan = snapshot::scan(place, ScanOptions::default())?;
        return Ok((snapshot::store(cas, &scan)?, false));
    }
    let size = place.metadata().map_or(0, |about| about.len());
    let name = place.file_name().unwrap_or("model");
    let entry = Entry {
        path: name.into(),
        digest: cas.put_file(place)?,
        size,
        executable: false,
    };
    let manifest = Manifest {
        entries: vec![entry],
    };
    Ok((cas.put_bytes(&manifest.encode())?, true))
}

fn data(error: stepwell_data::Error) -> ApiError {
    match error {
        stepwell_data::Error::Absent { .. } => ApiError::not_found(error.to_string())
            .hint("send the snapshot first: `stepwell snapshot DIR`"),
        error => ApiError::internal(&error),
    }
}

/// Which models.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ModelsQuery {
    /// Of this name.
    name: Option<String>,
    /// With this tag: `key` or `key=value`; several with commas.
    tag: Option<String>,
    /// Only the newest version of each name.
    latest: Option<bool>,
    /// Made by this run.
    run: Option<Uuid>,
}

/// Models, newest first.
#[utoipa::path(get, path = "/models", params(ModelsQuery), responses(
    (status = 200, body = ModelList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_models(
    State(app): Context,
    Params(query): Params<ModelsQuery>,
) -> Result<Json<ModelList>> {
    let tags: Vec<String> = query
        .tag
        .iter()
        .flat_map(|tags| tags.split(','))
        .map(str::to_owned)
        .collect();
    let has = move |model: &models::Model| {
        tags.iter().all(|tag| match tag.split_once('=') {
            Some((name, value)) => model.tags.get(name).is_some_and(|known| known == value),
            None => model.tags.contains_key(tag),
        })
    };
    let read = move |db: &stepwell_store::Connection| {
        let mut found = models::list(db, query.name.as_deref(), query.run.map(RunId::new))?;
        found.retain(has);
        if query.latest == Some(true) {
            let mut newest = std::collections::HashMap::new();
            for model in &found {
                let version = newest.entry(model.name.clone()).or_insert(model.version);
                *version = model.version.max(*version);
            }
            found.retain(|model| newest.get(&model.name) == Some(&model.version));
        }
        found
            .into_iter()
            .map(|model| with_experiment(db, model))
            .collect::<stepwell_store::Result<Vec<_>>>()
    };
    Ok(Json(ModelList {
        models: app.store.read(read).await?,
    }))
}

fn with_experiment(
    db: &stepwell_store::Connection,
    model: models::Model,
) -> stepwell_store::Result<Model> {
    let run = model
        .run
        .map(|run| runs::find(db, run))
        .transpose()?
        .flatten();
    Ok(convert::model::model(model, run.map(|run| run.experiment)))
}

async fn find_model(app: &App, name: &str, version: u64) -> Result<models::Model> {
    let wanted = name.to_owned();
    let found = app
        .store
        .read(move |db| models::find(db, &wanted, version))
        .await?;
    found
        .ok_or_else(|| ApiError::not_found(format!("there is no model `{name}` version {version}")))
}

/// One version of a model.
#[utoipa::path(get, path = "/models/{name}/versions/{version}",
    params(("name" = String, Path), ("version" = u64, Path)), responses(
    (status = 200, body = Model), (status = "default", body = ErrorReply)))]
pub(super) async fn get_model(
    State(app): Context,
    Path((name, version)): Path<(String, String)>,
) -> Result<Json<Model>> {
    let model = find_model(&app, &name, number(&version)?).await?;
    Ok(Json(
        app.store.read(move |db| with_experiment(db, model)).await?,
    ))
}

/// Changes the description, tags and properties of a model.
#[utoipa::path(patch, path = "/models/{name}/versions/{version}",
    params(("name" = String, Path), ("version" = u64, Path)), request_body = ModelChange,
    responses((status = 200, body = Model), (status = "default", body = ErrorReply)))]
pub(super) async fn change_model(
    State(app): Context,
    Path((name, version)): Path<(String, String)>,
    Body(body): Body<ModelChange>,
) -> Result<Json<Model>> {
    let mut model = find_model(&app, &name, number(&version)?).await?;
    model.description = body.description.unwrap_or(model.description);
    model
        .tags
        .retain(|name, _| !body.remove_tags.contains(name));
    model.tags.extend(body.set_tags);
    model.properties.extend(body.add_properties);
    let change = move |db: &stepwell_store::Connection| {
        models::update(db, &model)?;
        with_experiment(db, model)
    };
    Ok(Json(app.store.write_durable(change).await?))
}

/// Removes a version of a model; its number is not given again.
#[utoipa::path(delete, path = "/models/{name}/versions/{version}",
    params(("name" = String, Path), ("version" = u64, Path)), responses(
    (status = 204, description = "It is removed."), (status = "default", body = ErrorReply)))]
pub(super) async fn delete_model(
    State(app): Context,
    Path((name, version)): Path<(String, String)>,
) -> Result<StatusCode> {
    let number = number(&version)?;
    let wanted = name.clone();
    let removed = app
        .store
        .write_durable(move |db| models::remove(db, &wanted, number))
        .await?;
    match removed {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::not_found(format!(
            "there is no model `{name}` version {number}"
        ))),
    }
}

/// A file of a model.
#[utoipa::path(get, path = "/models/{name}/versions/{version}/files/{*path}",
    params(("name" = String, Path), ("version" = u64, Path), ("path" = String, Path)), responses(
    (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
    (status = 206, content_type = "application/octet-stream", body = Vec<u8>),
    (status = "default", body = ErrorReply)))]
pub(super) async fn get_model_file(
    State(app): Context,
    Path((name, version, path)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response> {
    let model = find_model(&app, &name, number(&version)?).await?;
    let digest = model
        .snapshot
        .parse()
        .map_err(|error| ApiError::internal(&error))?;
    let manifest = snapshot::load(&app.cas, &digest).map_err(data)?;
    let missing = || format!("model `{name}` version {version} has no file `{path}`");
    let entry = manifest.entries.iter().find(|entry| entry.path == *path);
    let entry = entry.ok_or_else(|| ApiError::not_found(missing()))?;
    super::files::send(&app.cas.path_of(&entry.digest), request, missing).await
}

fn number(text: &str) -> Result<u64> {
    text.parse()
        .map_err(|_| ApiError::not_found(format!("`{text}` is no version")))
}
