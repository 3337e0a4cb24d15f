//! What to draw: steps with their words and states, and the edges between them.
//!
//! A drawing may be wrong (a cycle, an edge to a step that is not there): it is still drawn,
//! without the edges that make no sense. Whether a pipeline is valid is decided elsewhere.

/// A graph to draw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drawing {
    /// The picture's accessible name.
    pub title: String,
    /// The steps; edges and `data-step` name them by their place in this list.
    pub nodes: Vec<Node>,
    /// What leads from step to step.
    pub edges: Vec<Edge>,
}

/// One step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// The step's name.
    pub label: String,
    /// A smaller second line: the kind of step, or where it runs.
    pub detail: String,
    /// How far the step is.
    pub state: NodeState,
    /// A short remark that may change while the step runs, such as `12.3 s`.
    pub note: String,
}

/// How far a step is. Each state has its own colour *and* its own shape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum NodeState {
    /// The graph is shown without a run.
    #[default]
    Plain,
    /// Other steps have to end first.
    Waiting,
    /// Ready, and waiting for room on its compute target.
    Queued,
    /// Its environment or inputs are being made.
    Preparing,
    /// Its program runs.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Will not run, because of another step.
    Skipped,
    /// Stopped on request.
    Cancelled,
    /// Not run again: an earlier result was taken.
    Reused,
}

impl NodeState {
    /// Every state, in the order of a step's life.
    pub const ALL: [Self; 10] = [
        Self::Plain,
        Self::Waiting,
        Self::Queued,
        Self::Preparing,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Skipped,
        Self::Cancelled,
        Self::Reused,
    ];

    /// The state in one lower-case word; also its class in the SVG.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Waiting => "waiting",
            Self::Queued => "queued",
            Self::Preparing => "preparing",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Reused => "reused",
        }
    }

    /// The state as one terminal cell; no two states share a glyph.
    pub fn glyph(self) -> char {
        match self {
            Self::Plain => '○',
            Self::Waiting => '◌',
            Self::Queued => '◔',
            Self::Preparing => '◐',
            Self::Running => '●',
            Self::Succeeded => '✓',
            Self::Failed => '✗',
            Self::Skipped => '⊘',
            Self::Cancelled => '■',
            Self::Reused => '↻',
        }
    }

    /// The word to show a person, as tables and pages have it: empty where there is no run to speak
    /// of.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Waiting => "NotStarted",
            Self::Queued => "Queued",
            Self::Preparing => "Preparing",
            Self::Running => "Running",
            Self::Succeeded => "Completed",
            Self::Failed => "Failed",
            Self::Skipped => "Skipped",
            Self::Cancelled => "Canceled",
            Self::Reused => "Reused",
        }
    }
}

/// Why one step comes after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EdgeKind {
    /// The later step reads what the earlier one made.
    Data,
    /// The later step waits and reads nothing; drawn dashed.
    Order,
}

/// An edge from an earlier to a later step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The earlier step.
    pub from: u32,
    /// The later step.
    pub to: u32,
    /// Why the one follows the other.
    pub kind: EdgeKind,
    /// The output's name, or nothing.
    pub label: String,
}
