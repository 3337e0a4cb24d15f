//! One deterministic picture of a pipeline graph: as coordinates, as SVG and as text.
//!
//! The command line, the README, notebooks and the run page all show a graph through this crate,
//! so a pipeline looks the same wherever it is met. It knows nothing of runs or pipelines: the
//! caller fills a [`Drawing`] and chooses the words. It reads and writes nothing.
//!
//! Invariant: positions depend on the steps' labels and details and on the edges, never on
//! states or notes, and the same drawing gives the same bytes. A live picture does not move.
//!
//! The way of a drawing: `dag` drops what cannot be drawn, `fold` gathers wide fans into blocks,
//! `rank` chooses layers, `order` removes crossings, `place` chooses coordinates, `route` leads
//! the edges; `svg` and `text` draw, the latter on `rails`.

mod adjacency;
mod dag;
mod drawing;
mod fold;
mod grid;
mod layout;
mod measure;
mod order;
mod place;
mod rails;
mod rank;
mod route;
mod svg;
mod text;

pub use drawing::{Drawing, Edge, EdgeKind, Node, NodeState};
pub use layout::{Layout, Point, Rect, layout};
pub use svg::{STYLE, svg};
pub use text::text;
