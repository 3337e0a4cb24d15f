//! Making room: what takes it, what may go, and its removal.
//!
//! - [`survey`]: what lies in the data folder, and how large it is; the slow part, which only reads;
//! - [`inventory`]: the same with what the database says of it, as things that need each other;
//! - [`removal`]: the act.
//!
//! What goes is decided by [`stepwell_engine::core::retention`], within the transaction that notes
//! it, so nothing can be referred to between the look and the decision. Runs are noted as removed
//! before their files are: after a crash the rest of the files is nobody's, and goes next time.
//!
//! Only what Stepwell has made in its own data folder is ever removed: folders of runs, outputs at
//! places that carry the run's id, objects, environments, views. Data that a user put on a
//! datastore, or had written to a place of a name of its own, is left alone, as are other
//! datastores than the two in the data folder.

mod inventory;
mod removal;
mod survey;

use std::sync::Arc;

use stepwell_api::{Gc, GcReport, GcShare};
use stepwell_data::cas::Cas;
use stepwell_data::folder::DataFolder;
use stepwell_engine::core::retention::{Policy, stays};
use stepwell_model::{RunId, Timestamp};
use stepwell_store::{Connection, Store, retention};

use self::inventory::{Entry, Inventory, Kind, What};
use self::survey::Survey;
use crate::error::{ApiError, Result};

/// What to make room in.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) folder: DataFolder,
    pub(crate) cas: Cas,
    pub(crate) store: Store,
}

/// Makes room, or says what would go.
pub(crate) async fn collect(place: Place, asked: Gc, now: Timestamp) -> Result<GcReport> {
    let facts = place.store.read(retention::facts).await?;
    let (folder, cas) = (place.folder.clone(), place.cas.clone());
    let survey = blocking(move || Survey::take(&folder, &cas, &facts)).await?;
    let survey = Arc::new(survey);
    let (seen, policy) = (Arc::clone(&survey), asked.clone());
    let decide = move |db: &Connection| {
        let facts = retention::facts(db)?;
        let inventory = Inventory::of(&seen, &facts, policy.reusable);
        Ok(decide(inventory, &policy, now))
    };
    if asked.dry_run {
        let decision = place.store.read(decide).await?;
        return Ok(decision.report(&asked, None));
    }
    let note = move |db: &Connection| {
        let decision = decide(db)?;
        retention::mark_pruned(db, &decision.runs(), now)?;
        Ok(decision)
    };
    let decision = place.store.write_durable(note).await?;
    let (folder, cas) = (place.folder.clone(), place.cas.clone());
    blocking(move || {
        let done = removal::remove(&folder, &cas, &decision.going)?;
        Ok(decision.report(&asked, Some(&done)))
    })
    .await
}

/// What goes and what stays.
struct Decision {
    going: Vec<Entry>,
    staying: Vec<(Kind, u64)>,
    besides: u64,
}

fn decide(inventory: Inventory, asked: &Gc, now: Timestamp) -> Decision {
    let age_ms = |seconds: u64| i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let before = |seconds| Timestamp::from_millis(now.as_millis().saturating_sub(age_ms(seconds)));
    let policy = Policy {
        before: asked.older_than_seconds.map(before),
        bytes_max: asked.keep_bytes,
        bytes_besides: inventory.besides,
    };
    let stays = stays(&inventory.things, &policy);
    let mut decision = Decision {
        going: Vec::new(),
        staying: Vec::new(),
        besides: inventory.besides,
    };
    for (entry, stays) in inventory.entries.into_iter().zip(stays) {
        match stays {
            true => decision.staying.push((entry.kind, entry.bytes)),
            false => decision.going.push(entry),
        }
    }
    decision
}

impl Decision {
    /// The runs that lose their files.
    fn runs(&self) -> Vec<RunId> {
        let run = |entry: &Entry| match &entry.what {
            What::Run(run) => Some(*run),
            _ => None,
        };
        self.going.iter().filter_map(run).collect()
    }

    /// In words. `done` is what was removed in fact; without it, what would be.
    fn report(&self, asked: &Gc, done: Option<&removal::Done>) -> GcReport {
        let planned = |entry: &Entry| (entry.kind, entry.bytes);
        let removed = match done {
            Some(done) => done.removed.clone(),
            None => self.going.iter().map(planned).collect(),
        };
        GcReport {
            dry_run: asked.dry_run,
            complete: done.is_none_or(|done| done.complete),
            freed_bytes: removed.iter().map(|(_, bytes)| bytes).sum(),
            removed: shares(removed),
            kept: shares(self.staying.clone()),
            besides_bytes: self.besides,
        }
    }
}

/// How many of each kind, and how large; kinds of which there is nothing are left out.
fn shares(entries: Vec<(Kind, u64)>) -> Vec<GcShare> {
    let share = |kind: Kind| {
        let mut of_kind = GcShare {
            kind: kind.name().to_owned(),
            count: 0,
            bytes: 0,
        };
        // A run that left nothing takes no room.
        for (_, bytes) in entries.iter().filter(|(k, b)| *k == kind && *b > 0) {
            of_kind.count += 1;
            of_kind.bytes += bytes;
        }
        of_kind
    };
    let shares = Kind::ALL.into_iter().map(share);
    shares.filter(|share| share.count > 0).collect()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> stepwell_data::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|error| ApiError::internal(&error))?;
    done.map_err(|error| ApiError::storage(&error))
}

#[cfg(test)]
mod tests;
