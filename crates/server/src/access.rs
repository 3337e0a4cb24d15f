//! Who may ask: the bearer token of the server, on every route but a few.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use stepwell_api::ErrorCode;

use crate::app::App;
use crate::error::ApiError;

/// Lets a request through that carries the token; counts it as activity.
pub(crate) async fn require_token(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let given = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = given.and_then(|value| value.strip_prefix("Bearer "));
    if !token.is_some_and(|token| equal(token.trim(), &app.site.token)) {
        let error = match given {
            None => ApiError::new(ErrorCode::Unauthorized, "the request has no bearer token"),
            Some(_) => ApiError::new(ErrorCode::Unauthorized, "the token is not this server's"),
        };
        let hint = "`stepwell connect` gives the URL and token of the folder's server";
        return error.hint(hint).into_response();
    }
    let _active = app.activity.enter();
    next.run(request).await
}

/// Compares in a time that does not depend on where the texts differ.
fn equal(given: &str, token: &str) -> bool {
    given.len() == token.len()
        && given
            .bytes()
            .zip(token.bytes())
            .fold(0, |all, (a, b)| all | (a ^ b))
            == 0
}
