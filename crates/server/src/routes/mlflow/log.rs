//! What programs log: metrics, parameters, tags and datasets of a run.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};
use stepwell_api::mlflow::{Metric, Pair};
use stepwell_model::{RunId, Timestamp};
use stepwell_store::metrics::Point;
use stepwell_store::runs::{Change, RunInput};
use stepwell_workspace::LogBatch;

use super::super::request::note_writer;
use super::asked::{Asked, missing};
use super::pages::cut;
use super::shown;
use crate::access::Caller;
use crate::app::{App, Context};
use crate::error::{ApiError, Result};

/// The most metrics of a batch, and the most entities in all.
const METRICS_MAX: usize = 1_000;

/// The most parameters, and the most tags, of a batch.
const NAMES_MAX: usize = 100;

/// The most numbers of one answer.
const HISTORY_MAX: usize = 25_000;

/// The tag in which clients before the third version keep which models a run has logged.
const LOGGED_MODELS: &str = "mlflow.log-model.history";

/// `POST runs/log-metric`
pub(super) async fn metric(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    asked: Asked,
) -> Result<Json<Value>> {
    let run = asked.run()?;
    asked.needed("key")?;
    let batch = LogBatch {
        metrics: vec![point(asked.record()?)],
        ..LogBatch::default()
    };
    log(&app, &caller, run, batch).await
}

/// `POST runs/log-parameter`
pub(super) async fn parameter(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    asked: Asked,
) -> Result<Json<Value>> {
    let (run, key) = (asked.run()?, asked.needed("key")?);
    let value = asked.text("value")?.ok_or_else(|| missing("value"))?;
    let batch = LogBatch {
        parameters: vec![(key, value)],
        ..LogBatch::default()
    };
    log(&app, &caller, run, batch).await
}

/// `POST runs/set-tag`
pub(super) async fn set_tag(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    asked: Asked,
) -> Result<Json<Value>> {
    let (run, key) = (asked.run()?, asked.needed("key")?);
    let value = asked.text("value")?.unwrap_or_default();
    let batch = LogBatch {
        tags: [(key, value)].into(),
        ..LogBatch::default()
    };
    log(&app, &caller, run, batch).await
}

/// `POST runs/log-batch`
pub(super) async fn batch(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    asked: Asked,
) -> Result<Json<Value>> {
    let run = asked.run()?;
    let metrics = asked.list::<Metric>("metrics")?;
    let (params, tags) = (asked.list::<Pair>("params")?, asked.list::<Pair>("tags")?);
    let is_large = params.len() > NAMES_MAX || tags.len() > NAMES_MAX;
    if is_large || metrics.len() + params.len() + tags.len() > METRICS_MAX {
        return Err(ApiError::invalid(format!(
            "A batch logging request can contain at most {METRICS_MAX} metrics, {NAMES_MAX} params \
             and {NAMES_MAX} tags, and {METRICS_MAX} of them in all"
        )));
    }
    let batch = LogBatch {
        metrics: metrics.into_iter().map(point).collect(),
        parameters: params.into_iter().map(|it| (it.key, it.value)).collect(),
        tags: tags.into_iter().map(|it| (it.key, it.value)).collect(),
    };
    log(&app, &caller, run, batch).await
}

/// Records a batch; the tags that stand for something of the run itself change that.
async fn log(app: &App, caller: &Caller, run: RunId, mut batch: LogBatch) -> Result<Json<Value>> {
    note_writer(app, caller, run).await?;
    let change = Change {
        display_name: batch.tags.remove(shown::NAME).filter(|it| !it.is_empty()),
        description: batch.tags.remove(shown::NOTE),
        ..Change::default()
    };
    // Who a run is of, and what it belongs to, was said when it was made.
    batch.tags.remove(shown::USER);
    batch.tags.remove(shown::PARENT);
    app.workspace.runs.log(run, batch).await?;
    if change.display_name.is_some() || change.description.is_some() {
        app.workspace.runs.update(run, change).await?;
    }
    Ok(Json(json!({})))
}

fn point(metric: Metric) -> Point {
    let value_json = match metric.value {
        value if value.is_nan() => r#""NaN""#.to_owned(),
        value if value.is_infinite() && value > 0.0 => r#""Infinity""#.to_owned(),
        value if value.is_infinite() => r#""-Infinity""#.to_owned(),
        value => json!(value).to_string(),
    };
    Point {
        name: metric.key,
        kind: "scalar".to_owned(),
        value_json,
        step: Some(metric.step),
        at: Timestamp::from_millis(metric.timestamp),
        description: String::new(),
    }
}

/// `POST runs/delete-tag`
pub(super) async fn delete_tag(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    asked: Asked,
) -> Result<Json<Value>> {
    let (run, key) = (asked.run()?, asked.needed("key")?);
    note_writer(&app, &caller, run).await?;
    app.workspace.runs.remove_tag(run, key).await?;
    Ok(Json(json!({})))
}

/// `POST runs/log-inputs`
pub(super) async fn inputs(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    asked: Asked,
) -> Result<Json<Value>> {
    let run = asked.run()?;
    let datasets = asked.list::<Value>("datasets")?.into_iter();
    let inputs: Result<Vec<RunInput>> = datasets.map(input).collect();
    note_writer(&app, &caller, run).await?;
    app.workspace.runs.add_inputs(run, inputs?).await?;
    Ok(Json(json!({})))
}

fn input(described: Value) -> Result<RunInput> {
    let text = |name: &str| {
        let text = described["dataset"][name].as_str();
        let text = text.filter(|text| !text.is_empty());
        text.map(str::to_owned).ok_or_else(|| missing(name))
    };
    Ok(RunInput {
        name: text("name")?,
        digest: text("digest")?,
        input_json: described.to_string(),
    })
}

/// `POST runs/log-model`, of clients before the third version: the models of a run are a tag.
pub(super) async fn model(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    asked: Asked,
) -> Result<Json<Value>> {
    let run = asked.run()?;
    let model: Value = serde_json::from_str(&asked.needed("model_json")?)
        .map_err(|error| ApiError::invalid(format!("`model_json` is no JSON: {error}")))?;
    let record = app.workspace.runs.get(run).await?;
    let known = record.tags.get(LOGGED_MODELS).map(String::as_str);
    let mut models: Vec<Value> = serde_json::from_str(known.unwrap_or("[]")).unwrap_or_default();
    if !models.contains(&model) {
        models.push(model);
    }
    let tag = (LOGGED_MODELS.to_owned(), Value::Array(models).to_string());
    let batch = LogBatch {
        tags: BTreeMap::from([tag]),
        ..LogBatch::default()
    };
    log(&app, &caller, run, batch).await
}

/// `GET metrics/get-history`
pub(super) async fn history(State(app): Context, asked: Asked) -> Result<Json<Value>> {
    let (run, key) = (asked.run()?, asked.needed("metric_key")?);
    let (offset, limit) = asked.part(usize::MAX, usize::MAX)?;
    // A client that asks for no part does not ask for the next one either.
    let limit = match asked.whole("max_results")? {
        Some(_) => limit.min(HISTORY_MAX),
        None => usize::MAX,
    };
    let points = app.workspace.runs.history(run, key).await?;
    let metric = |(step, value, point): (i64, f64, Point)| Metric {
        key: point.name,
        value,
        timestamp: point.at.as_millis(),
        step,
    };
    Ok(cut("metrics", points, (offset, limit), metric))
}
