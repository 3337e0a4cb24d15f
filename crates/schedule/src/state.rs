//! What becomes of each time of a schedule: a function of its state, one event and the time of day.
//!
//! The driver commits the entries and the state in one transaction, and only then performs the
//! effects. A firing that was committed as [`Outcome::Due`] and has no run is started again after a
//! crash; its key makes that the same run. So each logical time fires once.
//!
//! Invariants: every time up to the cursor is in exactly one entry; the cursor goes back only when
//! the clock was set back and the user enables the schedule, and then the ledger keeps what has
//! fired from firing again; what is started or waits is known in the ledger.

use std::collections::{BTreeMap, VecDeque};

use stepwell_model::{RunId, Timestamp};

use crate::ledger::{Entry, Outcome, Reason, Slot};
use crate::policy::{LATE_MS, Overlap, Policy, QUEUE_MAX};
use crate::times::Times;

/// How many times one decision takes up; more are left to the next, which follows at once. It must
/// exceed what [`crate::CatchUp::All`] keeps.
const CHUNK: usize = 4_096;

/// A schedule as its decisions need it.
#[derive(Debug, Clone)]
pub struct State {
    /// The times; `None` when it watches data.
    pub times: Option<Times>,
    /// What the user wants.
    pub policy: Policy,
    /// Whether it fires at all.
    pub enabled: bool,
    /// Every time up to here is in the ledger.
    pub cursor: Timestamp,
    /// Times after the cursor and up to here passed while it was disabled.
    pub disabled_until: Timestamp,
    /// Firings that are being started, each with the later time it is to be cancelled for.
    starting: BTreeMap<Slot, Option<Timestamp>>,
    /// Runs that are not over.
    active: BTreeMap<RunId, Active>,
    /// Firings that wait, oldest first.
    queue: VecDeque<Slot>,
}

#[derive(Debug, Clone)]
struct Active {
    slot: Slot,
    cancelled_for: Option<Timestamp>,
}

/// What happens to a schedule.
#[derive(Debug, Clone)]
pub enum Event {
    /// Time has passed.
    Tick,
    /// Data has changed: what is to be delivered.
    Changed(Vec<Slot>),
    /// Data has changed while the schedule was disabled.
    Unwatched(Vec<Slot>),
    /// A firing has its run.
    Started {
        /// The firing.
        slot: Slot,
        /// The run.
        run: RunId,
    },
    /// A firing cannot have a run.
    Refused {
        /// The firing.
        slot: Slot,
        /// Why, for the user.
        message: String,
    },
    /// The ledger knows the firing from before, when the clock was wrong.
    Known(Slot),
    /// A run is over.
    Ended(RunId),
    /// The user enables it.
    Enable,
    /// The user disables it.
    Disable,
    /// The user gives it other times or policies.
    Replace(Option<Times>, Policy),
}

/// What the world must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Start the run of a firing; starting it twice starts it once.
    Start(Slot),
    /// Cancel a run.
    Cancel(RunId),
}

/// What was decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// What goes into the ledger. An entry that is not skipped replaces the one of its slot; so does
    /// a skipped one if that slot is due or waits.
    pub entries: Vec<Entry>,
    /// What to do once that is committed.
    pub effects: Vec<Effect>,
    /// Whether there is more to decide at the same time of day.
    pub again: bool,
}

impl Decision {
    fn one(&mut self, slot: Slot, outcome: Outcome) {
        self.entries.push(Entry::one(slot, outcome));
    }

    fn skip(&mut self, slot: Slot, reason: Reason) {
        self.one(slot, Outcome::Skipped { reason });
    }

    /// One entry for times with one fate.
    fn skip_all(&mut self, times: &[Timestamp], reason: Reason) {
        if let [first, .., last] | [first @ last] = times {
            self.entries.push(Entry {
                slot: Slot::time(*first),
                last: *last,
                count: times.len() as u64,
                outcome: Outcome::Skipped { reason },
            });
        }
    }
}

impl State {
    /// A schedule that is made at `made`.
    #[must_use]
    pub fn new(times: Option<Times>, policy: Policy, made: Timestamp) -> Self {
        let cursor = times.as_ref().map_or(made, |times| times.begin(made));
        Self {
            times,
            policy,
            enabled: true,
            cursor,
            disabled_until: Timestamp::from_millis(0),
            starting: BTreeMap::new(),
            active: BTreeMap::new(),
            queue: VecDeque::new(),
        }
    }

    /// Takes up what a server before has left: the open entries of the ledger in order. Gives what
    /// has to be done again, since it may not have been done.
    pub fn recover(&mut self, open: impl IntoIterator<Item = (Slot, Outcome)>) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (slot, outcome) in open {
            match outcome {
                Outcome::Due { cancelled_for } => {
                    effects.push(Effect::Start(slot.clone()));
                    self.starting.insert(slot, cancelled_for);
                }
                Outcome::Queued => self.queue.push_back(slot),
                Outcome::Fired { run, cancelled_for } => {
                    effects.extend(cancelled_for.map(|_| Effect::Cancel(run)));
                    self.active.insert(
                        run,
                        Active {
                            slot,
                            cancelled_for,
                        },
                    );
                }
                Outcome::Skipped { .. } => {}
            }
        }
        effects
    }

    /// When it wants a tick.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        let times = self.times.as_ref().filter(|_| self.enabled)?;
        times.next_after(self.cursor).map(|time| time.at)
    }

    /// Whether a run belongs to it and is not over.
    #[must_use]
    pub fn runs(&self, run: RunId) -> bool {
        self.active.contains_key(&run)
    }

    /// Whether a firing is under way.
    #[must_use]
    pub fn has_open(&self) -> bool {
        !(self.starting.is_empty() && self.active.is_empty() && self.queue.is_empty())
    }

    /// The runs that are not over.
    pub fn active(&self) -> impl Iterator<Item = RunId> {
        self.active.keys().copied()
    }

    /// Decides.
    pub fn step(&mut self, event: Event, now: Timestamp) -> Decision {
        let mut decision = Decision::default();
        match event {
            Event::Tick => {
                self.tick(now, &mut decision);
                // After a crash, what was in the way may be over without an event.
                self.drain(&mut decision);
            }
            Event::Changed(slots) => {
                for slot in slots {
                    if self.enabled {
                        self.fire(slot, &mut decision);
                    } else {
                        decision.skip(slot, Reason::Disabled);
                    }
                }
            }
            Event::Unwatched(slots) => {
                for slot in slots {
                    decision.skip(slot, Reason::Disabled);
                }
            }
            Event::Started { slot, run } => self.started(slot, run, &mut decision),
            Event::Refused { slot, message } => {
                if self.starting.remove(&slot).is_some() {
                    decision.skip(slot, Reason::Refused { message });
                }
                self.drain(&mut decision);
            }
            Event::Known(slot) => {
                self.starting.remove(&slot);
                self.queue.retain(|waiting| *waiting != slot);
                self.drain(&mut decision);
            }
            Event::Ended(run) => {
                self.active.remove(&run);
                self.drain(&mut decision);
            }
            Event::Enable => self.enable(now, &mut decision),
            Event::Disable => {
                self.settle(now, &mut decision);
                self.enabled = false;
                for slot in std::mem::take(&mut self.queue) {
                    decision.skip(slot, Reason::Disabled);
                }
            }
            Event::Replace(times, policy) => {
                self.settle(now, &mut decision);
                self.policy = policy;
                self.times = times;
                self.cursor = now;
                self.disabled_until = if self.enabled {
                    self.disabled_until
                } else {
                    now
                };
                self.drain(&mut decision);
            }
        }
        decision
    }

    fn enable(&mut self, now: Timestamp, decision: &mut Decision) {
        if !self.enabled {
            self.enabled = true;
            self.disabled_until = now;
        }
        // For data, the cursor is the last look that was reported; the next one accounts for the rest.
        if self.times.is_none() {
            return;
        }
        // Also the way out when the clock was far ahead once: the ledger knows what has fired.
        self.cursor = self.cursor.min(now);
        self.tick(now, decision);
    }

    /// Accounts for everything up to now, before something changes.
    fn settle(&mut self, now: Timestamp, decision: &mut Decision) {
        let disabled = !self.enabled;
        if disabled {
            (self.enabled, self.disabled_until) = (true, now);
        }
        loop {
            let mut part = Decision::default();
            self.tick(now, &mut part);
            decision.entries.append(&mut part.entries);
            decision.effects.append(&mut part.effects);
            if !part.again {
                break;
            }
        }
        self.enabled = !disabled;
    }

    /// Takes up the times that have come.
    fn tick(&mut self, now: Timestamp, decision: &mut Decision) {
        let Some(times) = self.times.as_ref().filter(|_| self.enabled) else {
            return;
        };
        let mut due: Vec<Timestamp> = Vec::new();
        let mut cursor = self.cursor;
        while due.len() < CHUNK
            && let Some(time) = times.next_after(cursor)
            && time.at <= now
        {
            due.push(time.at);
            cursor = time.at;
        }
        let Some(last) = due.last().copied() else {
            return;
        };
        let full = due.len() == CHUNK;
        // Times come again when the clock was set back and the user enables the schedule anew.
        due.retain(|at| !self.holds(&Slot::time(*at)));
        let disabled = due.partition_point(|at| *at <= self.disabled_until);
        decision.skip_all(&due[..disabled], Reason::Disabled);
        let mut rest = due.split_off(disabled);
        self.cursor = last;
        if full {
            decision.again = true;
            // These may be among those that are kept, once all are known.
            let late = rest.partition_point(|at| is_late(*at, now));
            let kept = self.policy.catch_up.keeps().max(rest.len() - late);
            let undecided = rest.split_off(rest.len().saturating_sub(kept));
            if let Some(first) = undecided.first() {
                self.cursor = Timestamp::from_millis(first.as_millis() - 1);
            }
            self.leave_out(&rest, None, decision);
            return;
        }
        self.catch_up(&rest, now, decision);
    }

    /// Fires what is on time, and of the rest what the policy keeps.
    fn catch_up(&mut self, due: &[Timestamp], now: Timestamp, decision: &mut Decision) {
        let late = due.partition_point(|at| is_late(*at, now));
        let on_time = due.len() - late;
        let kept = match self.policy.catch_up.keeps() {
            // A time that is on time stands for those before it.
            1 if on_time > 0 => 0,
            keeps => late.min(keeps),
        };
        let (left, fires) = due.split_at(late - kept);
        self.leave_out(left, fires.first().copied(), decision);
        for at in fires {
            self.fire(Slot::time(*at), decision);
        }
    }

    /// Writes down late times that do not fire.
    fn leave_out(&self, times: &[Timestamp], next: Option<Timestamp>, decision: &mut Decision) {
        use crate::policy::CatchUp;
        let limit = self.policy.catch_up.keeps();
        let reason = match (self.policy.catch_up, next) {
            (CatchUp::Skip, _) => Reason::Missed,
            (CatchUp::All, _) => Reason::TooMany { limit },
            (CatchUp::Last, Some(by)) => Reason::Superseded { by },
            // Some later one fires; which is decided with the rest.
            (CatchUp::Last, None) => Reason::TooMany { limit },
        };
        decision.skip_all(times, reason);
    }

    /// What the overlap policy makes of a firing.
    fn fire(&mut self, slot: Slot, decision: &mut Decision) {
        let busy = !self.active.is_empty() || !self.starting.is_empty();
        match self.policy.overlap {
            Overlap::Skip if busy => {
                let run = self.active.keys().next().copied();
                return decision.skip(slot, Reason::Overlap { run });
            }
            Overlap::Queue if busy || !self.queue.is_empty() => {
                if self.queue.len() >= QUEUE_MAX {
                    return decision.skip(slot, Reason::QueueFull { limit: QUEUE_MAX });
                }
                self.queue.push_back(slot.clone());
                return decision.one(slot, Outcome::Queued);
            }
            Overlap::CancelPrevious => self.cancel_for(slot.at, decision),
            _ => {}
        }
        self.start(slot, decision);
    }

    /// Whether the firing is under way.
    fn holds(&self, slot: &Slot) -> bool {
        self.starting.contains_key(slot)
            || self.queue.contains(slot)
            || self.active.values().any(|active| active.slot == *slot)
    }

    fn start(&mut self, slot: Slot, decision: &mut Decision) {
        self.starting.insert(slot.clone(), None);
        decision.effects.push(Effect::Start(slot.clone()));
        let cancelled_for = None;
        decision.one(slot, Outcome::Due { cancelled_for });
    }

    /// Cancels everything that is not over; what is only being started is cancelled once it runs.
    fn cancel_for(&mut self, at: Timestamp, decision: &mut Decision) {
        for (slot, cancelled_for) in &mut self.starting {
            if cancelled_for.is_none() {
                *cancelled_for = Some(at);
                let cancelled_for = *cancelled_for;
                decision.one(slot.clone(), Outcome::Due { cancelled_for });
            }
        }
        for (run, active) in &mut self.active {
            if active.cancelled_for.is_none() {
                active.cancelled_for = Some(at);
                decision.effects.push(Effect::Cancel(*run));
                let cancelled_for = active.cancelled_for;
                let outcome = Outcome::Fired {
                    run: *run,
                    cancelled_for,
                };
                decision.one(active.slot.clone(), outcome);
            }
        }
    }

    fn started(&mut self, slot: Slot, run: RunId, decision: &mut Decision) {
        // Reported twice, or settled otherwise meanwhile.
        let Some(cancelled_for) = self.starting.remove(&slot) else {
            return;
        };
        decision
            .effects
            .extend(cancelled_for.map(|_| Effect::Cancel(run)));
        decision.one(slot.clone(), Outcome::Fired { run, cancelled_for });
        self.active.insert(
            run,
            Active {
                slot,
                cancelled_for,
            },
        );
    }

    /// Starts what waits, when nothing is in its way any more.
    fn drain(&mut self, decision: &mut Decision) {
        while let Some(slot) = self.queue.front().cloned() {
            let busy = !self.active.is_empty() || !self.starting.is_empty();
            if busy && self.policy.overlap == Overlap::Queue {
                return;
            }
            self.queue.pop_front();
            match self.policy.overlap {
                Overlap::Queue => self.start(slot, decision),
                // The policy is another by now.
                _ => self.fire(slot, decision),
            }
        }
    }
}

/// Whether a time was missed.
fn is_late(at: Timestamp, now: Timestamp) -> bool {
    now.as_millis() - at.as_millis() > LATE_MS
}
