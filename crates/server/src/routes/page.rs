//! The pages of the server: static files, embedded; they ask the REST API for everything.
//!
//! They need no token to load, since they hold nothing; the API behind them does.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;
use crate::error::ApiError;

/// Everything the pages load, by name.
const ASSETS: &[(&str, &str, &str)] = &[
    ("api.js", "text/javascript", include_str!("../page/api.js")),
    ("dom.js", "text/javascript", include_str!("../page/dom.js")),
    (
        "graph.js",
        "text/javascript",
        include_str!("../page/graph.js"),
    ),
    (
        "head.js",
        "text/javascript",
        include_str!("../page/head.js"),
    ),
    (
        "icon.svg",
        "image/svg+xml",
        include_str!("../page/icon.svg"),
    ),
    ("log.js", "text/javascript", include_str!("../page/log.js")),
    (
        "logtext.js",
        "text/javascript",
        include_str!("../page/logtext.js"),
    ),
    (
        "repeat.js",
        "text/javascript",
        include_str!("../page/repeat.js"),
    ),
    (
        "steps.js",
        "text/javascript",
        include_str!("../page/steps.js"),
    ),
    (
        "tree.js",
        "text/javascript",
        include_str!("../page/tree.js"),
    ),
    (
        "words.js",
        "text/javascript",
        include_str!("../page/words.js"),
    ),
];

/// Nothing but our own, and the styles that a picture of a graph carries with it.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; \
                      frame-ancestors 'none'; base-uri 'none'";

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(async || page(include_str!("../page/index.html"))))
        .route(
            "/runs/{run}",
            get(async || page(include_str!("../page/run.html"))),
        )
        .route("/assets/{name}", get(asset))
}

fn page(html: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, html).into_response()
}

async fn asset(Path(name): Path<String>) -> Result<Response, ApiError> {
    let found = ASSETS.iter().find(|(known, _, _)| *known == name);
    let (_, kind, text) = found.ok_or_else(|| ApiError::not_found("there is no such file"))?;
    Ok(([(CONTENT_TYPE, format!("{kind}; charset=utf-8"))], *text).into_response())
}
