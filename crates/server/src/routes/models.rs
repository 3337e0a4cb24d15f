//! The model registry. A version's files are a snapshot, whatever they came from.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use stepwell_api::{ErrorReply, Model, ModelChange, ModelList, RegisterModel};
use stepwell_model::{ParseIdError, RunId};
use stepwell_store::models::{Change, Filter, ModelSamples};
use stepwell_workspace::{ModelSource, NewModel};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::app::Context;
use crate::convert;
use crate::error::{ApiError, Body, Params, Result};

/// Registers a model under the next version of its name.
#[utoipa::path(post, path = "/models", request_body = RegisterModel, responses(
    (status = 201, body = Model), (status = "default", body = ErrorReply)))]
pub(super) async fn register_model(
    State(app): Context,
    Body(body): Body<RegisterModel>,
) -> Result<(StatusCode, Json<Model>)> {
    let new = NewModel {
        source: source(body.snapshot, body.run.is_some(), body.path)?,
        name: body.name,
        run: body.run.map(RunId::new),
        tags: body.tags,
        properties: body.properties,
        description: body.description,
        framework: body.framework,
        framework_version: body.framework_version,
        datasets: convert::model::datasets(body.datasets),
        samples: ModelSamples {
            input: body.sample_input_dataset,
            output: body.sample_output_dataset,
        },
        resources: body.resources.map(convert::model::resources),
        user: body.user,
    };
    let made = app.workspace.models.register(new).await?;
    Ok((StatusCode::CREATED, Json(convert::model::model(made))))
}

/// The snapshot that a request names, or the file of its run.
fn source(snapshot: Option<String>, has_run: bool, path: Option<String>) -> Result<ModelSource> {
    match (snapshot, has_run, path) {
        (Some(text), _, None) => {
            let digest = text.parse();
            let refuse = |error: ParseIdError| ApiError::invalid(error.to_string());
            Ok(ModelSource::Snapshot(digest.map_err(refuse)?))
        }
        (None, true, Some(path)) => Ok(ModelSource::RunFile(path)),
        _ => Err(
            ApiError::invalid("a model comes from a run's file or from a snapshot")
                .hint("give `run` and `path`, or `snapshot`"),
        ),
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
    /// Made by this run or a run below it.
    under: Option<Uuid>,
    /// Of this framework.
    framework: Option<String>,
    /// Made with this dataset.
    dataset: Option<Uuid>,
    /// At most so many; 1,000 when absent, which is the most.
    limit: Option<usize>,
    /// What `next` of the page before said.
    #[param(pattern = "^[0-9]{1,15}/[0-9]{1,9}/.+$")]
    cursor: Option<String>,
}

impl ModelsQuery {
    fn filter(self) -> Result<Filter> {
        let tag = |text: &str| match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (text.to_owned(), None),
        };
        let tags = self.tag.iter().flat_map(|tags| tags.split(',')).map(tag);
        Ok(Filter {
            tags: tags.collect(),
            name: self.name,
            run: self.run.map(RunId::new),
            under: self.under.map(RunId::new),
            framework: self.framework,
            dataset: self.dataset,
            latest: self.latest == Some(true),
            after: self
                .cursor
                .as_deref()
                .map(convert::model::place)
                .transpose()?,
        })
    }
}

/// Models, newest first.
#[utoipa::path(get, path = "/models", params(ModelsQuery), responses(
    (status = 200, body = ModelList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_models(
    State(app): Context,
    Params(query): Params<ModelsQuery>,
) -> Result<Json<ModelList>> {
    let limit = query.limit;
    let (found, more) = app.workspace.models.list(query.filter()?, limit).await?;
    let last = found.last().filter(|_| more);
    Ok(Json(ModelList {
        next: last.map(|last| convert::model::cursor(&last.model)),
        models: found.into_iter().map(convert::model::model).collect(),
    }))
}

/// One version of a model.
#[utoipa::path(get, path = "/models/{name}/versions/{version}",
    params(("name" = String, Path), ("version" = u64, Path)), responses(
    (status = 200, body = Model), (status = "default", body = ErrorReply)))]
pub(super) async fn get_model(
    State(app): Context,
    Path((name, version)): Path<(String, String)>,
) -> Result<Json<Model>> {
    let found = app.workspace.models.get(&name, number(&version)?).await?;
    Ok(Json(convert::model::model(found)))
}

/// Changes what is said about a version; its files and what its properties are stay.
#[utoipa::path(patch, path = "/models/{name}/versions/{version}",
    params(("name" = String, Path), ("version" = u64, Path)), request_body = ModelChange,
    responses((status = 200, body = Model), (status = "default", body = ErrorReply)))]
pub(super) async fn change_model(
    State(app): Context,
    Path((name, version)): Path<(String, String)>,
    Body(body): Body<ModelChange>,
) -> Result<Json<Model>> {
    let change = Change {
        description: body.description,
        set_tags: body.set_tags,
        remove_tags: body.remove_tags,
        add_properties: body.add_properties,
        add_datasets: convert::model::datasets(body.add_datasets),
        samples: ModelSamples {
            input: body.sample_input_dataset,
            output: body.sample_output_dataset,
        },
        resources: body.resources.map(convert::model::resources),
    };
    let (version, models) = (number(&version)?, &app.workspace.models);
    let changed = models.update(&name, version, change).await?;
    Ok(Json(convert::model::model(changed)))
}

/// Removes a version of a model; its number is not given again.
#[utoipa::path(delete, path = "/models/{name}/versions/{version}",
    params(("name" = String, Path), ("version" = u64, Path)), responses(
    (status = 204, description = "It is removed."), (status = "default", body = ErrorReply)))]
pub(super) async fn delete_model(
    State(app): Context,
    Path((name, version)): Path<(String, String)>,
) -> Result<StatusCode> {
    let version = number(&version)?;
    app.workspace.models.delete(&name, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A file of a model.
#[utoipa::path(get, path = "/models/{name}/versions/{version}/files/{*path}",
    params(("name" = String, Path), ("version" = u64, Path), ("path" = String, Path)), responses(
    (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
    (status = 206, content_type = "application/octet-stream", body = Vec<u8>),
    (status = 304, description = "It is what the client has."),
    (status = 412, body = ErrorReply, description = "It is not what the client has."),
    (status = 416, body = ErrorReply, description = "It has no such part."),
    (status = "default", body = ErrorReply)))]
pub(super) async fn get_model_file(
    State(app): Context,
    Path((name, version, path)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response> {
    let (version, models) = (number(&version)?, &app.workspace.models);
    let place = models.file(&name, version, &path).await?;
    super::files::send(&place, request, || {
        format!("model `{name}` version {version} has no file `{path}`")
    })
    .await
}

fn number(text: &str) -> Result<u64> {
    text.parse()
        .map_err(|_| ApiError::not_found(format!("`{text}` is no version")))
}
