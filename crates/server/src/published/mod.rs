//! Published pipelines: how one is kept, and how it is started.
//!
//! [`submit`] is the one way to start a published pipeline, whoever asks: a client, an endpoint, a
//! draft or a schedule. What is asked is checked before anything is stored, and a repeated
//! idempotency key gives the run of the first.

mod datasets;
mod drafts;
mod endpoints;
mod templates;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;
use stepwell_api as api;
use stepwell_engine::driver::{About, Accepted};
use stepwell_model::{Parameter, RunId, RunKind, Template, Value};
use stepwell_store::published::{self as store, Needs, Published};
use stepwell_store::runs;
use uuid::Uuid;

pub(crate) use datasets::{look_up, look_up_all};
pub(crate) use drafts::start_draft;
pub(crate) use endpoints::{find as find_endpoint, no_endpoint, start_endpoint};
pub(crate) use templates::{Ready, Templates};

use templates::no_pipeline;

use crate::app::{App, now};
use crate::convert;
use crate::convert::submit::{Wanted, experiment_name};
use crate::error::{ApiError, Result};

/// What a run of a published pipeline is to be; the wire's own words, so that it can be kept.
pub(crate) type Assignments = api::SubmitPublished;

/// Starts a run of a published pipeline.
///
/// # Errors
/// When there is no such pipeline, it is disabled, or a value does not fit; the message says which.
pub(crate) async fn submit(
    app: &App,
    pipeline: Uuid,
    assignments: Assignments,
    idempotency_key: Option<String>,
) -> Result<RunId> {
    let started = start(app, pipeline, assignments, idempotency_key).await?;
    Ok(started.accepted.run())
}

/// A run of a published pipeline that was started, now or before.
pub(crate) struct Started {
    pub(crate) accepted: Accepted,
    pub(crate) pipeline: Arc<Ready>,
}

/// The same, with what its entity is made of.
pub(crate) async fn start(
    app: &App,
    pipeline: Uuid,
    assignments: Assignments,
    idempotency_key: Option<String>,
) -> Result<Started> {
    let ready = app.templates.get(app, pipeline).await?;
    let submission = match check(app, &ready, assignments, idempotency_key.clone()).await {
        Ok(submission) => submission,
        // What was accepted once stays accepted, whatever was changed since.
        Err(refusal) => {
            let accepted = earlier(app, idempotency_key).await?.ok_or(refusal)?;
            let accepted = of_pipeline(app, Accepted::Before(accepted), pipeline).await?;
            return Ok(Started {
                accepted,
                pipeline: ready,
            });
        }
    };
    let accepted = app.engine.submit(submission).await?;
    let accepted = of_pipeline(app, accepted, pipeline).await?;
    Ok(Started {
        accepted,
        pipeline: ready,
    })
}

/// The run that was submitted with a key; it is made sure that it survives the loss of power.
pub(crate) async fn earlier(app: &App, key: Option<String>) -> Result<Option<RunId>> {
    let Some(key) = key else { return Ok(None) };
    let find = move |db: &stepwell_store::Connection| runs::id_by_key(db, &key);
    Ok(app.store.write_durable(find).await?)
}

/// A key that was used for something else is no promise of ours.
async fn of_pipeline(app: &App, accepted: Accepted, pipeline: Uuid) -> Result<Accepted> {
    let Accepted::Before(run) = accepted else {
        return Ok(accepted);
    };
    let record = app.store.read(move |db| runs::find(db, run)).await?;
    match record.and_then(|record| record.published) == Some(pipeline) {
        true => Ok(accepted),
        false => Err(
            ApiError::conflict("the Idempotency-Key was used for another request before")
                .hint("use a new key for each run that is wanted, such as a UUID"),
        ),
    }
}

async fn check(
    app: &App,
    ready: &Ready,
    mut assignments: Assignments,
    idempotency_key: Option<String>,
) -> Result<stepwell_engine::driver::Submission> {
    let Published { id, name, .. } = &ready.published;
    if !ready.published.active {
        return Err(
            ApiError::conflict(format!("published pipeline `{name}` ({id}) is disabled"))
                .hint("`published.enable()` lets it be started again"),
        );
    }
    experiment_name(&assignments.experiment)?;
    let values = values(app, &mut assignments).await?;
    let parent = assignments.parent.map(RunId::new);
    if let Some(parent) = parent {
        let found = app.store.read(move |db| runs::find(db, parent)).await?;
        found.ok_or_else(|| ApiError::no_run(parent))?;
    }
    let goes_on = assignments
        .continue_on_step_failure
        .or(ready.published.goes_on);
    let wanted = Wanted {
        kind: RunKind::Pipeline,
        experiment: std::mem::take(&mut assignments.experiment),
        parent,
        continue_on_step_failure: goes_on.unwrap_or(ready.template.continue_on_step_failure),
        regenerate_outputs: false,
        about: About {
            display_name: Some(
                assignments
                    .display_name
                    .take()
                    .unwrap_or_else(|| name.clone()),
            ),
            description: assignments
                .description
                .take()
                .unwrap_or_else(|| ready.published.description.clone()),
            tags: std::mem::take(&mut assignments.tags),
            properties: BTreeMap::new(),
            user: assignments.user.take().unwrap_or_default(),
            idempotency_key,
            published: Some(*id),
            outputs: Vec::new(),
            new_experiment: Uuid::now_v7(),
        },
    };
    let mut submission = convert::submit::start(&ready.template, &values, wanted)?;
    submission.about.properties = properties(
        ("azureml.pipelineid", *id),
        &submission.spec.declared,
        assignments,
    );
    Ok(submission)
}

/// The values that parameters are given, with the datasets looked up.
pub(crate) async fn values(
    app: &App,
    assignments: &mut Assignments,
) -> Result<BTreeMap<String, Value>> {
    let mut values = BTreeMap::new();
    for (name, value) in std::mem::take(&mut assignments.parameters) {
        let text = text_of(&name, value)?;
        values.insert(name, Value::Text(text));
    }
    for (name, place) in std::mem::take(&mut assignments.data_paths) {
        let place = convert::template::place(&app.datastores, &name, place)?;
        values.insert(name, Value::Place(place));
    }
    for (name, dataset) in std::mem::take(&mut assignments.datasets) {
        let dataset = look_up(app, &name, dataset).await?;
        let dataset = convert::template::dataset(&app.datastores, &name, dataset)?;
        values.insert(name, Value::Dataset(dataset));
    }
    Ok(values)
}

/// The text of a JSON value: programs send numbers as such or as text.
fn text_of(name: &str, value: Json) -> Result<String> {
    match value {
        Json::String(text) => Ok(text),
        Json::Number(number) => Ok(number.to_string()),
        Json::Bool(truth) => Ok(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => Err(ApiError::invalid(format!(
            "parameter `{name}` is given `{value}`"
        ))
        .hint("give a text, a number, true or false; data paths and datasets have fields of their own")),
    }
}

/// What v1 writes on every run of a pipeline and programs look for.
fn properties(
    (subject, id): (&str, Uuid),
    declared: &BTreeMap<String, Parameter>,
    assignments: Assignments,
) -> BTreeMap<String, String> {
    let scalars: BTreeMap<&str, String> = declared
        .iter()
        .filter(|(_, parameter)| {
            !matches!(parameter, Parameter::DataPath(_) | Parameter::Dataset(_))
        })
        .map(|(name, parameter)| (name.as_str(), parameter.text()))
        .collect();
    let source = assignments.run_source.unwrap_or_else(|| "API".to_owned());
    let kind = match source.as_str() {
        "SDK" | "Schedule" => source.clone(),
        _ => "HTTP".to_owned(),
    };
    let own = [
        ("azureml.runsource", "azureml.PipelineRun".to_owned()),
        ("runSource", source),
        ("runType", kind),
        (
            "azureml.parameters",
            serde_json::to_string(&scalars).unwrap_or_default(),
        ),
        (subject, id.to_string()),
    ];
    let mut properties = assignments.properties;
    properties.extend(own.map(|(name, value)| (name.to_owned(), value)));
    properties
}

/// A pipeline that is to be published, checked.
pub(crate) fn published(
    about: api::PublishPipeline,
    template: &Template,
    now: stepwell_model::Timestamp,
) -> Result<Published> {
    let name = about.name;
    if name.trim().is_empty() || name.chars().count() > 255 || name.contains(char::is_control) {
        return Err(
            ApiError::invalid(format!("`{name}` cannot name a published pipeline"))
                .hint("use 1 to 255 characters without line breaks"),
        );
    }
    if template.steps.is_empty() {
        return Err(ApiError::invalid("the pipeline has no steps"));
    }
    Ok(Published {
        seq: 0,
        id: Uuid::new_v4(),
        name,
        description: about.description,
        version: about.version,
        active: true,
        goes_on: about.continue_on_step_failure,
        steps: u32::try_from(template.steps.len()).unwrap_or(u32::MAX),
        parameters: template.parameters.clone(),
        run: about.run.map(RunId::new),
        user: about.user.unwrap_or_default(),
        created: now,
        changed: now,
    })
}

/// Keeps a published pipeline; it survives the loss of power.
pub(crate) async fn keep(app: &App, published: Published, template: Template) -> Result<()> {
    let needs = Needs::of(&template);
    check_snapshots(app, &needs)?;
    let text = serde_json::to_string(&template).map_err(|error| ApiError::internal(&error))?;
    let insert = move |db: &_| store::insert(db, &published, &text, &needs);
    Ok(app.store.write_durable(insert).await?)
}

/// Lets a published pipeline be started, or not.
pub(crate) async fn set_active(app: &App, pipeline: Uuid, active: bool) -> Result<()> {
    let at = now();
    let change = move |db: &_| store::set_active(db, pipeline, active, at);
    let found = app.store.write_durable(change).await?;
    app.templates.forget(pipeline);
    match found {
        true => Ok(()),
        false => Err(no_pipeline(pipeline)),
    }
}

/// What is kept must be able to run.
pub(crate) fn check_snapshots(app: &App, needs: &Needs) -> Result<()> {
    for snapshot in &needs.snapshots {
        let digest: stepwell_model::Digest = snapshot
            .parse()
            .map_err(|error| ApiError::internal(&error))?;
        if !app.cas.has(&digest) {
            return Err(ApiError::conflict(format!(
                "snapshot {digest} of the pipeline is not there any more"
            ))
            .hint("publish the pipeline from its program, which sends it again"));
        }
    }
    Ok(())
}
