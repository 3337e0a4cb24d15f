//! Published pipelines: publish, list, enable, disable, start.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::Value;
use stepwell_api as api;
use stepwell_api::{
    ErrorReply, PublishPipeline, PublishedChange, PublishedList, PublishedPipeline,
    PublishedStatus, Run, RunPage, SubmitPublished,
};
use stepwell_model::RunId;
use stepwell_store::published::Published;
use stepwell_workspace::{NewPublished, Part, PipelineSource, Unknown};
use utoipa::IntoParams;
use uuid::Uuid;

use super::request::{PageQuery, idempotency_key, next, part, started};
use super::runs::page;
use crate::access::Caller;
use crate::access::veil::shown_to;
use crate::app::{App, Context};
use crate::convert;
use crate::error::{ApiError, Body, Params, Result, run_id};

/// Publishes a pipeline, or the pipeline of a run. It never changes and is never deleted.
#[utoipa::path(post, path = "/published", request_body = PublishPipeline, responses(
    (status = 201, body = PublishedPipeline), (status = "default", body = ErrorReply)))]
pub(super) async fn publish_pipeline(
    State(app): Context,
    Body(body): Body<PublishPipeline>,
) -> Result<(StatusCode, Json<PublishedPipeline>)> {
    let source = match (body.pipeline, body.run) {
        (Some(pipeline), None) => sent(&app, *pipeline)?,
        (None, Some(run)) => PipelineSource::Run(RunId::new(run)),
        _ => {
            return Err(ApiError::invalid("give either `pipeline` or `run`")
                .hint("`pipeline` is what `POST /runs` takes, `run` the id of a pipeline run"));
        }
    };
    let about = NewPublished {
        name: body.name,
        description: body.description,
        version: body.version,
        continue_on_step_failure: body.continue_on_step_failure,
        user: body.user.unwrap_or_default(),
    };
    let published = app.workspace.published.publish(about, source).await?;
    Ok((StatusCode::CREATED, Json(show(&published))))
}

/// The pipeline that a client sends.
pub(super) fn sent(app: &App, body: api::SubmitRun) -> Result<PipelineSource> {
    if body.kind != "pipeline" {
        return Err(ApiError::invalid("only a pipeline can be published"));
    }
    let (template, values) = convert::submit::open(body, &app.datastores.default_name())?;
    Ok(PipelineSource::Sent(Box::new(template), values))
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
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

impl ListQuery {
    pub(super) fn part(&self) -> Result<Part> {
        part(self.limit, self.cursor.as_deref())
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
    let published = &app.workspace.published;
    let page = published.list(query.active_only(), query.part()?).await?;
    Ok(Json(PublishedList {
        pipelines: page.rows.iter().map(show).collect(),
        next: next(page.next),
    }))
}

/// A published pipeline.
#[utoipa::path(get, path = "/published/{id}", params(("id" = Uuid, Path)), responses(
    (status = 200, body = PublishedPipeline), (status = "default", body = ErrorReply)))]
pub(super) async fn get_published(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<Json<PublishedPipeline>> {
    let ready = app.workspace.published.get(pipeline_id(&id)?).await?;
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
    let (id, active) = (pipeline_id(&id)?, body.status == PublishedStatus::Active);
    let ready = app.workspace.published.set_active(id, active).await?;
    Ok(Json(show(&ready.published)))
}

/// The steps of a published pipeline, as they were sent.
#[utoipa::path(get, path = "/published/{id}/pipeline", params(("id" = Uuid, Path)), responses(
    (status = 200, body = api::SubmitRun), (status = "default", body = ErrorReply)))]
pub(super) async fn show_template(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    let ready = app.workspace.published.get(pipeline_id(&id)?).await?;
    let pipeline = convert::template::pipeline(&ready.template);
    Ok(Json(shown_to(&caller, &pipeline)))
}

/// The steps of a run, as they could be published; the values of its parameters are the defaults.
/// Of a script run it is the script, of a step the pipeline that it belongs to.
#[utoipa::path(get, path = "/runs/{run}/pipeline", params(("run" = Uuid, Path)), responses(
    (status = 200, body = api::SubmitRun), (status = "default", body = ErrorReply)))]
pub(super) async fn show_pipeline_of_run(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(run): Path<String>,
) -> Result<Json<Value>> {
    let template = app.workspace.published.submitted(run_id(&run)?).await?;
    let pipeline = convert::template::pipeline(&template);
    Ok(Json(shown_to(&caller, &pipeline)))
}

/// Starts a run of a published pipeline. A repeated request with the same `Idempotency-Key` gives
/// the run of the first.
#[utoipa::path(post, path = "/published/{id}/submit", request_body = SubmitPublished,
    params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, body = Run), (status = 200, body = Run, description = "It was started before."),
    (status = "default", body = ErrorReply)))]
pub(super) async fn submit_published(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(mut body): Body<SubmitPublished>,
) -> Result<(StatusCode, Json<Run>)> {
    let key = idempotency_key(&headers)?;
    body.user.get_or_insert_with(|| caller.user());
    let assignments = convert::template::assignments(body);
    let published = &app.workspace.published;
    let run = published.start(pipeline_id(&id)?, assignments, Unknown::Refuse, key);
    started(&app, run.await?.accepted).await
}

/// The runs of a published pipeline, newest first.
#[utoipa::path(get, path = "/published/{id}/runs", params(("id" = Uuid, Path), PageQuery),
    responses((status = 200, body = RunPage), (status = "default", body = ErrorReply)))]
pub(super) async fn list_runs_of_published(
    State(app): Context,
    Path(id): Path<String>,
    Params(query): Params<PageQuery>,
) -> Result<Json<RunPage>> {
    let published = &app.workspace.published;
    let runs = published.runs(pipeline_id(&id)?, query.part()?).await?;
    Ok(page(&app, runs))
}

/// The pipeline that a path names.
pub(super) fn pipeline_id(text: &str) -> Result<Uuid> {
    text.parse().map_err(|_| {
        ApiError::not_found(format!("`{text}` is not the id of a published pipeline"))
            .hint("`stepwell published` lists them")
    })
}

pub(super) fn show(published: &Published) -> PublishedPipeline {
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
        continue_on_step_failure: published.continue_on_failure,
        steps: published.steps,
        parameters: parameters.collect(),
        run: published.run.map(|run| run.uuid()),
        user: published.user.clone(),
        created_at: published.created.to_string(),
        changed_at: published.changed.to_string(),
    }
}
