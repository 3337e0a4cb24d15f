//! What the user wants to happen to times that were missed and to runs that overlap.

use serde::{Deserialize, Serialize};

/// What becomes of times that passed while no server ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// They are left out.
    Skip,
    /// The last of them fires, unless a time that is not late fires anyway.
    #[default]
    Last,
    /// Each fires, up to the last [`CATCH_UP_MAX`].
    All,
}

/// What happens when a time comes while a run of the schedule is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// Both run.
    #[default]
    Allow,
    /// The new one is left out.
    Skip,
    /// The new one waits, up to [`QUEUE_MAX`] of them.
    Queue,
    /// The old one is cancelled, the new one starts.
    CancelPrevious,
}

/// Both policies of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Policy {
    /// What becomes of missed times.
    pub catch_up: CatchUp,
    /// What becomes of overlapping runs.
    pub overlap: Overlap,
}

/// The most missed times that [`CatchUp::All`] fires.
pub const CATCH_UP_MAX: usize = 1_000;

/// The most firings that wait for [`Overlap::Queue`].
pub const QUEUE_MAX: usize = 100;

/// A time that is later than this was missed, milliseconds. Within it, a server that was restarted
/// or busy is on time.
pub const LATE_MS: i64 = 60_000;

impl CatchUp {
    /// How many of the missed times fire at most.
    #[must_use]
    pub const fn keeps(self) -> usize {
        match self {
            Self::Skip => 0,
            Self::Last => 1,
            Self::All => CATCH_UP_MAX,
        }
    }
}
