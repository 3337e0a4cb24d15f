//! What a user changes: it is accounted for up to now, and holds from now on.

use stepwell_model::Timestamp;
use stepwell_schedule::{Event, Listing, Watch};
use stepwell_store::Connection;
use stepwell_store::schedules::{self, FileChange, Schedule};
use uuid::Uuid;

use super::batch::{Batch, decide};
use super::driver::Driver;
use super::loaded::Loaded;

/// What a user changes of a schedule; the rows are checked by the asker.
#[derive(Debug, Default)]
pub(crate) struct Alteration {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) trigger_json: Option<String>,
    pub(crate) policy_json: Option<String>,
    pub(crate) submission_json: Option<String>,
    pub(crate) enabled: Option<bool>,
    /// The files of a folder that is watched from now on.
    pub(crate) baseline: Option<Listing>,
}

impl Alteration {
    /// Moves the texts that are set anew into the row.
    fn apply(&mut self, row: &mut Schedule, now: Timestamp) {
        let texts = [
            (&mut row.name, &mut self.name),
            (&mut row.description, &mut self.description),
            (&mut row.submission_json, &mut self.submission_json),
            (&mut row.policy_json, &mut self.policy_json),
        ];
        for (into, text) in texts {
            if let Some(text) = text.take() {
                *into = text;
            }
        }
        if let Some(trigger) = self.trigger_json.take() {
            (row.trigger_json, row.trigger_set) = (trigger, now);
        }
        row.changed = now;
    }
}

impl Driver {
    pub(super) async fn change(
        &mut self,
        id: Uuid,
        mut change: Alteration,
    ) -> stepwell_store::Result<Option<Schedule>> {
        let now = self.ports.clock.now();
        let Some(seq) = self.by_id.get(&id).copied() else {
            return Ok(None);
        };
        let Some(loaded) = self.loaded.get_mut(&seq) else {
            return Ok(None);
        };
        let mut batch = Batch::default();
        let replaces = change.trigger_json.is_some() || change.policy_json.is_some();
        change.apply(&mut loaded.row, now);
        let row = loaded.row.clone();
        if replaces {
            let fresh = Loaded::new(row.clone(), &self.ports.zones);
            let fresh = fresh.map_err(stepwell_store::Error::Conflict)?;
            decide(
                loaded,
                Event::Replace(fresh.state.times, fresh.state.policy),
                now,
                &mut batch,
            );
            loaded.trigger = fresh.trigger;
        }
        let forgets = change.baseline.is_some();
        if let Some(listing) = change.baseline {
            let files = listing.iter().map(|(path, print)| FileChange {
                path: path.clone(),
                seen: Some((print.clone(), false)),
            });
            batch.files.push((seq, files.collect()));
            loaded.watch = Watch::begin(listing);
        }
        let again = match change.enabled {
            Some(true) => decide(loaded, Event::Enable, now, &mut batch),
            Some(false) => decide(loaded, Event::Disable, now, &mut batch),
            None => false,
        };
        // Also when nothing was decided: the row must be written.
        batch.progress.push((seq, loaded.progress()));
        batch.row = Some((row.clone(), forgets));
        let wake = match loaded.data() {
            Some(_) if change.enabled == Some(true) || forgets => {
                loaded.state.enabled.then_some(now)
            }
            Some(_) => loaded.wake.filter(|_| loaded.state.enabled),
            None if again => Some(now),
            None => loaded.state.next(),
        };
        self.set_wake(seq, wake);
        self.commit(batch).await?;
        self.publish_enabled();
        let progress = self.loaded[&seq].progress();
        Ok(Some(Schedule { progress, ..row }))
    }

    pub(super) async fn remove(&mut self, id: Uuid) -> stepwell_store::Result<bool> {
        let Some(seq) = self.by_id.get(&id).copied() else {
            return Ok(false);
        };
        let remove = move |db: &Connection| schedules::remove(db, seq);
        self.ports.store.write_durable(remove).await?;
        self.set_wake(seq, None);
        self.by_id.remove(&id);
        self.by_run.retain(|_, schedule| *schedule != seq);
        self.loaded.remove(&seq);
        self.publish_enabled();
        Ok(true)
    }
}
