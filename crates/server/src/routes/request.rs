//! What requests of several routes have in common: parts of lists, keys that make a request
//! repeatable, and how long one may wait.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Deserializer};
use stepwell_api::Run;
use stepwell_engine::driver::Accepted;
use stepwell_model::RunId;
use stepwell_workspace::{NamedPart, Part};
use tokio::time::Instant;
use utoipa::IntoParams;

use crate::access::Caller;
use crate::app::App;
use crate::convert;
use crate::error::{ApiError, Result};

/// How long a waiting request may wait.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// At most so many; 100 when absent, 1,000 at most.
    limit: Option<usize>,
    /// What `next` of the page before said.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

impl PageQuery {
    pub(super) fn part(&self) -> Result<Part> {
        part(self.limit, self.cursor.as_deref())
    }
}

/// Which part of a list that is sorted by name.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct NamedQuery {
    /// At most so many, 1 at least; all when absent.
    limit: Option<usize>,
    /// What `next` of the page before said.
    cursor: Option<String>,
}

impl NamedQuery {
    pub(super) fn part(self) -> NamedPart {
        NamedPart {
            after: self.cursor,
            limit: self.limit.map(|limit| limit.max(1)),
        }
    }
}

/// The part of a list that a query names.
pub(super) fn part(limit: Option<usize>, cursor: Option<&str>) -> Result<Part> {
    let after = cursor.map(place).transpose()?;
    Ok(Part { limit, after })
}

/// The place in a list that a cursor names.
pub(super) fn place(cursor: &str) -> Result<i64> {
    let is_plain = cursor.len() <= 18 && cursor.bytes().all(|byte| byte.is_ascii_digit());
    let place = cursor.parse().ok().filter(|_| is_plain);
    place.ok_or_else(|| ApiError::invalid(format!("`{cursor}` is no cursor")))
}

/// A number of seconds: neither infinite nor no number at all, which the document cannot say either.
pub(super) fn seconds<'de, D: Deserializer<'de>>(
    text: D,
) -> std::result::Result<Option<f64>, D::Error> {
    let seconds = Option::<f64>::deserialize(text)?;
    match seconds.is_none_or(f64::is_finite) {
        true => Ok(seconds),
        false => Err(serde::de::Error::custom("it is no number of seconds")),
    }
}

/// The cursor of the next page as clients send it back.
pub(super) fn next(cursor: Option<i64>) -> Option<String> {
    cursor.map(|cursor| cursor.to_string())
}

/// The text that makes a repeated request the same, if the client gave one.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(key) if is_key(key) => Ok(Some(key.to_owned())),
        _ => Err(bad_key("the Idempotency-Key")),
    }
}

/// Whether a text may be the key of a request.
pub(super) fn is_key(text: &str) -> bool {
    let is_plain = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
    (1..=255).contains(&text.len()) && text.bytes().all(is_plain)
}

/// The refusal of one that may not; `what` names it.
pub(super) fn bad_key(what: &str) -> ApiError {
    ApiError::invalid(format!("{what} cannot be used"))
        .hint("give 1 to 255 plain characters, such as a UUID")
}

/// Takes note of a step's program that writes to a run.
pub(super) async fn note_writer(app: &App, caller: &Caller, run: RunId) -> Result<()> {
    match caller.step() {
        Some(step) => Ok(app.workspace.runs.note_write(step, run).await?),
        None => Ok(()),
    }
}

/// The answer that a run was started, now or before.
pub(super) async fn started(app: &App, accepted: Accepted) -> Result<(StatusCode, Json<Run>)> {
    let status = match accepted {
        Accepted::New(_) => StatusCode::CREATED,
        Accepted::Before(_) => StatusCode::OK,
    };
    let run = app.workspace.runs.get(accepted.run()).await?;
    Ok((status, Json(convert::run::run(run, &app.datastores))))
}

/// How long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WaitQuery {
    /// So many seconds at most; 20 when absent, 60 at most.
    #[serde(default, deserialize_with = "seconds")]
    pub(super) timeout_s: Option<f64>,
}

impl WaitQuery {
    /// When to answer at the latest.
    pub(super) fn deadline(&self) -> Instant {
        let seconds = self.timeout_s.unwrap_or(20.0);
        Instant::now() + Duration::from_secs_f64(seconds.clamp(0.0, WAIT_MAX.as_secs_f64()))
    }
}
