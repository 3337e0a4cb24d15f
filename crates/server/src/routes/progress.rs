//! How far a step of Stepwell's own is, as its worker last wrote it down.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Map, Value};
use stepwell_api::ErrorReply;

use crate::app::Context;
use crate::error::{ApiError, Result, run_id};

/// The file in a step's folder of state.
const PROGRESS: &str = "progress.json";

/// The longest that is read: it is meant for people.
const PROGRESS_MAX: u64 = 1 << 20;

/// How far a step is: an object whose fields are those of its kind.
#[utoipa::path(get, path = "/runs/{run}/progress", params(("run" = Uuid, Path)), responses(
    (status = 200, body = Object), (status = "default", body = ErrorReply)))]
pub(super) async fn show_progress(
    State(app): Context,
    Path(run): Path<String>,
) -> Result<Json<Map<String, Value>>> {
    let run = run_id(&run)?;
    app.workspace.runs.get(run).await?;
    let shown = app.workspace.runs.shown(run).await?;
    let path = app.folder.state(shown).join(PROGRESS);
    let text = match tokio::fs::metadata(&path).await {
        Ok(about) if about.len() <= PROGRESS_MAX => tokio::fs::read(&path).await,
        Ok(_) => Err(std::io::ErrorKind::FileTooLarge.into()),
        Err(error) => Err(error),
    };
    match text {
        Ok(text) => {
            let progress = serde_json::from_slice(&text);
            Ok(Json(progress.map_err(|error| ApiError::internal(&error))?))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(ApiError::not_found(
            format!("run {run} is no step that shows its progress"),
        )),
        Err(error) => Err(error.into()),
    }
}
