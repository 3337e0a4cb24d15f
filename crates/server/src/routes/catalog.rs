//! Registered environments and compute targets.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use stepwell_api::{
    Compute, ComputeList, ComputeSettings, EnvironmentList, EnvironmentRecord, ErrorReply,
    RegisterEnvironment,
};
use stepwell_engine::core::TargetLoad;
use stepwell_model::TargetName;
use stepwell_store::catalog;
use utoipa::IntoParams;

use crate::app::{App, Context, now};
use crate::error::{ApiError, Body, Params, Result};

/// The newest version of every environment.
#[utoipa::path(get, path = "/environments", responses(
    (status = 200, body = EnvironmentList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_environments(State(app): Context) -> Result<Json<EnvironmentList>> {
    let environments = app.store.read(catalog::list_environments).await?;
    Ok(Json(EnvironmentList {
        environments: environments.into_iter().map(environment).collect(),
    }))
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
    Path(name): Path<String>,
    Params(query): Params<VersionQuery>,
) -> Result<Json<EnvironmentRecord>> {
    let wanted = name.clone();
    let find = move |db: &_| catalog::find_environment(db, &wanted, query.version);
    let found = app.store.read(find).await?;
    let missing = || {
        ApiError::not_found(match query.version {
            Some(version) => format!("there is no environment `{name}` version {version}"),
            None => format!("there is no environment `{name}`"),
        })
    };
    Ok(Json(environment(found.ok_or_else(missing)?)))
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
    let register = move |db: &_| catalog::register_environment(db, &name, &definition, now());
    Ok(Json(environment(app.store.write_durable(register).await?)))
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
        computes.push(Compute {
            concurrent_steps_max: compute.slots.unwrap_or(app.slots),
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
        settings: serde_json::Value::Null,
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

/// Creates or changes a compute target. It is this machine, whatever its kind.
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
    let compute = catalog::Compute {
        name: name.clone(),
        kind: if body.kind.is_empty() {
            "local".to_owned()
        } else {
            body.kind
        },
        slots: body.concurrent_steps_max,
        settings_json: body.settings.to_string(),
    };
    state
        .store
        .write_durable(move |db| catalog::put_compute(db, &compute))
        .await?;
    let slots = body.concurrent_steps_max.unwrap_or(state.slots);
    state.engine.limit(TargetName::new(name.clone()), slots)?;
    get_compute(state, Path(name)).await
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
            app.engine.limit(TargetName::new(name), app.slots)?;
            Ok(StatusCode::NO_CONTENT)
        }
        false => Err(ApiError::not_found(format!(
            "there is no compute target `{name}`"
        ))),
    }
}
