//! Making room: what takes it, what may go, and its removal.
//!
//! - [`survey`]: what lies in the data folder, and how large it is; the slow part, which only reads;
//! - [`inventory`]: the same with what the database says of it, as objects that need each other;
//! - [`removal`]: the act.
//!
//! What goes is decided by [`stepwell_engine::core::retention`], and decided anew within the
//! transaction that notes it when anything was added since, so nothing can be referred to between
//! the survey and the decision. Runs are noted as removed
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

use stepwell_data::cas::Cas;
use stepwell_data::folder::DataFolder;
use stepwell_engine::core::retention::{Policy, stays};
use stepwell_model::{RunId, Timestamp};
use stepwell_store::{Connection, Store, retention};
use tokio::sync::Mutex;

pub use self::inventory::GcKind;
use self::inventory::{Entry, Inventory, What};
use self::survey::Survey;
use crate::Result;
use crate::core::{Core, blocking};

/// What may go. Without an age and a size only what nothing refers to any more goes.
#[derive(Debug, Clone, Default)]
pub struct GcRequest {
    /// Files and outputs of runs, environments and views that were last of use so long ago go.
    pub older_than_seconds: Option<u64>,
    /// The oldest of them go until the data folder takes no more room than this.
    pub keep_bytes: Option<u64>,
    /// Whether files and outputs of steps that later runs may reuse go as well. Those steps then
    /// run again.
    pub reusable: bool,
    /// Only say what would go.
    pub dry_run: bool,
}

/// What went, or would go.
#[derive(Debug, Clone)]
pub struct GcReport {
    /// Whether nothing was removed.
    pub dry_run: bool,
    /// Whether all is done. If not, the time of one call was over: call again.
    pub complete: bool,
    /// The room that it took.
    pub freed_bytes: u64,
    /// What went, by kind.
    pub removed: Vec<GcShare>,
    /// What stays of these.
    pub kept: Vec<GcShare>,
    /// The room of all else in the data folder: data of the user's, the database, logs.
    pub unmanaged_bytes: u64,
}

/// How much there is of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcShare {
    /// The kind.
    pub kind: GcKind,
    /// How many.
    pub count: u64,
    /// How large together.
    pub bytes: u64,
}

/// Making room; cheap to clone.
#[derive(Clone)]
pub struct Retention {
    core: Arc<Core>,
    /// Held by who makes room: two at a time would each remove what the other plans to keep.
    collecting: Arc<Mutex<()>>,
}

impl Retention {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            collecting: Arc::default(),
        }
    }

    /// Removes what takes room and is of no use any more, or says what would go.
    ///
    /// # Errors
    /// When the data folder cannot be read or changed.
    pub async fn collect(&self, request: GcRequest) -> Result<GcReport> {
        let _one_at_a_time = self.collecting.lock().await;
        let scope = GcScope {
            folder: self.core.folder.clone(),
            cas: self.core.cas.clone(),
            store: self.core.store.clone(),
        };
        collect(scope, request, self.core.now()).await
    }
}

/// What to make room in.
#[derive(Debug, Clone)]
struct GcScope {
    folder: DataFolder,
    cas: Cas,
    store: Store,
}

/// Makes room, or says what would go.
///
/// The database is read, and what goes is decided, beside the writer. The writer then reads only
/// what is new since, and decides again only when there is something.
async fn collect(scope: GcScope, asked: GcRequest, now: Timestamp) -> Result<GcReport> {
    let mut facts = scope.store.read(retention::facts).await?;
    let (folder, cas, policy) = (scope.folder.clone(), scope.cas.clone(), asked.clone());
    let decided = blocking(move || {
        let survey = Survey::take(&folder, &cas, &facts)?;
        let inventory = Inventory::of(&survey, &facts, policy.reusable);
        let decision = decide(inventory, &policy, now);
        Ok::<_, stepwell_data::Error>((decision, survey, facts))
    });
    let (mut decision, survey);
    (decision, survey, facts) = decided.await?;
    if asked.dry_run {
        return Ok(decision.report(&asked, None));
    }
    let policy = asked.clone();
    let note = move |db: &Connection| {
        if facts.refresh(db)? {
            let inventory = Inventory::of(&survey, &facts, policy.reusable);
            decision = decide(inventory, &policy, now);
        }
        retention::mark_pruned(db, &decision.runs(), now)?;
        Ok(decision)
    };
    let decision = scope.store.write_durable(note).await?;
    let (folder, cas) = (scope.folder.clone(), scope.cas.clone());
    blocking(move || {
        let done = removal::remove(&folder, &cas, &decision.going)?;
        Ok::<_, stepwell_data::Error>(decision.report(&asked, Some(&done)))
    })
    .await
}

/// What goes and what stays.
struct Decision {
    going: Vec<Entry>,
    staying: Vec<(GcKind, u64)>,
    unmanaged: u64,
}

fn decide(inventory: Inventory, asked: &GcRequest, now: Timestamp) -> Decision {
    let age_ms = |seconds: u64| i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let before = |seconds| Timestamp::from_millis(now.as_millis().saturating_sub(age_ms(seconds)));
    let policy = Policy {
        before: asked.older_than_seconds.map(before),
        bytes_max: asked.keep_bytes,
        bytes_besides: inventory.unmanaged,
    };
    let stays = stays(&inventory.things, &policy);
    let mut decision = Decision {
        going: Vec::new(),
        staying: Vec::new(),
        unmanaged: inventory.unmanaged,
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
    fn report(&self, asked: &GcRequest, done: Option<&removal::Done>) -> GcReport {
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
            unmanaged_bytes: self.unmanaged,
        }
    }
}

/// How many of each kind, and how large; kinds of which there is nothing are left out.
fn shares(entries: Vec<(GcKind, u64)>) -> Vec<GcShare> {
    let share = |kind: GcKind| {
        let mut of_kind = GcShare {
            kind,
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
    let shares = GcKind::ALL.into_iter().map(share);
    shares.filter(|share| share.count > 0).collect()
}

#[cfg(test)]
mod tests;
