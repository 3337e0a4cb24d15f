//! What a step prints, live.

use std::io::SeekFrom;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use axum::{Extension, Json};
use camino::Utf8Path;
use serde::Deserialize;
use stepwell_api::{ErrorReply, LogTime, LogTimes};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::time::Instant;
use utoipa::IntoParams;

use super::request::{WaitQuery, seconds};
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
    #[serde(default, deserialize_with = "seconds")]
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
    let path = app
        .folder
        .run_log(app.workspace.runs.with_files(run).await?);
    let mut changes = app.engine.watch();
    loop {
        // The status is read first: what a run that is over printed is in the file by then.
        let over = app.workspace.runs.get(run).await?.status.is_terminal();
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

/// The most entries of one answer; of more, every second one is left out until they fit.
const TIMES_MAX: usize = 10_000;

/// When the log of a run grew: what a line was printed by, to about a second.
#[utoipa::path(get, path = "/runs/{run}/log/times", params(("run" = Uuid, Path)), responses(
    (status = 200, body = LogTimes), (status = "default", body = ErrorReply)))]
pub(super) async fn read_log_times(
    State(app): Context,
    Path(run): Path<String>,
) -> Result<Json<LogTimes>> {
    let run = app.workspace.runs.with_files(run_id(&run)?).await?;
    let path = app.folder.run_log_times(run);
    let text = match tokio::fs::read_to_string(path).await {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.into()),
    };
    let mut times: Vec<LogTime> = text.lines().filter_map(time).collect();
    while times.len() > TIMES_MAX {
        let mut place = 0;
        times.retain(|_| {
            place += 1;
            place % 2 == 0
        });
    }
    Ok(Json(LogTimes { times }))
}

fn time(line: &str) -> Option<LogTime> {
    let (length, at_ms) = line.split_once(' ')?;
    Some(LogTime {
        length: length.parse().ok()?,
        at_ms: at_ms.parse().ok()?,
    })
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
