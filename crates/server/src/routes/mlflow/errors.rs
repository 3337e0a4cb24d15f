//! Refusals in the form of MLflow, whoever refuses: a handler, the access check, a limit, or the
//! router.
//!
//! A client asks again for minutes when the status is 408, 429, 500, 502, 503 or 504, so nothing that
//! will be refused again has one of these.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use stepwell_api::mlflow::ErrorReply;
use stepwell_api::{ErrorBody, ErrorCode};

use crate::error::Refusal;

/// What an address says at which there is nothing.
pub(super) const NO_ENDPOINT: &str = "Stepwell has no such endpoint of MLflow";

/// A response whose error, if it has one, is in MLflow's form.
pub(in crate::routes) async fn to_mlflow_error(response: Response) -> Response {
    Refusal::reshaped(response, |error, status| {
        let (status, reply) = reply(error, status);
        (status, Json(reply))
    })
}

fn reply(error: &ErrorBody, status: StatusCode) -> (StatusCode, ErrorReply) {
    let (error_code, status) = match error.code {
        ErrorCode::InvalidRequest | ErrorCode::InvalidGraph => ("INVALID_PARAMETER_VALUE", status),
        ErrorCode::Unauthorized => ("UNAUTHENTICATED", status),
        ErrorCode::Forbidden => ("PERMISSION_DENIED", status),
        ErrorCode::NotFound if error.message == NO_ENDPOINT => ("ENDPOINT_NOT_FOUND", status),
        ErrorCode::NotFound => ("RESOURCE_DOES_NOT_EXIST", status),
        ErrorCode::MethodNotAllowed => ("ENDPOINT_NOT_FOUND", StatusCode::NOT_FOUND),
        // What is there already is a bad request to MLflow.
        ErrorCode::Conflict => ("RESOURCE_ALREADY_EXISTS", StatusCode::BAD_REQUEST),
        ErrorCode::TooLarge => ("BAD_REQUEST", status),
        ErrorCode::Timeout => ("DEADLINE_EXCEEDED", status),
        ErrorCode::Busy => ("TEMPORARILY_UNAVAILABLE", status),
        ErrorCode::Storage | ErrorCode::Datastore => ("RESOURCE_EXHAUSTED", status),
        ErrorCode::Internal => ("INTERNAL_ERROR", status),
    };
    let message = Refusal::message_of(error);
    let reply = ErrorReply {
        error_code,
        message,
    };
    (status, reply)
}
