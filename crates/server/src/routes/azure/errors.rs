//! Refusals in the form of the original service, whoever refuses: a handler, the access check,
//! a limit, or the router.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::Response;
use stepwell_api::azure::{AzureErrorReply, InnerError, RootError};
use stepwell_api::{ErrorBody, ErrorCode};

use crate::error::Refusal;

/// A response whose error, if it has one, is in the service's form.
pub(in crate::routes) async fn to_azure_error(response: Response) -> Response {
    Refusal::reshaped(response, |error, status| (status, Json(reply(error))))
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
    let message = Refusal::message_of(error);
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
