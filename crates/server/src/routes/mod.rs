//! Every route, in one list from which the router and the OpenAPI document both come.

mod access;
mod azure;
mod catalog;
mod datasets;
mod datastores;
mod document;
mod drafts;
mod endpoints;
mod events;
mod files;
mod gc;
mod graph;
mod isolation;
mod lend;
mod log;
mod metrics;
mod mlflow;
mod models;
mod modules;
mod page;
mod parallel;
mod progress;
mod published;
mod register;
mod request;
mod rows;
mod runs;
mod schedules;
mod secrets;
mod snapshots;
mod trials;
mod why;
mod workspace;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use stepwell_api::{ErrorCode, Role};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::access::authenticate;
use crate::app::App;
use crate::error::{ApiError, reword};
use crate::limits::{Gate, bound, take_turn};
use document::Document;
use register::Register;

pub use document::openapi;

/// The largest body of a graph, a manifest or a dataset; a graph of a hundred thousand steps has
/// about 80 MB.
const GRAPH_MAX: usize = 256 << 20;

/// The largest body of a definition that is kept as it comes.
const DEFINITION_MAX: usize = 16 << 20;

/// The largest body of a batch of metrics: images are part of it.
const METRICS_MAX: usize = 64 << 20;

/// The largest body of anything else but an upload.
const BODY_MAX: usize = 4 << 20;

/// The native routes that need a token, each under the role it asks for.
fn native() -> OpenApiRouter<Arc<App>> {
    let api = of_the_workspace(Register::default());
    let api = of_assets(of_pipelines(of_runs(api)));
    OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", api.into_router())
}

/// Who may do what, experiments, datastores and secrets.
fn of_the_workspace(api: Register) -> Register {
    api.reader(routes!(access::show_caller))
        .question(Role::Reader, routes!(access::create_ticket))
        .owner(routes!(access::list_tokens, access::create_token))
        .owner(routes!(access::revoke_token))
        .owner(routes!(access::list_audit))
        .reader(routes!(workspace::show_workspace))
        .owner(routes!(workspace::shutdown))
        .owner(routes!(gc::collect_garbage))
        .reader(routes!(workspace::list_experiments))
        .reader(routes!(workspace::get_experiment))
        .submitter(routes!(
            workspace::put_experiment,
            workspace::change_experiment
        ))
        .reader(routes!(datastores::list_datastores))
        .reader(routes!(datastores::get_datastore))
        .contributor(routes!(
            datastores::register_datastore,
            datastores::unregister_datastore
        ))
        .contributor(routes!(datastores::set_default_datastore))
        .reader(routes!(datastores::list_datastore_files))
        .reader(routes!(datastores::get_datastore_file))
        .reader(routes!(rows::get_datastore_rows))
        .contributor_or_step(routes!(datastores::put_datastore_file))
        .contributor(routes!(datastores::delete_datastore_file))
        .reader(routes!(secrets::list_secrets))
        .secret(routes!(secrets::get_secret))
        .contributor(routes!(secrets::set_secret, secrets::delete_secret))
}

/// Runs and what is known of them.
fn of_runs(api: Register) -> Register {
    let max = DefaultBodyLimit::max;
    let graph = max(GRAPH_MAX);
    api.reader(routes!(runs::list_runs))
        .submitter(routes!(runs::submit_run).layer(graph))
        .submitter(routes!(runs::submit_runs).layer(graph))
        .submitter(routes!(runs::resubmit_run))
        .submitter(routes!(runs::create_run))
        .reader(routes!(runs::get_run))
        .submitter(routes!(runs::change_run))
        .submitter(routes!(runs::end_run))
        .submitter_or_page(routes!(runs::cancel_run))
        .reader(routes!(runs::wait_for_run))
        .reader(routes!(why::explain_run))
        .question(Role::Submitter, routes!(why::plan_run).layer(graph))
        .reader(routes!(log::read_log))
        .reader(routes!(log::read_log_times))
        .own_step(routes!(lend::lend_datastore))
        .reader(routes!(parallel::show_parallel))
        .reader(routes!(progress::show_progress))
        .reader(routes!(trials::list_trials))
        .reader(routes!(events::follow_events))
        .reader(routes!(events::follow_all_events))
        .reader(routes!(graph::show_graph))
        .reader(routes!(graph::draw_graph))
        .reader(routes!(metrics::list_metrics))
        .submitter_often(routes!(metrics::log_metrics).layer(max(METRICS_MAX)))
        .reader(routes!(files::list_files))
        .reader(routes!(files::get_file))
        .submitter_often(routes!(files::put_file))
}

/// Published pipelines, their endpoints, drafts and schedules.
fn of_pipelines(api: Register) -> Register {
    let graph = DefaultBodyLimit::max(GRAPH_MAX);
    api.reader(routes!(schedules::list_schedules))
        .contributor(routes!(schedules::create_schedule))
        .submitter(routes!(schedules::preview_trigger))
        .reader(routes!(schedules::get_schedule))
        .contributor(routes!(
            schedules::change_schedule,
            schedules::delete_schedule
        ))
        .reader(routes!(schedules::preview_schedule))
        .reader(routes!(schedules::show_ledger))
        .reader(routes!(schedules::list_runs_of_schedule))
        .reader(routes!(published::list_published))
        .contributor(routes!(published::publish_pipeline).layer(graph))
        .reader(routes!(published::get_published))
        .contributor(routes!(published::change_published))
        .reader(routes!(published::show_template))
        .reader(routes!(published::show_pipeline_of_run))
        .submitter(routes!(published::submit_published))
        .reader(routes!(published::list_runs_of_published))
        .reader(routes!(endpoints::list_endpoints))
        .contributor(routes!(endpoints::create_endpoint))
        .reader(routes!(endpoints::get_endpoint))
        .contributor(routes!(endpoints::change_endpoint))
        .reader(routes!(endpoints::get_named_endpoint))
        .contributor(routes!(endpoints::add_version))
        .submitter(routes!(endpoints::submit_endpoint))
        .reader(routes!(drafts::list_drafts))
        .contributor(routes!(drafts::create_draft).layer(graph))
        .reader(routes!(drafts::get_draft))
        .contributor(routes!(drafts::change_draft, drafts::delete_draft))
        .reader(routes!(drafts::show_draft_pipeline))
        .submitter(routes!(drafts::submit_draft))
        .contributor(routes!(drafts::publish_draft))
}

/// What is kept by name and version, and snapshots.
fn of_assets(api: Register) -> Register {
    let max = DefaultBodyLimit::max;
    api.reader(routes!(models::list_models))
        .contributor_or_step(routes!(models::register_model))
        .reader(routes!(models::get_model))
        .contributor_or_step(routes!(models::change_model))
        .contributor(routes!(models::delete_model))
        .reader(routes!(models::get_model_file))
        .reader(routes!(modules::list_modules))
        .contributor(routes!(modules::create_module))
        .reader(routes!(modules::get_module))
        .contributor(routes!(modules::change_module))
        .contributor(routes!(modules::publish_module_version))
        .reader(routes!(modules::get_module_version))
        .contributor(routes!(modules::change_module_version))
        .reader(routes!(datasets::list_datasets))
        .contributor_or_step(routes!(datasets::save_dataset).layer(max(DEFINITION_MAX)))
        .reader(routes!(datasets::get_dataset))
        .contributor_or_step(routes!(datasets::change_dataset))
        .reader(routes!(datasets::show_changes))
        .reader(routes!(datasets::get_named_dataset))
        .contributor(routes!(datasets::unregister_dataset))
        .reader(routes!(catalog::list_environments))
        .reader(routes!(catalog::get_environment))
        .contributor_or_step(routes!(catalog::put_environment))
        .reader(routes!(catalog::list_computes))
        .reader(routes!(catalog::get_compute))
        .contributor(routes!(catalog::put_compute, catalog::delete_compute))
        .reader(routes!(snapshots::show_snapshot))
        .reader(routes!(snapshots::get_snapshot_file))
        .submitter_often(routes!(snapshots::put_snapshot).layer(max(GRAPH_MAX)))
        .submitter_often(routes!(snapshots::put_object))
}

/// The same in the original service's interface.
fn azure_shaped() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().nest(azure::ROOT, azure::routes().into_router())
}

/// The whole router: three doors, each of which renders every refusal in its own form.
pub(crate) fn router(app: Arc<App>, gate: Gate) -> Router {
    let protected = |routes: OpenApiRouter<Arc<App>>| {
        let (routes, _) = routes.split_for_parts();
        // It is known who asks before a turn is taken.
        routes
            .layer(from_fn_with_state(gate.clone(), take_turn))
            .layer(from_fn_with_state(Arc::clone(&app), authenticate))
    };
    let native = Router::new()
        .route("/api/v1/health", get(workspace::health))
        .route("/api/v1/openapi.json", get(document))
        .merge(page::router(&gate))
        .merge(protected(native()))
        .fallback(nothing_here);
    let azure = Router::new()
        .merge(protected(azure_shaped()))
        .route(azure::ELSEWHERE, any(nothing_here));
    let azure = door(azure, &gate).layer(map_response(azure::to_azure_error));
    let mut mlflow = Router::new().merge(protected(mlflow::routes()));
    for elsewhere in mlflow::ELSEWHERE {
        mlflow = mlflow.route(elsewhere, any(mlflow::nothing_here));
    }
    let mlflow = door(mlflow, &gate).layer(map_response(mlflow::to_mlflow_error));
    let doors = door(native, &gate).merge(azure).merge(mlflow);
    doors.with_state(app)
}

/// What every request passes on its way to its handler, and its answer on the way back.
fn door(routes: Router<Arc<App>>, gate: &Gate) -> Router<Arc<App>> {
    routes
        .method_not_allowed_fallback(async |method: Method| {
            let message = format!("the address is there, but not for {method}");
            ApiError::new(ErrorCode::MethodNotAllowed, message)
        })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(CatchPanicLayer::custom(|_| {
            ApiError::internal(&"a handler panicked").into_response()
        }))
        .layer(map_response(reword))
        .layer(from_fn_with_state(gate.clone(), bound))
        .layer(from_fn(no_store))
}

async fn nothing_here() -> ApiError {
    ApiError::not_found("there is nothing at this address")
}

async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], openapi())
}

/// Answers are true for a moment only.
async fn no_store(request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let mut response = next.run(request).await;
    let value = header::HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(value);
    response
}
