//! The picture as plain text, for a terminal, a log or a pull request.
//!
//! One line per step in an order in which they could run, with rails on the left where there is
//! room for them and the names of the steps before (`← prepare`) where there is not. No colour:
//! a state shows by its glyph and its word.

use std::borrow::Cow;
use std::fmt::Write;

use crate::adjacency::Adjacency;
use crate::dag::Dag;
use crate::drawing::{Drawing, Node};
use crate::fold::fold;
use crate::measure::{columns as width, fit_columns, printable};
use crate::rails::{Row, rails};
use crate::rank::topological;

/// Siblings are listed on one rail from this many on.
const SIBLINGS_MIN: usize = 2;
const LABEL_MIN: usize = 12;
const DETAIL_MIN: usize = 6;
const GAP: usize = 2;
/// How many steps before are named at most.
const NAMES_MAX: usize = 4;

/// Draws a graph in lines of at most `columns` terminal columns (but no fewer than a name needs).
pub fn text(drawing: &Drawing, columns: usize) -> String {
    if drawing.nodes.is_empty() {
        return "(no steps)\n".to_owned();
    }
    let dag = Dag::of(drawing);
    let rails_max = (columns / 6).clamp(4, 24);
    let glyph = |step: u32| drawing.nodes[step as usize].state.glyph();
    match rails(&fold(&dag, SIBLINGS_MIN), glyph, rails_max) {
        Some(rows) => table(drawing, &rows, None, columns),
        None => {
            let (after, before) = Adjacency::both(dag.count, &dag.links);
            let order = topological(dag.count, &after, &before);
            let row = |step| Row {
                art: glyph(step).to_string(),
                step: Some(step),
            };
            let rows: Vec<Row> = order.into_iter().map(row).collect();
            table(drawing, &rows, Some(&before), columns)
        }
    }
}

/// The words beside the rails, each kind in a column of its own.
fn table(drawing: &Drawing, rows: &[Row], before: Option<&Adjacency>, columns: usize) -> String {
    let art = rows.iter().map(|row| width(&row.art)).max().unwrap_or(0);
    let widths = Widths::of(&drawing.nodes, columns.saturating_sub(art + GAP));
    let mut lines = String::new();
    for row in rows {
        let mut line = String::new();
        pad(&mut line, &row.art, art);
        if let Some(step) = row.step {
            widths.write(&mut line, &drawing.nodes[step as usize]);
            if let Some(before) = before {
                write_names(&mut line, drawing, before.of(step), columns);
            }
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

/// How wide each column of words is; 0 leaves it out.
struct Widths {
    label: usize,
    detail: usize,
    state: usize,
    note: usize,
}

impl Widths {
    /// What the nodes ask for, less what does not fit into `room`: first from the details, then
    /// from the labels, and at last the words for the state and the notes go.
    fn of(nodes: &[Node], room: usize) -> Self {
        let widest = |words: fn(&Node) -> &str| {
            nodes
                .iter()
                .map(|node| width(&printable(words(node))))
                .max()
                .unwrap_or(0)
        };
        let mut widths = Self {
            label: widest(|node| &node.label),
            detail: widest(|node| &node.detail),
            state: widest(|node| node.state.word()),
            note: widest(|node| &node.note),
        };
        let label_min = widths.label.min(LABEL_MIN);
        let excess = widths.excess(room);
        if excess > 0 {
            let detail = widths.detail.saturating_sub(excess);
            widths.detail = if detail < DETAIL_MIN { 0 } else { detail };
        }
        widths.label = widths
            .label
            .saturating_sub(widths.excess(room))
            .max(label_min);
        if widths.excess(room) > 0 {
            widths.state = 0;
        }
        if widths.excess(room) > 0 {
            widths.note = 0;
        }
        widths.label = widths.label.saturating_sub(widths.excess(room)).max(1);
        widths
    }

    fn excess(&self, room: usize) -> usize {
        let shown = [self.label, self.detail, self.state, self.note];
        let shown = shown.iter().filter(|width| **width > 0);
        let total: usize = shown.map(|width| width + GAP).sum();
        total.saturating_sub(room + GAP)
    }

    fn write(&self, line: &mut String, node: &Node) {
        let words = [
            (node.label.as_str(), self.label),
            (node.detail.as_str(), self.detail),
            (node.state.word(), self.state),
            (node.note.as_str(), self.note),
        ];
        for (word, room) in words.into_iter().filter(|(_, room)| *room > 0) {
            line.push_str(&" ".repeat(GAP));
            pad(line, &fit_columns(&printable(word), room), room);
        }
    }
}

/// Names the steps before, as far as there is room.
fn write_names(line: &mut String, drawing: &Drawing, before: &[u32], columns: usize) {
    let room = columns.saturating_sub(width(line) + GAP);
    if before.is_empty() || room < LABEL_MIN {
        return;
    }
    let named = before.iter().take(NAMES_MAX);
    let named: Vec<Cow<'_, str>> = named
        .map(|&step| printable(&drawing.nodes[step as usize].label))
        .collect();
    let mut names = format!("← {}", named.join(", "));
    if before.len() > NAMES_MAX {
        write!(names, " and {} more", before.len() - NAMES_MAX)
            .expect("writing to a string does not fail");
    }
    line.push_str(&" ".repeat(GAP));
    line.push_str(&fit_columns(&names, room));
}

fn pad(line: &mut String, word: &str, room: usize) {
    line.push_str(word);
    line.push_str(&" ".repeat(room.saturating_sub(width(word))));
}
