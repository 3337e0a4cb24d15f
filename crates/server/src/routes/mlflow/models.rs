//! Registered models, by MLflow's names.
//!
//! A version of the workspace's registry is one of MLflow's, whoever has registered it. Its files are
//! a snapshot, so what it was made from may go away.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};
use stepwell_api::mlflow::{Alias, ModelVersion, Pair, RegisteredModel};
use stepwell_workspace::{NameChange, NamedModel, StagedModel};

use super::asked::Asked;
use super::experiments::holds;
use super::filter::{self, Condition};
use super::pages::cut;
use super::shown::pairs;
use super::{Scheme, sources};
use crate::app::{App, Context};
use crate::error::{ApiError, Result};

/// How many names there are when the client does not say, and the most.
const NAMES: (usize, usize) = (100, 1_000);

/// A version.
pub(super) fn version(found: StagedModel, scheme: Scheme) -> ModelVersion {
    let StagedModel {
        model,
        stage,
        aliases,
    } = found;
    let source = match stage.source.is_empty() {
        true => sources::of_version(&model, scheme),
        false => stage.source,
    };
    ModelVersion {
        source,
        name: model.name,
        version: model.version.to_string(),
        creation_timestamp: model.created.as_millis(),
        last_updated_timestamp: stage.updated.max(model.created).as_millis(),
        user_id: model.user,
        current_stage: stage.stage,
        description: model.description,
        run_id: model.run.map_or_else(String::new, |run| run.to_string()),
        status: "READY",
        tags: pairs(model.tags),
        aliases,
    }
}

fn registered(found: NamedModel, scheme: Scheme) -> RegisteredModel {
    let NamedModel { name, latest } = found;
    let alias = |(alias, version): (String, u64)| Alias {
        alias,
        version: version.to_string(),
    };
    RegisteredModel {
        creation_timestamp: name.created.as_millis(),
        last_updated_timestamp: name.updated.as_millis(),
        description: name.description,
        latest_versions: latest.into_iter().map(|it| version(it, scheme)).collect(),
        tags: pairs(name.tags),
        aliases: name.aliases.into_iter().map(alias).collect(),
        name: name.name,
    }
}

fn answer(found: NamedModel, scheme: Scheme) -> Json<Value> {
    Json(json!({"registered_model": registered(found, scheme)}))
}

/// The tags of a request.
pub(super) fn tags(asked: &Asked) -> Result<BTreeMap<String, String>> {
    let tags = asked.list::<Pair>("tags")?.into_iter();
    Ok(tags.map(|tag| (tag.key, tag.value)).collect())
}

/// `POST registered-models/create`
pub(super) async fn create(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let (name, description) = (asked.needed("name")?, asked.text("description")?);
    let models = &app.workspace.models;
    let made = models.create_name(name, description.unwrap_or_default(), tags(&asked)?);
    Ok(answer(made.await?, scheme))
}

/// `GET registered-models/get`
pub(super) async fn get(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let found = app.workspace.models.name(&asked.needed("name")?).await?;
    Ok(answer(found, scheme))
}

/// `GET registered-models/search`, and `list` of old clients.
pub(super) async fn search(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let (offset, limit) = asked.part(NAMES.0, NAMES.1)?;
    let filter = asked.text("filter")?.unwrap_or_default();
    let conditions = filter::conditions(&filter).map_err(ApiError::invalid)?;
    let mut found = Vec::new();
    for named in app.workspace.models.names().await? {
        if fits(&named, &conditions)? {
            found.push(named);
        }
    }
    for text in asked.list::<String>("order_by")?.into_iter().rev() {
        let (name, descending) = filter::order(&text).map_err(ApiError::invalid)?;
        match name.key.as_str() {
            "name" => found.sort_by(|a, b| a.name.name.cmp(&b.name.name)),
            "timestamp" | "last_updated_timestamp" => found.sort_by_key(|it| it.name.updated),
            "creation_timestamp" => found.sort_by_key(|it| it.name.created),
            key => {
                return Err(ApiError::invalid(format!(
                    "Invalid order_by key '{key}': models are sorted by name, timestamp and \
                     creation_timestamp"
                )));
            }
        }
        if descending {
            found.reverse();
        }
    }
    Ok(cut("registered_models", found, (offset, limit), |named| {
        registered(named, scheme)
    }))
}

/// The tag that MLflow 3 has on prompts, and excludes from every search for models.
const PROMPT: &str = "mlflow.prompt.is_prompt";

/// The value of a tag. No model is a prompt, whether it says so or not.
pub(super) fn tag<'a>(tags: &'a BTreeMap<String, String>, key: &str) -> Option<&'a str> {
    let value = tags.get(key).map(String::as_str);
    value.or((key == PROMPT).then_some("false"))
}

fn fits(named: &NamedModel, conditions: &[Condition]) -> Result<bool> {
    for Condition { field, comparison } in conditions {
        let value = match (field.entity.as_str(), field.key.as_str()) {
            ("attribute", "name") => Some(named.name.name.as_str()),
            ("tag", key) => tag(&named.name.tags, key),
            (entity, key) => {
                return Err(ApiError::invalid(format!(
                    "Invalid {entity} key '{key}' specified: models are searched by name and tags"
                )));
            }
        };
        if !holds(value, comparison) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn change(app: &App, asked: &Asked, change: NameChange) -> Result<NamedModel> {
    let name = asked.needed("name")?;
    Ok(app.workspace.models.change_name(&name, change).await?)
}

/// `PATCH registered-models/update`
pub(super) async fn update(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let wanted = NameChange {
        description: asked.text("description")?,
        ..NameChange::default()
    };
    Ok(answer(change(&app, &asked, wanted).await?, scheme))
}

/// `POST registered-models/set-tag`
pub(super) async fn set_tag(State(app): Context, asked: Asked) -> Result<Json<Value>> {
    let (key, value) = (asked.needed("key")?, asked.text("value")?);
    let wanted = NameChange {
        set_tags: [(key, value.unwrap_or_default())].into(),
        ..NameChange::default()
    };
    change(&app, &asked, wanted).await?;
    Ok(Json(json!({})))
}

/// `DELETE registered-models/delete-tag`
pub(super) async fn delete_tag(State(app): Context, asked: Asked) -> Result<Json<Value>> {
    let wanted = NameChange {
        remove_tag: Some(asked.needed("key")?),
        ..NameChange::default()
    };
    change(&app, &asked, wanted).await?;
    Ok(Json(json!({})))
}

/// `POST registered-models/alias`
pub(super) async fn set_alias(State(app): Context, asked: Asked) -> Result<Json<Value>> {
    let wanted = NameChange {
        set_alias: Some((asked.needed("alias")?, super::versions::number(&asked)?)),
        ..NameChange::default()
    };
    change(&app, &asked, wanted).await?;
    Ok(Json(json!({})))
}

/// `DELETE registered-models/alias`
pub(super) async fn delete_alias(State(app): Context, asked: Asked) -> Result<Json<Value>> {
    let wanted = NameChange {
        remove_alias: Some(asked.needed("alias")?),
        ..NameChange::default()
    };
    change(&app, &asked, wanted).await?;
    Ok(Json(json!({})))
}

/// `GET registered-models/alias`
pub(super) async fn by_alias(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let (name, alias) = (asked.needed("name")?, asked.needed("alias")?);
    let models = &app.workspace.models;
    let number = models.name(&name).await?.name.aliases.get(&alias).copied();
    let number = number
        .ok_or_else(|| ApiError::invalid(format!("Registered model alias {alias} not found.")))?;
    let found = models.staged(&name, number).await?;
    Ok(Json(json!({"model_version": version(found, scheme)})))
}

/// `POST registered-models/get-latest-versions`; old clients ask with GET.
pub(super) async fn latest(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let stages = asked.list::<String>("stages")?;
    let found = app.workspace.models.name(&asked.needed("name")?).await?;
    let wanted = |version: &StagedModel| {
        let own = &version.stage.stage;
        stages.is_empty() || stages.iter().any(|stage| stage.eq_ignore_ascii_case(own))
    };
    let versions = found.latest.into_iter().filter(wanted);
    let versions: Vec<_> = versions.map(|it| version(it, scheme)).collect();
    Ok(Json(json!({"model_versions": versions})))
}

/// `DELETE registered-models/delete`
pub(super) async fn delete(State(app): Context, asked: Asked) -> Result<Json<Value>> {
    app.workspace
        .models
        .delete_name(&asked.needed("name")?)
        .await?;
    Ok(Json(json!({})))
}

/// `POST registered-models/rename`
pub(super) async fn rename(_asked: Asked) -> ApiError {
    ApiError::invalid("a model keeps its name")
        .hint("register its versions under the other name, with `models:/NAME/VERSION`")
}
