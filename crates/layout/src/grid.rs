//! The cards of one cell: a single card, or siblings in rows and columns.
//!
//! A grid of several rows keeps gutters free beside its columns, where edges reach the inner
//! cards without touching another.

use crate::layout::{CARD_HEIGHT, Rect};

/// The free space between two columns, and in all beside the outer ones.
const GUTTER: f64 = 40.0;
pub(crate) const ROW_GAP: f64 = 40.0;
/// A large grid is about this many times as wide as it is high.
const ASPECT: f64 = 1.6;
const COLUMNS_MIN: f64 = 5.0;

/// The shape of one cell.
#[derive(Debug)]
pub(crate) struct Grid {
    columns: usize,
    card_width: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Grid {
    /// The grid for so many cards.
    pub(crate) fn new(cards: usize, card_width: f64) -> Self {
        if cards <= 1 {
            return Self {
                columns: 1,
                card_width,
                width: card_width,
                height: CARD_HEIGHT,
            };
        }
        let (across, down) = (card_width + GUTTER, CARD_HEIGHT + ROW_GAP);
        let columns = (cards as f64 * ASPECT * down / across)
            .sqrt()
            .ceil()
            .max(COLUMNS_MIN);
        let rows = (cards as f64 / columns).ceil();
        Self {
            columns: columns as usize,
            card_width,
            width: columns * across,
            height: rows * down - ROW_GAP,
        }
    }

    /// The card with this number in the cell's frame.
    pub(crate) fn card(&self, frame: Rect, index: usize) -> Rect {
        let (row, column) = (index / self.columns, index % self.columns);
        let across = frame.width / self.columns as f64;
        Rect {
            x: frame.x + across * column as f64 + (across - self.card_width) / 2.0,
            y: frame.y + (CARD_HEIGHT + ROW_GAP) * row as f64,
            width: self.card_width,
            height: CARD_HEIGHT,
        }
    }
}
