//! What a step prints, live.

use std::io::SeekFrom;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use camino::Utf8Path;
use serde::Deserialize;
use stepwell_api::ErrorReply;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::time::Instant;
use utoipa::IntoParams;

use super::runs::{WaitQuery, find, find_kept};
use crate::app::Context;
use crate::error::{ApiError, Params, Result, run_id};
use crate::limits::Turn;

/// The most bytes of one answer.
const CHUNK_MAX: u64 = 1 << 20;

/// How often a quiet log is looked at while somebody waits.
const LOOK: Duration = Duration::from_millis(25);

/// Where to read from.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogQuery {
    /// From this byte; 0 when absent.
    offset: Option<u64>,
    /// Wait for new bytes so many seconds at most; 20 when absent, 60 at most.
    timeout_s: Option<f64>,
}

/// The log of a run from a byte on: answers as soon as there is something new, the run is over,
/// or the time is up. `x-stepwell-next-offset` says where to go on, `x-stepwell-complete` whether
/// there is nothing more to come.
#[utoipa::path(get, path = "/runs/{run}/log", params(("run" = Uuid, Path), LogQuery), responses(
    (status = 200, content_type = "text/plain", body = String),
    (status = "default", body = ErrorReply)))]
pub(super) async fn read_log(
    State(app): Context,
    Extension(turn): Extension<Turn>,
    Path(run): Path<String>,
    Params(query): Params<LogQuery>,
) -> Result<Response> {
    let run = run_id(&run)?;
    turn.give_back();
    let offset = query.offset.unwrap_or(0);
    let deadline = WaitQuery {
        timeout_s: query.timeout_s,
    }
    .deadline();
    let path = app.folder.run_log(find_kept(&app, run).await?);
    let mut changes = app.engine.watch();
    loop {
        // The status is read first: what a run that is over printed is in the file by then.
        let over = find(&app, run).await?.status.is_terminal();
        let bytes = read(&path, offset).await?;
        let full = bytes.len() as u64 == CHUNK_MAX;
        if !bytes.is_empty() || over || Instant::now() >= deadline {
            return reply(bytes, offset, over && !full);
        }
        loop {
            let changed = tokio::time::timeout(LOOK, changes.recv()).await.is_ok();
            let grown = tokio::fs::metadata(&path)
                .await
                .is_ok_and(|file| file.len() > offset);
            if changed || grown || Instant::now() >= deadline {
                break;
            }
        }
    }
}

async fn read(path: &Utf8Path, offset: u64) -> Result<Vec<u8>> {
    let mut file = match tokio::fs::File::open(path).await {
        Ok(file) => file,
        // The step has not started, or the run prints nothing.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    file.seek(SeekFrom::Start(offset)).await?;
    let mut bytes = Vec::new();
    file.take(CHUNK_MAX).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

fn reply(bytes: Vec<u8>, offset: u64, complete: bool) -> Result<Response> {
    Response::builder()
        .header(CONTENT_TYPE, "text/plain; charset=utf-8")
        .header("x-stepwell-next-offset", offset + bytes.len() as u64)
        .header(
            "x-stepwell-complete",
            if complete { "true" } else { "false" },
        )
        .body(Body::from(bytes))
        .map_err(|error| ApiError::internal(&error))
}
