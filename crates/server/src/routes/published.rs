//! Published pipelines: publish, list, enable, disable, start.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use stepwell_api as api;
use stepwell_api::{
    ErrorReply, PublishPipeline, PublishedChange, PublishedList, PublishedPipeline,
    PublishedStatus, Run, RunPage, SubmitPublished,
};
use stepwell_engine::driver::Accepted;
use stepwell_model::{RunId, RunKind, Template};
use stepwell_store::journal;
use stepwell_store::published as store;
use utoipa::IntoParams;
use uuid::Uuid;

use super::runs::{find, idempotency_key, known};
use crate::app::{App, Context, now};
use crate::convert;
use crate::error::{ApiError, Body, Params, Result, run_id};
use crate::published;

/// The most pipelines, or runs, of one page.
const PAGE_MAX: usize = 1_000;

/// Publishes a pipeline, or the pipeline of a run. It never changes and is never deleted.
#[utoipa::path(post, path = "/published", request_body = PublishPipeline, responses(
    (status = 201, body = PublishedPipeline), (status = "default", body = ErrorReply)))]
pub(super) async fn publish_pipeline(
    State(app): Context,
    Body(mut body): Body<PublishPipeline>,
) -> Result<(StatusCode, Json<PublishedPipeline>)> {
    let template = match (body.pipeline.take(), body.run) {
        (Some(pipeline), None) => sent(&app, *pipeline).await?,
        (None, Some(run)) => of_run(&app, RunId::new(run)).await?,
        _ => {
            return Err(ApiError::invalid("give either `pipeline` or `run`")
                .hint("`pipeline` is what `POST /runs` takes, `run` the id of a pipeline run"));
        }
    };
    let published = published::published(body, &template, now())?;
    let shown = show(&published);
    published::keep(&app, published, template).await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// The template of a pipeline that a client sends.
pub(super) async fn sent(app: &App, mut body: api::SubmitRun) -> Result<Template> {
    if body.kind != "pipeline" {
        return Err(ApiError::invalid("only a pipeline can be published"));
    }
    published::look_up_all(app, &mut body).await?;
    let (template, values) = convert::submit::open(body, &known(app).await?)?;
    Ok(template.with_defaults(&values)?)
}

/// The template of a pipeline that has run.
pub(super) async fn of_run(app: &App, run: RunId) -> Result<Template> {
    let record = find(app, run).await?;
    if record.kind != RunKind::Pipeline.as_str() {
        return Err(ApiError::invalid(format!(
            "run {run} is a {} run; only a pipeline can be published",
            record.kind
        )));
    }
    let found = app
        .store
        .read(move |db| journal::find_graph(db, run))
        .await?;
    let (spec, graph) = found.ok_or_else(|| ApiError::no_run(run))?;
    Ok(Template::of_run(spec, &graph))
}

/// Which published pipelines to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only those that can be started; all when absent.
    active_only: Option<bool>,
    /// At most so many; 100 when absent, 1,000 at most.
    limit: Option<usize>,
    /// What `next` of the page before said.
    pub(super) cursor: Option<String>,
}

impl ListQuery {
    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(100).clamp(1, PAGE_MAX)
    }

    pub(super) fn active_only(&self) -> bool {
        self.active_only.unwrap_or(false)
    }
}

/// Published pipelines, newest first.
#[utoipa::path(get, path = "/published", params(ListQuery), responses(
    (status = 200, body = PublishedList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_published(
    State(app): Context,
    Params(query): Params<ListQuery>,
) -> Result<Json<PublishedList>> {
    let before = cursor(query.cursor.as_deref())?;
    let (limit, active_only) = (query.limit(), query.active_only());
    let read = move |db: &_| store::list(db, active_only, before, limit + 1);
    let mut rows = app.store.read(read).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.seq.to_string());
    let pipelines = rows.iter().map(show).collect();
    Ok(Json(PublishedList { pipelines, next }))
}

pub(super) fn cursor(text: Option<&str>) -> Result<Option<i64>> {
    let parse = |text: &str| {
        text.parse()
            .map_err(|_| ApiError::invalid(format!("`{text}` is no cursor")))
    };
    text.map(parse).transpose()
}

/// A published pipeline.
#[utoipa::path(get, path = "/published/{id}", params(("id" = Uuid, Path)), responses(
    (status = 200, body = PublishedPipeline), (status = "default", body = ErrorReply)))]
pub(super) async fn get_published(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<Json<PublishedPipeline>> {
    let ready = app.templates.get(&app, pipeline_id(&id)?).await?;
    Ok(Json(show(&ready.published)))
}

/// Lets a published pipeline be started, or not.
#[utoipa::path(patch, path = "/published/{id}", params(("id" = Uuid, Path)),
    request_body = PublishedChange, responses(
    (status = 200, body = PublishedPipeline), (status = "default", body = ErrorReply)))]
pub(super) async fn change_published(
    State(app): Context,
    Path(id): Path<String>,
    Body(body): Body<PublishedChange>,
) -> Result<Json<PublishedPipeline>> {
    let id = pipeline_id(&id)?;
    published::set_active(&app, id, body.status == PublishedStatus::Active).await?;
    let ready = app.templates.get(&app, id).await?;
    Ok(Json(show(&ready.published)))
}

/// The steps of a published pipeline, as they were sent.
#[utoipa::path(get, path = "/published/{id}/pipeline", params(("id" = Uuid, Path)), responses(
    (status = 200, body = api::SubmitRun), (status = "default", body = ErrorReply)))]
pub(super) async fn show_template(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<Json<api::SubmitRun>> {
    let ready = app.templates.get(&app, pipeline_id(&id)?).await?;
    Ok(Json(convert::template::pipeline(&ready.template)))
}

/// The steps of a pipeline run, as they could be published; the values of its parameters are the
/// defaults.
#[utoipa::path(get, path = "/runs/{run}/pipeline", params(("run" = Uuid, Path)), responses(
    (status = 200, body = api::SubmitRun), (status = "default", body = ErrorReply)))]
pub(super) async fn show_pipeline_of_run(
    State(app): Context,
    Path(run): Path<String>,
) -> Result<Json<api::SubmitRun>> {
    let template = of_run(&app, run_id(&run)?).await?;
    Ok(Json(convert::template::pipeline(&template)))
}

/// Starts a run of a published pipeline. A repeated request with the same `Idempotency-Key` gives
/// the run of the first.
#[utoipa::path(post, path = "/published/{id}/submit", request_body = SubmitPublished,
    params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, body = Run), (status = 200, body = Run, description = "It was started before."),
    (status = "default", body = ErrorReply)))]
pub(super) async fn submit_published(
    State(app): Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<SubmitPublished>,
) -> Result<(StatusCode, Json<Run>)> {
    let key = idempotency_key(&headers)?;
    let started = published::start(&app, pipeline_id(&id)?, body, key).await?;
    answer(&app, started.accepted).await
}

/// A run that was started, now or before.
pub(super) async fn answer(app: &App, accepted: Accepted) -> Result<(StatusCode, Json<Run>)> {
    let status = match accepted {
        Accepted::New(_) => StatusCode::CREATED,
        Accepted::Before(_) => StatusCode::OK,
    };
    let run = find(app, accepted.run()).await?;
    Ok((status, Json(convert::run::run(run, &app.datastores))))
}

/// Which runs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RunsQuery {
    /// At most so many; 100 when absent, 1,000 at most.
    limit: Option<usize>,
    /// What `next` of the page before said.
    cursor: Option<String>,
}

/// The runs of a published pipeline, newest first.
#[utoipa::path(get, path = "/published/{id}/runs", params(("id" = Uuid, Path), RunsQuery),
    responses((status = 200, body = RunPage), (status = "default", body = ErrorReply)))]
pub(super) async fn list_runs_of_published(
    State(app): Context,
    Path(id): Path<String>,
    Params(query): Params<RunsQuery>,
) -> Result<Json<RunPage>> {
    let id = pipeline_id(&id)?;
    app.templates.get(&app, id).await?;
    let before = cursor(query.cursor.as_deref())?;
    let limit = query.limit.unwrap_or(100).clamp(1, PAGE_MAX);
    let read = move |db: &_| store::runs_of(db, id, before, limit + 1);
    let mut rows = app.store.read(read).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.seq.to_string());
    let shown = rows
        .into_iter()
        .map(|row| convert::run::run(row, &app.datastores));
    Ok(Json(RunPage {
        runs: shown.collect(),
        next,
    }))
}

/// The pipeline that a path names.
pub(super) fn pipeline_id(text: &str) -> Result<Uuid> {
    text.parse().map_err(|_| {
        ApiError::not_found(format!("`{text}` is not the id of a published pipeline"))
            .hint("`stepwell published` lists them")
    })
}

pub(super) fn show(published: &store::Published) -> PublishedPipeline {
    let parameters = published.parameters.iter();
    let parameters =
        parameters.map(|(name, value)| (name.clone(), convert::template::shown(value)));
    PublishedPipeline {
        id: published.id,
        name: published.name.clone(),
        description: published.description.clone(),
        version: published.version.clone(),
        status: match published.active {
            true => PublishedStatus::Active,
            false => PublishedStatus::Disabled,
        },
        continue_on_step_failure: published.goes_on,
        steps: published.steps,
        parameters: parameters.collect(),
        run: published.run.map(|run| run.uuid()),
        user: published.user.clone(),
        created_at: published.created.to_string(),
        changed_at: published.changed.to_string(),
    }
}
