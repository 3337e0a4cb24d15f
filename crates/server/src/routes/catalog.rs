//! Registered environments and compute targets.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::Value;
use stepwell_api::{
    Compute, ComputeList, ComputeSettings, EnvironmentList, EnvironmentRecord, ErrorReply,
    RegisterEnvironment,
};
use stepwell_engine::core::TargetLoad;
use stepwell_model::{ComputeError, ComputeKind, TargetName};
use stepwell_store::catalog;
use stepwell_workspace::compute_kind;
use utoipa::IntoParams;

use super::request::NamedQuery;
use crate::access::Caller;
use crate::access::veil::shown_to;
use crate::app::{App, Context};
use crate::error::{ApiError, Body, Params, Result};

/// The newest version of every environment, sorted by name.
#[utoipa::path(get, path = "/environments", params(NamedQuery), responses(
    (status = 200, body = EnvironmentList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_environments(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Params(query): Params<NamedQuery>,
) -> Result<Json<Value>> {
    let page = app.workspace.environments.list(query.part()).await?;
    let list = EnvironmentList {
        environments: page.rows.into_iter().map(environment).collect(),
        next: page.next,
    };
    Ok(Json(shown_to(&caller, &list)))
}

/// Which version.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct VersionQuery {
    /// This one; the newest when absent.
    version: Option<u64>,
}

/// An environment.
#[utoipa::path(get, path = "/environments/{name}",
    params(("name" = String, Path), VersionQuery), responses(
    (status = 200, body = EnvironmentRecord), (status = "default", body = ErrorReply)))]
pub(super) async fn get_environment(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Params(query): Params<VersionQuery>,
) -> Result<Json<Value>> {
    let found = app.workspace.environments.get(&name, query.version);
    Ok(Json(shown_to(&caller, &environment(found.await?))))
}

/// Registers an environment; an equal definition gives the version there is.
#[utoipa::path(put, path = "/environments/{name}", params(("name" = String, Path)),
    request_body = RegisterEnvironment, responses(
    (status = 200, body = EnvironmentRecord), (status = "default", body = ErrorReply)))]
pub(super) async fn put_environment(
    State(app): Context,
    Path(name): Path<String>,
    Body(body): Body<RegisterEnvironment>,
) -> Result<Json<EnvironmentRecord>> {
    let definition = body.definition.to_string();
    let registered = app.workspace.environments.register(name, definition);
    Ok(Json(environment(registered.await?)))
}

fn environment(environment: catalog::Environment) -> EnvironmentRecord {
    EnvironmentRecord {
        name: environment.name,
        version: environment.version,
        definition: serde_json::from_str(&environment.definition_json).unwrap_or_default(),
        created_at: environment.created.to_string(),
    }
}

/// Compute targets: those that were created, and those that are in use.
#[utoipa::path(get, path = "/computes", responses(
    (status = 200, body = ComputeList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_computes(State(app): Context) -> Result<Json<ComputeList>> {
    Ok(Json(ComputeList {
        computes: computes(&app).await?,
    }))
}

async fn computes(app: &App) -> Result<Vec<Compute>> {
    let created = app.store.read(catalog::list_computes).await?;
    let mut loads = app.engine.loads().await?;
    let mut computes = Vec::new();
    for compute in created {
        let load = loads
            .iter()
            .position(|load| load.name.as_str() == compute.name);
        let load = load.map(|place| loads.swap_remove(place));
        let slots = || compute_kind(&compute).default_slots(app.slots);
        computes.push(Compute {
            concurrent_steps_max: compute.slots.unwrap_or_else(slots),
            running: load.as_ref().map_or(0, |load| load.running),
            queued: load.as_ref().map_or(0, |load| load.queued),
            name: compute.name,
            kind: compute.kind,
            created: true,
            settings: serde_json::from_str(&compute.settings_json).unwrap_or_default(),
        });
    }
    computes.extend(loads.into_iter().map(|load: TargetLoad| Compute {
        name: load.name.to_string(),
        kind: "local".to_owned(),
        concurrent_steps_max: load.limit,
        running: load.running,
        queued: load.queued,
        created: false,
        settings: Value::Null,
    }));
    computes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(computes)
}

/// A compute target.
#[utoipa::path(get, path = "/computes/{name}", params(("name" = String, Path)), responses(
    (status = 200, body = Compute), (status = "default", body = ErrorReply)))]
pub(super) async fn get_compute(
    State(app): Context,
    Path(name): Path<String>,
) -> Result<Json<Compute>> {
    let all = computes(&app).await?;
    let known: Vec<String> = all.iter().map(|compute| compute.name.clone()).collect();
    let found = all.into_iter().find(|compute| compute.name == name);
    found.map(Json).ok_or_else(|| {
        ApiError::not_found(format!("there is no compute target `{name}`"))
            .hint(format!("known compute targets: {}", known.join(", ")))
    })
}

/// Creates or changes a compute target. The kinds of Azure ML are this machine.
#[utoipa::path(put, path = "/computes/{name}", params(("name" = String, Path)),
    request_body = ComputeSettings, responses(
    (status = 200, body = Compute), (status = "default", body = ErrorReply)))]
pub(super) async fn put_compute(
    state: Context,
    Path(name): Path<String>,
    Body(body): Body<ComputeSettings>,
) -> Result<Json<Compute>> {
    if name.is_empty() || name.len() > 255 || name.contains(char::is_control) {
        return Err(ApiError::invalid(format!(
            "`{name}` cannot name a compute target"
        )));
    }
    if body.concurrent_steps_max == Some(0) {
        return Err(ApiError::invalid(
            "`concurrent_steps_max` is 0: no step could ever run",
        ));
    }
    let word = match body.kind.as_str() {
        "" => ComputeKind::LOCAL.to_owned(),
        _ => body.kind,
    };
    let mut settings = body.settings;
    if ComputeKind::is_azures(&word) {
        let registered = state.store.read(catalog::list_computes).await?;
        let registered = registered.into_iter().find(|compute| compute.name == name);
        if let Some(registered) = registered {
            let own = serde_json::from_str(&registered.settings_json).unwrap_or_default();
            settings = ComputeKind::keep_backing(settings, &registered.kind, &own);
        }
    }
    let kind = kind_of(&word, &settings)?;
    let compute = catalog::Compute {
        name: name.clone(),
        kind: word,
        slots: body.concurrent_steps_max,
        settings_json: settings.to_string(),
    };
    state
        .store
        .write_durable(move |db| catalog::put_compute(db, &compute))
        .await?;
    let target = TargetName::new(name.clone());
    state
        .engine
        .set_compute(target, kind, body.concurrent_steps_max)?;
    get_compute(state, Path(name)).await
}

/// The kind that a word and its settings mean, if this server can have it.
fn kind_of(word: &str, settings: &serde_json::Value) -> Result<ComputeKind> {
    let kind = ComputeKind::parse(word, settings).map_err(|error| {
        let hint = match &error {
            ComputeError::Unknown { .. } | ComputeError::Isolation(_) => {
                format!("known kinds: {}", ComputeKind::words().join(", "))
            }
            ComputeError::Settings { .. } => {
                "`stepwell compute add --help` shows what a target can be".to_owned()
            }
        };
        ApiError::invalid(error.to_string()).hint(hint)
    })?;
    if kind.isolation().is_some() {
        stepwell_compute::can_isolate().map_err(|error| {
            ApiError::invalid(format!("this machine cannot isolate steps: {error}"))
                .hint("it needs Linux 6.2 or newer, with Landlock among its security modules")
        })?;
    }
    Ok(kind)
}

/// Forgets a compute target; steps on it go on.
#[utoipa::path(delete, path = "/computes/{name}", params(("name" = String, Path)), responses(
    (status = 204, description = "It is forgotten."), (status = "default", body = ErrorReply)))]
pub(super) async fn delete_compute(
    State(app): Context,
    Path(name): Path<String>,
) -> Result<StatusCode> {
    let wanted = name.clone();
    match app
        .store
        .write_durable(move |db| catalog::remove_compute(db, &wanted))
        .await?
    {
        true => {
            let target = TargetName::new(name);
            app.engine
                .set_compute(target, ComputeKind::default(), None)?;
            Ok(StatusCode::NO_CONTENT)
        }
        false => Err(ApiError::not_found(format!(
            "there is no compute target `{name}`"
        ))),
    }
}
