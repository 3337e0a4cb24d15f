//! Schedules in the words of the original service.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use stepwell_api as api;
use stepwell_api::azure::{
    AzureDataPath, AzureErrorReply, DataSetDefinitionValue, PipelineRunEntity,
    PipelineSubmissionInfo,
};
use stepwell_api::azure_schedule::{
    AzureRecurrence, DataStoreTriggerInfo, PipelineScheduleEntity, RecurrenceSchedule,
    ScheduleCreationInfo,
};
use stepwell_workspace::{NewSchedule, Part, ScheduleFilter, ScheduleUpdate};
use uuid::Uuid;

use super::super::register::Register;
use super::super::schedules::{schedule_id, starts};
use super::{ActiveQuery, LIST_MAX, Named, Names, all, body, entity};
use crate::app::{App, Context};
use crate::convert;
use crate::error::{ApiError, Body, Params, Result};

const FREQUENCIES: [(&str, api::Frequency); 5] = [
    ("Month", api::Frequency::Month),
    ("Week", api::Frequency::Week),
    ("Day", api::Frequency::Day),
    ("Hour", api::Frequency::Hour),
    ("Minute", api::Frequency::Minute),
];

const WEEK_DAYS: [(&str, api::WeekDay); 7] = [
    ("Monday", api::WeekDay::Monday),
    ("Tuesday", api::WeekDay::Tuesday),
    ("Wednesday", api::WeekDay::Wednesday),
    ("Thursday", api::WeekDay::Thursday),
    ("Friday", api::WeekDay::Friday),
    ("Saturday", api::WeekDay::Saturday),
    ("Sunday", api::WeekDay::Sunday),
];

/// The routes, each under the role it asks for.
pub(super) fn routes(register: Register) -> Register {
    use utoipa_axum::routes;
    register
        .contributor(routes!(create_azure_schedule))
        .reader(routes!(list_azure_schedules))
        .reader(routes!(get_azure_schedule))
        .contributor(routes!(change_azure_schedule))
        .reader(routes!(list_azure_schedules_of_pipeline))
        .reader(routes!(list_azure_schedules_of_endpoint))
        .reader(routes!(list_runs_of_azure_schedule))
        .reader(routes!(last_run_of_azure_schedule))
}

/// Makes a schedule.
#[utoipa::path(post, path = "/Schedules/Create", tag = "azure", params(Names),
    request_body = ScheduleCreationInfo, responses(
    (status = 200, body = PipelineScheduleEntity), (status = "default", body = AzureErrorReply)))]
async fn create_azure_schedule(
    State(app): Context,
    Body(said): Body<ScheduleCreationInfo>,
) -> Result<Json<PipelineScheduleEntity>> {
    let name = said.name.unwrap_or_default();
    let trigger = trigger(said.recurrence, said.data_store_trigger_info)?;
    let trigger = trigger
        .ok_or_else(|| ApiError::invalid("give either `Recurrence` or `DataStoreTriggerInfo`"))?;
    let description = said.pipeline_submission_info.description.clone();
    let new = NewSchedule {
        name,
        description: description.unwrap_or_default(),
        starts: starts(id(said.pipeline_id)?, id(said.pipeline_endpoint_id)?)?,
        trigger: convert::schedule::trigger(trigger),
        policy: convert::schedule::policy(api::CatchUp::default(), api::Overlap::default()),
        assignments: body::assignments(&app, said.pipeline_submission_info, None).await?,
        user: String::new(),
    };
    let made = app.workspace.schedules.create(new).await?;
    Ok(Json(shown(convert::schedule::schedule(made))))
}

/// Schedules, newest first.
#[utoipa::path(get, path = "/Schedules", tag = "azure", params(Names, ActiveQuery), responses(
    (status = 200, body = Vec<PipelineScheduleEntity>),
    (status = "default", body = AzureErrorReply)))]
async fn list_azure_schedules(
    State(app): Context,
    Params(query): Params<ActiveQuery>,
) -> Result<Json<Vec<PipelineScheduleEntity>>> {
    let filter = ScheduleFilter {
        enabled_only: query.active_only.unwrap_or(false),
        ..ScheduleFilter::default()
    };
    list(&app, filter).await
}

async fn list(app: &App, filter: ScheduleFilter) -> Result<Json<Vec<PipelineScheduleEntity>>> {
    let rows = all(|part| app.workspace.schedules.list(filter, part)).await?;
    let shown = |found| shown(convert::schedule::schedule(found));
    Ok(Json(rows.into_iter().map(shown).collect()))
}

/// A schedule.
#[utoipa::path(get, path = "/Schedules/{id}", tag = "azure", params(Names, ("id" = Uuid, Path)),
    responses((status = 200, body = PipelineScheduleEntity),
    (status = "default", body = AzureErrorReply)))]
async fn get_azure_schedule(
    State(app): Context,
    Path(at): Path<Named>,
) -> Result<Json<PipelineScheduleEntity>> {
    let found = app.workspace.schedules.get(schedule_id(&at.id)?).await?;
    Ok(Json(shown(convert::schedule::schedule(found))))
}

/// Makes a schedule be as the entity says; what it does not say stays.
#[utoipa::path(put, path = "/Schedules/{id}", tag = "azure", params(Names, ("id" = Uuid, Path)),
    request_body = PipelineScheduleEntity, responses(
    (status = 200, body = PipelineScheduleEntity), (status = "default", body = AzureErrorReply)))]
async fn change_azure_schedule(
    State(app): Context,
    Path(at): Path<Named>,
    Body(said): Body<PipelineScheduleEntity>,
) -> Result<Json<PipelineScheduleEntity>> {
    let enabled = match said.entity_status.as_deref() {
        None => None,
        Some("0" | "Active") => Some(true),
        Some("1" | "2" | "Deprecated" | "Disabled") => Some(false),
        Some(other) => return Err(ApiError::invalid(format!("`{other}` is no status"))),
    };
    let (id, schedules) = (schedule_id(&at.id)?, &app.workspace.schedules);
    let before = convert::schedule::schedule(schedules.get(id).await?);
    let trigger = trigger(said.recurrence, said.data_store_trigger_info)?;
    let description = said.pipeline_submission_info.as_ref();
    let description = description.and_then(|info| info.description.clone());
    let submission = match said.pipeline_submission_info {
        Some(info) => Some(body::assignments(&app, info, None).await?),
        None => None,
    };
    // Saying the same again does not begin anew.
    let trigger = trigger.filter(|trigger| *trigger != before.trigger);
    let update = ScheduleUpdate {
        name: said.name,
        description,
        trigger: trigger.map(convert::schedule::trigger),
        assignments: submission,
        enabled: enabled.filter(|enabled| *enabled != before.enabled),
        ..ScheduleUpdate::default()
    };
    let changed = schedules.update(id, update).await?;
    Ok(Json(shown(convert::schedule::schedule(changed))))
}

/// The schedules of a published pipeline.
#[utoipa::path(get, path = "/Schedules/Pipeline/{id}", tag = "azure",
    params(Names, ("id" = Uuid, Path)), responses(
    (status = 200, body = Vec<PipelineScheduleEntity>),
    (status = "default", body = AzureErrorReply)))]
async fn list_azure_schedules_of_pipeline(
    State(app): Context,
    Path(at): Path<Named>,
) -> Result<Json<Vec<PipelineScheduleEntity>>> {
    let pipeline = id(Some(at.id))?;
    let filter = ScheduleFilter {
        pipeline,
        ..ScheduleFilter::default()
    };
    list(&app, filter).await
}

/// The schedules of a pipeline endpoint.
#[utoipa::path(get, path = "/Schedules/PipelineEndpoint/{id}", tag = "azure",
    params(Names, ("id" = Uuid, Path)), responses(
    (status = 200, body = Vec<PipelineScheduleEntity>),
    (status = "default", body = AzureErrorReply)))]
async fn list_azure_schedules_of_endpoint(
    State(app): Context,
    Path(at): Path<Named>,
) -> Result<Json<Vec<PipelineScheduleEntity>>> {
    let endpoint = id(Some(at.id))?;
    let filter = ScheduleFilter {
        endpoint,
        ..ScheduleFilter::default()
    };
    list(&app, filter).await
}

/// The runs that a schedule has started, newest first.
#[utoipa::path(get, path = "/PipelineRuns/Schedule/{id}", tag = "azure",
    params(Names, ("id" = Uuid, Path)), responses(
    (status = 200, body = Vec<PipelineRunEntity>), (status = "default", body = AzureErrorReply)))]
async fn list_runs_of_azure_schedule(
    State(app): Context,
    Path(at): Path<Named>,
) -> Result<Json<Vec<PipelineRunEntity>>> {
    Ok(Json(started(&app, &at.id, LIST_MAX).await?))
}

/// The run that a schedule has started last.
#[utoipa::path(get, path = "/PipelineRuns/Schedule/{id}/Last", tag = "azure",
    params(Names, ("id" = Uuid, Path)), responses(
    (status = 200, body = PipelineRunEntity), (status = 204, description = "There is none."),
    (status = "default", body = AzureErrorReply)))]
async fn last_run_of_azure_schedule(
    State(app): Context,
    Path(at): Path<Named>,
) -> Result<Response> {
    let last = started(&app, &at.id, 1).await?.pop();
    Ok(match last {
        Some(run) => Json(run).into_response(),
        None => axum::http::StatusCode::NO_CONTENT.into_response(),
    })
}

async fn started(app: &App, schedule: &str, limit: usize) -> Result<Vec<PipelineRunEntity>> {
    let (id, schedules) = (schedule_id(schedule)?, &app.workspace.schedules);
    let records = match limit {
        1 => schedules.runs(id, Part::first(1)).await?.rows,
        _ => all(|part| schedules.runs(id, part)).await?,
    };
    let mut shown = Vec::new();
    for record in records {
        let ready = match record.published {
            Some(pipeline) => Some(app.workspace.published.get(pipeline).await?),
            None => None,
        };
        let published = ready.as_ref().map(|ready| &ready.published);
        let steps = published.map_or(0, |published| published.steps);
        shown.push(entity::run(&record, published, steps));
    }
    Ok(shown)
}

fn id(text: Option<String>) -> Result<Option<Uuid>> {
    let text = text.filter(|text| !text.is_empty());
    let parse = |text: String| {
        text.parse()
            .map_err(|_| ApiError::invalid(format!("`{text}` is no id")))
    };
    text.map(parse).transpose()
}

/// What is said of when it fires, in our own words.
fn trigger(
    recurrence: Option<AzureRecurrence>,
    watched: Option<DataStoreTriggerInfo>,
) -> Result<Option<api::Trigger>> {
    match (recurrence, watched) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(ApiError::invalid(
            "`Recurrence` and `DataStoreTriggerInfo` exclude each other",
        )),
        (None, Some(watched)) => Ok(Some(api::Trigger::Data(api::DataTrigger {
            datastore: watched.data_store_name,
            path: watched.path_on_data_store.unwrap_or_default(),
            polling_interval: watched.polling_interval.unwrap_or(5),
            data_path_parameter: watched.data_path_parameter_name,
        }))),
        (Some(said), None) => {
            let named = said.schedule.unwrap_or_default();
            let week_days = named.week_days.filter(|days| !days.is_empty()).map(|days| {
                let day = |text: &String| chosen("day of the week", &WEEK_DAYS, text);
                days.iter().map(day).collect::<Result<Vec<_>>>()
            });
            Ok(Some(api::Trigger::Recurrence(api::Recurrence {
                frequency: chosen("frequency", &FREQUENCIES, &said.frequency)?,
                interval: said.interval,
                start_time: said.start_time,
                time_zone: said.time_zone,
                hours: named.hours.filter(|hours| !hours.is_empty()),
                minutes: named.minutes.filter(|minutes| !minutes.is_empty()),
                week_days: week_days.transpose()?,
            })))
        }
    }
}

/// One of several, by its name in any case or by its number.
fn chosen<T: Copy>(what: &str, known: &[(&str, T)], text: &str) -> Result<T> {
    let number: Option<usize> = text.parse().ok();
    let mut named = (0..).zip(known);
    let found =
        named.find(|(index, (name, _))| number == Some(*index) || name.eq_ignore_ascii_case(text));
    let found = found.map(|(_, (_, value))| *value);
    found.ok_or_else(|| ApiError::invalid(format!("`{text}` is no {what}")))
}

/// A schedule in the service's words. A cron expression has none there and is left out.
fn shown(schedule: api::Schedule) -> PipelineScheduleEntity {
    let (recurrence, watched) = match schedule.trigger {
        api::Trigger::Recurrence(recurrence) => (Some(wire(recurrence)), None),
        api::Trigger::Cron(_) => (None, None),
        api::Trigger::Data(data) => (
            None,
            Some(DataStoreTriggerInfo {
                data_store_name: data.datastore,
                polling_interval: Some(data.polling_interval),
                data_path_parameter_name: data.data_path_parameter,
                path_on_data_store: Some(data.path),
            }),
        ),
    };
    let submission = schedule.submission;
    PipelineScheduleEntity {
        name: Some(schedule.name),
        pipeline_id: schedule.pipeline.map(|id| id.to_string()),
        pipeline_endpoint_id: schedule.endpoint.map(|id| id.to_string()),
        provisioning_status: Some("0".to_owned()),
        pipeline_submission_info: Some(PipelineSubmissionInfo {
            experiment_name: Some(submission.experiment),
            description: Some(schedule.description),
            run_source: Some("Schedule".to_owned()),
            parameter_assignments: Some(submission.parameters),
            data_path_assignments: Some(submission.data_paths.into_iter().map(place).collect()),
            data_set_definition_value_assignments: Some(
                submission.datasets.into_iter().map(dataset).collect(),
            ),
            continue_run_on_step_failure: submission.continue_on_step_failure,
            schedule_id: Some(schedule.id.to_string()),
            ..PipelineSubmissionInfo::default()
        }),
        recurrence,
        id: Some(schedule.id.to_string()),
        etag: Some(format!("\"{}\"", schedule.changed_at)),
        created_date: Some(schedule.created_at),
        last_modified_date: Some(schedule.changed_at),
        entity_status: Some(if schedule.enabled { "0" } else { "2" }.to_owned()),
        schedule_type: Some(if watched.is_some() { "1" } else { "0" }.to_owned()),
        data_store_trigger_info: watched,
    }
}

fn place((name, place): (String, api::PlaceOnDatastore)) -> (String, AzureDataPath) {
    let place = AzureDataPath {
        data_store_name: place.datastore,
        relative_path: Some(place.path),
    };
    (name, place)
}

fn dataset((name, value): (String, api::DatasetValue)) -> (String, DataSetDefinitionValue) {
    (name, entity::saved(&value.id.to_string()))
}

fn wire(recurrence: api::Recurrence) -> AzureRecurrence {
    let frequency = FREQUENCIES
        .iter()
        .find(|(_, known)| *known == recurrence.frequency);
    let day = |day: &api::WeekDay| {
        let found = WEEK_DAYS.iter().find(|(_, known)| known == day);
        found.map_or(String::new(), |(name, _)| (*name).to_owned())
    };
    let days = recurrence.week_days;
    AzureRecurrence {
        frequency: frequency.map_or(String::new(), |(name, _)| (*name).to_owned()),
        interval: recurrence.interval,
        start_time: recurrence.start_time,
        time_zone: recurrence.time_zone,
        schedule: Some(RecurrenceSchedule {
            hours: recurrence.hours,
            minutes: recurrence.minutes,
            week_days: days.map(|days| days.iter().map(day).collect()),
        }),
    }
}
