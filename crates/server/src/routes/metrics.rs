//! What scripts log.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use stepwell_api::{ErrorReply, LogMetrics, MetricKind, MetricPoint, MetricSeries, Metrics};
use stepwell_model::Timestamp;
use stepwell_store::metrics::{self, Point};
use stepwell_store::runs::{self, Filter};
use utoipa::IntoParams;

use super::request::note_writer;
use crate::access::Caller;
use crate::app::Context;
use crate::error::{ApiError, Body, Params, Result, run_id};

/// The most points of one batch.
const POINTS_MAX: usize = 10_000;

/// Logs points. Sending a batch again, as a retry does, logs it once.
#[utoipa::path(post, path = "/runs/{run}/metrics", params(("run" = Uuid, Path)),
    request_body = LogMetrics, responses(
    (status = 204, description = "They are stored."), (status = "default", body = ErrorReply)))]
pub(super) async fn log_metrics(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(run): Path<String>,
    Body(batch): Body<LogMetrics>,
) -> Result<StatusCode> {
    let run = app.workspace.runs.get(run_id(&run)?).await?.id;
    if batch.points.len() > POINTS_MAX {
        return Err(ApiError::invalid(format!(
            "a batch has at most {POINTS_MAX} points"
        )));
    }
    let points: Vec<Point> = batch.points.into_iter().map(stored).collect();
    note_writer(&app, &caller, run).await?;
    let (writer, first) = (batch.writer, batch.first);
    app.store
        .write(move |db| metrics::add(db, run, &writer, first, &points))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which metrics.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MetricsQuery {
    /// Of this name.
    name: Option<String>,
    /// Those of the runs below it too.
    recursive: Option<bool>,
}

/// What a run logged, by name.
#[utoipa::path(get, path = "/runs/{run}/metrics", params(("run" = Uuid, Path), MetricsQuery),
    responses((status = 200, body = Metrics), (status = "default", body = ErrorReply)))]
pub(super) async fn list_metrics(
    State(app): Context,
    Path(run): Path<String>,
    Params(query): Params<MetricsQuery>,
) -> Result<Json<Metrics>> {
    let sources = app.workspace.runs.sources(run_id(&run)?).await?;
    let read = move |db: &stepwell_store::Connection| {
        let mut line = sources;
        let mut points = Vec::new();
        while let Some(run) = line.pop() {
            points.extend(metrics::list(db, run, query.name.as_deref())?);
            if query.recursive == Some(true) {
                let filter = Filter {
                    parent: Some(run),
                    ..Filter::default()
                };
                let below = runs::list(db, &filter, usize::MAX)?;
                let shown = |run: &runs::Record| [Some(run.id), run.reused_from];
                line.extend(below.iter().flat_map(shown).flatten());
            }
        }
        Ok(points)
    };
    let mut series: Vec<MetricSeries> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for point in app.store.read(read).await? {
        let place = *places.entry(point.name.clone()).or_insert_with(|| {
            series.push(MetricSeries {
                name: point.name.clone(),
                points: Vec::new(),
            });
            series.len() - 1
        });
        series[place].points.push(shown(point));
    }
    Ok(Json(Metrics { series }))
}

const KINDS: [(MetricKind, &str); 6] = [
    (MetricKind::Scalar, "scalar"),
    (MetricKind::List, "list"),
    (MetricKind::Row, "row"),
    (MetricKind::Table, "table"),
    (MetricKind::Image, "image"),
    (MetricKind::Json, "json"),
];

fn stored(point: MetricPoint) -> Point {
    let kind = KINDS
        .iter()
        .find(|(kind, _)| *kind == point.kind)
        .map_or("json", |(_, text)| text);
    Point {
        name: point.name,
        kind: kind.to_owned(),
        value_json: point.value.to_string(),
        step: point.step,
        at: Timestamp::from_millis(point.at_ms),
        description: point.description,
    }
}

/// A point as clients see it.
pub(super) fn shown(point: Point) -> MetricPoint {
    let kind = KINDS.iter().find(|(_, text)| *text == point.kind);
    MetricPoint {
        name: point.name,
        kind: kind.map_or(MetricKind::Json, |(kind, _)| *kind),
        value: serde_json::from_str(&point.value_json).unwrap_or_default(),
        step: point.step,
        at_ms: point.at.as_millis(),
        description: point.description,
    }
}
