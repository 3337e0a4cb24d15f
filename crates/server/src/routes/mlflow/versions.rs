//! Versions of registered models, by MLflow's names.

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};
use stepwell_store::models::Change;
use stepwell_workspace::{NewModel, StagedModel};

use super::asked::{Asked, missing};
use super::experiments::holds;
use super::filter::{self, Condition};
use super::models::{tag, tags, version as shown};
use super::pages::cut;
use super::{Scheme, sources};
use crate::access::Caller;
use crate::app::{App, Context};
use crate::error::{ApiError, Result};

/// How many versions there are when the client does not say, and the most.
const VERSIONS: (usize, usize) = (10_000, 200_000);

/// The version that a request names.
pub(super) fn number(asked: &Asked) -> Result<u64> {
    let number = asked.whole("version")?.ok_or_else(|| missing("version"))?;
    u64::try_from(number).map_err(|_| ApiError::not_found(format!("there is no version {number}")))
}

fn answer(found: StagedModel, scheme: Scheme) -> Json<Value> {
    Json(json!({"model_version": shown(found, scheme)}))
}

/// `POST model-versions/create`
pub(super) async fn create(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let (name, source) = (asked.needed("name")?, asked.needed("source")?);
    let models = &app.workspace.models;
    models.name(&name).await?;
    let (files, run) = sources::files(&app, &source).await?;
    let description = asked.text("description")?.unwrap_or_default();
    let new = NewModel {
        name: name.clone(),
        run,
        source: files,
        tags: tags(&asked)?,
        properties: std::collections::BTreeMap::new(),
        description,
        framework: None,
        framework_version: None,
        datasets: Vec::new(),
        samples: stepwell_store::models::ModelSamples::default(),
        resources: None,
        user: caller.user(),
    };
    let number = models.register(new).await?.model.version;
    models.note_source(&name, number, source).await?;
    Ok(answer(models.staged(&name, number).await?, scheme))
}

/// `GET model-versions/get`
pub(super) async fn get(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let found = one(&app, &asked).await?;
    Ok(answer(found, scheme))
}

async fn one(app: &App, asked: &Asked) -> Result<StagedModel> {
    let (name, number) = (asked.needed("name")?, number(asked)?);
    Ok(app.workspace.models.staged(&name, number).await?)
}

/// `GET model-versions/get-download-uri`
pub(super) async fn download_uri(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let found = one(&app, &asked).await?;
    Ok(Json(
        json!({"artifact_uri": sources::of_version(&found.model, scheme)}),
    ))
}

/// `GET model-versions/search`
pub(super) async fn search(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let (offset, limit) = asked.part(VERSIONS.0, VERSIONS.1)?;
    let filter = asked.text("filter")?.unwrap_or_default();
    let conditions = filter::conditions(&filter).map_err(ApiError::invalid)?;
    let mut found = Vec::new();
    for version in app.workspace.models.all_staged(None).await? {
        if fits(&version, &conditions)? {
            found.push(version);
        }
    }
    for text in asked.list::<String>("order_by")?.into_iter().rev() {
        let (name, descending) = filter::order(&text).map_err(ApiError::invalid)?;
        match name.key.as_str() {
            "name" => found.sort_by(|a, b| a.model.name.cmp(&b.model.name)),
            "version_number" => found.sort_by_key(|it| it.model.version),
            "creation_timestamp" => found.sort_by_key(|it| it.model.created),
            "last_updated_timestamp" => {
                found.sort_by_key(|it| it.stage.updated.max(it.model.created));
            }
            key => {
                return Err(ApiError::invalid(format!(
                    "Invalid order_by key '{key}': versions are sorted by name, version_number, \
                     creation_timestamp and last_updated_timestamp"
                )));
            }
        }
        if descending {
            found.reverse();
        }
    }
    Ok(cut("model_versions", found, (offset, limit), |version| {
        shown(version, scheme)
    }))
}

fn fits(version: &StagedModel, conditions: &[Condition]) -> Result<bool> {
    let model = &version.model;
    for Condition { field, comparison } in conditions {
        let value = match (field.entity.as_str(), field.key.as_str()) {
            ("attribute", "name") => Some(model.name.clone()),
            ("attribute", "run_id") => model.run.map(|run| run.to_string()),
            ("attribute", "version_number" | "version") => Some(model.version.to_string()),
            ("attribute", "source_path") => Some(version.stage.source.clone()),
            ("tag", key) => tag(&model.tags, key).map(str::to_owned),
            (entity, key) => {
                return Err(ApiError::invalid(format!(
                    "Invalid {entity} key '{key}' specified: versions are searched by name, run_id, \
                     version_number, source_path and tags"
                )));
            }
        };
        if !holds(value.as_deref(), comparison) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn change(app: &App, asked: &Asked, change: Change) -> Result<StagedModel> {
    let (name, number) = (asked.needed("name")?, number(asked)?);
    let models = &app.workspace.models;
    models.update(&name, number, change).await?;
    Ok(models.staged(&name, number).await?)
}

/// `PATCH model-versions/update`
pub(super) async fn update(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let wanted = Change {
        description: asked.text("description")?,
        ..Change::default()
    };
    Ok(answer(change(&app, &asked, wanted).await?, scheme))
}

/// `POST model-versions/set-tag`
pub(super) async fn set_tag(State(app): Context, asked: Asked) -> Result<Json<Value>> {
    let (key, value) = (asked.needed("key")?, asked.text("value")?);
    let wanted = Change {
        set_tags: [(key, value.unwrap_or_default())].into(),
        ..Change::default()
    };
    change(&app, &asked, wanted).await?;
    Ok(Json(json!({})))
}

/// `DELETE model-versions/delete-tag`
pub(super) async fn delete_tag(State(app): Context, asked: Asked) -> Result<Json<Value>> {
    let wanted = Change {
        remove_tags: vec![asked.needed("key")?],
        ..Change::default()
    };
    change(&app, &asked, wanted).await?;
    Ok(Json(json!({})))
}

/// `POST model-versions/transition-stage`
pub(super) async fn set_stage(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let (name, number, stage) = (
        asked.needed("name")?,
        number(&asked)?,
        asked.needed("stage")?,
    );
    let archive = asked.flag("archive_existing_versions")?;
    let models = &app.workspace.models;
    let found = models.set_stage(&name, number, &stage, archive).await?;
    Ok(answer(found, scheme))
}

/// `DELETE model-versions/delete`
pub(super) async fn delete(State(app): Context, asked: Asked) -> Result<Json<Value>> {
    let (name, number) = (asked.needed("name")?, number(&asked)?);
    app.workspace.models.delete(&name, number).await?;
    Ok(Json(json!({})))
}
