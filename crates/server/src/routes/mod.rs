//! Every route, in one list from which the router and the OpenAPI document both come.

mod catalog;
mod datasets;
mod events;
mod files;
mod graph;
mod log;
mod metrics;
mod models;
mod page;
mod runs;
mod snapshots;
mod why;
mod workspace;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::require_token;
use crate::app::App;
use crate::error::ApiError;

/// The largest JSON body; a graph of a hundred thousand steps has about 80 MB.
const BODY_MAX: usize = 256 << 20;

#[derive(OpenApi)]
#[openapi(
    info(title = "Stepwell", description = "Machine-learning pipelines on your own machines."),
    components(schemas(stepwell_api::ErrorReply, stepwell_api::RunEvent)),
    security(("token" = []))
)]
struct Document;

/// The OpenAPI document, as JSON with stable order.
#[must_use]
pub fn openapi() -> String {
    let mut document = protected().split_for_parts().1;
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    document
        .components
        .get_or_insert_default()
        .security_schemes
        .insert("token".to_owned(), scheme.into());
    let text = document.to_pretty_json().unwrap_or_default();
    // A trailing wildcard is axum's notation; OpenAPI has plain parameters only.
    text.replace("{*path}", "{path}")
}

/// The routes that need the token.
fn protected() -> OpenApiRouter<Arc<App>> {
    let api = OpenApiRouter::new()
        .routes(routes!(workspace::show_workspace))
        .routes(routes!(workspace::shutdown))
        .routes(routes!(workspace::list_experiments))
        .routes(routes!(
            workspace::get_experiment,
            workspace::put_experiment
        ))
        .routes(routes!(workspace::list_datastores))
        .routes(routes!(workspace::get_datastore))
        .routes(routes!(runs::list_runs, runs::submit_run))
        .routes(routes!(runs::create_run))
        .routes(routes!(runs::get_run, runs::change_run))
        .routes(routes!(runs::end_run))
        .routes(routes!(runs::cancel_run))
        .routes(routes!(runs::wait_for_run))
        .routes(routes!(why::explain_run))
        .routes(routes!(why::plan_run))
        .routes(routes!(log::read_log))
        .routes(routes!(events::follow_events))
        .routes(routes!(graph::show_graph))
        .routes(routes!(graph::draw_graph))
        .routes(routes!(metrics::list_metrics, metrics::log_metrics))
        .routes(routes!(files::list_files))
        .routes(routes!(files::get_file, files::put_file))
        .routes(routes!(models::list_models, models::register_model))
        .routes(routes!(
            models::get_model,
            models::change_model,
            models::delete_model
        ))
        .routes(routes!(models::get_model_file))
        .routes(routes!(datasets::list_datasets, datasets::save_dataset))
        .routes(routes!(datasets::get_dataset, datasets::change_dataset))
        .routes(routes!(datasets::show_changes))
        .routes(routes!(
            datasets::get_named_dataset,
            datasets::unregister_dataset
        ))
        .routes(routes!(catalog::list_environments))
        .routes(routes!(catalog::get_environment, catalog::put_environment))
        .routes(routes!(catalog::list_computes))
        .routes(routes!(
            catalog::get_compute,
            catalog::put_compute,
            catalog::delete_compute
        ))
        .routes(routes!(snapshots::put_snapshot))
        .routes(routes!(snapshots::put_object));
    OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", api)
}

/// The whole router.
pub(crate) fn router(app: Arc<App>) -> Router {
    let (protected, _) = protected().split_for_parts();
    let protected = protected.layer(from_fn_with_state(Arc::clone(&app), require_token));
    Router::new()
        .route("/api/v1/health", get(workspace::health))
        .route("/api/v1/openapi.json", get(document))
        .merge(page::router())
        .merge(protected)
        .fallback(async || ApiError::not_found("there is nothing at this address"))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(CatchPanicLayer::custom(|_| {
            ApiError::internal(&"a handler panicked").into_response()
        }))
        .layer(from_fn(no_store))
        .with_state(app)
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
