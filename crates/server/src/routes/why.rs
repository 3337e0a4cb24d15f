//! Why steps ran or were reused, and what a submission would do.

use axum::Json;
use axum::extract::{Path, State};
use stepwell_api::{ErrorReply, ReuseOutcome, SubmitRun, Why, WhyList};
use stepwell_engine::driver::{self, Explanation};
use stepwell_model::{Failure, Graph, RunStatus, StepIndex};
use stepwell_store::runs::{self, Record};
use stepwell_store::{Connection, journal, reuse};

use super::runs::{check, find, scheduled};
use crate::app::Context;
use crate::error::{ApiError, Body, Result, run_id};

/// Why the steps of a pipeline run, or one step, ran or were reused.
#[utoipa::path(get, path = "/runs/{run}/why", params(("run" = Uuid, Path)), responses(
    (status = 200, body = WhyList), (status = "default", body = ErrorReply)))]
pub(super) async fn explain_run(
    State(app): Context,
    Path(run): Path<String>,
) -> Result<Json<WhyList>> {
    let record = find(&app, run_id(&run)?).await?;
    let scheduled = scheduled(&record);
    let read = move |db: &Connection| {
        let graph = journal::find_graph(db, scheduled)?;
        let rows = match record.kind.as_str() {
            "pipeline" => runs::steps(db, scheduled)?,
            _ => vec![record],
        };
        let texts = rows.iter().map(|row| {
            let step = StepIndex(row.step.unwrap_or(0));
            let lost = journal::interruptions(db, scheduled, step)?;
            Ok((reuse::explanation(db, row.id)?, lost))
        });
        let texts = texts.collect::<stepwell_store::Result<Vec<_>>>()?;
        Ok((graph, rows, texts))
    };
    let (graph, rows, texts) = app.store.read(read).await?;
    let Some((spec, graph)) = graph else {
        return Err(ApiError::not_found(format!("run {scheduled} has no steps")));
    };
    let steps = rows.into_iter().zip(texts).map(|(row, (text, lost))| {
        let explanation = text.and_then(|text| serde_json::from_str(&text).ok());
        let mut why = why(&row, explanation, &graph, spec.regenerate_outputs);
        let went_on = |(attempt, failure): (u32, Failure)| {
            let next = attempt + 1;
            let cause = failure.summary;
            format!("attempt {attempt} was interrupted ({cause}); attempt {next} goes on from it")
        };
        why.reasons.extend(lost.into_iter().map(went_on));
        why
    });
    Ok(Json(WhyList {
        steps: steps.collect(),
    }))
}

fn why(row: &Record, explanation: Option<Explanation>, graph: &Graph, regenerate: bool) -> Why {
    let allowed = row
        .step
        .is_some_and(|step| graph.step(StepIndex(step)).spec.allow_reuse);
    let (outcome, reasons) = match (&explanation, row.status) {
        (Some(_), _) if row.reused_from.is_some() => (ReuseOutcome::Reused, Vec::new()),
        (Some(_), _) => (ReuseOutcome::Runs, Vec::new()),
        (None, _) if regenerate => (
            ReuseOutcome::Runs,
            vec!["regenerate_outputs is set for this run".to_owned()],
        ),
        (None, _) if !allowed => (
            ReuseOutcome::Runs,
            vec!["allow_reuse is False for this step".to_owned()],
        ),
        (None, RunStatus::Canceled) => {
            let message = row.failure.as_ref().map(|failure| failure.message.clone());
            (ReuseOutcome::Undecided, message.into_iter().collect())
        }
        (None, _) => (
            ReuseOutcome::Undecided,
            vec!["it waits for the steps before it".to_owned()],
        ),
    };
    let told = explanation.map(|told| (told.reasons, told.compared_with));
    let (reasons, compared_with) = told.unwrap_or((reasons, None));
    Why {
        run: Some(row.id.uuid()),
        step: row.display_name.clone(),
        outcome,
        reasons,
        compared_with: compared_with.map(|run| run.uuid()),
    }
}

/// Says which steps of a submission would run and which would be reused, and why. Nothing is
/// stored and nothing is started.
#[utoipa::path(post, path = "/plan", request_body = SubmitRun, responses(
    (status = 200, body = WhyList), (status = "default", body = ErrorReply)))]
pub(super) async fn plan_run(
    State(app): Context,
    Body(body): Body<SubmitRun>,
) -> Result<Json<WhyList>> {
    let submission = check(&app, body, None).await?;
    let (site, cas, planned) = (app.site.clone(), app.cas.clone(), submission.clone());
    let seen = driver::look(&site, &submission).await;
    let plan = move |db: &Connection| driver::plan(db, &site, cas, &planned, &seen);
    let plans = app.store.read(plan).await?;
    let steps = submission
        .graph
        .steps()
        .iter()
        .zip(plans)
        .map(|(step, plan)| Why {
            run: None,
            step: step.spec.name.clone(),
            outcome: match plan.outcome {
                driver::ReuseOutcome::Hit => ReuseOutcome::Reused,
                driver::ReuseOutcome::Miss | driver::ReuseOutcome::Unknown => ReuseOutcome::Runs,
            },
            reasons: plan.reasons,
            compared_with: plan.compared_with.map(|run| run.uuid()),
        });
    Ok(Json(WhyList {
        steps: steps.collect(),
    }))
}
