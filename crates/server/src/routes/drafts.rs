//! Drafts: pipelines that are kept to be changed, run and published.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::Value;
use stepwell_api as api;
use stepwell_api::{
    CreateDraft, DraftChange, DraftList, ErrorReply, PipelineDraft, PublishedPipeline, Run,
};
use stepwell_model::RunId;
use stepwell_store::drafts::Draft;
use stepwell_workspace::{Beginning, DraftUpdate, NewDraft, PipelineSource};
use utoipa::IntoParams;
use uuid::Uuid;

use super::published::{sent, show as show_published};
use super::request::{idempotency_key, next, part, started};
use crate::access::Caller;
use crate::access::veil::shown_to;
use crate::app::{App, Context};
use crate::convert;
use crate::convert::template::{datasets, places};
use crate::error::{ApiError, Body, Params, Result};

/// Makes a draft of a pipeline, a published pipeline, a run or another draft.
#[utoipa::path(post, path = "/drafts", request_body = CreateDraft, responses(
    (status = 201, body = PipelineDraft), (status = "default", body = ErrorReply)))]
pub(super) async fn create_draft(
    State(app): Context,
    Body(body): Body<CreateDraft>,
) -> Result<(StatusCode, Json<PipelineDraft>)> {
    let from = match (body.pipeline, body.published, body.run, body.draft) {
        (Some(pipeline), None, None, None) => Beginning::Pipeline(sent(&app, *pipeline)?),
        (None, Some(pipeline), None, None) => Beginning::Published(pipeline),
        (None, None, Some(run), None) => Beginning::Pipeline(PipelineSource::Run(RunId::new(run))),
        (None, None, None, Some(draft)) => Beginning::Draft(draft),
        _ => {
            return Err(ApiError::invalid(
                "give exactly one of `pipeline`, `published`, `run` and `draft`",
            ));
        }
    };
    let new = NewDraft {
        from,
        name: body.name,
        experiment: body.experiment,
        user: body.user.unwrap_or_default(),
        update: update(&app, body.change)?,
    };
    let made = app.workspace.drafts.create(new).await?;
    Ok((StatusCode::CREATED, Json(show(&made))))
}

fn update(app: &App, change: DraftChange) -> Result<DraftUpdate> {
    let pipeline = change.pipeline.map(|pipeline| sent(app, *pipeline));
    Ok(DraftUpdate {
        pipeline: pipeline.transpose()?,
        name: change.name,
        description: change.description,
        experiment: change.experiment,
        tags: change.tags,
        properties: change.properties,
        parameters: change.parameters,
        data_paths: places(change.data_paths),
        datasets: datasets(change.datasets),
        continue_on_step_failure: change.continue_on_step_failure,
    })
}

/// Which drafts to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// With these tags: a JSON object of texts.
    tags: Option<String>,
    /// At most so many; 100 when absent, 1,000 at most.
    limit: Option<usize>,
    /// What `next` of the page before said.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// Drafts, newest first.
#[utoipa::path(get, path = "/drafts", params(ListQuery), responses(
    (status = 200, body = DraftList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_drafts(
    State(app): Context,
    Params(query): Params<ListQuery>,
) -> Result<Json<DraftList>> {
    let tags = match &query.tags {
        None => BTreeMap::new(),
        Some(text) => serde_json::from_str(text)
            .map_err(|error| ApiError::invalid(format!("`tags` does not fit: {error}")))?,
    };
    let part = part(query.limit, query.cursor.as_deref())?;
    let page = app.workspace.drafts.list(tags, part).await?;
    Ok(Json(DraftList {
        drafts: page.rows.iter().map(show).collect(),
        next: next(page.next),
    }))
}

fn draft_id(text: &str) -> Result<Uuid> {
    text.parse().map_err(|_| {
        ApiError::not_found(format!("there is no pipeline draft `{text}`"))
            .hint("`PipelineDraft.list(workspace)` lists them")
    })
}

/// A draft.
#[utoipa::path(get, path = "/drafts/{id}", params(("id" = Uuid, Path)), responses(
    (status = 200, body = PipelineDraft), (status = "default", body = ErrorReply)))]
pub(super) async fn get_draft(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<Json<PipelineDraft>> {
    Ok(Json(show(&app.workspace.drafts.get(draft_id(&id)?).await?)))
}

/// The steps of a draft; the values of its parameters are the defaults.
#[utoipa::path(get, path = "/drafts/{id}/pipeline", params(("id" = Uuid, Path)), responses(
    (status = 200, body = api::SubmitRun), (status = "default", body = ErrorReply)))]
pub(super) async fn show_draft_pipeline(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    let draft = app.workspace.drafts.get(draft_id(&id)?).await?;
    let pipeline = convert::template::pipeline(&draft.template);
    Ok(Json(shown_to(&caller, &pipeline)))
}

/// Changes a draft.
#[utoipa::path(patch, path = "/drafts/{id}", params(("id" = Uuid, Path)),
    request_body = DraftChange, responses(
    (status = 200, body = PipelineDraft), (status = "default", body = ErrorReply)))]
pub(super) async fn change_draft(
    State(app): Context,
    Path(id): Path<String>,
    Body(body): Body<DraftChange>,
) -> Result<Json<PipelineDraft>> {
    let (id, update) = (draft_id(&id)?, update(&app, body)?);
    Ok(Json(show(&app.workspace.drafts.update(id, update).await?)))
}

/// Takes a draft away; its runs stay.
#[utoipa::path(delete, path = "/drafts/{id}", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "It is gone."), (status = "default", body = ErrorReply)))]
pub(super) async fn delete_draft(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    app.workspace.drafts.delete(draft_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Starts a run of a draft. A repeated request with the same `Idempotency-Key` gives the run of
/// the first.
#[utoipa::path(post, path = "/drafts/{id}/submit",
    params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, body = Run), (status = 200, body = Run, description = "It was started before."),
    (status = "default", body = ErrorReply)))]
pub(super) async fn submit_draft(
    State(app): Context,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Run>)> {
    let (id, key) = (draft_id(&id)?, idempotency_key(&headers)?);
    let accepted = app.workspace.drafts.start(id, key).await?;
    started(&app, accepted).await
}

/// Publishes a draft as it is now.
#[utoipa::path(post, path = "/drafts/{id}/publish", params(("id" = Uuid, Path)), responses(
    (status = 201, body = PublishedPipeline), (status = "default", body = ErrorReply)))]
pub(super) async fn publish_draft(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<PublishedPipeline>)> {
    let made = app.workspace.drafts.publish(draft_id(&id)?).await?;
    Ok((StatusCode::CREATED, Json(show_published(&made))))
}

fn show(draft: &Draft) -> PipelineDraft {
    let parameters = draft.parameters().iter();
    let parameters =
        parameters.map(|(name, value)| (name.clone(), convert::template::shown(value)));
    PipelineDraft {
        id: draft.id,
        name: draft.name.clone(),
        description: draft.description.clone(),
        experiment: draft.experiment.clone(),
        tags: draft.tags.clone(),
        properties: draft.properties.clone(),
        continue_on_step_failure: draft.template.continue_on_step_failure,
        parameters: parameters.collect(),
        steps: u32::try_from(draft.template.steps.len()).unwrap_or(u32::MAX),
        parent_pipeline: draft.origin.pipeline,
        parent_run: draft.origin.run.map(RunId::uuid),
        parent_draft: draft.origin.draft,
        last_run: draft.last_run.map(RunId::uuid),
        created_at: draft.created.to_string(),
        changed_at: draft.changed.to_string(),
    }
}
