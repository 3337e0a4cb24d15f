//! The progress of the runs that a program starts while it runs.
//!
//! [`watch`] learns of runs and their changes from the server and sends them as [`Message`]s;
//! [`board`] is what they add up to; [`view`] shows it, live or as plain lines. All that is shown
//! comes through the one channel, so nothing is drawn in the middle of something else.
//!
//! Progress is an extra: when the server cannot be asked the program's own output still comes.

mod board;
mod view;
mod watch;

use stepwell_api::{ParallelProgress, Run, RunEvent};
use uuid::Uuid;

pub(crate) use view::View;
pub(crate) use watch::Watch;

/// Something to show.
#[derive(Debug)]
pub(crate) enum Message {
    /// The program printed a line.
    Line(Stream, String),
    /// A run was found, with its steps.
    Found(Run, Vec<Run>),
    /// The status of a run, or of one of its steps, changed.
    Changed {
        /// The run at the top.
        root: Uuid,
        /// What changed.
        event: RunEvent,
    },
    /// How far a parallel step is.
    Progress {
        /// The run at the top.
        root: Uuid,
        /// The step.
        step: Uuid,
        /// How far.
        progress: ParallelProgress,
    },
    /// How a run stands at the very end.
    Final(Run, Vec<Run>),
    /// Nothing more will come.
    End,
}

/// Where a program printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}
