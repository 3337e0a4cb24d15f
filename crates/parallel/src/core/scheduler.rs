//! Who gets which mini-batch, who is taken to hang, and when the step is over.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use super::slot::{Activity, Slot};
use super::{Limits, Micros, SECOND, Tally, WorkerId, WorkerView};

/// What the scheduler decides about.
#[derive(Debug, Clone, PartialEq)]
pub enum SchedulerInput {
    /// A mini-batch was cut; its number of items, if that is known.
    Planned(u64, Option<u64>),
    /// There are no more.
    PlanEnded,
    /// A worker has run `init`.
    Ready(WorkerId),
    /// A worker could not; why.
    StartFailed(WorkerId, String),
    /// A worker has read a mini-batch, which has so many items, and calls `run`.
    Began(WorkerId, u64, u64),
    /// `run` returned.
    Done {
        /// Who.
        worker: WorkerId,
        /// Which mini-batch.
        batch: u64,
        /// How many items it has.
        items: u64,
        /// How many results were returned.
        rows: u64,
        /// The memory of the worker in bytes, if it was looked at.
        memory: Option<u64>,
    },
    /// `run` raised, or the mini-batch could not be read; why, and its items if known.
    Raised(WorkerId, u64, Option<u64>, String),
    /// The process of a worker is gone; how it ended.
    Gone(WorkerId, String),
    /// A node is lost with all of its workers; whether it may get others, or never again.
    NodeLost(u32, Return),
    /// Time has passed.
    Tick,
    /// The step is to stop.
    Cancel,
}

/// Whether a lost node may get workers again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// It may.
    Possible,
    /// It gets none any more.
    Never,
}

/// What must be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Start a worker.
    Place(WorkerId),
    /// Send a mini-batch, to be tried for the time of this number.
    Send(WorkerId, u64, u32),
    /// Ask a worker to end.
    Dismiss(WorkerId),
    /// Kill a worker.
    Kill(WorkerId),
    /// The mini-batch is done: what the worker returned for it is kept.
    Keep(WorkerId, u64),
    /// A try failed.
    Failed {
        /// With whom.
        worker: WorkerId,
        /// Which mini-batch.
        batch: u64,
        /// The number of the try.
        attempt: u32,
        /// Why.
        error: String,
        /// How many items are lost, if it was the last try.
        given_up: Option<u64>,
    },
    /// A worker could not start; why.
    Unready(WorkerId, String),
    /// The step is over. Nothing follows.
    End(Verdict),
}

/// How the step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every mini-batch is done or given up, within the thresholds.
    Completed,
    /// A threshold was exceeded; which.
    Exceeded(String),
    /// Workers could not start; why, and what the last one said.
    NoWorkers(String, String),
    /// Nothing came to an end for too long.
    Stuck(String),
    /// It was asked to stop.
    Cancelled,
}

/// A mini-batch that is neither done nor given up.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) tries: u32,
    pub(super) items: Option<u64>,
}

/// The scheduler of one parallel step.
#[derive(Debug)]
pub struct Scheduler {
    pub(super) limits: Limits,
    pub(super) slots: Vec<Slot>,
    pub(super) vacant: VecDeque<u32>,
    /// Workers without a mini-batch; one that has gone or got one meanwhile is passed over.
    pub(super) idle: VecDeque<u32>,
    pub(super) queue: VecDeque<u64>,
    pub(super) open: HashMap<u64, Open>,
    tally: Tally,
    plan_ended: bool,
    pub(super) starting: usize,
    /// Processes that have not been reported gone.
    pub(super) processes: usize,
    pub(super) node_failures: Vec<u32>,
    pub(super) step_failures: u32,
    pub(super) last_start_failure: String,
    pub(super) timers: BinaryHeap<Reverse<(Micros, u32)>>,
    /// How long a mini-batch takes, smoothed.
    mean: Micros,
    pub(super) last_progress: Micros,
    pub(super) ending: Option<Verdict>,
    pub(super) over: bool,
}

impl Scheduler {
    /// The scheduler of a step that begins now, or goes on with what `tally` has counted.
    #[must_use]
    pub fn new(limits: Limits, tally: Tally) -> Self {
        let node = |slot: u32| slot / limits.per_node.max(1);
        Self {
            slots: (0..limits.workers())
                .map(|slot| Slot::new(node(slot)))
                .collect(),
            vacant: (0..limits.workers()).collect(),
            idle: VecDeque::new(),
            queue: VecDeque::new(),
            open: HashMap::new(),
            tally: Tally {
                wavering: 0,
                ..tally
            },
            plan_ended: false,
            starting: 0,
            processes: 0,
            node_failures: vec![0; limits.nodes as usize],
            step_failures: 0,
            last_start_failure: String::new(),
            timers: BinaryHeap::new(),
            mean: SECOND,
            last_progress: 0,
            ending: None,
            over: false,
            limits,
        }
    }

    /// What has become of mini-batches so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Mini-batches that are with a worker.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.open.len().saturating_sub(self.queue.len()) as u64
    }

    /// Whether its workers may soon have nothing to do: it has use for a few for each of them.
    #[must_use]
    pub fn wants_more(&self) -> bool {
        !self.over && self.queue.len() <= self.few()
    }

    /// As many mini-batches as the workers take up in a short time.
    fn few(&self) -> usize {
        self.slots.len() * (1 + self.depth())
    }

    /// When [`SchedulerInput::Tick`] is due at the latest.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        if self.over {
            return None;
        }
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        let stuck = (!self.open.is_empty()).then(|| self.last_progress + self.limits.progress);
        timer.into_iter().chain(stuck).min()
    }

    /// The workers, by place.
    #[must_use]
    pub fn workers(&self, now: Micros) -> Vec<WorkerView> {
        let view = |(place, slot): (u32, &Slot)| {
            let state = match slot.activity {
                Activity::Vacant | Activity::Killed => "none",
                Activity::Starting => "starting",
                Activity::Working if slot.batches.is_empty() => "idle",
                Activity::Working => "busy",
                Activity::Leaving | Activity::Dismissed => "leaving",
            };
            WorkerView {
                node: slot.node,
                worker: WorkerId {
                    slot: place,
                    life: slot.life,
                },
                state: state.to_owned(),
                batch: slot.batches.front().copied(),
                for_ms: now.saturating_sub(slot.since) / 1000,
            }
        };
        (0..).zip(&self.slots).map(view).collect()
    }

    /// A mini-batch was cut that an earlier attempt has finished.
    pub fn meet_finished(&mut self) {
        self.tally.planned += 1;
    }

    /// Takes one input and appends what must be done.
    pub fn handle(&mut self, input: SchedulerInput, now: Micros, effects: &mut Vec<Effect>) {
        if self.over {
            return;
        }
        match input {
            SchedulerInput::Planned(batch, items) => {
                self.tally.planned += 1;
                if self.open.is_empty() {
                    self.last_progress = now;
                }
                self.open.insert(batch, Open { tries: 0, items });
                self.queue.push_back(batch);
            }
            SchedulerInput::PlanEnded => self.plan_ended = true,
            SchedulerInput::Ready(worker) => self.ready(worker, now),
            SchedulerInput::StartFailed(worker, why) => {
                self.start_failed(worker, why, now, effects);
            }
            SchedulerInput::Began(worker, batch, items) => self.began(worker, batch, items, now),
            SchedulerInput::Done {
                worker,
                batch,
                items,
                rows,
                memory,
            } => {
                self.done(worker, batch, (items, rows), memory, now, effects);
            }
            SchedulerInput::Raised(worker, batch, items, error) => {
                self.raised(worker, batch, items, error, now, effects);
            }
            SchedulerInput::Gone(worker, how) => self.gone(worker, how, now, effects),
            SchedulerInput::NodeLost(node, back) => self.node_lost(node, back),
            SchedulerInput::Tick => self.tick(now, effects),
            SchedulerInput::Cancel => return self.end(Verdict::Cancelled, effects),
        }
        self.advance(now, effects);
    }

    /// The worker, if it is the one in its place and does this.
    pub(super) fn live(&mut self, worker: WorkerId, activity: &[Activity]) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(worker.slot as usize)?;
        (slot.life == worker.life && activity.contains(&slot.activity)).then_some(slot)
    }

    fn began(&mut self, worker: WorkerId, batch: u64, items: u64, now: Micros) {
        let deadline = now + self.limits.run;
        let Some(slot) = self.live(worker, &[Activity::Working, Activity::Leaving]) else {
            return;
        };
        if slot.batches.front() != Some(&batch) {
            return;
        }
        slot.deadline = Some(deadline);
        if let Some(open) = self.open.get_mut(&batch) {
            open.items = Some(items);
        }
        self.arm(worker.slot);
    }

    fn done(
        &mut self,
        worker: WorkerId,
        batch: u64,
        (items, rows): (u64, u64),
        memory: Option<u64>,
        now: Micros,
        effects: &mut Vec<Effect>,
    ) {
        let Some(took) = self.take(worker, batch, now) else {
            return;
        };
        self.mean = (self.mean * 7 + took) / 8;
        let Some(open) = self.open.remove(&batch) else {
            return;
        };
        self.tally.count_done(items, rows);
        self.tally.wavering -= u64::from(open.tries > 1);
        effects.push(Effect::Keep(worker, batch));
        self.watch_memory(worker, memory);
        self.next(worker, now, effects);
    }

    fn raised(
        &mut self,
        worker: WorkerId,
        batch: u64,
        items: Option<u64>,
        error: String,
        now: Micros,
        effects: &mut Vec<Effect>,
    ) {
        if self.take(worker, batch, now).is_none() {
            return;
        }
        if let (Some(items), Some(open)) = (items, self.open.get_mut(&batch)) {
            open.items = Some(items);
        }
        self.fail(worker, batch, error, effects);
        self.next(worker, now, effects);
    }

    /// Takes the mini-batch that a worker works on from it; gives how long that took.
    fn take(&mut self, worker: WorkerId, batch: u64, now: Micros) -> Option<Micros> {
        let slot = self.live(worker, &[Activity::Working, Activity::Leaving])?;
        if slot.batches.front() != Some(&batch) {
            return None;
        }
        slot.batches.pop_front();
        let took = now.saturating_sub(slot.since);
        slot.since = now;
        self.last_progress = now;
        Some(took)
    }

    /// One try failed: the mini-batch waits for another, or is given up.
    pub(super) fn fail(
        &mut self,
        worker: WorkerId,
        batch: u64,
        error: String,
        effects: &mut Vec<Effect>,
    ) {
        let Some(open) = self.open.get_mut(&batch) else {
            return;
        };
        let attempt = open.tries;
        self.tally.failed_tries += 1;
        let mut given_up = None;
        if attempt >= self.limits.tries {
            // Of a mini-batch that nobody could read, nobody knows how many it had.
            let items = open.items.unwrap_or(1);
            given_up = Some(items);
            self.open.remove(&batch);
            self.tally.count_failed(items);
            self.tally.wavering -= u64::from(attempt > 1);
        } else {
            self.tally.wavering += u64::from(attempt == 1);
            // Behind a few others, so that another worker may have it, and no further: it should
            // soon be known whether it fails for good.
            let behind = self.queue.len().min(self.few());
            self.queue.insert(behind, batch);
        }
        effects.push(Effect::Failed {
            worker,
            batch,
            attempt,
            error,
            given_up,
        });
    }

    /// What a worker does after a mini-batch.
    fn next(&mut self, worker: WorkerId, now: Micros, effects: &mut Vec<Effect>) {
        let deadline = now + self.limits.run;
        let slot = &mut self.slots[worker.slot as usize];
        if !slot.batches.is_empty() {
            slot.deadline = Some(deadline);
            self.arm(worker.slot);
        } else if slot.activity == Activity::Leaving {
            self.dismiss(worker, now, effects);
        } else {
            slot.deadline = None;
        }
        let depth = self.depth();
        loop {
            let slot = &self.slots[worker.slot as usize];
            let takes = slot.activity == Activity::Working && slot.batches.len() < depth;
            if !takes {
                return;
            }
            let Some(batch) = self.queue.pop_front() else {
                break;
            };
            self.send(worker.slot, batch, now, effects);
        }
        if self.slots[worker.slot as usize].batches.is_empty() {
            self.idle.push_back(worker.slot);
        }
    }

    /// How many mini-batches a worker has at once: short ones come in advance, so that it does not
    /// wait for the next; long ones do not, so that none waits behind another.
    fn depth(&self) -> usize {
        match self.mean {
            0..2_000 => 8,
            2_000..50_000 => 2,
            _ => 1,
        }
    }

    fn send(&mut self, place: u32, batch: u64, now: Micros, effects: &mut Vec<Effect>) {
        let deadline = now + self.limits.run;
        let slot = &mut self.slots[place as usize];
        if slot.batches.is_empty() {
            slot.since = now;
            slot.deadline = Some(deadline);
        }
        slot.batches.push_back(batch);
        let worker = WorkerId {
            slot: place,
            life: slot.life,
        };
        let Some(open) = self.open.get_mut(&batch) else {
            return;
        };
        open.tries += 1;
        effects.push(Effect::Send(worker, batch, open.tries));
        self.arm(place);
    }

    /// What follows from any input: idle workers get work, places get workers, the step ends.
    fn advance(&mut self, now: Micros, effects: &mut Vec<Effect>) {
        if self.over {
            return;
        }
        while !self.queue.is_empty()
            && let Some(place) = self.idle.pop_front()
        {
            let slot = &self.slots[place as usize];
            if slot.activity == Activity::Working
                && slot.batches.is_empty()
                && let Some(batch) = self.queue.pop_front()
            {
                self.send(place, batch, now, effects);
            }
        }
        if self.processes == 0 && !self.any_node() && self.ending.is_none() {
            let what = "workers could not start on any node".to_owned();
            let why = std::mem::take(&mut self.last_start_failure);
            return self.end(Verdict::NoWorkers(what, why), effects);
        }
        let handed_out = self.plan_ended && self.queue.is_empty();
        if let Some(what) = self.tally.exceeds(&self.limits, handed_out) {
            return self.end(Verdict::Exceeded(what), effects);
        }
        if self.plan_ended && self.open.is_empty() {
            return self.wind_up(now, effects);
        }
        while self.starting < self.queue.len()
            && let Some(place) = self.vacant.pop_front()
        {
            if self.node_is_usable(place) {
                self.place(place, now, effects);
            }
        }
    }

    /// The step is over before all is done.
    pub(super) fn end(&mut self, verdict: Verdict, effects: &mut Vec<Effect>) {
        if self.over {
            return;
        }
        self.over = true;
        for (place, slot) in (0..).zip(&self.slots) {
            if !matches!(slot.activity, Activity::Vacant | Activity::Killed) {
                effects.push(Effect::Kill(WorkerId {
                    slot: place,
                    life: slot.life,
                }));
            }
        }
        effects.push(Effect::End(verdict));
    }
}
