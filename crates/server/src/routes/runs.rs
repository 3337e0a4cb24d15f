//! Runs: submit, open, list, change, cancel, wait.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::Deserialize;
use stepwell_api::{
    CancelOutcome, CancelReply, CreateRun, EndRun, ErrorReply, KeyedRun, ResubmitRun, Run,
    RunChange, RunPage, StartedRuns, SubmitRun, SubmitRuns,
};
use stepwell_engine::driver;
use stepwell_model::{RunId, RunKind, RunQuery, RunStatus};
use stepwell_store::runs::{Change, Record};
use stepwell_workspace::{NewRun, Page, Reuse, RunFilter};
use utoipa::IntoParams;
use uuid::Uuid;

use super::isolation::stays_isolated;
use super::request::{
    WaitQuery, bad_key, idempotency_key, is_key, next, note_writer, part, started,
};
use crate::access::Caller;
use crate::app::{App, Context};
use crate::convert;
use crate::error::{ApiError, Body, Params, Result, run_id};
use crate::limits::Turn;

/// Starts a run. A repeated request with the same `Idempotency-Key` gives the run of the first.
#[utoipa::path(post, path = "/runs", request_body = SubmitRun,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, body = Run), (status = 200, body = Run, description = "It was started before."),
    (status = "default", body = ErrorReply)))]
pub(super) async fn submit_run(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(mut body): Body<SubmitRun>,
) -> Result<(StatusCode, Json<Run>)> {
    body.client.user.get_or_insert_with(|| caller.user());
    let key = idempotency_key(&headers)?;
    let request = convert::submit::request(body, key, &app.datastores.default_name())?;
    if let Some(step) = caller.step() {
        stays_isolated(&app, step, [&request.template]).await?;
    }
    let accepted = app.workspace.runs.submit(request).await?;
    started(&app, accepted).await
}

/// The most runs that are started together.
const TOGETHER_MAX: usize = 1_000;

/// Starts runs together, such as the trials of a search: all of them are stored, with one sync of the
/// disk, or none. Each has a key of its own, so that a repeated request starts nothing twice, also
/// one that has other runs beside those it repeats.
#[utoipa::path(post, path = "/runs/batch", request_body = SubmitRuns, responses(
    (status = 201, body = StartedRuns), (status = "default", body = ErrorReply)))]
pub(super) async fn submit_runs(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Body(body): Body<SubmitRuns>,
) -> Result<(StatusCode, Json<StartedRuns>)> {
    if !(1..=TOGETHER_MAX).contains(&body.runs.len()) {
        return Err(
            ApiError::invalid(format!("there are {} runs", body.runs.len()))
                .hint(format!("send 1 to {TOGETHER_MAX} runs at once")),
        );
    }
    let default_datastore = app.datastores.default_name();
    let mut requests = Vec::with_capacity(body.runs.len());
    for (number, KeyedRun { key, mut run }) in body.runs.into_iter().enumerate() {
        if !is_key(&key) {
            return Err(bad_key(&format!("`runs[{number}].key`")));
        }
        run.client.user.get_or_insert_with(|| caller.user());
        requests.push(convert::submit::request(
            run,
            Some(key),
            &default_datastore,
        )?);
    }
    if let Some(step) = caller.step() {
        let templates = requests.iter().map(|request| &request.template);
        stays_isolated(&app, step, templates).await?;
    }
    let accepted = app.workspace.runs.submit_all(requests).await?;
    let runs = accepted.into_iter().map(|one| one.run().uuid()).collect();
    Ok((StatusCode::CREATED, Json(StartedRuns { runs })))
}

/// Submits what a pipeline or script run was submitted as once more: a new run with the same steps and
/// values. Steps that have succeeded are reused where that is allowed. A repeated request with the
/// same `Idempotency-Key` gives the run of the first.
#[utoipa::path(post, path = "/runs/{run}/resubmit", request_body = ResubmitRun,
    params(("run" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, body = Run), (status = 200, body = Run, description = "It was started before."),
    (status = "default", body = ErrorReply)))]
pub(super) async fn resubmit_run(
    State(app): Context,
    Path(run): Path<String>,
    headers: HeaderMap,
    Body(body): Body<ResubmitRun>,
) -> Result<(StatusCode, Json<Run>)> {
    let (run, key) = (run_id(&run)?, idempotency_key(&headers)?);
    let user = body.user.unwrap_or_default();
    let runs = &app.workspace.runs;
    let reuse = match (body.regenerate_outputs, body.from_failure) {
        (false, false) => Reuse::Allowed,
        (true, false) => Reuse::Nothing,
        (false, true) => Reuse::Succeeded,
        (true, true) => {
            let message = "`regenerate_outputs` and `from_failure` exclude each other";
            return Err(ApiError::invalid(message).hint("set one of the two"));
        }
    };
    let accepted = runs.resubmit(run, reuse, user, key).await?;
    started(&app, accepted).await
}

/// Opens a run that the asking program ends itself.
#[utoipa::path(post, path = "/runs/interactive", request_body = CreateRun, responses(
    (status = 201, body = Run), (status = "default", body = ErrorReply)))]
pub(super) async fn create_run(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Body(body): Body<CreateRun>,
) -> Result<(StatusCode, Json<Run>)> {
    let new = NewRun {
        experiment: body.experiment,
        display_name: body.display_name,
        parent: body.parent.map(RunId::new),
        snapshot: body.snapshot,
        user: body.user.unwrap_or_else(|| caller.user()),
        tags: body.tags,
        properties: body.properties,
    };
    let run = app.workspace.runs.open(new).await?;
    Ok((StatusCode::CREATED, shown(&app, run)))
}

/// A run as clients see it.
fn shown(app: &App, record: Record) -> Json<Run> {
    Json(convert::run::run(record, &app.datastores))
}

/// A page of runs as clients see them.
pub(super) fn page(app: &App, page: Page<Record>) -> Json<RunPage> {
    let shown = page.map(|record| convert::run::run(record, &app.datastores));
    Json(RunPage {
        runs: shown.rows,
        next: next(shown.next),
    })
}

/// Which runs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Whose id begins with these hexadecimal digits (four or more) or ends with them (eight or
    /// more): what people copy from a table. Steps and other children are found when no run without
    /// a parent fits. Not together with other conditions.
    #[param(pattern = "^-*([0-9a-fA-F]-*){4,32}$")]
    id: Option<String>,
    /// Of this experiment.
    experiment: Option<String>,
    /// Whose parent is this run.
    parent: Option<Uuid>,
    /// In the tree below this run.
    root: Option<Uuid>,
    /// Of this kind.
    #[param(value_type = Option<stepwell_api::RunKind>)]
    kind: Option<String>,
    /// In this status.
    #[param(value_type = Option<stepwell_api::RunStatus>)]
    status: Option<String>,
    /// That fit this query, such as `status = Failed and tags.owner = "ann" and metrics.loss <
    /// 0.1`. Fields are status, kind, experiment, name, user, created, started, ended, tags.NAME,
    /// parameters.NAME and metrics.NAME (the value logged last); operators are = != < <= > >= and ~
    /// (contains), joined by `and`, `or`, `not` and parentheses.
    filter: Option<String>,
    /// At most so many; 100 when absent, 1,000 at most.
    limit: Option<usize>,
    /// What `next` of the page before said.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

impl ListQuery {
    /// Whether it says more than an id and how many.
    const fn has_conditions(&self) -> bool {
        self.experiment.is_some()
            || self.parent.is_some()
            || self.root.is_some()
            || self.kind.is_some()
            || self.status.is_some()
            || self.filter.is_some()
            || self.cursor.is_some()
    }
}

/// Runs without a parent, newest first; or the children or tree of one, in the order they were
/// made.
#[utoipa::path(get, path = "/runs", params(ListQuery), responses(
    (status = 200, body = RunPage), (status = "default", body = ErrorReply)))]
pub(super) async fn list_runs(
    State(app): Context,
    Params(query): Params<ListQuery>,
) -> Result<Json<RunPage>> {
    let runs = &app.workspace.runs;
    if let Some(digits) = &query.id {
        if query.has_conditions() {
            return Err(ApiError::invalid("`id` goes together with `limit` only"));
        }
        let rows = runs.find_abbreviated(digits, query.limit).await?;
        return Ok(page(&app, Page { rows, next: None }));
    }
    let status = query.status.as_deref().map(status).transpose()?;
    let wanted = query.filter.as_deref().map(RunQuery::parse).transpose();
    let wanted = wanted.map_err(|error| {
        ApiError::invalid(error.to_string())
            .hint("as in `status = Failed and tags.owner = \"ann\" and metrics.loss < 0.1`")
    })?;
    let filter = RunFilter {
        top_level: query.parent.is_none() && query.root.is_none(),
        experiment: query.experiment,
        parent: query.parent.map(RunId::new),
        root: query.root.map(RunId::new),
        kind: query.kind.as_deref().map(kind).transpose()?,
        status,
        query: wanted,
        ..RunFilter::default()
    };
    let part = part(query.limit, query.cursor.as_deref())?;
    Ok(page(&app, runs.list(filter, part).await?))
}

fn kind(text: &str) -> Result<RunKind> {
    let hint = RunKind::ALL.map(RunKind::as_str).join(", ");
    RunKind::find(text).ok_or_else(|| {
        ApiError::invalid(format!("`{text}` is no kind of run")).hint(format!("one of {hint}"))
    })
}

fn status(text: &str) -> Result<RunStatus> {
    let hint = RunStatus::ALL.map(RunStatus::as_str).join(", ");
    let mut all = RunStatus::ALL.into_iter();
    let found = all.find(|status| status.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| {
        ApiError::invalid(format!("`{text}` is no status")).hint(format!("one of {hint}"))
    })
}

/// A run.
#[utoipa::path(get, path = "/runs/{run}", params(("run" = Uuid, Path)), responses(
    (status = 200, body = Run), (status = "default", body = ErrorReply)))]
pub(super) async fn get_run(State(app): Context, Path(run): Path<String>) -> Result<Json<Run>> {
    let run = app.workspace.runs.get(run_id(&run)?).await?;
    Ok(shown(&app, run))
}

/// Changes what a run's status does not depend on.
#[utoipa::path(patch, path = "/runs/{run}", params(("run" = Uuid, Path)),
    request_body = RunChange, responses(
    (status = 200, body = Run), (status = "default", body = ErrorReply)))]
pub(super) async fn change_run(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(run): Path<String>,
    Body(body): Body<RunChange>,
) -> Result<Json<Run>> {
    let run = run_id(&run)?;
    note_writer(&app, &caller, run).await?;
    let change = Change {
        display_name: body.display_name,
        description: body.description,
        set_tags: body.set_tags,
        remove_tags: body.remove_tags,
        add_properties: body.add_properties,
    };
    let changed = app.workspace.runs.update(run, change).await?;
    Ok(shown(&app, changed))
}

/// Ends a run that a program opened itself. A script or a step that is said to have failed has
/// failed, however its program ends, and is asked to stop unless its own program says so.
#[utoipa::path(post, path = "/runs/{run}/end", params(("run" = Uuid, Path)),
    request_body = EndRun, responses(
    (status = 200, body = Run), (status = "default", body = ErrorReply)))]
pub(super) async fn end_run(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(run): Path<String>,
    Body(body): Body<EndRun>,
) -> Result<Json<Run>> {
    let run = run_id(&run)?;
    let failure = body.error.map(convert::run::stored_failure);
    let status = convert::run::end_status(body.status);
    let ended = app
        .workspace
        .runs
        .end(run, status, failure, caller.step())
        .await?;
    Ok(shown(&app, ended))
}

/// Asks a run to stop. Its steps get a request, ten seconds, and then force. Cancelling a step
/// stops that step alone; its pipeline goes on as it does after a failed step.
#[utoipa::path(post, path = "/runs/{run}/cancel", params(("run" = Uuid, Path)), responses(
    (status = 200, body = CancelReply), (status = "default", body = ErrorReply)))]
pub(super) async fn cancel_run(
    State(app): Context,
    Path(run): Path<String>,
) -> Result<Json<CancelReply>> {
    let cancelled = app.workspace.runs.cancel(run_id(&run)?).await?;
    let outcome = match cancelled.outcome {
        driver::CancelOutcome::Asked => CancelOutcome::Asked,
        driver::CancelOutcome::AlreadyAsked => CancelOutcome::AlreadyAsked,
        driver::CancelOutcome::NotActive => CancelOutcome::AlreadyEnded,
    };
    let status = convert::run::status(cancelled.status);
    Ok(Json(CancelReply { outcome, status }))
}

/// Answers when the run is over, or when the time is up.
#[utoipa::path(get, path = "/runs/{run}/wait", params(("run" = Uuid, Path), WaitQuery), responses(
    (status = 200, body = Run), (status = "default", body = ErrorReply)))]
pub(super) async fn wait_for_run(
    State(app): Context,
    Extension(turn): Extension<Turn>,
    Path(run): Path<String>,
    Params(query): Params<WaitQuery>,
) -> Result<Json<Run>> {
    let run = run_id(&run)?;
    turn.give_back();
    let run = app.workspace.runs.wait(run, query.deadline()).await?;
    Ok(shown(&app, run))
}
