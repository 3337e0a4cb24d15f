//! Schedules: make, list, change, remove; their times, their ledger, their runs.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use stepwell_api::{
    CreateSchedule, ErrorReply, Ledger, Preview, PreviewTrigger, RunPage, Schedule, ScheduleChange,
    ScheduleList,
};
use stepwell_model::Timestamp;
use stepwell_store::schedules::Starts;
use stepwell_workspace::{NewSchedule, ScheduleFilter, ScheduleUpdate};
use utoipa::IntoParams;
use uuid::Uuid;

use super::request::{PageQuery, next, part};
use super::runs::page;
use crate::app::Context;
use crate::convert;
use crate::error::{ApiError, Body, Params, Result};

/// Makes a schedule; it is enabled.
#[utoipa::path(post, path = "/schedules", request_body = CreateSchedule, responses(
    (status = 201, body = Schedule), (status = "default", body = ErrorReply)))]
pub(super) async fn create_schedule(
    State(app): Context,
    Body(body): Body<CreateSchedule>,
) -> Result<(StatusCode, Json<Schedule>)> {
    let new = NewSchedule {
        name: body.name,
        description: body.description,
        starts: starts(body.pipeline, body.endpoint)?,
        trigger: convert::schedule::trigger(body.trigger),
        policy: convert::schedule::policy(body.catch_up, body.overlap),
        assignments: convert::template::assignments(body.submission),
        user: body.user.unwrap_or_default(),
    };
    let made = app.workspace.schedules.create(new).await?;
    Ok((StatusCode::CREATED, Json(convert::schedule::schedule(made))))
}

/// What a schedule starts: exactly one of both.
pub(super) fn starts(pipeline: Option<Uuid>, endpoint: Option<Uuid>) -> Result<Starts> {
    match (pipeline, endpoint) {
        (Some(pipeline), None) => Ok(Starts::Pipeline(pipeline)),
        (None, Some(endpoint)) => Ok(Starts::Endpoint(endpoint)),
        _ => Err(ApiError::invalid("give either `pipeline` or `endpoint`")
            .hint("the id of a published pipeline, or of a pipeline endpoint")),
    }
}

/// Which schedules to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only those that are enabled; all when absent.
    enabled_only: Option<bool>,
    /// Of this published pipeline.
    pipeline: Option<Uuid>,
    /// Of this pipeline endpoint.
    endpoint: Option<Uuid>,
    /// At most so many; 100 when absent, 1,000 at most.
    limit: Option<usize>,
    /// What `next` of the page before said.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// Schedules, newest first.
#[utoipa::path(get, path = "/schedules", params(ListQuery), responses(
    (status = 200, body = ScheduleList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_schedules(
    State(app): Context,
    Params(query): Params<ListQuery>,
) -> Result<Json<ScheduleList>> {
    let filter = ScheduleFilter {
        pipeline: query.pipeline,
        endpoint: query.endpoint,
        enabled_only: query.enabled_only.unwrap_or(false),
        ..ScheduleFilter::default()
    };
    let part = part(query.limit, query.cursor.as_deref())?;
    let page = app.workspace.schedules.list(filter, part).await?;
    let page = page.map(convert::schedule::schedule);
    Ok(Json(ScheduleList {
        schedules: page.rows,
        next: next(page.next),
    }))
}

/// A schedule.
#[utoipa::path(get, path = "/schedules/{id}", params(("id" = Uuid, Path)), responses(
    (status = 200, body = Schedule), (status = "default", body = ErrorReply)))]
pub(super) async fn get_schedule(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<Json<Schedule>> {
    let found = app.workspace.schedules.get(schedule_id(&id)?).await?;
    Ok(Json(convert::schedule::schedule(found)))
}

/// Changes a schedule: what it is, when it fires, or whether it fires at all. Other times count
/// from now on.
#[utoipa::path(patch, path = "/schedules/{id}", params(("id" = Uuid, Path)),
    request_body = ScheduleChange, responses(
    (status = 200, body = Schedule), (status = "default", body = ErrorReply)))]
pub(super) async fn change_schedule(
    State(app): Context,
    Path(id): Path<String>,
    Body(body): Body<ScheduleChange>,
) -> Result<Json<Schedule>> {
    let update = ScheduleUpdate {
        name: body.name,
        description: body.description,
        trigger: body.trigger.map(convert::schedule::trigger),
        catch_up: body.catch_up.map(convert::schedule::catch_up),
        overlap: body.overlap.map(convert::schedule::overlap),
        assignments: body.submission.map(convert::template::assignments),
        enabled: body.enabled,
    };
    let schedules = &app.workspace.schedules;
    let changed = schedules.update(schedule_id(&id)?, update).await?;
    Ok(Json(convert::schedule::schedule(changed)))
}

/// Removes a schedule and its ledger. Its runs stay.
#[utoipa::path(delete, path = "/schedules/{id}", params(("id" = Uuid, Path)), responses(
    (status = 204), (status = "default", body = ErrorReply)))]
pub(super) async fn delete_schedule(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    app.workspace.schedules.delete(schedule_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How many times, and after which.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PreviewQuery {
    /// So many; 10 when absent, 1,000 at most.
    count: Option<usize>,
    /// After this moment, as `2026-01-31T09:30:00Z`; the next ones when absent.
    #[param(format = DateTime)]
    after: Option<String>,
}

/// The times of a schedule that come next, also of one that is disabled.
#[utoipa::path(get, path = "/schedules/{id}/preview", params(("id" = Uuid, Path), PreviewQuery),
    responses((status = 200, body = Preview), (status = "default", body = ErrorReply)))]
pub(super) async fn preview_schedule(
    State(app): Context,
    Path(id): Path<String>,
    Params(query): Params<PreviewQuery>,
) -> Result<Json<Preview>> {
    let after = query.after.as_deref().map(moment).transpose()?;
    let schedules = &app.workspace.schedules;
    let preview = schedules.preview(schedule_id(&id)?, after, query.count);
    Ok(Json(convert::schedule::preview(&preview.await?)))
}

fn moment(text: &str) -> Result<Timestamp> {
    let moment = text.parse::<jiff::Timestamp>();
    let moment = moment.map(|moment| Timestamp::from_millis(moment.as_millisecond()));
    moment.map_err(|_| {
        ApiError::invalid("`after` is no moment").hint("write it as `2026-01-31T09:30:00Z`")
    })
}

/// The times that a schedule with this trigger would have, if it were made now.
#[utoipa::path(post, path = "/schedules/preview", request_body = PreviewTrigger, responses(
    (status = 200, body = Preview), (status = "default", body = ErrorReply)))]
pub(super) async fn preview_trigger(
    State(app): Context,
    Body(body): Body<PreviewTrigger>,
) -> Result<Json<Preview>> {
    let trigger = convert::schedule::trigger(body.trigger);
    let preview = app.workspace.schedules.preview_of(&trigger, body.count)?;
    Ok(Json(convert::schedule::preview(&preview)))
}

/// What became of each time of a schedule, newest first.
#[utoipa::path(get, path = "/schedules/{id}/ledger", params(("id" = Uuid, Path), PageQuery),
    responses((status = 200, body = Ledger), (status = "default", body = ErrorReply)))]
pub(super) async fn show_ledger(
    State(app): Context,
    Path(id): Path<String>,
    Params(query): Params<PageQuery>,
) -> Result<Json<Ledger>> {
    let schedules = &app.workspace.schedules;
    let page = schedules.ledger(schedule_id(&id)?, query.part()?).await?;
    let page = page.map(|(line, outcome)| convert::schedule::line(line, &outcome));
    Ok(Json(Ledger {
        lines: page.rows,
        next: next(page.next),
    }))
}

/// The runs that a schedule has started, newest first.
#[utoipa::path(get, path = "/schedules/{id}/runs", params(("id" = Uuid, Path), PageQuery),
    responses((status = 200, body = RunPage), (status = "default", body = ErrorReply)))]
pub(super) async fn list_runs_of_schedule(
    State(app): Context,
    Path(id): Path<String>,
    Params(query): Params<PageQuery>,
) -> Result<Json<RunPage>> {
    let schedules = &app.workspace.schedules;
    let runs = schedules.runs(schedule_id(&id)?, query.part()?).await?;
    Ok(page(&app, runs))
}

/// The schedule that a path names.
pub(super) fn schedule_id(text: &str) -> Result<Uuid> {
    text.parse().map_err(|_| {
        ApiError::not_found(format!("there is no schedule `{text}`"))
            .hint("`stepwell schedule list` lists them")
    })
}
