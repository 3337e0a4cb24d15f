//! Refusals in the words of the original service, whoever refuses: a handler, the access check,
//! a limit, or the router.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use stepwell_api::azure::{AzureErrorReply, InnerError, RootError};
use stepwell_api::{ErrorBody, ErrorCode};

use crate::error::Told;

/// Says an answer's error anew, where the request was made in the service's words.
pub(in crate::routes) async fn speak(request: Request, next: Next) -> Response {
    let asked = request.uri().path().starts_with("/pipelines/");
    let response = next.run(request).await;
    match response.extensions().get::<Told>().cloned() {
        Some(Told(error)) if asked => {
            let mut said = (response.status(), Json(reply(&error))).into_response();
            for (name, value) in response.headers() {
                // Those of the body are its own.
                said.headers_mut()
                    .entry(name)
                    .or_insert_with(|| value.clone());
            }
            said.headers_mut().remove(CONTENT_LENGTH);
            said
        }
        _ => response,
    }
}

fn reply(error: &ErrorBody) -> AzureErrorReply {
    let inner = match error.code {
        ErrorCode::InvalidRequest | ErrorCode::InvalidGraph => "BadArgument",
        ErrorCode::Unauthorized => "Unauthorized",
        ErrorCode::Forbidden => "Forbidden",
        ErrorCode::NotFound => "NotFound",
        ErrorCode::MethodNotAllowed => "MethodNotAllowed",
        ErrorCode::Timeout => "Timeout",
        ErrorCode::Conflict => "Conflict",
        ErrorCode::TooLarge => "TooLarge",
        ErrorCode::Busy => "Busy",
        ErrorCode::Storage => "Storage",
        ErrorCode::Datastore => "Datastore",
        ErrorCode::Internal => "Internal",
    };
    let message = match error.hint.as_str() {
        "" => error.message.clone(),
        hint => format!("{} ({hint})", error.message),
    };
    AzureErrorReply {
        error: RootError {
            code: match error.code.status() {
                400..500 => "UserError",
                _ => "ServiceError",
            }
            .to_owned(),
            message,
            target: String::new(),
            details: Vec::new(),
            inner_error: InnerError {
                code: inner.to_owned(),
            },
        },
        correlation: BTreeMap::new(),
    }
}
