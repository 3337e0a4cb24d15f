//! Drafts: pipelines that are kept to be changed, run and published.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use stepwell_api as api;
use stepwell_api::{
    CreateDraft, DraftChange, DraftList, ErrorReply, PipelineDraft, PublishPipeline,
    PublishedPipeline, Run,
};
use stepwell_model::{RunId, Template};
use stepwell_store::drafts::{self, Draft, Origin};
use stepwell_store::published as store;
use utoipa::IntoParams;
use uuid::Uuid;

use super::published::{answer, cursor, of_run, sent, show as show_published};
use super::runs::{find as find_run, idempotency_key};
use crate::app::{App, Context, now};
use crate::convert;
use crate::convert::submit::experiment_name;
use crate::error::{ApiError, Body, Params, Result};
use crate::published;

/// The most drafts of one page.
const PAGE_MAX: usize = 1_000;

/// Makes a draft of a pipeline, a published pipeline, a run or another draft.
#[utoipa::path(post, path = "/drafts", request_body = CreateDraft, responses(
    (status = 201, body = PipelineDraft), (status = "default", body = ErrorReply)))]
pub(super) async fn create_draft(
    State(app): Context,
    Body(body): Body<CreateDraft>,
) -> Result<(StatusCode, Json<PipelineDraft>)> {
    let begun = begin(&app, &body).await?;
    let (name, experiment) = (
        body.name.or(begun.name),
        body.experiment.or(begun.experiment),
    );
    let at = now();
    let draft = Draft {
        seq: 0,
        id: Uuid::new_v4(),
        name: name.ok_or_else(|| ApiError::invalid("the draft has no `name`"))?,
        description: begun.description,
        experiment: experiment.ok_or_else(|| ApiError::invalid("the draft has no `experiment`"))?,
        tags: begun.tags,
        properties: begun.properties,
        template: match body.pipeline {
            Some(pipeline) => sent(&app, *pipeline).await?,
            None => begun.template,
        },
        origin: begun.origin,
        last_run: None,
        user: body.user.unwrap_or_default(),
        created: at,
        changed: at,
    };
    let draft = changed(&app, draft, body.change).await?;
    Ok((StatusCode::CREATED, Json(save(&app, draft).await?)))
}

/// What a draft begins with.
#[derive(Default)]
struct Begun {
    name: Option<String>,
    description: String,
    experiment: Option<String>,
    tags: std::collections::BTreeMap<String, String>,
    properties: std::collections::BTreeMap<String, String>,
    template: Template,
    origin: Origin,
}

async fn begin(app: &App, body: &CreateDraft) -> Result<Begun> {
    match (&body.pipeline, body.published, body.run, body.draft) {
        (Some(_), None, None, None) => Ok(Begun::default()),
        (None, Some(pipeline), None, None) => {
            let ready = app.templates.get(app, pipeline).await?;
            Ok(Begun {
                name: Some(ready.published.name.clone()),
                description: ready.published.description.clone(),
                template: ready.template.clone(),
                origin: Origin {
                    pipeline: Some(pipeline),
                    ..Origin::default()
                },
                ..Begun::default()
            })
        }
        (None, None, Some(run), None) => {
            let run = RunId::new(run);
            let record = find_run(app, run).await?;
            Ok(Begun {
                name: Some(record.display_name),
                description: record.description,
                experiment: Some(record.experiment),
                tags: record.tags,
                template: of_run(app, run).await?,
                origin: Origin {
                    run: Some(run),
                    ..Origin::default()
                },
                ..Begun::default()
            })
        }
        (None, None, None, Some(draft)) => {
            let known = find(app, draft).await?;
            Ok(Begun {
                name: Some(known.name),
                description: known.description,
                experiment: Some(known.experiment),
                tags: known.tags,
                properties: known.properties,
                template: known.template,
                origin: Origin {
                    draft: Some(draft),
                    ..Origin::default()
                },
            })
        }
        _ => Err(ApiError::invalid(
            "give exactly one of `pipeline`, `published`, `run` and `draft`",
        )),
    }
}

/// The draft with what a client sets.
async fn changed(app: &App, mut draft: Draft, change: DraftChange) -> Result<Draft> {
    if let Some(pipeline) = change.pipeline {
        draft.template = sent(app, *pipeline).await?;
    }
    let mut given = api::SubmitPublished {
        parameters: change.parameters,
        data_paths: change.data_paths,
        datasets: change.datasets,
        ..api::SubmitPublished::default()
    };
    let values = published::values(app, &mut given).await?;
    draft.template = draft.template.with_defaults(&values)?;
    if let Some(goes_on) = change.continue_on_step_failure {
        draft.template.continue_on_step_failure = goes_on;
    }
    draft.name = change.name.unwrap_or(draft.name);
    draft.description = change.description.unwrap_or(draft.description);
    draft.experiment = change.experiment.unwrap_or(draft.experiment);
    draft.tags = change.tags.unwrap_or(draft.tags);
    draft.properties = change.properties.unwrap_or(draft.properties);
    draft.changed = now();
    experiment_name(&draft.experiment)?;
    if draft.name.trim().is_empty() || draft.name.chars().count() > 255 {
        return Err(ApiError::invalid("a draft's name has 1 to 255 characters"));
    }
    Ok(draft)
}

async fn save(app: &App, draft: Draft) -> Result<PipelineDraft> {
    published::check_snapshots(app, &store::Needs::of(&draft.template))?;
    let shown = show(&draft);
    let write = move |db: &_| drafts::save(db, &draft);
    app.store.write_durable(write).await?;
    Ok(shown)
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
        None => std::collections::BTreeMap::new(),
        Some(text) => serde_json::from_str(text)
            .map_err(|error| ApiError::invalid(format!("`tags` does not fit: {error}")))?,
    };
    let before = cursor(query.cursor.as_deref())?;
    let limit = query.limit.unwrap_or(100).clamp(1, PAGE_MAX);
    let read = move |db: &_| drafts::list(db, &tags, before, limit + 1);
    let mut rows = app.store.read(read).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.seq.to_string());
    let drafts = rows.iter().map(show).collect();
    Ok(Json(DraftList { drafts, next }))
}

async fn find(app: &App, id: Uuid) -> Result<Draft> {
    let found = app.store.read(move |db| drafts::find(db, id)).await?;
    found.ok_or_else(|| no_draft(&id))
}

fn no_draft(named: &dyn std::fmt::Display) -> ApiError {
    ApiError::not_found(format!("there is no pipeline draft {named}"))
        .hint("`PipelineDraft.list(workspace)` lists them")
}

fn draft_id(text: &str) -> Result<Uuid> {
    text.parse()
        .map_err(|_| no_draft(&format_args!("`{text}`")))
}

/// A draft.
#[utoipa::path(get, path = "/drafts/{id}", params(("id" = Uuid, Path)), responses(
    (status = 200, body = PipelineDraft), (status = "default", body = ErrorReply)))]
pub(super) async fn get_draft(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<Json<PipelineDraft>> {
    Ok(Json(show(&find(&app, draft_id(&id)?).await?)))
}

/// The steps of a draft; the values of its parameters are the defaults.
#[utoipa::path(get, path = "/drafts/{id}/pipeline", params(("id" = Uuid, Path)), responses(
    (status = 200, body = api::SubmitRun), (status = "default", body = ErrorReply)))]
pub(super) async fn show_draft_pipeline(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<Json<api::SubmitRun>> {
    let draft = find(&app, draft_id(&id)?).await?;
    Ok(Json(convert::template::pipeline(&draft.template)))
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
    let draft = find(&app, draft_id(&id)?).await?;
    let draft = changed(&app, draft, body).await?;
    Ok(Json(save(&app, draft).await?))
}

/// Takes a draft away; its runs stay.
#[utoipa::path(delete, path = "/drafts/{id}", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "It is gone."), (status = "default", body = ErrorReply)))]
pub(super) async fn delete_draft(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    let id = draft_id(&id)?;
    let gone = app
        .store
        .write_durable(move |db| drafts::delete(db, id))
        .await?;
    match gone {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(no_draft(&id)),
    }
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
    let draft = find(&app, draft_id(&id)?).await?;
    let key = idempotency_key(&headers)?;
    let accepted = published::start_draft(&app, &draft, key).await?;
    let (id, run) = (draft.id, accepted.run());
    let remember = move |db: &_| drafts::set_last_run(db, id, run);
    app.store.write(remember).await?;
    answer(&app, accepted).await
}

/// Publishes a draft as it is now.
#[utoipa::path(post, path = "/drafts/{id}/publish", params(("id" = Uuid, Path)), responses(
    (status = 201, body = PublishedPipeline), (status = "default", body = ErrorReply)))]
pub(super) async fn publish_draft(
    State(app): Context,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<PublishedPipeline>)> {
    let draft = find(&app, draft_id(&id)?).await?;
    let about = PublishPipeline {
        name: draft.name,
        description: draft.description,
        version: None,
        continue_on_step_failure: Some(draft.template.continue_on_step_failure),
        pipeline: None,
        run: None,
        user: Some(draft.user),
    };
    let made = published::published(about, &draft.template, now())?;
    let shown = show_published(&made);
    published::keep(&app, made, draft.template).await?;
    Ok((StatusCode::CREATED, Json(shown)))
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
