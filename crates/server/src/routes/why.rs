//! Why steps ran or were reused, and what a submission would do.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use stepwell_api::{ErrorReply, ReuseOutcome, SubmitRun, Why, WhyList};
use stepwell_engine::driver::{self, Explanation};
use stepwell_model::{Failure, Graph, RunStatus, StepIndex};
use stepwell_store::runs::Record;

use crate::access::Caller;
use crate::access::veil::reasons_shown_to;
use crate::app::Context;
use crate::convert;
use crate::error::{Body, Result, run_id};

/// Why the steps of a pipeline run, or one step, ran or were reused.
#[utoipa::path(get, path = "/runs/{run}/why", params(("run" = Uuid, Path)), responses(
    (status = 200, body = WhyList), (status = "default", body = ErrorReply)))]
pub(super) async fn explain_run(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(run): Path<String>,
) -> Result<Json<WhyList>> {
    let known = app.workspace.runs.why(run_id(&run)?).await?;
    let (graph, regenerate) = (known.graph, known.regenerate_outputs);
    let steps = known.steps.into_iter();
    let steps = steps.map(|step| {
        let mut shown = why(&step.record, step.explanation, &graph, regenerate);
        reasons_shown_to(&caller, &mut shown.reasons);
        let resumed = |(attempt, failure): (u32, Failure)| {
            let next = attempt + 1;
            let cause = failure.summary;
            format!("attempt {attempt} was interrupted ({cause}); attempt {next} continues from it")
        };
        shown
            .reasons
            .extend(step.interruptions.into_iter().map(resumed));
        if let Some(wait) = &step.record.waiting {
            let message = wait.reason.message(&wait.detail);
            let message = format!("it {message}, since {}", wait.since);
            match shown.outcome {
                // That it waits for the steps before it is no longer so.
                ReuseOutcome::Undecided => shown.reasons = vec![message],
                ReuseOutcome::Runs | ReuseOutcome::Reused => shown.reasons.push(message),
            }
        }
        shown
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
    let usage = row.usage.as_ref().filter(|_| row.reused_from.is_none());
    let start = usage.and_then(|usage| usage.start.as_ref());
    let known = explanation.map(|known| (known.reasons, known.compared_with));
    let (reasons, compared_with) = known.unwrap_or((reasons, None));
    Why {
        run: Some(row.id.uuid()),
        step: row.display_name.clone(),
        outcome,
        reasons,
        compared_with: compared_with.map(|run| run.uuid()),
        start: start.map(ToString::to_string),
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
    let request = convert::submit::request(body, None, &app.datastores.default_name())?;
    let plans = app.workspace.runs.plan(request).await?.into_iter();
    let steps = plans.map(|(step, plan)| Why {
        run: None,
        step,
        outcome: match plan.outcome {
            driver::ReuseOutcome::Hit => ReuseOutcome::Reused,
            driver::ReuseOutcome::Miss | driver::ReuseOutcome::Unknown => ReuseOutcome::Runs,
        },
        reasons: plan.reasons,
        compared_with: plan.compared_with.map(|run| run.uuid()),
        start: None,
    });
    Ok(Json(WhyList {
        steps: steps.collect(),
    }))
}
