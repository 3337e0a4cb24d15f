//! Modules: parts of pipelines that are published on their own, in versions.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde_json::Value;
use stepwell_api as api;
use stepwell_api::{
    CreateModule, ErrorReply, ModuleChange, ModuleList, ModuleStatus, ModuleVersion,
    ModuleVersionChange, PublishModuleVersion,
};
use stepwell_store::Connection;
use stepwell_store::modules::{self, Module, Version};
use uuid::Uuid;

use crate::access::Caller;
use crate::access::veil::shown_to;
use crate::app::{App, Context, now};
use crate::error::{ApiError, Body, Result};

/// Makes a module.
#[utoipa::path(post, path = "/modules", request_body = CreateModule, responses(
    (status = 201, body = api::Module), (status = "default", body = ErrorReply)))]
pub(super) async fn create_module(
    State(app): Context,
    Body(body): Body<CreateModule>,
) -> Result<(StatusCode, Json<api::Module>)> {
    check_name(&body.name)?;
    let module = Module {
        id: Uuid::new_v4(),
        name: body.name,
        description: body.description,
        status: word(ModuleStatus::Active),
        default_version: None,
        created: now(),
    };
    Ok((StatusCode::CREATED, Json(save(&app, module).await?)))
}

/// All modules with their versions.
#[utoipa::path(get, path = "/modules", responses(
    (status = 200, body = ModuleList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_modules(
    State(app): Context,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>> {
    let read = |db: &Connection| {
        let with_versions = |module: Module| {
            let versions = modules::versions(db, module.id)?;
            Ok((module, versions))
        };
        let found = modules::list(db)?.into_iter().map(with_versions);
        found.collect::<stepwell_store::Result<Vec<_>>>()
    };
    let found = app.store.read(read).await?.into_iter();
    let modules = found.map(|(module, versions)| show(module, versions));
    let list = ModuleList {
        modules: modules.collect(),
    };
    Ok(Json(shown_to(&caller, &list)))
}

/// The module of an id or of a name.
#[utoipa::path(get, path = "/modules/{module}", params(("module" = String, Path)), responses(
    (status = 200, body = api::Module), (status = "default", body = ErrorReply)))]
pub(super) async fn get_module(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(module): Path<String>,
) -> Result<Json<Value>> {
    let found = find(&app, module).await?;
    let module = with_versions(&app, found).await?;
    Ok(Json(shown_to(&caller, &module)))
}

/// Changes a module.
#[utoipa::path(patch, path = "/modules/{module}", params(("module" = String, Path)),
    request_body = ModuleChange, responses(
    (status = 200, body = api::Module), (status = "default", body = ErrorReply)))]
pub(super) async fn change_module(
    State(app): Context,
    Path(module): Path<String>,
    Body(body): Body<ModuleChange>,
) -> Result<Json<api::Module>> {
    let mut module = find(&app, module).await?;
    if let Some(name) = body.name {
        check_name(&name)?;
        module.name = name;
    }
    module.description = body.description.unwrap_or(module.description);
    module.status = body.status.map_or(module.status, word);
    module.default_version = body.default_version.or(module.default_version);
    Ok(Json(save(&app, module).await?))
}

/// Publishes a version of a module.
#[utoipa::path(post, path = "/modules/{module}/versions", params(("module" = String, Path)),
    request_body = PublishModuleVersion, responses(
    (status = 201, body = ModuleVersion), (status = "default", body = ErrorReply)))]
pub(super) async fn publish_module_version(
    State(app): Context,
    Path(module): Path<String>,
    Body(body): Body<PublishModuleVersion>,
) -> Result<(StatusCode, Json<ModuleVersion>)> {
    let mut module = find(&app, module).await?;
    let at = now();
    let mut version = Version {
        id: Uuid::new_v4(),
        module: module.id,
        version: body.version.unwrap_or_default(),
        description: body.description,
        category: body.category,
        status: word(ModuleStatus::Active),
        definition_json: body.definition.to_string(),
        created: at,
        changed: at,
    };
    let is_default = body.is_default;
    let publish = move |db: &Connection| {
        version.version = modules::publish(db, &version)?;
        if is_default {
            module.default_version = Some(version.version.clone());
            modules::save(db, &module)?;
        }
        Ok(version)
    };
    let published = app.store.write_durable(publish).await?;
    Ok((StatusCode::CREATED, Json(show_version(published))))
}

/// A version of a module.
#[utoipa::path(get, path = "/module-versions/{id}", params(("id" = Uuid, Path)), responses(
    (status = 200, body = ModuleVersion), (status = "default", body = ErrorReply)))]
pub(super) async fn get_module_version(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    let version = show_version(find_version(&app, &id).await?);
    Ok(Json(shown_to(&caller, &version)))
}

/// Changes a version of a module.
#[utoipa::path(patch, path = "/module-versions/{id}", params(("id" = Uuid, Path)),
    request_body = ModuleVersionChange, responses(
    (status = 200, body = ModuleVersion), (status = "default", body = ErrorReply)))]
pub(super) async fn change_module_version(
    State(app): Context,
    Path(id): Path<String>,
    Body(body): Body<ModuleVersionChange>,
) -> Result<Json<ModuleVersion>> {
    let mut version = find_version(&app, &id).await?;
    version.description = body.description.unwrap_or(version.description);
    version.status = body.status.map_or(version.status, word);
    version.changed = now();
    let change = move |db: &Connection| {
        modules::change_version(db, &version)?;
        Ok(version)
    };
    let changed = app.store.write_durable(change).await?;
    Ok(Json(show_version(changed)))
}

async fn save(app: &App, module: Module) -> Result<api::Module> {
    let save = move |db: &Connection| {
        modules::save(db, &module)?;
        Ok(module)
    };
    let saved = app.store.write_durable(save).await?;
    with_versions(app, saved).await
}

async fn find(app: &App, text: String) -> Result<Module> {
    let wanted = text.clone();
    let read = move |db: &Connection| match wanted.parse::<Uuid>() {
        Ok(id) => modules::find(db, id),
        Err(_) => modules::find_named(db, &wanted),
    };
    let missing = || {
        ApiError::not_found(format!("there is no module `{text}`"))
            .hint("Module.create makes one; GET /api/v1/modules lists those there are")
    };
    app.store.read(read).await?.ok_or_else(missing)
}

async fn find_version(app: &App, text: &str) -> Result<Version> {
    let missing = || ApiError::not_found(format!("there is no version of a module `{text}`"));
    let id: Uuid = text.parse().map_err(|_| missing())?;
    let read = move |db: &Connection| modules::find_version(db, id);
    app.store.read(read).await?.ok_or_else(missing)
}

async fn with_versions(app: &App, module: Module) -> Result<api::Module> {
    let id = module.id;
    let versions = app.store.read(move |db| modules::versions(db, id)).await?;
    Ok(show(module, versions))
}

fn check_name(name: &str) -> Result<()> {
    let forbidden = |c: char| c.is_control() || c == '/';
    match name.trim().is_empty() || name.chars().count() > 255 || name.contains(forbidden) {
        true => Err(ApiError::invalid(format!("`{name}` cannot name a module"))
            .hint("use 1 to 255 characters without slashes and line breaks")),
        false => Ok(()),
    }
}

fn show(module: Module, versions: Vec<Version>) -> api::Module {
    api::Module {
        id: module.id,
        name: module.name,
        description: module.description,
        status: status(&module.status),
        default_version: module.default_version,
        versions: versions.into_iter().map(show_version).collect(),
        created_at: module.created.to_string(),
    }
}

fn show_version(version: Version) -> ModuleVersion {
    ModuleVersion {
        id: version.id,
        module: version.module,
        version: version.version,
        description: version.description,
        category: version.category,
        status: status(&version.status),
        definition: serde_json::from_str(&version.definition_json).unwrap_or_default(),
        created_at: version.created.to_string(),
        changed_at: version.changed.to_string(),
    }
}

/// The stored word for a status.
fn word(status: ModuleStatus) -> String {
    match status {
        ModuleStatus::Active => "active",
        ModuleStatus::Deprecated => "deprecated",
        ModuleStatus::Disabled => "disabled",
    }
    .to_owned()
}

/// The status of a stored word; what is not known is not to be used.
fn status(word: &str) -> ModuleStatus {
    match word {
        "active" => ModuleStatus::Active,
        "deprecated" => ModuleStatus::Deprecated,
        _ => ModuleStatus::Disabled,
    }
}
