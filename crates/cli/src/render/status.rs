//! The words and colours of a run's status, and a run's title.

use stepwell_api::{Run, RunStatus};

use super::style::Paint;
use super::table::Cell;

/// Whether a run with this status has begun to do something.
pub(crate) fn has_begun(status: RunStatus) -> bool {
    !matches!(status, RunStatus::NotStarted | RunStatus::Queued)
}

/// The colour of a status.
pub(crate) fn paint(status: RunStatus) -> Paint {
    match status {
        RunStatus::Completed => Paint::Green,
        RunStatus::Failed => Paint::Red,
        RunStatus::Running | RunStatus::Preparing => Paint::Cyan,
        RunStatus::Canceled | RunStatus::CancelRequested => Paint::Yellow,
        RunStatus::NotStarted | RunStatus::Queued => Paint::Faint,
    }
}

/// How far a run is, in the one word that tables, headings, pictures and pages use: its status, but
/// `Reused` when an earlier step's outputs were taken, and `Skipped` when it never started because of
/// another step.
pub(crate) fn word(run: &Run) -> &'static str {
    if run.reused_from.is_some() {
        "Reused"
    } else if is_skipped(run) {
        "Skipped"
    } else {
        run.status.as_str()
    }
}

fn is_skipped(run: &Run) -> bool {
    let kind = run.error.as_ref().map(|error| error.kind.as_str());
    run.status == RunStatus::Canceled && kind == Some("skipped")
}

/// A status as a cell, where there is no more than that.
pub(crate) fn cell_of(status: RunStatus) -> Cell {
    Cell::new(status.as_str(), paint(status))
}

/// A run's word as a cell.
pub(crate) fn cell(run: &Run) -> Cell {
    Cell::new(word(run), paint(run.status))
}

/// What to call a run: `churn #3` for one with a number, else its name.
pub(crate) fn title(run: &Run) -> String {
    if run.parent.is_none() && run.number > 0 {
        format!("{} #{}", run.experiment, run.number)
    } else if run.display_name.is_empty() {
        run.experiment.clone()
    } else {
        run.display_name.clone()
    }
}
