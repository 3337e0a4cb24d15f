//! Heights of the layers, and the way of each edge through them.
//!
//! An edge changes its column only in the free space between two layers or between two rows of
//! a grid, and runs straight down everywhere else, so it crosses no card.

use crate::grid::{Grid, ROW_GAP};
use crate::layout::{Point, Rect};
use crate::order::Layered;

const LAYER_GAP: f64 = 52.0;
/// Wide layers stand further apart, or their edges would run almost level.
const LAYER_GAP_EXTRA_MAX: f64 = 88.0;
const SLOPE_MIN: f64 = 0.06;
/// How far from a card an edge runs down a gutter: ways in on its left, ways out on its right.
const LANE: f64 = 13.0;

/// Knows where cells and bends are and leads edges around them.
pub(crate) struct Router<'a> {
    layered: &'a Layered,
    /// The outline of each cell.
    pub(crate) frames: Vec<Rect>,
    xs: Vec<f64>,
    bands: Vec<Band>,
    layer_of: Vec<u32>,
}

/// The height a layer takes.
#[derive(Debug, Clone, Copy)]
struct Band {
    top: f64,
    bottom: f64,
}

impl<'a> Router<'a> {
    /// Stacks the layers from `top` down; `xs` are the centres of cells and bends.
    pub(crate) fn new(layered: &'a Layered, grids: &[Grid], xs: Vec<f64>, top: f64) -> Self {
        let bands = stack(layered, grids, &xs, top);
        let mut layer_of = vec![0; xs.len()];
        let mut frames = vec![
            Rect {
                x: 0.0,
                y: 0.0,
                width: 0.0,
                height: 0.0
            };
            grids.len()
        ];
        for (layer, vertices) in layered.layers.iter().enumerate() {
            for &vertex in vertices {
                layer_of[vertex as usize] = layer as u32;
                if let Some(grid) = grids.get(vertex as usize) {
                    frames[vertex as usize] = Rect {
                        x: xs[vertex as usize] - grid.width / 2.0,
                        y: f64::midpoint(bands[layer].top, bands[layer].bottom) - grid.height / 2.0,
                        width: grid.width,
                        height: grid.height,
                    };
                }
            }
        }
        Self {
            layered,
            frames,
            xs,
            bands,
            layer_of,
        }
    }

    /// The way from one card to another, each given with its cell.
    pub(crate) fn way(&self, from: (u32, Rect), to: (u32, Rect)) -> Vec<Point> {
        let mut way = Way(Vec::new());
        self.leave(&mut way, from);
        for bend in self.layered.bends(from.0, to.0) {
            let band = self.band(bend);
            way.down(self.xs[bend as usize], band.top, band.bottom);
        }
        self.arrive(&mut way, to);
        way.0
    }

    fn band(&self, vertex: u32) -> Band {
        self.bands[self.layer_of[vertex as usize] as usize]
    }

    fn leave(&self, way: &mut Way, (cell, card): (u32, Rect)) {
        let frame = self.frames[cell as usize];
        let end = self.band(cell).bottom;
        if card.bottom() + 1.0 < frame.bottom() {
            way.to(card.centre(), card.bottom());
            way.down(card.right() + LANE, card.bottom() + ROW_GAP, end);
        } else {
            way.down(card.centre(), card.bottom(), end);
        }
    }

    fn arrive(&self, way: &mut Way, (cell, card): (u32, Rect)) {
        let frame = self.frames[cell as usize];
        let start = self.band(cell).top;
        if card.y - 1.0 > frame.y {
            way.down(card.x - LANE, start, card.y - ROW_GAP);
            way.to(card.centre(), card.y);
        } else {
            way.down(card.centre(), start, card.y);
        }
    }
}

/// The points of an edge so far.
struct Way(Vec<Point>);

impl Way {
    /// On to a point; two pieces of one vertical line become one.
    fn to(&mut self, x: f64, y: f64) {
        let level = |point: &Point| (point.x - x).abs() < 0.01;
        match self.0.as_mut_slice() {
            [.., before, last] if level(before) && level(last) => last.y = y,
            [.., last] if level(last) && (last.y - y).abs() < 0.01 => {}
            _ => self.0.push(Point { x, y }),
        }
    }

    /// On to a vertical line and along it.
    fn down(&mut self, x: f64, top: f64, bottom: f64) {
        self.to(x, top);
        self.to(x, bottom);
    }
}

/// The bands of the layers from `top` down, further apart where edges go far to the side.
fn stack(layered: &Layered, grids: &[Grid], xs: &[f64], top: f64) -> Vec<Band> {
    let half = |vertex: u32| {
        grids
            .get(vertex as usize)
            .map_or(0.0, |grid| grid.width / 2.0)
    };
    let mut next = top;
    let mut bands = Vec::with_capacity(layered.layers.len());
    for layer in &layered.layers {
        let heights = layer
            .iter()
            .filter_map(|&vertex| grids.get(vertex as usize));
        let bottom = next + heights.map(|grid| grid.height).fold(0.0, f64::max);
        bands.push(Band { top: next, bottom });
        let reach = layer.iter().flat_map(|&vertex| {
            let below = layered.down.of(vertex).iter();
            below.map(move |&other| {
                (xs[vertex as usize] - xs[other as usize]).abs() + half(vertex).max(half(other))
            })
        });
        let extra = (reach.fold(0.0, f64::max) * SLOPE_MIN).min(LAYER_GAP_EXTRA_MAX);
        next = bottom + LAYER_GAP + extra.round();
    }
    bands
}
