//! The trials of a search of hyperparameters.

use axum::Json;
use axum::extract::{Path, State};
use stepwell_api::{ErrorReply, Trial, Trials};

use crate::app::Context;
use crate::convert::run::status;
use crate::error::{Result, run_id};

/// The trials of a search, best first.
#[utoipa::path(get, path = "/runs/{run}/trials", params(("run" = Uuid, Path)), responses(
    (status = 200, body = Trials), (status = "default", body = ErrorReply)))]
pub(super) async fn list_trials(
    State(app): Context,
    Path(run): Path<String>,
) -> Result<Json<Trials>> {
    let found = app.workspace.runs.trials(run_id(&run)?).await?;
    let shown = |trial: stepwell_workspace::Trial| Trial {
        run: trial.run.id.uuid(),
        name: trial.run.display_name,
        status: status(trial.run.status),
        values: trial.values,
        best: trial.best,
    };
    Ok(Json(Trials {
        metric: found.metric,
        is_more_better: found.is_more_better,
        trials: found.trials.into_iter().map(shown).collect(),
    }))
}
