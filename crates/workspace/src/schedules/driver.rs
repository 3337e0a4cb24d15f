//! The loop behind all schedules: one timer, one ordered index of what is due next.
//!
//! A turn gathers what has happened, decides it, commits the decisions in one transaction, and then
//! performs the effects. Runs are started beside the loop; their answers come back as messages. The
//! cost of a turn follows what is due, not how many schedules there are.
//!
//! Invariant: no effect before its decision is committed. When a commit fails, everything in memory
//! is thrown away and read again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZoneDatabase;
use stepwell_model::{RunId, Timestamp};
use stepwell_schedule::{Effect, Event, Listing, Slot};
use stepwell_store::journal::Change;
use stepwell_store::schedules::{self, Schedule};
use stepwell_store::{Connection, Store, runs};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::{UnboundedReceiver, WeakUnboundedSender};
use tokio::sync::{Semaphore, broadcast, oneshot, watch};
use uuid::Uuid;

use super::alter::Alteration;
use super::batch::{Batch, decide, write};
use super::loaded::{Loaded, Stored};
use super::ports::{LaunchError, Launcher, Lister};
use crate::clock::Clock;

/// How many schedules share a transaction: their runs are started while the next are decided.
const BATCH: usize = 512;

/// How many runs are started at once; the database commits them in groups.
const STARTS_MAX: usize = 256;

/// How long the timer sleeps at most: a clock that is set, or a machine that slept, is seen then.
const NAP_MS: i64 = 30_000;

/// How long a start that may succeed later waits, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// A message to the loop.
pub(crate) enum Message {
    /// A schedule was stored.
    Added(Box<Schedule>),
    /// The user changes one.
    Change(
        Uuid,
        Alteration,
        oneshot::Sender<stepwell_store::Result<Option<Schedule>>>,
    ),
    /// The user removes one; the answer is whether it was there.
    Remove(Uuid, oneshot::Sender<stepwell_store::Result<bool>>),
    /// A start has ended.
    Answer(i64, Slot, Result<RunId, String>),
    /// A folder was listed, or could not be.
    Listed(i64, Result<Listing, String>),
}

/// What the loop works with.
pub(crate) struct Ports {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) launcher: Arc<dyn Launcher>,
    pub(crate) lister: Arc<dyn Lister>,
    pub(crate) zones: TimeZoneDatabase,
    /// Where the number of enabled schedules is published.
    pub(crate) enabled: watch::Sender<usize>,
}

pub(crate) struct Driver {
    pub(super) ports: Ports,
    /// For the answers of what runs beside the loop; it does not keep the loop alive.
    answers: WeakUnboundedSender<Message>,
    pub(super) loaded: HashMap<i64, Loaded>,
    pub(super) by_id: HashMap<Uuid, i64>,
    pub(super) by_run: HashMap<RunId, i64>,
    due: BTreeSet<(Timestamp, i64)>,
    starts: Arc<Semaphore>,
}

impl Driver {
    pub(crate) fn new(ports: Ports, answers: WeakUnboundedSender<Message>) -> Self {
        Self {
            ports,
            answers,
            loaded: HashMap::new(),
            by_id: HashMap::new(),
            by_run: HashMap::new(),
            due: BTreeSet::new(),
            starts: Arc::new(Semaphore::new(STARTS_MAX)),
        }
    }

    /// Goes on until nobody can tell it anything.
    pub(crate) async fn run(
        mut self,
        mut inbox: UnboundedReceiver<Message>,
        mut changes: broadcast::Receiver<Arc<[Change]>>,
    ) {
        self.reload().await;
        let mut messages = Vec::new();
        loop {
            let now = self.ports.clock.now();
            let nap = Timestamp::from_millis(now.as_millis() + NAP_MS);
            let next = self.due.first().map_or(nap, |(at, _)| (*at).min(nap));
            let result = tokio::select! {
                biased;
                count = inbox.recv_many(&mut messages, BATCH) => match count {
                    0 => return,
                    _ => self.receive(std::mem::take(&mut messages)).await,
                },
                change = changes.recv() => self.changed(change).await,
                () = self.ports.clock.sleep_until(next) => Ok(()),
            };
            let result = match result {
                Ok(()) => self.tick().await,
                error => error,
            };
            if let Err(error) = result {
                tracing::error!(%error, "what schedules decided cannot be stored; reading it again");
                tokio::time::sleep(Duration::from_secs(1)).await;
                self.reload().await;
            }
        }
    }

    /// Reads everything, and has done again what may not have been done.
    async fn reload(&mut self) {
        loop {
            match self.try_reload().await {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(%error, "schedules cannot be read");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    async fn try_reload(&mut self) -> stepwell_store::Result<()> {
        let mut stored = self.ports.store.read(Stored::read).await?;
        self.loaded.clear();
        self.by_id.clear();
        self.by_run.clear();
        self.due.clear();
        let now = self.ports.clock.now();
        let mut effects = Vec::new();
        for row in std::mem::take(&mut stored.rows) {
            let (seq, id, name) = (row.seq, row.id, row.name.clone());
            match stored.load(row, &self.ports.zones) {
                Ok((loaded, again)) => {
                    let open = loaded.state.has_open();
                    effects.extend(again.into_iter().map(|effect| (seq, effect)));
                    self.add(loaded, if open { Some(now) } else { None });
                }
                // The rules of zones can change; the schedule shows that.
                Err(error) => tracing::error!(%id, name, error, "a schedule cannot be read"),
            }
        }
        self.publish_enabled();
        self.perform(effects);
        Ok(())
    }

    /// Takes a schedule up; it is looked after at `wake`, or when it wants.
    fn add(&mut self, loaded: Loaded, wake: Option<Timestamp>) {
        let seq = loaded.row.seq;
        self.by_id.insert(loaded.row.id, seq);
        for run in loaded.state.active() {
            self.by_run.insert(run, seq);
        }
        let now = self.ports.clock.now();
        let first = match loaded.data() {
            // Its folder is listed as soon as possible: much may have changed since the last server.
            Some(_) => loaded.state.enabled.then_some(now),
            None => loaded.state.next(),
        };
        self.loaded.insert(seq, loaded);
        self.set_wake(seq, wake.or(first));
    }

    pub(super) fn set_wake(&mut self, seq: i64, wake: Option<Timestamp>) {
        let Some(loaded) = self.loaded.get_mut(&seq) else {
            return;
        };
        if let Some(before) = std::mem::replace(&mut loaded.wake, wake) {
            self.due.remove(&(before, seq));
        }
        self.due.extend(wake.map(|at| (at, seq)));
    }

    pub(super) fn publish_enabled(&self) {
        let enabled = self.loaded.values().filter(|loaded| loaded.state.enabled);
        self.ports.enabled.send_replace(enabled.count());
    }

    /// Decides what is due, in batches, until nothing is.
    async fn tick(&mut self) -> stepwell_store::Result<()> {
        loop {
            let now = self.ports.clock.now();
            let mut batch = Batch::default();
            let mut ticked = Vec::new();
            while ticked.len() < BATCH
                && let Some((at, seq)) = self.due.first().copied()
                && at <= now
            {
                self.due.remove(&(at, seq));
                if let Some(loaded) = self.loaded.get_mut(&seq) {
                    loaded.wake = None;
                    ticked.push(seq);
                }
            }
            if ticked.is_empty() {
                return Ok(());
            }
            for seq in ticked {
                self.look_after(seq, now, &mut batch);
            }
            self.commit(batch).await?;
        }
    }

    /// One schedule whose time has come.
    fn look_after(&mut self, seq: i64, now: Timestamp, batch: &mut Batch) {
        let Some(loaded) = self.loaded.get_mut(&seq) else {
            return;
        };
        let again = decide(loaded, Event::Tick, now, batch);
        if loaded.data().is_some() {
            self.list_folder(seq);
        } else {
            let wake = if again {
                Some(now)
            } else {
                self.loaded[&seq].state.next()
            };
            self.set_wake(seq, wake);
        }
    }

    /// Looks at a folder, beside the loop.
    fn list_folder(&mut self, seq: i64) {
        let Some(loaded) = self.loaded.get_mut(&seq) else {
            return;
        };
        let enabled = loaded.state.enabled;
        let Some(data) = loaded
            .data()
            .cloned()
            .filter(|_| enabled && !loaded.looking)
        else {
            return;
        };
        loaded.looking = true;
        let looking = self.ports.lister.list(&data.datastore, &data.path);
        let answers = self.answers.clone();
        tokio::spawn(async move { send(&answers, Message::Listed(seq, looking.await)) });
    }

    /// Handles what came in.
    async fn receive(&mut self, messages: Vec<Message>) -> stepwell_store::Result<()> {
        let mut batch = Batch::default();
        let mut started = Vec::new();
        for message in messages {
            let now = self.ports.clock.now();
            match message {
                // A reload may have come first.
                Message::Added(row) if self.by_id.contains_key(&row.id) => {}
                Message::Added(row) => match Loaded::new(*row, &self.ports.zones) {
                    Ok(mut loaded) => {
                        let data = loaded.data().is_some();
                        let wake = loaded.next_wake(now);
                        if data {
                            let files = self.read_files(loaded.row.seq).await?;
                            loaded.watch = stepwell_schedule::Watch::begin(files);
                        }
                        self.add(loaded, wake);
                        self.publish_enabled();
                    }
                    Err(error) => tracing::error!(error, "a schedule cannot be read"),
                },
                Message::Change(id, change, reply) => {
                    self.commit(std::mem::take(&mut batch)).await?;
                    let changed = self.change(id, change).await;
                    let failed = changed.as_ref().err().map(ToString::to_string);
                    drop(reply.send(changed));
                    if let Some(reason) = failed {
                        return Err(stepwell_store::Error::Conflict(reason));
                    }
                }
                Message::Remove(id, reply) => {
                    self.commit(std::mem::take(&mut batch)).await?;
                    drop(reply.send(self.remove(id).await));
                }
                Message::Answer(seq, slot, result) => {
                    let Some(loaded) = self.loaded.get_mut(&seq) else {
                        continue;
                    };
                    let event = match result {
                        Ok(run) => {
                            started.push((seq, run));
                            Event::Started { slot, run }
                        }
                        Err(message) => Event::Refused { slot, message },
                    };
                    decide(loaded, event, now, &mut batch);
                }
                Message::Listed(seq, listed) => self.listed(seq, listed, now, &mut batch),
            }
        }
        self.commit(batch).await?;
        self.follow(started).await
    }

    async fn read_files(&self, seq: i64) -> stepwell_store::Result<Listing> {
        let files = self
            .ports
            .store
            .read(move |db| schedules::files(db, seq))
            .await?;
        Ok(files
            .into_iter()
            .map(|(path, print, _)| (path, print))
            .collect())
    }

    /// Runs that were started: from now on their end is looked out for. It may have come already.
    async fn follow(&mut self, started: Vec<(i64, RunId)>) -> stepwell_store::Result<()> {
        if started.is_empty() {
            return Ok(());
        }
        for (seq, run) in &started {
            if self
                .loaded
                .get(seq)
                .is_some_and(|loaded| loaded.state.runs(*run))
            {
                self.by_run.insert(*run, *seq);
            }
        }
        let over = self
            .over(started.into_iter().map(|(_, run)| run).collect())
            .await?;
        self.ended(over).await
    }

    /// Those of the runs that are over.
    async fn over(&self, of: Vec<RunId>) -> stepwell_store::Result<Vec<RunId>> {
        let read = move |db: &Connection| {
            let mut over = Vec::new();
            for run in of {
                let found = runs::find(db, run)?;
                over.extend(
                    found
                        .filter(|run| run.status.is_terminal())
                        .map(|run| run.id),
                );
            }
            Ok(over)
        };
        self.ports.store.read(read).await
    }

    async fn changed(
        &mut self,
        change: Result<Arc<[Change]>, RecvError>,
    ) -> stepwell_store::Result<()> {
        let over = match change {
            Ok(group) => {
                let over = group.iter().filter(|change| change.status.is_terminal());
                over.map(|change| change.run)
                    .filter(|run| self.by_run.contains_key(run))
                    .collect()
            }
            // Too much at once: ask about each run.
            Err(RecvError::Lagged(_)) => self.over(self.by_run.keys().copied().collect()).await?,
            // The engine has stopped, and so will the server.
            Err(RecvError::Closed) => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                return Ok(());
            }
        };
        self.ended(over).await
    }

    async fn ended(&mut self, over: Vec<RunId>) -> stepwell_store::Result<()> {
        let mut batch = Batch::default();
        let now = self.ports.clock.now();
        for run in over {
            let Some(seq) = self.by_run.remove(&run) else {
                continue;
            };
            if let Some(loaded) = self.loaded.get_mut(&seq) {
                decide(loaded, Event::Ended(run), now, &mut batch);
            }
        }
        self.commit(batch).await
    }

    /// What was found in a folder.
    fn listed(
        &mut self,
        seq: i64,
        listed: Result<Listing, String>,
        now: Timestamp,
        batch: &mut Batch,
    ) {
        let Some(loaded) = self.loaded.get_mut(&seq) else {
            return;
        };
        loaded.looking = false;
        match listed {
            Ok(listing) => {
                let away = loaded.state.disabled_until > loaded.state.cursor;
                let (slots, files) = match away {
                    true => loaded.skip_baseline(listing, now),
                    false => loaded.observe(&listing, now),
                };
                if !files.is_empty() {
                    batch.files.push((seq, files));
                }
                if away || !slots.is_empty() {
                    loaded.state.cursor = now;
                    batch.progress.push((seq, loaded.progress()));
                    let event = if away {
                        Event::Unwatched(slots)
                    } else {
                        Event::Changed(slots)
                    };
                    decide(loaded, event, now, batch);
                }
            }
            Err(error) => {
                let (id, name) = (loaded.row.id, &loaded.row.name);
                tracing::warn!(%id, name, error, "the folder of a schedule cannot be looked at");
            }
        }
        let wake = loaded.next_wake(now);
        self.set_wake(seq, wake);
    }

    /// Writes a batch in one transaction, then performs its effects.
    pub(super) async fn commit(&mut self, mut batch: Batch) -> stepwell_store::Result<()> {
        loop {
            if batch.progress.is_empty() && batch.files.is_empty() && batch.lines.is_empty() {
                return Ok(());
            }
            let effects = std::mem::take(&mut batch.effects);
            let write = move |db: &Connection| write(db, batch);
            let known = self.ports.store.write(write).await?;
            let mut again = Batch::default();
            let now = self.ports.clock.now();
            let fires = |seq: i64, effect: &Effect| match effect {
                Effect::Start(slot) => !known
                    .iter()
                    .any(|(other, firing)| *other == seq && firing == slot),
                Effect::Cancel(_) => true,
            };
            let effects = effects
                .into_iter()
                .filter(|(seq, effect)| fires(*seq, effect));
            self.perform(effects.collect());
            for (seq, slot) in &known {
                if let Some(loaded) = self.loaded.get_mut(seq) {
                    decide(loaded, Event::Known(slot.clone()), now, &mut again);
                }
            }
            batch = again;
        }
    }

    fn perform(&self, effects: Vec<(i64, Effect)>) {
        for (seq, effect) in effects {
            match effect {
                Effect::Start(slot) => self.start(seq, slot),
                Effect::Cancel(run) => drop(tokio::spawn(self.ports.launcher.cancel(run))),
            }
        }
    }

    /// Starts a run beside the loop, again and again while it may yet succeed.
    fn start(&self, seq: i64, slot: Slot) {
        let Some(loaded) = self.loaded.get(&seq) else {
            return;
        };
        let firing = loaded.firing(slot.clone());
        let (launcher, starts) = (Arc::clone(&self.ports.launcher), Arc::clone(&self.starts));
        let answers = self.answers.clone();
        tokio::spawn(async move {
            let mut wait = RETRY.0;
            let result = loop {
                let permit = starts.acquire().await;
                match launcher.start(firing.clone()).await {
                    Ok(run) => break Ok(run),
                    Err(LaunchError::Refused(message)) => break Err(message),
                    Err(LaunchError::Later(reason)) => {
                        let schedule = firing.schedule;
                        tracing::warn!(%schedule, reason, "a firing is tried again");
                    }
                }
                drop(permit);
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(RETRY.1);
            };
            send(&answers, Message::Answer(seq, slot, result));
        });
    }
}

/// Sends to the loop; one that is gone needs no answer.
fn send(answers: &WeakUnboundedSender<Message>, message: Message) {
    if let Some(answers) = answers.upgrade() {
        drop(answers.send(message));
    }
}
