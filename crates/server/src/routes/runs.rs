//! Runs: submit, open, list, change, cancel, wait.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::Deserialize;
use stepwell_api::{
    CancelOutcome, CancelReply, CreateRun, EndRun, ErrorReply, Run, RunChange, RunPage, SubmitRun,
};
use stepwell_engine::driver::{self, Accepted, Submission};
use stepwell_model::{RunId, RunKind, RunStatus};
use stepwell_store::runs::{self, Filter, NewRun, Record};
use stepwell_store::{catalog, experiments};
use tokio::time::Instant;
use utoipa::IntoParams;
use uuid::Uuid;

use super::published::answer;
use crate::app::{App, Context, now};
use crate::convert;
use crate::convert::submit::{Known, experiment_name};
use crate::error::{ApiError, Body, Params, Result, run_id};
use crate::limits::Turn;
use crate::serve::Mode;
use crate::{published, sdk};

/// The most runs of one page.
const PAGE_MAX: usize = 1_000;

/// How long a waiting request may wait.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The run, or the answer that there is none.
pub(super) async fn find(app: &App, run: RunId) -> Result<Record> {
    let found = app.store.read(move |db| runs::find(db, run)).await?;
    found.ok_or_else(|| ApiError::no_run(run))
}

/// The run that the engine schedules a run as part of: a step's pipeline, else the run itself.
pub(super) fn scheduled(record: &Record) -> RunId {
    match (record.kind.as_str(), record.parent) {
        ("step", Some(parent)) => parent,
        _ => record.id,
    }
}

/// The run whose files, log and metrics a run shows: its own, unless another stands in for it.
pub(super) async fn find_shown(app: &App, run: RunId) -> Result<RunId> {
    let record = find(app, run).await?;
    Ok(record.reused_from.unwrap_or(record.id))
}

/// The same, unless its files were removed to make room.
pub(super) async fn find_kept(app: &App, run: RunId) -> Result<RunId> {
    let shown = find_shown(app, run).await?;
    match find(app, shown).await?.pruned {
        None => Ok(shown),
        Some(at) => Err(ApiError::not_found(format!(
            "the files of run {shown} were removed on {at}, to make room"
        ))
        .hint("its history and metrics stay; `stepwell gc --help` says what is removed when")),
    }
}

/// Starts a run. A repeated request with the same `Idempotency-Key` gives the run of the first.
#[utoipa::path(post, path = "/runs", request_body = SubmitRun,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, body = Run), (status = 200, body = Run, description = "It was started before."),
    (status = "default", body = ErrorReply)))]
pub(super) async fn submit_run(
    State(app): Context,
    headers: HeaderMap,
    Body(body): Body<SubmitRun>,
) -> Result<(StatusCode, Json<Run>)> {
    let key = idempotency_key(&headers)?;
    let submission = match check(&app, body, key.clone()).await {
        Ok(submission) => submission,
        // What was accepted once stays accepted, whatever was changed since.
        Err(refusal) => {
            let earlier = published::earlier(&app, key).await?.ok_or(refusal)?;
            return answer(&app, Accepted::Before(earlier)).await;
        }
    };
    if let Some(sdk) = &submission.spec.sdk_path {
        sdk::link(&app.folder, sdk)?;
    }
    let accepted = app.engine.submit(submission).await?;
    answer(&app, accepted).await
}

/// The text that makes a repeated request the same, if the client gave one.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(key) if (1..=255).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(ApiError::invalid("the Idempotency-Key cannot be used")
            .hint("give 1 to 255 plain characters, such as a UUID")),
    }
}

/// A submission that has been checked against everything there is.
pub(super) async fn check(
    app: &App,
    mut body: SubmitRun,
    key: Option<String>,
) -> Result<Submission> {
    published::look_up_all(app, &mut body).await?;
    let submission = convert::submit::submission(body, key, &known(app).await?)?;
    if let Some(parent) = submission.spec.parent {
        find(app, parent).await?;
    }
    Ok(submission)
}

/// What a submission is checked against.
pub(super) async fn known(app: &App) -> Result<Known<'_>> {
    let targets = match app.mode {
        Mode::Embedded => None,
        Mode::Shared => {
            let computes = app.store.read(catalog::list_computes).await?;
            Some(computes.into_iter().map(|compute| compute.name).collect())
        }
    };
    Ok(Known {
        cas: &app.cas,
        datastores: &app.datastores,
        targets,
    })
}

/// Opens a run that the asking program ends itself.
#[utoipa::path(post, path = "/runs/interactive", request_body = CreateRun, responses(
    (status = 201, body = Run), (status = "default", body = ErrorReply)))]
pub(super) async fn create_run(
    State(app): Context,
    Body(body): Body<CreateRun>,
) -> Result<(StatusCode, Json<Run>)> {
    let id = RunId::new(Uuid::now_v7());
    let parent = match body.parent {
        Some(parent) => Some(find(&app, RunId::new(parent)).await?),
        None => None,
    };
    let experiment = match &parent {
        Some(parent) => parent.experiment.clone(),
        None => body.experiment,
    };
    experiment_name(&experiment)?;
    let insert = move |db: &stepwell_store::Connection| {
        let made = experiments::ensure(db, &experiment, Uuid::now_v7(), now())?;
        runs::insert(
            db,
            &NewRun {
                id,
                kind: RunKind::Interactive,
                experiment: made.id,
                display_name: body.display_name.unwrap_or(experiment),
                description: String::new(),
                status: RunStatus::Running,
                parent: parent.as_ref().map(|parent| parent.id),
                root: parent.map_or(id, |parent| parent.root),
                step: None,
                step_kind: None,
                target: None,
                snapshot: body.snapshot,
                user: body.user.unwrap_or_default(),
                tags: body.tags,
                properties: body.properties,
                parameters: std::collections::BTreeMap::new(),
                outputs: Vec::new(),
                created: now(),
                idempotency_key: None,
                published: None,
            },
        )?;
        runs::find(db, id)
    };
    let made = app.store.write_durable(insert).await?;
    let run = made.ok_or_else(|| ApiError::no_run(id))?;
    Ok((
        StatusCode::CREATED,
        Json(convert::run::run(run, &app.datastores)),
    ))
}

/// Which runs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Of this experiment.
    experiment: Option<String>,
    /// Whose parent is this run.
    parent: Option<Uuid>,
    /// In the tree below this run.
    root: Option<Uuid>,
    /// Of this kind.
    kind: Option<String>,
    /// In this status.
    status: Option<String>,
    /// At most so many; 100 when absent, 1,000 at most.
    limit: Option<usize>,
    /// What `next` of the page before said.
    cursor: Option<String>,
}

/// Runs without a parent, newest first; or the children or tree of one, in the order they were
/// made.
#[utoipa::path(get, path = "/runs", params(ListQuery), responses(
    (status = 200, body = RunPage), (status = "default", body = ErrorReply)))]
pub(super) async fn list_runs(
    State(app): Context,
    Params(query): Params<ListQuery>,
) -> Result<Json<RunPage>> {
    let status = query.status.as_deref().map(|text| {
        let hint = RunStatus::ALL.map(RunStatus::as_str).join(", ");
        RunStatus::find(text).ok_or_else(|| {
            ApiError::invalid(format!("`{text}` is no status")).hint(format!("one of {hint}"))
        })
    });
    let after = query.cursor.as_deref().map(|text| {
        text.parse()
            .map_err(|_| ApiError::invalid(format!("`{text}` is no cursor")))
    });
    let filter = Filter {
        top_level: query.parent.is_none() && query.root.is_none(),
        experiment: query.experiment,
        parent: query.parent.map(RunId::new),
        root: query.root.map(RunId::new),
        kind: query.kind,
        published: None,
        status: status.transpose()?,
        after: after.transpose()?,
    };
    let limit = query.limit.unwrap_or(100).clamp(1, PAGE_MAX);
    let mut rows = app
        .store
        .read(move |db| runs::list(db, &filter, limit + 1))
        .await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|last| last.seq.to_string());
    let runs = rows
        .into_iter()
        .map(|row| convert::run::run(row, &app.datastores))
        .collect();
    Ok(Json(RunPage { runs, next }))
}

/// A run.
#[utoipa::path(get, path = "/runs/{run}", params(("run" = Uuid, Path)), responses(
    (status = 200, body = Run), (status = "default", body = ErrorReply)))]
pub(super) async fn get_run(State(app): Context, Path(run): Path<String>) -> Result<Json<Run>> {
    let record = find(&app, run_id(&run)?).await?;
    Ok(Json(convert::run::run(record, &app.datastores)))
}

/// Changes what a run's status does not depend on.
#[utoipa::path(patch, path = "/runs/{run}", params(("run" = Uuid, Path)),
    request_body = RunChange, responses(
    (status = 200, body = Run), (status = "default", body = ErrorReply)))]
pub(super) async fn change_run(
    State(app): Context,
    Path(run): Path<String>,
    Body(body): Body<RunChange>,
) -> Result<Json<Run>> {
    let run = run_id(&run)?;
    let change = runs::Change {
        display_name: body.display_name,
        description: body.description,
        set_tags: body.set_tags,
        remove_tags: body.remove_tags,
        add_properties: body.add_properties,
    };
    let changed = app
        .store
        .write(move |db| runs::change(db, run, change))
        .await?;
    let record = changed.ok_or_else(|| ApiError::no_run(run))?;
    Ok(Json(convert::run::run(record, &app.datastores)))
}

/// Ends a run that a program opened itself.
#[utoipa::path(post, path = "/runs/{run}/end", params(("run" = Uuid, Path)),
    request_body = EndRun, responses(
    (status = 200, body = Run), (status = "default", body = ErrorReply)))]
pub(super) async fn end_run(
    State(app): Context,
    Path(run): Path<String>,
    Body(body): Body<EndRun>,
) -> Result<Json<Run>> {
    let run = run_id(&run)?;
    let status = RunStatus::find(&body.status).filter(|status| status.is_terminal());
    let status = status.ok_or_else(|| {
        ApiError::invalid(format!("a run cannot end as `{}`", body.status))
            .hint("one of Completed, Failed, Canceled")
    })?;
    let failure = body.error.map(convert::run::stored_failure);
    let end = move |db: &stepwell_store::Connection| {
        runs::end(db, run, status, failure.as_ref(), now())?;
        runs::find(db, run)
    };
    let record = app
        .store
        .write_durable(end)
        .await?
        .ok_or_else(|| ApiError::no_run(run))?;
    Ok(Json(convert::run::run(record, &app.datastores)))
}

/// Asks a run to stop. Its steps get a request, ten seconds, and then force. Cancelling a step
/// cancels its pipeline run.
#[utoipa::path(post, path = "/runs/{run}/cancel", params(("run" = Uuid, Path)), responses(
    (status = 200, body = CancelReply), (status = "default", body = ErrorReply)))]
pub(super) async fn cancel_run(
    State(app): Context,
    Path(run): Path<String>,
) -> Result<Json<CancelReply>> {
    let record = find(&app, run_id(&run)?).await?;
    if record.kind == RunKind::Interactive.as_str() {
        let id = record.id;
        let end = move |db: &stepwell_store::Connection| {
            runs::end(db, id, RunStatus::Canceled, None, now())
        };
        let ended = app.store.write_durable(end).await?;
        let outcome = if ended {
            CancelOutcome::Asked
        } else {
            CancelOutcome::AlreadyEnded
        };
        let status = find(&app, id).await?.status.as_str().to_owned();
        return Ok(Json(CancelReply { outcome, status }));
    }
    let scheduled = scheduled(&record);
    let outcome = match app.engine.cancel(scheduled).await? {
        driver::CancelOutcome::Asked => CancelOutcome::Asked,
        driver::CancelOutcome::AlreadyAsked => CancelOutcome::AlreadyAsked,
        driver::CancelOutcome::NotActive => CancelOutcome::AlreadyEnded,
    };
    let status = find(&app, record.id).await?.status.as_str().to_owned();
    Ok(Json(CancelReply { outcome, status }))
}

/// How long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WaitQuery {
    /// So many seconds at most; 20 when absent, 60 at most.
    pub(super) timeout_s: Option<f64>,
}

impl WaitQuery {
    /// When to answer at the latest.
    pub(super) fn deadline(&self) -> Instant {
        let seconds = self
            .timeout_s
            .filter(|seconds| seconds.is_finite())
            .unwrap_or(20.0);
        Instant::now() + Duration::from_secs_f64(seconds.clamp(0.0, WAIT_MAX.as_secs_f64()))
    }
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
    let deadline = query.deadline();
    let mut changes = app.engine.watch();
    loop {
        let record = find(&app, run).await?;
        if record.status.is_terminal() || Instant::now() >= deadline {
            return Ok(Json(convert::run::run(record, &app.datastores)));
        }
        // Interactive runs end without the engine, so look again now and then.
        let look_again = deadline.min(Instant::now() + Duration::from_secs(1));
        let changed = async {
            while let Ok(group) = changes.recv().await {
                if group
                    .iter()
                    .any(|change| change.run == run && change.status.is_terminal())
                {
                    return;
                }
            }
        };
        // Either way the loop reads the run anew.
        drop(tokio::time::timeout_at(look_again, changed).await);
    }
}
