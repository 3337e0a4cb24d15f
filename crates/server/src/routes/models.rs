//! The model registry. A version's files are a snapshot, whatever they came from.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use camino::Utf8Path;
use serde::Deserialize;
use stepwell_api::{
    ErrorReply, FileInfo, Model, ModelChange, ModelDataset, ModelList, RegisterModel,
};
use stepwell_data::cas::Cas;
use stepwell_data::snapshot::{self, Entry, Manifest};
use stepwell_model::{Digest, ParseIdError, RunId};
use stepwell_store::datasets;
use stepwell_store::models::{self, Change, Filter, ModelFile, ModelSamples};
use stepwell_store::runs::{self, Record};
use utoipa::IntoParams;
use uuid::Uuid;

use super::runs::find;
use crate::app::{App, Context, now};
use crate::convert;
use crate::error::{ApiError, Body, Params, Result};

/// The most models of one page.
const PAGE_MAX: usize = 1_000;

/// Registers a model under the next version of its name.
#[utoipa::path(post, path = "/models", request_body = RegisterModel, responses(
    (status = 201, body = Model), (status = "default", body = ErrorReply)))]
pub(super) async fn register_model(
    State(app): Context,
    Body(body): Body<RegisterModel>,
) -> Result<(StatusCode, Json<Model>)> {
    check_name(&body.name)?;
    let run = match body.run {
        Some(run) => Some(find(&app, RunId::new(run)).await?),
        None => None,
    };
    check_datasets(
        &app,
        &body.datasets,
        [body.sample_input_dataset, body.sample_output_dataset],
    )
    .await?;
    let digest = source(&app, run.as_ref(), body.snapshot, body.path).await?;
    let files = files_of(&app, digest).await?;
    let model = models::Model {
        name: body.name,
        version: 0,
        run: run.as_ref().map(|run| run.id),
        snapshot: digest.to_string(),
        is_file: matches!(&files[..], [only] if !only.name.contains('/')),
        files,
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
        resources_json: convert::model::resources_json(body.resources),
        user: body.user,
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

fn check_name(name: &str) -> Result<()> {
    let odd = |c: char| c.is_control() || c == '/' || c == '\\';
    match name.is_empty() || name.len() > 255 || name.contains(odd) {
        true => Err(ApiError::invalid(format!("`{name}` cannot name a model"))
            .hint("use 1 to 255 characters without slashes")),
        false => Ok(()),
    }
}

/// The snapshot that a request names, or that is made of a run's files.
async fn source(
    app: &App,
    run: Option<&Record>,
    snapshot: Option<String>,
    path: Option<String>,
) -> Result<Digest> {
    match (snapshot, run, path) {
        (Some(text), _, None) => text
            .parse()
            .map_err(|error: ParseIdError| ApiError::invalid(error.to_string())),
        (None, Some(run), Some(path)) => keep_of_run(app, run.id, &path).await,
        _ => Err(
            ApiError::invalid("a model comes from a run's file or from a snapshot")
                .hint("give `run` and `path`, or `snapshot`"),
        ),
    }
}

/// Refuses datasets that there are not.
async fn check_datasets(
    app: &App,
    named: &[ModelDataset],
    samples: [Option<Uuid>; 2],
) -> Result<()> {
    let named = named.iter().map(|named| named.dataset);
    let wanted: Vec<Uuid> = named.chain(samples.into_iter().flatten()).collect();
    let unknown = move |db: &stepwell_store::Connection| {
        for id in wanted {
            if datasets::find(db, id)?.is_none() {
                return Ok(Some(id));
            }
        }
        Ok(None)
    };
    match app.store.read(unknown).await? {
        Some(id) => Err(ApiError::invalid(format!("there is no dataset {id}"))
            .hint("save the dataset first: `POST /datasets`")),
        None => Ok(()),
    }
}

/// The snapshot of a file or folder of a run, named as it is there.
async fn keep_of_run(app: &App, run: RunId, path: &str) -> Result<Digest> {
    let path = path.trim_end_matches('/');
    let place = super::files::place(&app.folder.run_files(run), path)?;
    let missing = || {
        ApiError::not_found(format!("run {run} has no file `{path}`"))
            .hint("`get_file_names` of the run lists its files")
    };
    // A link at the end is no more followed than one on the way.
    let about = tokio::fs::symlink_metadata(&place).await;
    let is_kept = about.is_ok_and(|about| about.is_file() || about.is_dir());
    if !is_kept {
        return Err(missing());
    }
    let cas = app.cas.clone();
    blocking(move || keep(&cas, &place))
        .await?
        .ok_or_else(missing)
}

/// The files of a snapshot, once they would survive a power cut.
async fn files_of(app: &App, digest: Digest) -> Result<Vec<ModelFile>> {
    let cas = app.cas.clone();
    let manifest = blocking(move || {
        let manifest = snapshot::load(&cas, &digest)?;
        cas.sync()?;
        Ok(manifest)
    })
    .await?;
    let file = |entry: Entry| ModelFile {
        name: entry.path.into(),
        size: entry.size,
    };
    let files: Vec<ModelFile> = manifest.entries.into_iter().map(file).collect();
    match files.is_empty() {
        true => Err(ApiError::invalid("a model needs at least one file")),
        false => Ok(files),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> stepwell_data::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ApiError::internal(&error))?
        .map_err(data)
}

/// Puts a file or folder into the store, as a snapshot; `None` for a folder without files.
fn keep(cas: &Cas, place: &Utf8Path) -> stepwell_data::Result<Option<Digest>> {
    let name = place.file_name().unwrap_or("model");
    let mut found = Vec::new();
    if place.is_dir() {
        super::files::walk(place, &format!("{name}/"), &mut found)?;
    } else {
        found.push(FileInfo {
            name: name.to_owned(),
            size: 0,
        });
    }
    let base = place.parent().unwrap_or(place);
    let entry = |file: FileInfo| {
        let place = base.join(&file.name);
        let digest = cas.put_file(&place)?;
        Ok(Entry {
            size: cas.path_of(&digest).metadata()?.len(),
            path: file.name.into(),
            digest,
            executable: false,
        })
    };
    let entries = found.into_iter().map(entry);
    let mut entries = entries.collect::<stepwell_data::Result<Vec<Entry>>>()?;
    if entries.is_empty() {
        return Ok(None);
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    cas.put_bytes(&Manifest { entries }.encode()).map(Some)
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
    /// Made by this run or a run below it.
    under: Option<Uuid>,
    /// Of this framework.
    framework: Option<String>,
    /// Made with this dataset.
    dataset: Option<Uuid>,
    /// At most so many; 1,000 when absent, which is the most.
    limit: Option<usize>,
    /// What `next` of the page before said.
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
    let limit = query.limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let filter = query.filter()?;
    let read = move |db: &stepwell_store::Connection| {
        let mut found = models::list(db, &filter, limit + 1)?;
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more);
        let next = last.map(convert::model::cursor);
        let models = found.into_iter().map(|model| with_experiment(db, model));
        Ok(ModelList {
            models: models.collect::<stepwell_store::Result<_>>()?,
            next,
        })
    };
    Ok(Json(app.store.read(read).await?))
}

fn with_experiment(
    db: &stepwell_store::Connection,
    model: models::Model,
) -> stepwell_store::Result<Model> {
    let run = model.run.map(|run| runs::find(db, run)).transpose()?;
    let experiment = run.flatten().map(|run| run.experiment);
    Ok(convert::model::model(model, experiment))
}

fn no_model(name: &str, version: u64) -> ApiError {
    ApiError::not_found(format!("there is no model `{name}` version {version}"))
        .hint("`stepwell models` lists the models of this workspace")
}

async fn find_model(app: &App, name: &str, version: u64) -> Result<models::Model> {
    let wanted = name.to_owned();
    let found = app
        .store
        .read(move |db| models::find(db, &wanted, version))
        .await?;
    found.ok_or_else(|| no_model(name, version))
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

/// Changes what is said about a version; its files and what its properties are stay.
#[utoipa::path(patch, path = "/models/{name}/versions/{version}",
    params(("name" = String, Path), ("version" = u64, Path)), request_body = ModelChange,
    responses((status = 200, body = Model), (status = "default", body = ErrorReply)))]
pub(super) async fn change_model(
    State(app): Context,
    Path((name, version)): Path<(String, String)>,
    Body(body): Body<ModelChange>,
) -> Result<Json<Model>> {
    let version = number(&version)?;
    check_datasets(
        &app,
        &body.add_datasets,
        [body.sample_input_dataset, body.sample_output_dataset],
    )
    .await?;
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
        resources_json: convert::model::resources_json(body.resources),
    };
    let wanted = name.clone();
    let change = move |db: &stepwell_store::Connection| {
        let changed = models::change(db, &wanted, version, change)?;
        changed.map(|model| with_experiment(db, model)).transpose()
    };
    let changed = app.store.write_durable(change).await?;
    changed.map(Json).ok_or_else(|| no_model(&name, version))
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
        false => Err(no_model(&name, number)),
    }
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
    let model = find_model(&app, &name, number(&version)?).await?;
    let digest = model
        .snapshot
        .parse()
        .map_err(|error| ApiError::internal(&error))?;
    let cas = app.cas.clone();
    let manifest = blocking(move || snapshot::load(&cas, &digest)).await?;
    let missing = || format!("model `{name}` version {version} has no file `{path}`");
    let wanted = Utf8Path::new(&path);
    let at = manifest
        .entries
        .binary_search_by(|entry| entry.path.as_path().cmp(wanted));
    let entry = &manifest.entries[at.map_err(|_| ApiError::not_found(missing()))?];
    super::files::send(&app.cas.path_of(&entry.digest), request, missing).await
}

fn number(text: &str) -> Result<u64> {
    text.parse()
        .map_err(|_| ApiError::not_found(format!("`{text}` is no version")))
}
