//! The picture as one self-contained SVG, for a file, a notebook or a page.
//!
//! All colours and all differences between states are in [`STYLE`], keyed by the class of a
//! node's group. A page shows a new state by changing that class (`node running` to `node
//! succeeded`) and the text of `.note`; nothing moves. No script, nothing fetched.

use std::fmt::Write;

use crate::drawing::{Drawing, EdgeKind, Node};
use crate::layout::{
    DETAIL_SIZE, LABEL_SIZE, Layout, NOTE_ROOM, Point, Rect, TEXT_LEFT, TEXT_RIGHT, layout,
};
use crate::measure::{fit_pixels, printable};

/// The rules for a drawing's classes, light and dark; [`svg()`] brings them along.
///
/// A page may set the `--sw-…` variables on `.stepwell-graph` to its own colours.
pub const STYLE: &str = include_str!("style.css");

/// The marks a state can show inside its ring, drawn around the origin.
const MARKS: &str = concat!(
    r#"<defs><g id="sw-marks">"#,
    r#"<circle class="sw-dot" r="3"/>"#,
    r#"<path class="sw-hands" d="M0-4V.2L2.6 1.8"/>"#,
    r#"<path class="sw-tick" d="M-3.4 .3L-1.1 2.7L3.4-2.4"/>"#,
    r#"<path class="sw-cross" d="M-2.6-2.6L2.6 2.6M2.6-2.6L-2.6 2.6"/>"#,
    r#"<path class="sw-dash" d="M-3.2 0H3.2"/>"#,
    r#"<path class="sw-stop" d="M-1.8-1.8H1.8V1.8H-1.8Z"/>"#,
    "</g></defs>\n",
);

const HEAD_LENGTH: f64 = 7.0;
const HEAD_HALF: f64 = 4.0;
const EMPTY_WIDTH: f64 = 200.0;
const EMPTY_HEIGHT: f64 = 72.0;

/// Draws a graph.
pub fn svg(drawing: &Drawing) -> String {
    let mut layout = layout(drawing);
    if drawing.nodes.is_empty() {
        (layout.width, layout.height) = (EMPTY_WIDTH, EMPTY_HEIGHT);
    }
    let mut picture = Picture(String::with_capacity(4096 + 512 * drawing.nodes.len()));
    picture.open(drawing, &layout);
    for (edge, way) in layout.edges.iter().enumerate() {
        picture.edge(drawing, edge, way);
    }
    for end in arrivals(&layout) {
        picture.head(end);
    }
    for (step, (node, card)) in drawing.nodes.iter().zip(&layout.nodes).enumerate() {
        picture.node(step, node, card);
    }
    if drawing.nodes.is_empty() {
        picture.put(format_args!(
            "<text class=\"empty\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">no steps</text>\n",
            EMPTY_WIDTH / 2.0,
            EMPTY_HEIGHT / 2.0 + 4.0,
        ));
    }
    picture.0.push_str("</svg>\n");
    picture.0
}

/// Where edges arrive, each place once.
fn arrivals(layout: &Layout) -> Vec<Point> {
    let mut ends: Vec<Point> = layout
        .edges
        .iter()
        .filter_map(|way| way.last().copied())
        .collect();
    ends.sort_by(|a, b| a.y.total_cmp(&b.y).then(a.x.total_cmp(&b.x)));
    ends.dedup();
    ends
}

/// The SVG written so far.
struct Picture(String);

impl Picture {
    fn put(&mut self, what: std::fmt::Arguments<'_>) {
        self.0
            .write_fmt(what)
            .expect("writing to a string does not fail");
    }

    fn open(&mut self, drawing: &Drawing, layout: &Layout) {
        let title = match drawing.title.is_empty() {
            true => "Pipeline graph".into(),
            false => escape(&drawing.title),
        };
        let (width, height) = (short(layout.width), short(layout.height));
        self.put(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"stepwell-graph\" role=\"img\" \
             aria-label=\"{title}\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n"
        ));
        self.0.push_str(MARKS);
    }

    fn edge(&mut self, drawing: &Drawing, edge: usize, way: &[Point]) {
        let Some((start, rest)) = way.split_first() else {
            return;
        };
        let edge = &drawing.edges[edge];
        let kind = match edge.kind {
            EdgeKind::Data => "data",
            EdgeKind::Order => "order",
        };
        self.put(format_args!(
            "<path class=\"edge {kind}\" data-from=\"{}\" data-to=\"{}\" d=\"M{} {}",
            edge.from,
            edge.to,
            short(start.x),
            short(start.y),
        ));
        let mut before = start;
        for (index, point) in rest.iter().enumerate() {
            let is_last = index + 1 == rest.len();
            let y = if is_last {
                point.y - HEAD_LENGTH
            } else {
                point.y
            };
            self.curve(*before, Point { x: point.x, y });
            before = point;
        }
        match edge.label.is_empty() {
            true => self.0.push_str("\"/>\n"),
            false => self.put(format_args!(
                "\"><title>{}</title></path>\n",
                escape(&edge.label)
            )),
        }
    }

    /// A line straight down, or a curve that leaves and arrives vertically.
    fn curve(&mut self, from: Point, to: Point) {
        let (x, y) = (short(to.x), short(to.y));
        if (from.x - to.x).abs() < 0.05 {
            return self.put(format_args!("V{y}"));
        }
        let middle = short(f64::midpoint(from.y, to.y));
        self.put(format_args!(
            "C{} {middle} {x} {middle} {x} {y}",
            short(from.x)
        ));
    }

    fn head(&mut self, end: Point) {
        self.put(format_args!(
            "<path class=\"head\" d=\"M{} {}h{}L{} {}Z\"/>\n",
            short(end.x - HEAD_HALF),
            short(end.y - HEAD_LENGTH),
            HEAD_HALF * 2.0,
            short(end.x),
            short(end.y),
        ));
    }

    fn node(&mut self, step: usize, node: &Node, card: &Rect) {
        self.put(format_args!(
            "<g class=\"node {}\" data-step=\"{step}\" transform=\"translate({} {})\">\
             <title>{}</title>\
             <rect class=\"card\" width=\"{}\" height=\"{}\" rx=\"10\"/>\
             <circle class=\"ring\" cx=\"22\" cy=\"28\" r=\"8\"/>\
             <use class=\"mark\" href=\"#sw-marks\" x=\"22\" y=\"28\"/>",
            node.state.as_str(),
            short(card.x),
            short(card.y),
            hover(node),
            short(card.width),
            short(card.height),
        ));
        self.words(node, card.width);
        self.0.push_str("</g>\n");
    }

    /// Label over detail, with the note at the right of the last line; a label alone stands in
    /// the middle. An empty note is there too, for a page to fill.
    fn words(&mut self, node: &Node, width: f64) {
        let room = width - TEXT_LEFT - TEXT_RIGHT;
        let has_detail = !node.detail.is_empty();
        let (label_y, last_y) = if has_detail {
            (25.0, 42.0)
        } else {
            (32.5, 32.5)
        };
        let label_room = if has_detail { room } else { room - NOTE_ROOM };
        self.put(format_args!(
            "<text class=\"label\" x=\"{TEXT_LEFT}\" y=\"{label_y}\">{}</text>",
            escape(&fit_pixels(&node.label, LABEL_SIZE, label_room)),
        ));
        if has_detail {
            let detail = fit_pixels(&node.detail, DETAIL_SIZE, room - NOTE_ROOM);
            self.put(format_args!(
                "<text class=\"detail\" x=\"{TEXT_LEFT}\" y=\"{last_y}\">{}</text>",
                escape(&detail),
            ));
        }
        self.put(format_args!(
            "<text class=\"note\" x=\"{}\" y=\"{last_y}\">{}</text>",
            short(width - TEXT_RIGHT),
            escape(&fit_pixels(&node.note, DETAIL_SIZE, NOTE_ROOM)),
        ));
    }
}

/// Everything about a node, as shown under the pointer and read out.
fn hover(node: &Node) -> String {
    let words = [
        node.label.as_str(),
        &node.detail,
        node.state.word(),
        &node.note,
    ];
    let words: Vec<_> = words
        .into_iter()
        .filter(|word| !word.is_empty())
        .map(escape)
        .collect();
    words.join(" · ")
}

/// A length with at most one decimal.
fn short(length: f64) -> f64 {
    (length * 10.0).round() / 10.0
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in printable(text).chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}
