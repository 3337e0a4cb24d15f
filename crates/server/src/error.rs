//! From the errors of the layers below to the answer that a client gets.
//!
//! Faults of the request are answered in full. Faults of our own are logged in full and answered in one
//! sentence, so that no path or query leaks.

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TRANSFER_ENCODING, WWW_AUTHENTICATE,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use stepwell_api::{ErrorBody, ErrorCode, ErrorReply};
use stepwell_engine::driver::EngineError;
use stepwell_model::RunId;
use stepwell_workspace::ErrorKind;
use utoipa::ToSchema;

use crate::exact;
use crate::limits::{BodiesMax, Turn, declared_size};
use crate::misfit;

/// The result of a handler.
pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

/// The error that a client gets.
#[derive(Debug)]
pub(crate) struct ApiError(ErrorBody);

/// What an answer's body says, among its extensions, for a front door with another form of errors.
#[derive(Debug, Clone)]
pub(crate) struct Refusal(pub(crate) ErrorBody);

impl Refusal {
    /// The response with its error, if it has one, in the form of another front door; its other headers
    /// stay.
    pub(crate) fn reshaped<R: IntoResponse>(
        response: Response,
        form: impl FnOnce(&ErrorBody, StatusCode) -> R,
    ) -> Response {
        let Some(Self(error)) = response.extensions().get().cloned() else {
            return response;
        };
        let mut shaped = form(&error, response.status()).into_response();
        for (name, value) in response.headers() {
            // Those of the body are its own.
            shaped
                .headers_mut()
                .entry(name)
                .or_insert_with(|| value.clone());
        }
        shaped.headers_mut().remove(CONTENT_LENGTH);
        shaped
    }

    /// The message of an error with its hint, for forms that have no place for one.
    pub(crate) fn message_of(error: &ErrorBody) -> String {
        match error.hint.as_str() {
            "" => error.message.clone(),
            hint => format!("{} ({hint})", error.message),
        }
    }
}

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(ErrorBody {
            code,
            message: message.into(),
            hint: String::new(),
        })
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
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let refusal = Refusal(self.0.clone());
        let header = match self.0.code {
            ErrorCode::Unauthorized => Some((WWW_AUTHENTICATE, "Bearer")),
            ErrorCode::Busy => Some((RETRY_AFTER, "1")),
            _ => None,
        };
        let mut response = (status, Json(ErrorReply { error: self.0 })).into_response();
        response.extensions_mut().insert(refusal);
        if let Some((name, value)) = header {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<stepwell_workspace::Error> for ApiError {
    fn from(error: stepwell_workspace::Error) -> Self {
        let code = match error.kind {
            ErrorKind::Invalid => ErrorCode::InvalidRequest,
            ErrorKind::InvalidGraph => ErrorCode::InvalidGraph,
            ErrorKind::NotFound => ErrorCode::NotFound,
            ErrorKind::Conflict => ErrorCode::Conflict,
            ErrorKind::TooLarge => ErrorCode::TooLarge,
            ErrorKind::Storage => ErrorCode::Storage,
            ErrorKind::Datastore => ErrorCode::Datastore,
            ErrorKind::Internal => ErrorCode::Internal,
        };
        Self::new(code, error.message).hint(error.hint)
    }
}

impl From<stepwell_store::Error> for ApiError {
    fn from(error: stepwell_store::Error) -> Self {
        stepwell_workspace::Error::from(error).into()
    }
}

impl From<stepwell_datastore::Error> for ApiError {
    fn from(error: stepwell_datastore::Error) -> Self {
        stepwell_workspace::Error::from(error).into()
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        stepwell_workspace::Error::from(error).into()
    }
}

impl From<std::io::Error> for ApiError {
    fn from(error: std::io::Error) -> Self {
        stepwell_workspace::Error::from(error).into()
    }
}

/// Gives the framework's own refusals the same form as all others.
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

/// A JSON body as the document describes it; what does not fit is refused with the place and the
/// reason.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned + ToSchema, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        if let Some((turn, bytes, all)) = memory_of(&request) {
            turn.hold_body(bytes, all).await?;
        }
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|rejection| match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => {
                    ApiError::new(ErrorCode::TooLarge, "the body is larger than the limit")
                }
                _ => ApiError::invalid(rejection.body_text()),
            })?;
        let value = object(&bytes)
            .map_err(|error| error.to_string())
            .and_then(exact::read)
            .map_err(|fault| ApiError::invalid(format!("the body does not fit: {fault}")))?;
        Ok(Self(value))
    }
}

/// The bytes, unless they are an array: serde would take one for an object, field by field.
fn object(bytes: &[u8]) -> std::result::Result<&[u8], String> {
    match bytes.trim_ascii_start().first() {
        Some(b'[') => Err("expected an object, not an array".to_owned()),
        _ => Ok(bytes),
    }
}

/// The turn of a request, and how much memory its body takes; one of unknown length counts as the
/// largest.
fn memory_of(request: &Request) -> Option<(Turn, u64, usize)> {
    let extensions = request.extensions();
    let (turn, all) = (extensions.get::<Turn>()?, extensions.get::<BodiesMax>()?);
    let length = declared_size(request);
    let unknown = match request.headers().contains_key(TRANSFER_ENCODING) {
        true => all.0 as u64,
        false => 0,
    };
    Some((turn.clone(), length.unwrap_or(unknown), all.0))
}

/// Query parameters of a known shape.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(value)| Self(value)).map_err(|rejection| {
            let fault = misfit::in_words(&rejection.body_text());
            ApiError::invalid(format!("the query does not fit: {fault}"))
        })
    }
}

/// The run that a path names.
pub(crate) fn run_id(text: &str) -> Result<RunId> {
    text.parse().map_err(|error: stepwell_model::ParseIdError| {
        ApiError::not_found(error.to_string()).hint("`stepwell runs` lists the runs")
    })
}
