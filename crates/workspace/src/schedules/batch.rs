//! What one turn of the loop writes: gathered from decisions, written in one transaction.

use stepwell_model::Timestamp;
use stepwell_schedule::{Effect, Event, Slot};
use stepwell_store::Connection;
use stepwell_store::schedules::{self, FileChange, Line, Progress, Recorded, Schedule};

use super::loaded::{Loaded, line};

/// What one turn writes.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) progress: Vec<(i64, Progress)>,
    pub(super) lines: Vec<(i64, Line)>,
    pub(super) files: Vec<(i64, Vec<FileChange>)>,
    pub(super) effects: Vec<(i64, Effect)>,
    /// A row that the user changed, and whether what is known of files goes with it.
    pub(super) row: Option<(Schedule, bool)>,
}

/// Decides one event and adds what follows from it; gives whether there is more to decide.
pub(super) fn decide(loaded: &mut Loaded, event: Event, now: Timestamp, batch: &mut Batch) -> bool {
    let (seq, before) = (loaded.row.seq, loaded.progress());
    let decision = loaded.state.step(event, now);
    let after = loaded.progress();
    if before != after {
        batch.progress.push((seq, after));
    }
    let lines = decision.entries.iter().map(|entry| (seq, line(entry, now)));
    batch.lines.extend(lines);
    let effects = decision.effects.into_iter().map(|effect| (seq, effect));
    batch.effects.extend(effects);
    decision.again
}

/// Writes a batch; gives the firings that had a run before.
pub(super) fn write(db: &Connection, batch: Batch) -> stepwell_store::Result<Vec<(i64, Slot)>> {
    let mut known = Vec::new();
    if let Some((row, forgets)) = &batch.row {
        schedules::update(db, row)?;
        if *forgets {
            schedules::forget_files(db, row.seq)?;
        }
    }
    for (seq, progress) in &batch.progress {
        schedules::advance(db, *seq, *progress)?;
    }
    for (seq, line) in &batch.lines {
        if schedules::record(db, *seq, line)? == Recorded::Known {
            let slot = Slot {
                at: line.at,
                path: line.path.clone(),
            };
            known.push((*seq, slot));
        }
    }
    for (seq, files) in &batch.files {
        schedules::change_files(db, *seq, files)?;
    }
    Ok(known)
}
