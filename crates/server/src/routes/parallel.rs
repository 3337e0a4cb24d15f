//! How far a parallel step is, as its driver last wrote it down.

use axum::Json;
use axum::extract::{Path, State};
use stepwell_api::{ErrorReply, ParallelProgress, ParallelTally, ParallelWorker};
use stepwell_parallel::core::{Tally, WorkerView};
use stepwell_parallel::driver::{PROGRESS, Progress};

use crate::app::Context;
use crate::error::{ApiError, Result, run_id};

/// How far a parallel step is: counts, pace, time left, and each worker.
#[utoipa::path(get, path = "/runs/{run}/parallel", params(("run" = Uuid, Path)), responses(
    (status = 200, body = ParallelProgress), (status = "default", body = ErrorReply)))]
pub(super) async fn show_parallel(
    State(app): Context,
    Path(run): Path<String>,
) -> Result<Json<ParallelProgress>> {
    let run = run_id(&run)?;
    app.workspace.runs.get(run).await?;
    let path = app.folder.state(app.workspace.runs.shown(run).await?);
    let text = match tokio::fs::read(path.join(PROGRESS)).await {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(ApiError::not_found(format!(
                "run {run} is no parallel step that has started"
            )));
        }
        Err(error) => return Err(error.into()),
    };
    let progress: Progress =
        serde_json::from_slice(&text).map_err(|error| ApiError::internal(&error))?;
    Ok(Json(convert(progress)))
}

fn convert(progress: Progress) -> ParallelProgress {
    let Tally {
        planned,
        done,
        failed,
        wavering,
        failed_tries,
        items,
        failed_items,
        rows,
    } = progress.tally;
    ParallelProgress {
        state: progress.state,
        tally: ParallelTally {
            planned,
            done,
            failed,
            wavering,
            failed_tries,
            items,
            failed_items,
            rows,
        },
        all_planned: progress.all_planned,
        in_flight: progress.in_flight,
        items_per_s: progress.items_per_s,
        left_s: progress.left_s,
        elapsed_ms: progress.elapsed_ms,
        reason: progress.reason,
        workers: progress.workers.into_iter().map(worker).collect(),
    }
}

fn worker(view: WorkerView) -> ParallelWorker {
    ParallelWorker {
        node: view.node,
        place: view.worker.slot,
        life: view.worker.life,
        state: view.state,
        batch: view.batch,
        for_ms: view.for_ms,
    }
}
