//! The pages of the server: static files, embedded; they ask the REST API for everything.
//!
//! They need no token to load, since they hold nothing; the API behind them does. A page gets in
//! with the ticket of the link that opened it, or with a token that a person typed: either is
//! exchanged for a cookie that no script can read. The cookie lets it look and cancel runs; only a
//! typed token that allows more, lets it submit as well. It ends with the token that it came from.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::{Peer, identify, pages};
use crate::app::{App, Context, now};
use crate::error::{ApiError, Body, Result};
use crate::limits::{GUEST_BODY_MAX, Gate, take_guest_turn};

/// Everything the pages load, by name.
const ASSETS: &[(&str, &str, &str)] = &[
    ("api.js", "text/javascript", include_str!("../page/api.js")),
    (
        "chart.js",
        "text/javascript",
        include_str!("../page/chart.js"),
    ),
    (
        "closed.js",
        "text/javascript",
        include_str!("../page/closed.js"),
    ),
    (
        "coordinates.js",
        "text/javascript",
        include_str!("../page/coordinates.js"),
    ),
    (
        "details.js",
        "text/javascript",
        include_str!("../page/details.js"),
    ),
    ("dom.js", "text/javascript", include_str!("../page/dom.js")),
    (
        "files.js",
        "text/javascript",
        include_str!("../page/files.js"),
    ),
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
        "metrics.js",
        "text/javascript",
        include_str!("../page/metrics.js"),
    ),
    (
        "models.js",
        "text/javascript",
        include_str!("../page/models.js"),
    ),
    (
        "parallel.js",
        "text/javascript",
        include_str!("../page/parallel.js"),
    ),
    (
        "repeat.js",
        "text/javascript",
        include_str!("../page/repeat.js"),
    ),
    ("run.js", "text/javascript", include_str!("../page/run.js")),
    (
        "runs.js",
        "text/javascript",
        include_str!("../page/runs.js"),
    ),
    (
        "steps.js",
        "text/javascript",
        include_str!("../page/steps.js"),
    ),
    ("style.css", "text/css", include_str!("../page/style.css")),
    (
        "tree.js",
        "text/javascript",
        include_str!("../page/tree.js"),
    ),
    (
        "trials.js",
        "text/javascript",
        include_str!("../page/trials.js"),
    ),
    (
        "words.js",
        "text/javascript",
        include_str!("../page/words.js"),
    ),
];

/// Nothing but our own; the style of a picture of a graph becomes a constructed stylesheet.
const POLICY: &str = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'";

pub(super) fn router(gate: &Gate) -> Router<Arc<App>> {
    let guests = from_fn_with_state(gate.clone(), take_guest_turn);
    let session: MethodRouter<Arc<App>> = post(open_session).layer(guests);
    Router::new()
        .route("/", get(async || page(include_str!("../page/index.html"))))
        // MLflow's client prints addresses below it; what comes after `#` stays.
        .route("/mlflow/v1.0/", get(async || Redirect::to("/")))
        .route(
            "/runs/{run}",
            get(async || page(include_str!("../page/run.html"))),
        )
        .route(
            "/experiments/{name}",
            get(async || page(include_str!("../page/index.html"))),
        )
        .route("/assets/{name}", get(asset))
        .route(
            "/session",
            session.layer(DefaultBodyLimit::max(GUEST_BODY_MAX)),
        )
}

/// What a page shows to be let in; nothing when it sends a token in the usual header.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Opening {
    ticket: Option<String>,
}

async fn open_session(
    State(app): Context,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Body(opening): Body<Opening>,
) -> Result<impl IntoResponse> {
    let access = &app.access;
    let (session, limit) = match opening.ticket {
        Some(ticket) => {
            let (session, expiry) = pages::by_ticket(access, &ticket, now())?;
            (session, Some(expiry))
        }
        None => pages::by_token(access, &identify(&app, &headers).await?)?,
    };
    let (pass, expires) = access.passes.session(session, limit, now());
    let life = (expires.as_millis() - now().as_millis()) / 1_000;
    let secure = if peer.secure { "; Secure" } else { "" };
    let name = &app.access.cookie;
    let cookie =
        format!("{name}={pass}; Path=/; Max-Age={life}; HttpOnly; SameSite=Strict{secure}");
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]))
}

fn page(html: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, html).into_response()
}

async fn asset(Path(name): Path<String>) -> Result<Response> {
    let found = ASSETS.iter().find(|(known, _, _)| *known == name);
    let (_, kind, text) = found.ok_or_else(|| ApiError::not_found("there is no such file"))?;
    Ok(([(CONTENT_TYPE, format!("{kind}; charset=utf-8"))], *text).into_response())
}

#[cfg(test)]
mod tests {
    use super::ASSETS;

    #[test]
    fn every_file_that_a_page_names_is_served() {
        let pages = [
            include_str!("../page/index.html"),
            include_str!("../page/run.html"),
        ];
        let scripts = ASSETS.iter().filter(|(name, _, _)| name.ends_with(".js"));
        let texts = pages.into_iter().chain(scripts.map(|(_, _, text)| *text));
        let names = |text: &'static str| {
            let quoted = text.split(['"', '\'', '`']);
            quoted.filter_map(|part| part.strip_prefix("/assets/").or(part.strip_prefix("./")))
        };
        let mut seen = 0;
        for name in texts.flat_map(names) {
            assert!(
                ASSETS.iter().any(|(known, _, _)| *known == name),
                "`{name}` is not served"
            );
            seen += 1;
        }
        assert!(seen > 10, "the test sees the imports: {seen}");
    }
}
