//! What steps wait for that could run and have no attempt yet. The engine alone knows: it writes
//! nothing down for each step that has to wait for a slot.

use std::collections::HashMap;

use stepwell_model::{RunId, RunKind, RunStatus, StepIndex};
use stepwell_store::runs::{Record, Waiting};

use crate::Result;
use crate::core::Core;

/// Adds what they wait for to the rows of steps that could run and have no attempt.
pub(crate) async fn add(core: &Core, rows: &mut [Record]) -> Result<()> {
    let mut asked: HashMap<RunId, Vec<StepIndex>> = HashMap::new();
    for (scheduled, step) in rows.iter().filter_map(unstarted) {
        asked.entry(scheduled).or_default().push(step);
    }
    let mut waits = HashMap::new();
    for (scheduled, steps) in asked {
        for wait in core.engine.waits(scheduled, steps).await? {
            waits.insert((scheduled, wait.step), wait);
        }
    }
    for row in rows {
        let wait = unstarted(row).and_then(|step| waits.get(&step));
        if let Some(wait) = wait {
            row.status = RunStatus::Queued;
            row.waiting = Some(Waiting {
                reason: wait.reason,
                detail: String::new(),
                since: wait.since,
            });
        }
    }
    Ok(())
}

/// The scheduled run and the step of a row that has not started, or waits for another attempt.
fn unstarted(row: &Record) -> Option<(RunId, StepIndex)> {
    let is_unstarted = matches!(row.status, RunStatus::NotStarted | RunStatus::Queued);
    if !is_unstarted || row.waiting.is_some() {
        return None;
    }
    match row.kind {
        RunKind::Step => Some((row.parent?, StepIndex(row.step?))),
        // The one step of a script run is the run itself.
        RunKind::Script => Some((row.id, StepIndex(0))),
        RunKind::Pipeline | RunKind::Interactive => None,
    }
}
