//! Schedules: make, list, change, remove; their times, their ledger, their runs.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use stepwell_api::{
    CreateSchedule, ErrorReply, Ledger, Preview, PreviewTrigger, RunPage, Schedule, ScheduleChange,
    ScheduleList, SubmitPublished,
};
use stepwell_model::Timestamp;
use stepwell_schedule::{DataTrigger, Listing, Times, Trigger};
use stepwell_store::schedules::{self as store, FileChange, Filter, Progress, Starts};
use stepwell_store::{Connection, runs};
use utoipa::IntoParams;
use uuid::Uuid;

use super::published::cursor;
use crate::app::{App, Context, now};
use crate::convert;
use crate::convert::schedule::Read;
use crate::convert::submit::experiment_name;
use crate::error::{ApiError, Body, Params, Result};
use crate::published;
use crate::schedules::{Alteration, Lister as _, lister};

/// The most schedules, lines, runs or times of one page.
const PAGE_MAX: usize = 1_000;

/// Makes a schedule; it is enabled.
#[utoipa::path(post, path = "/schedules", request_body = CreateSchedule, responses(
    (status = 201, body = Schedule), (status = "default", body = ErrorReply)))]
pub(super) async fn create_schedule(
    State(app): Context,
    Body(body): Body<CreateSchedule>,
) -> Result<(StatusCode, Json<Schedule>)> {
    Ok((StatusCode::CREATED, Json(create(&app, body).await?)))
}

/// Makes a schedule, whoever's words it was asked for in.
pub(super) async fn create(app: &App, body: CreateSchedule) -> Result<Schedule> {
    check_name(&body.name)?;
    let starts = match (body.pipeline, body.endpoint) {
        (Some(pipeline), None) => Starts::Pipeline(pipeline),
        (None, Some(endpoint)) => Starts::Endpoint(endpoint),
        _ => {
            return Err(ApiError::invalid("give either `pipeline` or `endpoint`")
                .hint("the id of a published pipeline, or of a pipeline endpoint"));
        }
    };
    let now = now();
    let trigger = convert::schedule::trigger(body.trigger);
    let times = times(&trigger, now)?;
    check_submission(app, starts, &body.submission, &trigger).await?;
    let files = match &trigger {
        Trigger::Data(data) => Some(look(app, data).await?),
        _ => None,
    };
    let policy = convert::schedule::policy(body.catch_up, body.overlap);
    let row = store::Schedule {
        seq: 0,
        id: Uuid::new_v4(),
        name: body.name,
        description: body.description,
        starts,
        trigger_json: json(&trigger)?,
        trigger_set: now,
        policy_json: json(&policy)?,
        submission_json: json(&body.submission)?,
        progress: Progress {
            enabled: true,
            cursor: times.map_or(now, |times| times.begin(now)),
            disabled_until: Timestamp::from_millis(0),
        },
        user: body.user.unwrap_or_default(),
        created: now,
        changed: now,
    };
    let insert = move |db: &Connection| {
        let seq = store::insert(db, &row)?;
        if let Some(files) = files {
            store::change_files(db, seq, &known_files(files))?;
        }
        Ok(store::Schedule { seq, ..row })
    };
    let made = app.store.write_durable(insert).await?;
    app.schedules.added(made.clone());
    convert::schedule::schedule(made)
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
    cursor: Option<String>,
}

/// Schedules, newest first.
#[utoipa::path(get, path = "/schedules", params(ListQuery), responses(
    (status = 200, body = ScheduleList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_schedules(
    State(app): Context,
    Params(query): Params<ListQuery>,
) -> Result<Json<ScheduleList>> {
    let filter = Filter {
        pipeline: query.pipeline,
        endpoint: query.endpoint,
        enabled_only: query.enabled_only.unwrap_or(false),
        before: cursor(query.cursor.as_deref())?,
    };
    let limit = query.limit.unwrap_or(100).clamp(1, PAGE_MAX);
    let read = move |db: &Connection| store::list(db, filter, limit + 1);
    let mut rows = app.store.read(read).await?;
    let next = cut(&mut rows, limit, |row| row.seq);
    let schedules = rows.into_iter().map(convert::schedule::schedule);
    Ok(Json(ScheduleList {
        schedules: schedules.collect::<Result<_>>()?,
        next,
    }))
}

/// A schedule.
#[utoipa::path(get, path = "/schedules/{id}", params(("id" = Uuid, Path)), responses(
    (status = 200, body = Schedule), (status = "default", body = ErrorReply)))]
pub(super) async fn get_schedule(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<Json<Schedule>> {
    let row = find(&app, &id).await?;
    Ok(Json(convert::schedule::schedule(row)?))
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
    Ok(Json(change(&app, &id, body).await?))
}

/// Changes a schedule, whoever's words it was asked for in.
pub(super) async fn change(app: &App, id: &str, body: ScheduleChange) -> Result<Schedule> {
    let row = find(app, id).await?;
    let alteration = alteration(app, &row, body).await?;
    let changed = app.schedules.change(row.id, alteration).await?;
    let changed = changed.ok_or_else(|| no_schedule(id))?;
    convert::schedule::schedule(changed)
}

/// What changes of a row, checked.
async fn alteration(app: &App, row: &store::Schedule, body: ScheduleChange) -> Result<Alteration> {
    if let Some(name) = &body.name {
        check_name(name)?;
    }
    let Read {
        trigger: trigger_before,
        policy: policy_before,
        submission: submission_before,
    } = convert::schedule::read(row)?;
    let trigger = body.trigger.map(convert::schedule::trigger);
    let mut baseline = None;
    if let Some(trigger) = &trigger {
        times(trigger, now())?;
        if let Trigger::Data(data) = trigger
            && !same_folder(&trigger_before, data)
        {
            baseline = Some(look(app, data).await?);
        }
    }
    if trigger.is_some() || body.submission.is_some() {
        let submission = body.submission.as_ref().unwrap_or(&submission_before);
        let trigger = trigger.as_ref().unwrap_or(&trigger_before);
        check_submission(app, row.starts, submission, trigger).await?;
    }
    let policies = convert::schedule::wire_policy(policy_before);
    let policy = (body.catch_up.is_some() || body.overlap.is_some()).then(|| {
        let (catch_up, overlap) = policies;
        convert::schedule::policy(
            body.catch_up.unwrap_or(catch_up),
            body.overlap.unwrap_or(overlap),
        )
    });
    Ok(Alteration {
        name: body.name,
        description: body.description,
        trigger_json: trigger.as_ref().map(json).transpose()?,
        policy_json: policy.as_ref().map(json).transpose()?,
        submission_json: body.submission.as_ref().map(json).transpose()?,
        enabled: body.enabled,
        baseline,
    })
}

/// Removes a schedule and its ledger. Its runs stay.
#[utoipa::path(delete, path = "/schedules/{id}", params(("id" = Uuid, Path)), responses(
    (status = 204), (status = "default", body = ErrorReply)))]
pub(super) async fn delete_schedule(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    match app.schedules.remove(schedule_id(&id)?).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(no_schedule(&id)),
    }
}

/// How many times, and after which.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PreviewQuery {
    /// So many; 10 when absent, 1,000 at most.
    count: Option<usize>,
    /// After this moment, as `2026-01-31T09:30:00Z`; the next ones when absent.
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
    let row = find(&app, &id).await?;
    let Read { trigger, .. } = convert::schedule::read(&row)?;
    let times = times(&trigger, row.trigger_set)?.ok_or_else(goes_by_data)?;
    let after = match query.after.as_deref().map(str::parse::<jiff::Timestamp>) {
        None if row.progress.enabled => row.progress.cursor,
        None => now(),
        Some(Ok(after)) => Timestamp::from_millis(after.as_millisecond()),
        Some(Err(_)) => {
            return Err(ApiError::invalid("`after` is no moment")
                .hint("write it as `2026-01-31T09:30:00Z`"));
        }
    };
    let count = query.count.unwrap_or(10).clamp(1, PAGE_MAX);
    Ok(Json(convert::schedule::preview(&times, after, count)))
}

/// The times that a schedule with this trigger would have, if it were made now.
#[utoipa::path(post, path = "/schedules/preview", request_body = PreviewTrigger, responses(
    (status = 200, body = Preview), (status = "default", body = ErrorReply)))]
pub(super) async fn preview_trigger(Body(body): Body<PreviewTrigger>) -> Result<Json<Preview>> {
    let now = now();
    let trigger = convert::schedule::trigger(body.trigger);
    let times = times(&trigger, now)?.ok_or_else(goes_by_data)?;
    let count = body.count.unwrap_or(10).clamp(1, PAGE_MAX);
    let preview = convert::schedule::preview(&times, times.begin(now), count);
    Ok(Json(preview))
}

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// At most so many; 100 when absent, 1,000 at most.
    limit: Option<usize>,
    /// What `next` of the page before said.
    cursor: Option<String>,
}

/// What became of each time of a schedule, newest first.
#[utoipa::path(get, path = "/schedules/{id}/ledger", params(("id" = Uuid, Path), PageQuery),
    responses((status = 200, body = Ledger), (status = "default", body = ErrorReply)))]
pub(super) async fn show_ledger(
    State(app): Context,
    Path(id): Path<String>,
    Params(query): Params<PageQuery>,
) -> Result<Json<Ledger>> {
    let row = find(&app, &id).await?;
    let before = cursor(query.cursor.as_deref())?;
    let limit = query.limit.unwrap_or(100).clamp(1, PAGE_MAX);
    let read = move |db: &Connection| store::ledger(db, row.seq, before, limit + 1);
    let mut lines = app.store.read(read).await?;
    let next = cut(&mut lines, limit, |line| line.seq);
    let lines = lines.into_iter().map(convert::schedule::line);
    Ok(Json(Ledger {
        lines: lines.collect::<Result<_>>()?,
        next,
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
    let row = find(&app, &id).await?;
    let before = cursor(query.cursor.as_deref())?;
    let limit = query.limit.unwrap_or(100).clamp(1, PAGE_MAX);
    let read = move |db: &Connection| {
        let mut lines = store::fired(db, row.seq, before, limit + 1)?;
        let next = cut(&mut lines, limit, |line| line.seq);
        let mut found = Vec::new();
        for run in lines.iter().filter_map(|line| line.run) {
            found.extend(runs::find(db, run)?);
        }
        Ok((found, next))
    };
    let (found, next) = app.store.read(read).await?;
    let shown = found.into_iter();
    let runs = shown
        .map(|run| convert::run::run(run, &app.datastores))
        .collect();
    Ok(Json(RunPage { runs, next }))
}

/// Cuts a page that was read one too long; gives the cursor of the next.
fn cut<T>(rows: &mut Vec<T>, limit: usize, seq: impl Fn(&T) -> i64) -> Option<String> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    rows.last().filter(|_| more).map(|row| seq(row).to_string())
}

pub(super) async fn find(app: &App, id: &str) -> Result<store::Schedule> {
    let wanted = schedule_id(id)?;
    let found = app.store.read(move |db| store::find(db, wanted)).await?;
    found.ok_or_else(|| no_schedule(id))
}

fn schedule_id(text: &str) -> Result<Uuid> {
    text.parse().map_err(|_| no_schedule(text))
}

fn no_schedule(id: &str) -> ApiError {
    ApiError::not_found(format!("there is no schedule `{id}`"))
        .hint("`stepwell schedule list` lists them")
}

fn goes_by_data() -> ApiError {
    ApiError::invalid("the schedule goes by data and has no times")
        .hint("its ledger tells what it has found")
}

fn check_name(name: &str) -> Result<()> {
    if name.trim().is_empty() || name.chars().count() > 255 || name.contains(char::is_control) {
        return Err(
            ApiError::invalid(format!("`{name}` cannot name a schedule"))
                .hint("use 1 to 255 characters without line breaks"),
        );
    }
    Ok(())
}

/// The times of a trigger that was set at a moment, or why it has none.
fn times(trigger: &Trigger, set: Timestamp) -> Result<Option<Times>> {
    trigger
        .times(set, jiff::tz::db())
        .map_err(|error| ApiError::invalid(error.to_string()))
}

/// Whether the schedule's runs could start: the pipeline is there and takes what it is given.
async fn check_submission(
    app: &App,
    starts: Starts,
    submission: &SubmitPublished,
    trigger: &Trigger,
) -> Result<()> {
    experiment_name(&submission.experiment)?;
    let pipeline = match starts {
        Starts::Pipeline(pipeline) => pipeline,
        Starts::Endpoint(endpoint) => {
            let endpoint = published::find_endpoint(app, endpoint).await?;
            let default = endpoint.pipeline(endpoint.default_version);
            default.ok_or_else(|| ApiError::internal(&"an endpoint without its default version"))?
        }
    };
    let ready = app.templates.get(app, pipeline).await?;
    let declared = &ready.template.parameters;
    let given = submission.parameters.keys();
    let given = given
        .chain(submission.data_paths.keys())
        .chain(submission.datasets.keys());
    let watched = match trigger {
        Trigger::Data(data) => data.data_path_parameter.as_ref(),
        _ => None,
    };
    for name in given.chain(watched) {
        if !declared.contains_key(name) {
            let names: Vec<&str> = declared.keys().map(String::as_str).collect();
            return Err(ApiError::invalid(format!(
                "published pipeline `{}` has no parameter `{name}`",
                ready.published.name
            ))
            .hint(match names[..] {
                [] => "it has none".to_owned(),
                _ => format!("it has {}", names.join(", ")),
            }));
        }
    }
    if let Some(name) = watched
        && !matches!(
            declared.get(name),
            Some(stepwell_model::Parameter::DataPath(_))
        )
    {
        return Err(ApiError::invalid(format!(
            "parameter `{name}` is not a data path, so it cannot be given the path that changed"
        ))
        .hint("give the name of a parameter whose default is a `DataPath`"));
    }
    Ok(())
}

/// What a folder holds at the moment.
async fn look(app: &App, data: &DataTrigger) -> Result<Listing> {
    let path = &data.path;
    if !path.is_empty() && !convert::ports::is_relative(path.trim_matches('/')) {
        return Err(ApiError::invalid(format!(
            "`{path}` cannot be a path on a datastore"
        )));
    }
    let lister = lister(&app.datastores);
    let listed = lister.list(&data.datastore, path).await;
    listed.map_err(|reason| ApiError::invalid(format!("the folder cannot be watched: {reason}")))
}

fn known_files(listing: Listing) -> Vec<FileChange> {
    let known = |(path, print)| FileChange {
        path,
        seen: Some((print, false)),
    };
    listing.into_iter().map(known).collect()
}

fn same_folder(before: &Trigger, after: &DataTrigger) -> bool {
    matches!(before, Trigger::Data(before)
        if before.datastore == after.datastore && before.path == after.path)
}

fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| ApiError::internal(&error))
}
