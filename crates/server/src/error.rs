//! From the errors of the layers below to what a client is told.
//!
//! Faults of the request are told in full. Faults of our own are logged in full and told in one
//! sentence, so that no path or query leaks.

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use stepwell_api::{ErrorBody, ErrorCode, ErrorReply};
use stepwell_engine::driver::EngineError;
use stepwell_model::RunId;

/// The result of a handler.
pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

/// What a client is told when it is not what it asked for.
#[derive(Debug)]
pub(crate) struct ApiError(ErrorBody);

/// What an answer's body says, beside the answer, for those who say it in other words.
#[derive(Debug, Clone)]
pub(crate) struct Told(pub(crate) ErrorBody);

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(ErrorBody {
            code,
            message: message.into(),
            hint: String::new(),
        })
    }

    /// What a client would be told.
    pub(crate) fn into_body(self) -> ErrorBody {
        self.0
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = hint.into();
        self
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, message)
    }

    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, what)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Conflict, message)
    }

    pub(crate) fn no_run(run: RunId) -> Self {
        Self::not_found(format!("there is no run {run}"))
            .hint("`stepwell runs` lists the runs of this workspace")
    }

    pub(crate) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed by a fault of the server");
        Self::new(ErrorCode::Internal, "the server has a fault").hint("its log says more")
    }

    pub(crate) fn storage(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "the data folder cannot be written");
        Self::new(ErrorCode::Storage, error.to_string())
            .hint("free some space or mend the folder's permissions, then try again")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let told = Told(self.0.clone());
        let header = match self.0.code {
            ErrorCode::Unauthorized => Some((WWW_AUTHENTICATE, "Bearer")),
            ErrorCode::Busy => Some((RETRY_AFTER, "1")),
            _ => None,
        };
        let mut response = (status, Json(ErrorReply { error: self.0 })).into_response();
        response.extensions_mut().insert(told);
        if let Some((name, value)) = header {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<stepwell_store::Error> for ApiError {
    fn from(error: stepwell_store::Error) -> Self {
        match error {
            stepwell_store::Error::Conflict(message) => Self::conflict(message),
            error if error.is_storage() => Self::storage(&error),
            error if error.is_out_of_range() => {
                Self::invalid("a number is larger than 9,223,372,036,854,775,807")
            }
            error => Self::internal(&error),
        }
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Graph(error) => Self::new(ErrorCode::InvalidGraph, error.to_string()),
            EngineError::Store(error) => error.into(),
            EngineError::Data(_) | EngineError::Stopped => Self::internal(&error),
        }
    }
}

impl From<std::io::Error> for ApiError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{
            InvalidFilename, InvalidInput, IsADirectory, NotADirectory, PermissionDenied,
            QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        match error.kind() {
            StorageFull | QuotaExceeded | PermissionDenied | ReadOnlyFilesystem => {
                Self::storage(&error)
            }
            InvalidFilename | InvalidInput | IsADirectory | NotADirectory => {
                Self::invalid("no file can have this name or place")
                    .hint("names have at most 255 bytes, and a file is no folder")
            }
            _ => Self::internal(&error),
        }
    }
}

/// Says in our own words what the framework refused in its: every refusal looks alike.
pub(crate) async fn reword(response: Response) -> Response {
    let status = response.status();
    let is_json = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if is_json || !status.is_client_error() {
        return response;
    }
    let code = match status {
        StatusCode::NOT_FOUND => ErrorCode::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ErrorCode::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::TooLarge,
        _ => ErrorCode::InvalidRequest,
    };
    let (mut parts, body) = response.into_parts();
    let words = axum::body::to_bytes(body, 4_096).await.unwrap_or_default();
    let words = String::from_utf8_lossy(&words).trim().to_owned();
    let words = match words.is_empty() {
        true => format!("the request is refused with status {}", status.as_u16()),
        false => words,
    };
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove(CONTENT_TYPE);
    let mut response = ApiError::new(code, words).into_response();
    *response.status_mut() = status;
    response.headers_mut().extend(parts.headers);
    response
}

/// A JSON body of a known shape; what does not fit is refused with the place and the reason.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|rejection| match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => {
                    ApiError::new(ErrorCode::TooLarge, "the body is larger than the limit")
                }
                _ => ApiError::invalid(rejection.body_text()),
            })?;
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| ApiError::invalid(format!("the body does not fit: {error}")))?;
        Ok(Self(value))
    }
}

/// Query parameters of a known shape.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(value)| Self(value)).map_err(|rejection| {
            ApiError::invalid(format!("the query does not fit: {}", rejection.body_text()))
        })
    }
}

/// The run that a path names.
pub(crate) fn run_id(text: &str) -> Result<RunId> {
    text.parse().map_err(|error: stepwell_model::ParseIdError| {
        ApiError::not_found(error.to_string()).hint("`stepwell runs` lists the runs")
    })
}
