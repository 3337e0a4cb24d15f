//! Puts the parts together: a rectangle for each step and a way for each edge.
//!
//! Layers run from top to bottom and every card of a picture has the same size. This module
//! holds the measures of a card and the resulting [`Layout`]; how it is reached is described by the
//! modules it calls.

use serde::Serialize;

use crate::dag::Dag;
use crate::drawing::Drawing;
use crate::fold::fold;
use crate::grid::Grid;
use crate::measure::pixels;
use crate::order::Layered;
use crate::place::place;
use crate::rank::rank;
use crate::route::Router;

/// Siblings stand side by side up to this many; more become a grid.
const ROW_MAX: usize = 8;
/// The free space around the picture.
const MARGIN: f64 = 24.0;
pub(crate) const CARD_HEIGHT: f64 = 56.0;
const CARD_WIDTH_MIN: f64 = 168.0;
const CARD_WIDTH_MAX: f64 = 320.0;

/// The size of a label's letters, a little more than it is, for semibold letters are wider.
pub(crate) const LABEL_SIZE: f64 = 13.8;
pub(crate) const DETAIL_SIZE: f64 = 11.5;
/// What a card keeps free on its left for the icon, on its right, and for a note.
pub(crate) const TEXT_LEFT: f64 = 42.0;
pub(crate) const TEXT_RIGHT: f64 = 16.0;
pub(crate) const NOTE_ROOM: f64 = 64.0;

/// A place in the picture, in pixels from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Downwards.
    pub y: f64,
}

/// The card of a step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rect {
    /// Its left border.
    pub x: f64,
    /// Its upper border.
    pub y: f64,
    /// To the right.
    pub width: f64,
    /// Downwards.
    pub height: f64,
}

impl Rect {
    pub(crate) fn centre(&self) -> f64 {
        self.x + self.width / 2.0
    }

    pub(crate) fn right(&self) -> f64 {
        self.x + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.y + self.height
    }
}

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layout {
    /// The width of the whole picture.
    pub width: f64,
    /// The height of the whole picture.
    pub height: f64,
    /// The card of each node.
    pub nodes: Vec<Rect>,
    /// The way of each edge, from the lower border of one card down to the upper border of
    /// another; empty for an edge that is not drawn. Between two points of different `x` a
    /// curve leaves and arrives vertically.
    pub edges: Vec<Vec<Point>>,
}

/// Lays a drawing out.
pub fn layout(drawing: &Drawing) -> Layout {
    let dag = Dag::of(drawing);
    let cells = fold(&dag, ROW_MAX + 1);
    let layered = Layered::new(&rank(cells.members.len(), &cells.links), &cells.links);
    let card_width = card_width(drawing);
    let grids: Vec<Grid> = cells
        .members
        .iter()
        .map(|members| Grid::new(members.len(), card_width))
        .collect();
    let mut widths: Vec<f64> = grids.iter().map(|grid| grid.width).collect();
    widths.resize(layered.count(), 0.0);
    let mut xs = place(&layered, &widths);
    xs.iter_mut().for_each(|x| *x += MARGIN);

    let router = Router::new(&layered, &grids, xs, MARGIN);
    let mut nodes = vec![
        Rect {
            x: 0.0,
            y: 0.0,
            width: 0.0,
            height: 0.0
        };
        drawing.nodes.len()
    ];
    for (cell, members) in cells.members.iter().enumerate() {
        for (index, &step) in members.iter().enumerate() {
            nodes[step as usize] = grids[cell].card(router.frames[cell], index);
        }
    }
    let mut edges = vec![Vec::new(); drawing.edges.len()];
    for (&(from, to), &edge) in dag.links.iter().zip(&dag.edges) {
        let end = |step: u32| (cells.cell_of[step as usize], nodes[step as usize]);
        edges[edge as usize] = router.way(end(from), end(to));
    }
    let points = edges.iter().flatten().map(|point: &Point| point.x);
    let right = nodes
        .iter()
        .map(Rect::right)
        .chain(points)
        .fold(0.0, f64::max);
    let bottom = nodes.iter().map(Rect::bottom).fold(0.0, f64::max);
    Layout {
        width: right + MARGIN,
        height: bottom + MARGIN,
        nodes,
        edges,
    }
}

/// The width that lets most cards show all of their text.
fn card_width(drawing: &Drawing) -> f64 {
    let wanted = drawing.nodes.iter().map(|node| {
        let label = pixels(&node.label, LABEL_SIZE);
        let text = match node.detail.is_empty() {
            true => label + NOTE_ROOM,
            false => label.max(pixels(&node.detail, DETAIL_SIZE) + NOTE_ROOM),
        };
        text + TEXT_LEFT + TEXT_RIGHT
    });
    wanted
        .fold(CARD_WIDTH_MIN, f64::max)
        .min(CARD_WIDTH_MAX)
        .ceil()
}
