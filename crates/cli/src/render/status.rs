//! The words and colours of a run's status, and a run's title.

use stepwell_api::Run;

use super::style::Paint;
use super::table::Cell;

/// Whether a run with this status is over.
pub(crate) fn is_over(status: &str) -> bool {
    matches!(status, "Completed" | "Failed" | "Canceled")
}

/// Whether a run with this status has begun to do something.
pub(crate) fn has_begun(status: &str) -> bool {
    !matches!(status, "NotStarted" | "Queued")
}

/// The colour of a status.
pub(crate) fn paint(status: &str) -> Paint {
    match status {
        "Completed" => Paint::Green,
        "Failed" => Paint::Red,
        "Running" | "Preparing" => Paint::Cyan,
        "Canceled" | "CancelRequested" => Paint::Yellow,
        _ => Paint::Faint,
    }
}

/// A run's status as a cell; of a step that an earlier one stands in for, that.
pub(crate) fn cell(run: &Run) -> Cell {
    match run.reused_from {
        Some(_) => Cell::new("Reused", Paint::Green),
        None => Cell::new(run.status.as_str(), paint(&run.status)),
    }
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
