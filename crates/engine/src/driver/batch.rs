//! What the loop decides in one turn, and how it is recorded: whole, or not at all.

use std::collections::{BTreeSet, HashMap};

use stepwell_model::{Event, Outcome, RunId, StepIndex, Timestamp};
use stepwell_store::Connection;
use stepwell_store::journal::{self, Change};
use tokio::sync::oneshot;

use super::engine::{CancelOutcome, now};
use super::registration::NewDataset;
use super::reuse;
use crate::core::Effect;

/// What was decided and is not recorded yet.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) events: Vec<(RunId, RunId, Event)>,
    pub(super) effects: Vec<Effect>,
    /// The steps about which the core asks, and which no answer of this turn is about.
    pub(super) queries: BTreeSet<(RunId, StepIndex)>,
    /// Why steps run or do not, to be written beside their events.
    pub(super) explanations: Vec<(RunId, String)>,
    /// What the outputs of steps that ended well look like.
    pub(super) stamps: HashMap<RunId, String>,
    /// The datasets that outputs of steps become.
    pub(super) datasets: HashMap<RunId, Vec<NewDataset>>,
    pub(super) cancelled: Vec<(oneshot::Sender<CancelOutcome>, CancelOutcome)>,
    at: Option<Timestamp>,
}

impl Batch {
    /// When it is decided: from its first decision on, as the loop waits for that.
    pub(super) fn decided(&mut self) -> Timestamp {
        *self.at.get_or_insert_with(now)
    }
}

/// What one batch writes, in one transaction.
pub(super) struct Record {
    pub(super) events: Vec<(RunId, RunId, Event)>,
    pub(super) explanations: Vec<(RunId, String)>,
    pub(super) stamps: HashMap<RunId, String>,
    pub(super) datasets: HashMap<RunId, Vec<NewDataset>>,
    pub(super) at: Timestamp,
}

impl Record {
    pub(super) fn write(&self, db: &Connection) -> stepwell_store::Result<Vec<Change>> {
        for (step_run, explanation) in &self.explanations {
            stepwell_store::reuse::explain(db, *step_run, explanation)?;
        }
        let mut changes = Vec::with_capacity(self.events.len());
        for (run, step_run, event) in &self.events {
            changes.extend(journal::append(db, *run, *step_run, event, self.at)?);
            if let Some(stamps) = self.stamps.get(step_run)
                && has_outputs(event)
            {
                reuse::remember(db, *step_run, stamps, self.at)?;
            }
            if let Some(datasets) = self.datasets.get(step_run)
                && has_outputs(event)
            {
                for dataset in datasets {
                    dataset.write(db, *step_run, self.at)?;
                }
            }
        }
        Ok(changes)
    }
}

/// Whether a step has its outputs from this event on.
fn has_outputs(event: &Event) -> bool {
    match event {
        Event::Reused { .. } => true,
        Event::Ended { outcome, .. } => matches!(outcome, Outcome::Succeeded(_)),
        _ => false,
    }
}
