//! A driver with a clock that the test turns, and runs that the test ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stepwell_model::{RunId, Timestamp};
use stepwell_schedule::{Listing, Outcome, Policy, Trigger};
use stepwell_store::Store;
use stepwell_store::journal::Change;
use stepwell_store::schedules::{self as rows, Line, Progress, Schedule, Starts};
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

use super::super::alter::Alteration;
use super::super::handle::{Handle, Start};
use super::super::loaded::read_outcome;
use super::super::ports::{Firing, LaunchError, Launcher, Lister};
use crate::clock::{Ask, Clock};

/// 2026-03-04T10:00:00Z.
pub(super) const START: i64 = 1_772_618_400_000;
pub(super) const MINUTE: i64 = 60_000;

/// How long a value is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct FakeClock(pub(super) watch::Sender<Timestamp>);

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> Ask<()> {
        let mut time = self.0.subscribe();
        Box::pin(async move {
            if time.wait_for(|now| *now >= at).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// Runs by the key of their firing, as the engine keeps them: they outlive the driver.
#[derive(Default)]
pub(super) struct Runs {
    pub(super) by_key: Mutex<BTreeMap<String, RunId>>,
    pub(super) firings: Mutex<Vec<Firing>>,
    pub(super) cancelled: Mutex<Vec<RunId>>,
    /// Answers with this instead, so many times.
    pub(super) trouble: Mutex<Vec<LaunchError>>,
    /// Whether a start is never answered: the server dies before.
    pub(super) silent: Mutex<bool>,
}

impl Launcher for Runs {
    fn start(&self, firing: Firing) -> Ask<Result<RunId, LaunchError>> {
        if let Some(trouble) = self.trouble.lock().expect("a lock").pop() {
            return Box::pin(std::future::ready(Err(trouble)));
        }
        let mut by_key = self.by_key.lock().expect("a lock");
        let key = firing.slot.key(&firing.schedule.to_string());
        let run = *by_key.entry(key).or_insert_with(|| {
            self.firings.lock().expect("a lock").push(firing);
            RunId::new(Uuid::now_v7())
        });
        match *self.silent.lock().expect("a lock") {
            true => Box::pin(std::future::pending()),
            false => Box::pin(std::future::ready(Ok(run))),
        }
    }

    fn cancel(&self, run: RunId) -> Ask<()> {
        self.cancelled.lock().expect("a lock").push(run);
        Box::pin(std::future::ready(()))
    }
}

#[derive(Default)]
pub(super) struct Folder(pub(super) Mutex<Listing>);

impl Lister for Folder {
    fn list(&self, _: &str, _: &str) -> Ask<Result<Listing, String>> {
        let listing = self.0.lock().expect("a lock").clone();
        Box::pin(std::future::ready(Ok(listing)))
    }
}

pub(super) struct Rig {
    _folder: camino_tempfile::Utf8TempDir,
    pub(super) store: Store,
    pub(super) clock: Arc<FakeClock>,
    pub(super) runs: Arc<Runs>,
    pub(super) files: Arc<Folder>,
    pub(super) changes: broadcast::Sender<Arc<[Change]>>,
    pub(super) schedules: Handle,
}

impl Rig {
    pub(super) fn new() -> Self {
        let folder = camino_tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("stepwell.db");
        let store = Store::open(&path).expect("opens");
        let clock = Arc::new(FakeClock(watch::channel(Timestamp::from_millis(START)).0));
        let (runs, files) = (Arc::<Runs>::default(), Arc::<Folder>::default());
        let (changes, _) = broadcast::channel(64);
        let schedules = start(&store, &clock, &runs, &files, &changes);
        Self {
            _folder: folder,
            store,
            clock,
            runs,
            files,
            changes,
            schedules,
        }
    }

    /// A new driver on the same database; the one before is gone with what it had in memory.
    pub(super) async fn restart(&mut self) {
        self.stop().await;
        self.resume();
    }

    pub(super) async fn stop(&mut self) {
        let mut gone = self.schedules.enabled.clone();
        let (messages, _) = tokio::sync::mpsc::unbounded_channel();
        self.schedules.messages = messages;
        while gone.changed().await.is_ok() {}
    }

    pub(super) fn resume(&mut self) {
        let (store, clock, changes) = (&self.store, &self.clock, &self.changes);
        self.schedules = start(store, clock, &self.runs, &self.files, changes);
    }

    pub(super) async fn add(&self, trigger: &Trigger, policy: Policy) -> Schedule {
        let mut schedules = self.add_many(1, trigger, policy).await;
        schedules.remove(0)
    }

    pub(super) async fn add_many(
        &self,
        count: usize,
        trigger: &Trigger,
        policy: Policy,
    ) -> Vec<Schedule> {
        let now = self.clock.now();
        let times = trigger.times(now, jiff::tz::db()).expect("a trigger");
        let progress = Progress {
            enabled: true,
            cursor: times.map_or(now, |times| times.begin(now)),
            disabled_until: Timestamp::from_millis(0),
        };
        let row = Schedule {
            seq: 0,
            id: Uuid::nil(),
            name: "nightly".to_owned(),
            description: String::new(),
            starts: Starts::Pipeline(Uuid::from_u128(7)),
            trigger_json: serde_json::to_string(trigger).expect("JSON"),
            trigger_set: now,
            policy_json: serde_json::to_string(&policy).expect("JSON"),
            submission_json: "{}".to_owned(),
            progress,
            user: "ann".to_owned(),
            created: now,
            changed: now,
        };
        let insert = move |db: &_| {
            let mut made = Vec::new();
            for _ in 0..count {
                let mut row = Schedule {
                    id: Uuid::new_v4(),
                    ..row.clone()
                };
                row.seq = rows::insert(db, &row)?;
                made.push(row);
            }
            Ok(made)
        };
        let made = self.store.write(insert).await.expect("inserted");
        for row in &made {
            self.schedules.added(row.clone());
        }
        self.barrier(&made[0]).await;
        made
    }

    /// Returns once the driver has heard everything that was said before.
    pub(super) async fn barrier(&self, schedule: &Schedule) {
        let nothing = Alteration::default();
        let heard = self.schedules.change(schedule.id, nothing).await;
        heard.expect("changed");
    }

    pub(super) fn turn_clock(&self, to: i64) {
        self.clock.0.send_replace(Timestamp::from_millis(to));
    }

    pub(super) async fn ledger(&self, schedule: &Schedule) -> Vec<Line> {
        let seq = schedule.seq;
        let read = move |db: &_| rows::ledger(db, seq, None, 100_000);
        let mut lines = self.store.read(read).await.expect("read");
        lines.reverse();
        lines
    }

    /// What the ledger says, once it says it of so many times.
    pub(super) async fn fates(&self, schedule: &Schedule, count: u64) -> Vec<(i64, u64, Outcome)> {
        let settled = async || {
            let lines = self.ledger(schedule).await;
            let open = lines.iter().any(|line| line.outcome == "due");
            let total: u64 = lines.iter().map(|line| line.count).sum();
            (!open && total >= count).then_some(lines)
        };
        let lines = eventually("the ledger is settled", settled).await;
        let mut fates: Vec<_> = lines
            .iter()
            .map(|line| {
                let minute = (line.at.as_millis() - START) / MINUTE;
                (minute, line.count, read_outcome(line).expect("an outcome"))
            })
            .collect();
        fates.sort_by_key(|(minute, ..)| *minute);
        fates
    }

    pub(super) fn started(&self) -> usize {
        self.runs.by_key.lock().expect("a lock").len()
    }

    pub(super) fn end(&self, run: RunId) {
        let change = Change {
            seq: 1,
            at: self.clock.now(),
            root: run,
            run,
            step: None,
            status: stepwell_model::RunStatus::Completed,
            message: None,
        };
        drop(self.changes.send(Arc::new([change])));
    }
}

pub(super) fn start(
    store: &Store,
    clock: &Arc<FakeClock>,
    runs: &Arc<Runs>,
    files: &Arc<Folder>,
    changes: &broadcast::Sender<Arc<[Change]>>,
) -> Handle {
    Handle::start(Start {
        store: store.clone(),
        clock: Arc::<FakeClock>::clone(clock),
        launcher: Arc::<Runs>::clone(runs),
        lister: Arc::<Folder>::clone(files),
        changes: changes.subscribe(),
    })
}

/// Waits for a value, with a limit.
pub(super) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "waited in vain until {what}"
        );
        tokio::task::yield_now().await;
    }
}
