//! Ray's Jobs API: plain HTTP with JSON, at the address of the cluster's dashboard.

use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::{Http, NoAnswer, token};

/// The longest part of a refusal that is shown, from its end, in bytes.
const SAID_MAX: usize = 500;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ApiError {
    /// Nobody answers now; later somebody may.
    #[error("{0}")]
    Silent(String),
    /// There is no such job.
    #[error("it knows no such job")]
    Unknown,
    /// A job of that id is there already.
    #[error("a job of that id is there already")]
    Exists,
    /// The answer is no.
    #[error("{0}")]
    Refused(String),
}

/// Asks one cluster.
#[derive(Debug)]
pub(super) struct Api {
    http: Http,
    pub(super) token_file: Option<String>,
}

impl Api {
    pub(super) fn new(address: String, token_file: Option<String>) -> Self {
        Self {
            http: Http::new(address),
            token_file,
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        let text = self.call(Method::GET, path, None).await?;
        serde_json::from_slice(&text).map_err(|error| {
            let address = &self.http.address;
            ApiError::Refused(format!("{address}{path} is not Ray's Jobs API: {error}"))
        })
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<(), ApiError> {
        self.call(Method::POST, path, Some(body)).await.map(drop)
    }

    pub(super) async fn delete(&self, path: &str) -> Result<(), ApiError> {
        self.call(Method::DELETE, path, None).await.map(drop)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Vec<u8>, ApiError> {
        let called = self.http.call(method, path, body, |request| {
            Ok(match &self.token_file {
                Some(path) => request.bearer_auth(token(path)?),
                None => request,
            })
        });
        let (status, text) = called.await.map_err(|error| match error {
            NoAnswer::Silent(said) => ApiError::Silent(said),
            NoAnswer::Never(said) => ApiError::Refused(said),
        })?;
        match status.is_success() {
            true => Ok(text),
            false => Err(refusal(status, &String::from_utf8_lossy(&text))),
        }
    }
}

/// What an answer that is no success says. The head node passes on what the agent that does the
/// work has said, with 500 for everything.
fn refusal(status: StatusCode, text: &str) -> ApiError {
    let said = format!("it answers {}: {}", status.as_u16(), gist(text));
    if text.contains("already exists") {
        return ApiError::Exists;
    }
    match status {
        StatusCode::NOT_FOUND if text.contains("does not exist") => ApiError::Unknown,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => ApiError::Silent(said),
        status if status.is_client_error() => ApiError::Refused(said),
        _ if text.contains("status code 400") => ApiError::Refused(said),
        _ => ApiError::Silent(said),
    }
}

/// The last lines of a text, which for Python's tracebacks are those that say what it is.
fn gist(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && *line != ".")
        .collect();
    let last = lines.last().copied().unwrap_or("nothing");
    let mut begin = last.len().saturating_sub(SAID_MAX);
    while !last.is_char_boundary(begin) {
        begin += 1;
    }
    last[begin..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_it_is() {
        let traceback = "Traceback (most recent call last):\n  File \"a.py\", line 1\n\
                         RuntimeError: Request failed with status code 400: Traceback:\n\
                         ValueError: Job with submission_id a already exists. Please use a \
                         different submission_id.\n.\n";
        let of = |status: u16, text: &str| {
            refusal(StatusCode::from_u16(status).expect("a status"), text)
        };
        assert_eq!(of(500, traceback), ApiError::Exists);
        assert_eq!(of(404, "Job a does not exist"), ApiError::Unknown);
        let busy = of(
            500,
            "No available agent to submit job, please try again later.",
        );
        assert!(matches!(busy, ApiError::Silent(_)), "{busy:?}");
        let invalid = "RuntimeError: Request failed with status code 400: Traceback:\n\
                       ValueError: Label key-value is invalid";
        let text = "it answers 500: ValueError: Label key-value is invalid".to_owned();
        assert_eq!(of(500, invalid), ApiError::Refused(text));
        assert!(matches!(of(401, "Unauthorized"), ApiError::Refused(_)));
        assert!(matches!(of(404, "<html>"), ApiError::Refused(_)));
    }
}
