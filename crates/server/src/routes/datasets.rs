//! The register of datasets.
//!
//! The definition is the SDK's own and is kept as it comes. What the server adds is memory: a
//! registered version remembers its files as they were, and can be asked whether they still are.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use camino::Utf8PathBuf;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use stepwell_api as api;
use stepwell_api::{
    DatasetChange, DatasetKind, DatasetList, DatasetPlace, ErrorReply, FileChange, FileChanges,
    SaveDataset,
};
use stepwell_data::stamp::{self, Change, Stamp};
use stepwell_datastore::{Entry, Registry};
use stepwell_model::Timestamp;
use stepwell_store::datasets::{self, Dataset, DatasetFile, KnownName};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::app::{App, Context, now};
use crate::convert;
use crate::convert::ports::{is_dataset_name, is_relative};
use crate::error::{ApiError, Body, Params, Result};

/// Saves a dataset, or registers it when it has a name.
#[utoipa::path(post, path = "/datasets", request_body = SaveDataset, responses(
    (status = 201, body = api::Dataset), (status = "default", body = ErrorReply)))]
pub(super) async fn save_dataset(
    State(app): Context,
    Body(body): Body<SaveDataset>,
) -> Result<(StatusCode, Json<api::Dataset>)> {
    if let Some(name) = body.name.as_ref().filter(|name| !is_dataset_name(name)) {
        return Err(ApiError::invalid(format!("`{name}` cannot name a dataset"))
            .hint("use 1 to 255 characters without slashes"));
    }
    let created = now();
    // Only a version promises anything of its files.
    let files = match body.name {
        Some(_) => look(&app.datastores, body.files).await?,
        None => Vec::new(),
    };
    let kind = convert::dataset::kind_name(body.kind);
    let definition_json = body.definition.to_string();
    let id = match body.name {
        Some(_) => Uuid::now_v7(),
        None => id_of(body.kind, &definition_json),
    };
    let dataset = Dataset {
        id,
        name: None,
        version: None,
        kind: kind.to_owned(),
        definition_json,
        files,
        tags: body.tags,
        description: body.description,
        created,
    };
    let known = match body.create_new_version {
        true => KnownName::NewVersion,
        false => KnownName::Refuse,
    };
    let work = move |db: &_| match body.name {
        Some(name) => datasets::register(db, &name, dataset, known),
        None => datasets::save(db, dataset),
    };
    let saved = app.store.write_durable(work).await?;
    Ok((StatusCode::CREATED, Json(convert::dataset::dataset(saved)?)))
}

/// An id that follows from the definition, so that a step which names it can be reused.
fn id_of(kind: DatasetKind, definition_json: &str) -> Uuid {
    let kind = convert::dataset::kind_name(kind);
    let digest = stamp::digest_of(format!("{kind}\n{definition_json}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Looks at the files as they are now; those on other machines are asked for, many at once.
async fn look(datastores: &Registry, places: Vec<DatasetPlace>) -> Result<Vec<DatasetFile>> {
    for place in &places {
        check_place(datastores, place)?;
    }
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        places.into_iter().enumerate().partition(|(_, place)| {
            let DatasetPlace { datastore, path } = place;
            datastores.local(datastore, path).is_some()
        });
    let path_of = |(_, place): &(usize, DatasetPlace)| {
        let path = datastores.local(&place.datastore, &place.path);
        path.unwrap_or_default()
    };
    let paths: Vec<Utf8PathBuf> = here.iter().map(path_of).collect();
    let stamps = blocking(move || stamp::take(&paths)).await?;
    let mut files: Vec<(usize, DatasetFile)> = here
        .into_iter()
        .zip(stamps)
        .map(|((number, place), stamp)| (number, stamped(place, stamp)))
        .collect();
    let asked = elsewhere.into_iter().map(|(number, place)| async move {
        let entry = datastores.get(&place.datastore)?.stat(&place.path).await?;
        Ok::<_, ApiError>((number, listed(place, entry)))
    });
    let asked: Vec<_> = stream::iter(asked)
        .buffer_unordered(STATS)
        .try_collect()
        .await?;
    files.extend(asked);
    files.sort_by_key(|(number, _)| *number);
    Ok(files.into_iter().map(|(_, file)| file).collect())
}

/// How many files on other machines are asked for at once.
const STATS: usize = 16;

fn stamped(place: DatasetPlace, stamp: Stamp) -> DatasetFile {
    DatasetFile {
        datastore: place.datastore,
        path: place.path,
        size: stamp.size,
        modified_ns: stamp.modified_ns,
        digest: stamp.digest.map(|digest| digest.to_string()),
        etag: None,
    }
}

fn listed(place: DatasetPlace, entry: Entry) -> DatasetFile {
    DatasetFile {
        datastore: place.datastore,
        path: place.path,
        size: entry.size,
        modified_ns: entry.modified_ms.saturating_mul(1_000_000),
        digest: None,
        etag: Some(entry.etag),
    }
}

fn check_place(datastores: &Registry, place: &DatasetPlace) -> Result<()> {
    let DatasetPlace { datastore, path } = place;
    if let Err(error) = datastores.get(datastore) {
        let known = datastores.names().join(", ");
        return Err(ApiError::invalid(error.to_string()).hint(format!("known datastores: {known}")));
    }
    match is_relative(path) {
        true => Ok(()),
        false => Err(ApiError::invalid(format!(
            "`{path}` is no file of datastore `{datastore}`"
        ))),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> stepwell_data::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|error| ApiError::internal(&error))?;
    done.map_err(|error| match error {
        stepwell_data::Error::File(error) => {
            ApiError::invalid(format!("a file of the dataset cannot be read: {error}"))
                .hint("make the dataset again from the files there are")
        }
        error => ApiError::internal(&error),
    })
}

/// The newest version of every registered dataset, sorted by name.
#[utoipa::path(get, path = "/datasets", responses(
    (status = 200, body = DatasetList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_datasets(State(app): Context) -> Result<Json<DatasetList>> {
    let found = app.store.read(datasets::list).await?;
    let datasets = found.into_iter().map(convert::dataset::dataset);
    Ok(Json(DatasetList {
        datasets: datasets.collect::<Result<_>>()?,
    }))
}

async fn find(app: &App, id: Uuid) -> Result<Dataset> {
    let found = app.store.read(move |db| datasets::find(db, id)).await?;
    found.ok_or_else(|| {
        ApiError::not_found(format!("there is no dataset {id}"))
            .hint("`Dataset.get_all(workspace)` lists the registered ones")
    })
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
    let found = find(&app, dataset_id(&id)?).await?;
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
    let mut dataset = find(&app, dataset_id(&id)?).await?;
    dataset.description = body.description.unwrap_or(dataset.description);
    dataset.tags = body.tags.unwrap_or(dataset.tags);
    dataset
        .tags
        .retain(|name, _| !body.remove_tags.contains(name));
    dataset.tags.extend(body.set_tags);
    let change = move |db: &stepwell_store::Connection| {
        datasets::update(db, &dataset)?;
        Ok(dataset)
    };
    let changed = app.store.write_durable(change).await?;
    Ok(Json(convert::dataset::dataset(changed)?))
}

/// Which files of a version are not what they were when it was registered.
#[utoipa::path(get, path = "/datasets/{id}/changes", params(("id" = Uuid, Path)), responses(
    (status = 200, body = FileChanges), (status = "default", body = ErrorReply)))]
pub(super) async fn show_changes(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<Json<FileChanges>> {
    let dataset = find(&app, dataset_id(&id)?).await?;
    let changes = changes(&app.datastores, dataset.files, dataset.created).await?;
    Ok(Json(FileChanges { changes }))
}

async fn changes(
    datastores: &Registry,
    files: Vec<DatasetFile>,
    seen: Timestamp,
) -> Result<Vec<FileChange>> {
    let (elsewhere, here): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| file.etag.is_some());
    let stamped = |file: &DatasetFile| {
        let stamp = Stamp {
            size: file.size,
            modified_ns: file.modified_ns,
            digest: file.digest.as_ref().and_then(|text| text.parse().ok()),
        };
        let place = datastores.local(&file.datastore, &file.path);
        (place.unwrap_or_default(), stamp)
    };
    let known: Vec<_> = here.iter().map(stamped).collect();
    let compared = blocking(move || stamp::compare(&known, seen)).await?;
    let asked = elsewhere.into_iter().map(|file| async move {
        let change = changed_elsewhere(datastores, &file).await?;
        Ok::<_, ApiError>((file, change))
    });
    let asked: Vec<_> = stream::iter(asked).buffered(STATS).try_collect().await?;
    let changed = here.into_iter().zip(compared).chain(asked);
    let changed = changed.filter_map(|(file, change)| {
        Some(FileChange {
            datastore: file.datastore,
            path: file.path,
            change: change?.name().to_owned(),
        })
    });
    Ok(changed.collect())
}

async fn changed_elsewhere(datastores: &Registry, file: &DatasetFile) -> Result<Option<Change>> {
    let Ok(store) = datastores.get(&file.datastore) else {
        return Ok(Some(Change::Gone));
    };
    match store.stat(&file.path).await {
        Err(error) if error.is_absent() => Ok(Some(Change::Gone)),
        Err(error) => Err(error.into()),
        Ok(entry) if Some(&entry.etag) == file.etag.as_ref() => Ok(None),
        Ok(_) => Ok(Some(Change::Changed)),
    }
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
    let wanted = name.clone();
    let read = move |db: &_| datasets::find_named(db, &wanted, query.version);
    let missing = || {
        ApiError::not_found(match query.version {
            Some(version) => format!("there is no dataset `{name}` version {version}"),
            None => format!("there is no dataset `{name}`"),
        })
        .hint("`Dataset.get_all(workspace)` lists the registered ones")
    };
    let found = app.store.read(read).await?.ok_or_else(missing)?;
    Ok(Json(convert::dataset::dataset(found)?))
}

/// Unregisters all versions of a dataset. They stay there under their ids, for runs that read them.
#[utoipa::path(delete, path = "/datasets/named/{name}", params(("name" = String, Path)), responses(
    (status = 204, description = "It is unregistered."), (status = "default", body = ErrorReply)))]
pub(super) async fn unregister_dataset(
    State(app): Context,
    Path(name): Path<String>,
) -> Result<StatusCode> {
    let wanted = name.clone();
    let work = move |db: &_| datasets::unregister(db, &wanted);
    match app.store.write_durable(work).await? {
        0 => Err(ApiError::not_found(format!("there is no dataset `{name}`"))),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}
