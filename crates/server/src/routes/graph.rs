//! The graph of a run: coordinates for programs, a picture for people.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use stepwell_api::{ErrorReply, GraphEdge, GraphNode, GraphView};
use stepwell_layout::{Drawing, EdgeKind, layout, svg};
use stepwell_model::RunKind;
use stepwell_store::journal;
use stepwell_store::runs::{self, Record};

use crate::app::{App, Context};
use crate::convert;
use crate::error::{ApiError, Result, run_id};

/// The picture of a run and the rows of its steps.
async fn drawing(app: &App, run: &str) -> Result<(Drawing, Vec<Record>)> {
    let record = app.workspace.runs.get(run_id(run)?).await?;
    let id = record.id;
    let single = record.kind == RunKind::Script;
    let read = move |db: &stepwell_store::Connection| {
        let graph = journal::find_graph(db, id)?;
        Ok((graph, runs::steps(db, id)?))
    };
    let (graph, mut rows) = app.store.read(read).await?;
    let Some((_, graph)) = graph else {
        return Err(ApiError::not_found(format!("run {id} has no graph")));
    };
    let title = format!("{} of {}", record.display_name, record.experiment);
    if single {
        rows = vec![record];
    }
    Ok((convert::run::drawing(title, &graph, &rows), rows))
}

/// The graph of a pipeline run, with the place of each step in the picture.
#[utoipa::path(get, path = "/runs/{run}/graph", params(("run" = Uuid, Path)), responses(
    (status = 200, body = GraphView), (status = "default", body = ErrorReply)))]
pub(super) async fn show_graph(
    State(app): Context,
    Path(run): Path<String>,
) -> Result<Json<GraphView>> {
    let (drawing, rows) = drawing(&app, &run).await?;
    let placed = layout(&drawing);
    let states = drawing.nodes.iter().map(|node| node.state.as_str());
    let nodes = rows
        .into_iter()
        .zip(states)
        .zip(&placed.nodes)
        .map(|((row, state), place)| GraphNode {
            run: row.id.uuid(),
            name: row.display_name,
            kind: row.step_kind.unwrap_or_default(),
            status: convert::run::status(row.status),
            state: state.to_owned(),
            x: place.x,
            y: place.y,
            width: place.width,
            height: place.height,
        });
    let edges = drawing.edges.iter().map(|edge| GraphEdge {
        from: edge.from,
        to: edge.to,
        output: (edge.kind == EdgeKind::Data).then(|| edge.label.clone()),
    });
    Ok(Json(GraphView {
        nodes: nodes.collect(),
        edges: edges.collect(),
        width: placed.width,
        height: placed.height,
    }))
}

/// The same as a picture.
#[utoipa::path(get, path = "/runs/{run}/graph.svg", params(("run" = Uuid, Path)), responses(
    (status = 200, content_type = "image/svg+xml", body = String),
    (status = "default", body = ErrorReply)))]
pub(super) async fn draw_graph(
    State(app): Context,
    Path(run): Path<String>,
) -> Result<impl IntoResponse> {
    let (drawing, _) = drawing(&app, &run).await?;
    Ok(([(CONTENT_TYPE, "image/svg+xml")], svg(&drawing)))
}
