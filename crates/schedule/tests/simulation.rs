//! Random lives of a schedule, from a seed: crashes at every point, lost and repeated effects, a
//! clock that jumps, a user who changes his mind. After each life: every logical time has one fate,
//! nothing has run twice, and nothing was forgotten.
//!
//! A failing life prints its seed: `STEPWELL_SIM_SEED=n cargo test -p stepwell-schedule`. More of
//! them: `STEPWELL_SIM_SEEDS=n`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZoneDatabase;
use stepwell_model::{RunId, Timestamp};
use stepwell_schedule::{
    CatchUp, Effect, Entry, Event, Frequency, Outcome, Overlap, Policy, QUEUE_MAX, Reason,
    Recurrence, Slot, State, Times,
};
use uuid::Uuid;

const MINUTE: i64 = 60_000;

/// xorshift: enough for choices, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// The database: what was committed. It outlives every crash.
#[derive(Clone)]
struct Stored {
    enabled: bool,
    cursor: Timestamp,
    disabled_until: Timestamp,
    firings: BTreeMap<Slot, Entry>,
    skipped: Vec<Entry>,
}

/// The engine: runs by their keys. It outlives every crash too.
#[derive(Default)]
struct Engine {
    by_key: BTreeMap<String, RunId>,
    slots: BTreeMap<RunId, Slot>,
    over: BTreeSet<RunId>,
    cancelled: BTreeSet<RunId>,
    made: u128,
}

impl Engine {
    fn submit(&mut self, slot: &Slot) -> RunId {
        if let Some(run) = self.by_key.get(&slot.key("s")) {
            return *run;
        }
        self.made += 1;
        let run = RunId::new(Uuid::from_u128(self.made));
        self.by_key.insert(slot.key("s"), run);
        self.slots.insert(run, slot.clone());
        run
    }

    fn running(&self) -> Vec<RunId> {
        self.slots
            .keys()
            .filter(|run| !self.over.contains(run))
            .copied()
            .collect()
    }
}

struct Life {
    seed: u64,
    dice: Dice,
    now: Timestamp,
    times: Times,
    policy: Policy,
    stored: Stored,
    state: State,
    engine: Engine,
    /// Effects that were committed and not performed yet.
    todo: Vec<Effect>,
    /// Answers of the engine that have not reached the schedule yet.
    answers: Vec<(Slot, Option<RunId>)>,
    /// Whether the clock was ever set back, after which a user's enabling may repeat times.
    set_back: bool,
}

fn times(dice: &mut Dice, made: Timestamp) -> Times {
    let frequency = [Frequency::Minute, Frequency::Hour, Frequency::Day][dice.roll(3) as usize];
    let recurrence = Recurrence {
        frequency,
        interval: 1 + dice.roll(7) as u32,
        start_time: None,
        time_zone: Some("Europe/Berlin".to_owned()),
        hours: None,
        minutes: None,
        week_days: None,
    };
    recurrence
        .times(made, &TimeZoneDatabase::bundled())
        .expect("a recurrence")
}

impl Life {
    fn begin(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        dice.roll(2);
        let now = Timestamp::from_millis(1_774_000_000_000 + dice.roll(86_400_000) as i64);
        let times = times(&mut dice, now);
        let policy = Policy {
            catch_up: [CatchUp::Skip, CatchUp::Last, CatchUp::All][dice.roll(3) as usize],
            overlap: [
                Overlap::Allow,
                Overlap::Skip,
                Overlap::Queue,
                Overlap::CancelPrevious,
            ][dice.roll(4) as usize],
        };
        let state = State::new(Some(times.clone()), policy, now);
        Self {
            seed,
            dice,
            now,
            times,
            policy,
            stored: Stored {
                enabled: true,
                cursor: state.cursor,
                disabled_until: state.disabled_until,
                firings: BTreeMap::new(),
                skipped: Vec::new(),
            },
            state,
            engine: Engine::default(),
            todo: Vec::new(),
            answers: Vec::new(),
            set_back: false,
        }
    }

    /// One event: decided, committed, and its effects kept for later; each may be lost to a crash.
    fn send(&mut self, event: Event) {
        let mut event = Some(event);
        while let Some(input) = event.take() {
            let decision = self.state.step(input, self.now);
            if self.dice.one_in(12) {
                return self.crash();
            }
            let known = self.commit(&decision.entries);
            let effects = decision.effects.into_iter();
            self.todo.extend(effects.filter(|effect| match effect {
                Effect::Start(slot) => !known.contains(slot),
                Effect::Cancel(_) => true,
            }));
            if self.dice.one_in(12) {
                return self.crash();
            }
            for slot in known {
                let decision = self.state.step(Event::Known(slot), self.now);
                self.commit(&decision.entries);
                self.todo.extend(decision.effects);
            }
            event = decision.again.then_some(Event::Tick);
        }
    }

    /// Gives the firings that the ledger knew already.
    fn commit(&mut self, entries: &[Entry]) -> Vec<Slot> {
        let mut known = Vec::new();
        for entry in entries {
            let before = self
                .stored
                .firings
                .get(&entry.slot)
                .map(|entry| &entry.outcome);
            match (&entry.outcome, before) {
                (Outcome::Due { .. } | Outcome::Queued, Some(Outcome::Fired { .. })) => {
                    known.push(entry.slot.clone());
                }
                (Outcome::Skipped { .. }, before) => {
                    if matches!(before, Some(Outcome::Due { .. } | Outcome::Queued))
                        && entry.count == 1
                    {
                        self.stored.firings.remove(&entry.slot);
                    }
                    self.stored.skipped.push(entry.clone());
                }
                _ => drop(
                    self.stored
                        .firings
                        .insert(entry.slot.clone(), entry.clone()),
                ),
            }
        }
        self.stored.enabled = self.state.enabled;
        self.stored.cursor = self.state.cursor;
        self.stored.disabled_until = self.state.disabled_until;
        known
    }

    /// Everything in memory is gone; a new server reads what was committed.
    fn crash(&mut self) {
        self.todo.clear();
        self.answers.clear();
        let mut state = State::new(Some(self.times.clone()), self.policy, self.now);
        state.enabled = self.stored.enabled;
        state.cursor = self.stored.cursor;
        state.disabled_until = self.stored.disabled_until;
        let open = self
            .stored
            .firings
            .values()
            .filter(|entry| match entry.outcome {
                Outcome::Fired { run, .. } => !self.engine.over.contains(&run),
                Outcome::Due { .. } | Outcome::Queued => true,
                Outcome::Skipped { .. } => false,
            });
        let open: Vec<_> = open
            .map(|entry| (entry.slot.clone(), entry.outcome.clone()))
            .collect();
        self.todo = state.recover(open);
        self.state = state;
        // Runs may have ended meanwhile, with nobody to tell it to: so a new server asks.
        self.send(Event::Tick);
    }

    /// Performs one effect; now and then it is done without anybody learning of it.
    fn perform(&mut self) {
        if self.todo.is_empty() {
            return;
        }
        let index = self.dice.roll(self.todo.len() as u64) as usize;
        match self.todo.remove(index) {
            Effect::Start(slot) => {
                if self.dice.one_in(15) {
                    self.answers.push((slot, None));
                    return;
                }
                let run = self.engine.submit(&slot);
                if self.dice.one_in(12) {
                    return self.crash();
                }
                self.answers.push((slot, Some(run)));
            }
            Effect::Cancel(run) => {
                self.engine.cancelled.insert(run);
            }
        }
    }

    fn answer(&mut self) {
        if self.answers.is_empty() {
            return;
        }
        let index = self.dice.roll(self.answers.len() as u64) as usize;
        let (slot, run) = self.answers.remove(index);
        match run {
            Some(run) => {
                let over = self.engine.over.contains(&run);
                self.send(Event::Started { slot, run });
                // The driver asks after each start whether the run is over already.
                if over && self.state.runs(run) {
                    self.send(Event::Ended(run));
                }
            }
            // A firing that has a run from before a crash is not refused: it is known by its key.
            None if !self.engine.by_key.contains_key(&slot.key("s")) => {
                let message = "no such pipeline".to_owned();
                self.send(Event::Refused { slot, message });
            }
            None => self.todo.push(Effect::Start(slot)),
        }
    }

    fn end_a_run(&mut self) {
        let running = self.engine.running();
        if running.is_empty() {
            return;
        }
        let run = running[self.dice.roll(running.len() as u64) as usize];
        self.engine.over.insert(run);
        if self.state.runs(run) {
            self.send(Event::Ended(run));
        }
    }

    fn turn(&mut self) {
        match self.dice.roll(20) {
            0..=5 => {
                let next = self.state.next().unwrap_or(self.now);
                self.now = self.now.max(next);
                self.send(Event::Tick);
            }
            6 => {
                let hours = self.dice.roll(60) as i64;
                self.now = Timestamp::from_millis(self.now.as_millis() + hours * 60 * MINUTE);
                self.crash();
            }
            7 => {
                self.set_back = true;
                let minutes = self.dice.roll(200) as i64;
                self.now = Timestamp::from_millis(self.now.as_millis() - minutes * MINUTE);
                self.send(Event::Tick);
            }
            8 => self.send(Event::Disable),
            9 | 10 => self.send(Event::Enable),
            11 => self.crash(),
            12..=15 => self.perform(),
            16..=18 => self.answer(),
            _ => self.end_a_run(),
        }
        self.check();
    }

    /// What holds at every moment.
    fn check(&self) {
        let seed = self.seed;
        if matches!(self.policy.overlap, Overlap::Skip | Overlap::Queue) {
            let running = self.engine.running().len();
            assert!(running <= 1, "seed {seed}: {running} runs at once");
        }
        let waiting = self.stored.firings.values();
        let waiting = waiting
            .filter(|entry| entry.outcome == Outcome::Queued)
            .count();
        assert!(waiting <= QUEUE_MAX, "seed {seed}: {waiting} firings wait");
    }

    /// No more faults: everything that was begun is finished.
    fn finish(&mut self) {
        for _ in 0..100_000 {
            while let Some(effect) = self.todo.pop() {
                match effect {
                    Effect::Start(slot) => {
                        let run = self.engine.submit(&slot);
                        self.calm(Event::Started { slot, run });
                    }
                    Effect::Cancel(run) => drop(self.engine.cancelled.insert(run)),
                }
            }
            while let Some((slot, run)) = self.answers.pop() {
                let run = run.unwrap_or_else(|| self.engine.submit(&slot));
                self.calm(Event::Started { slot, run });
            }
            let active: Vec<RunId> = self.state.active().collect();
            if active.is_empty() {
                return;
            }
            for run in active {
                self.engine.over.insert(run);
                self.calm(Event::Ended(run));
            }
        }
        panic!("seed {}: it never ends", self.seed);
    }

    fn calm(&mut self, event: Event) {
        let decision = self.state.step(event, self.now);
        let known = self.commit(&decision.entries);
        assert_eq!(known, [], "seed {}", self.seed);
        self.todo.extend(decision.effects);
    }

    fn judge(&self) {
        let seed = self.seed;
        let mut fates: BTreeMap<Timestamp, usize> = BTreeMap::new();
        for entry in self.stored.firings.values().chain(&self.stored.skipped) {
            assert!(
                !matches!(entry.outcome, Outcome::Due { .. } | Outcome::Queued),
                "seed {seed}: {entry:?} was forgotten"
            );
            let mut count = 0;
            let mut at = Timestamp::from_millis(entry.slot.at.as_millis() - 1);
            while let Some(time) = self.times.next_after(at)
                && time.at <= entry.last
            {
                *fates.entry(time.at).or_default() += 1;
                (at, count) = (time.at, count + 1);
            }
            // After the clock was set back, some of the times may have a fate of their own.
            let agrees = entry.count == count || (self.set_back && entry.count < count);
            assert!(agrees, "seed {seed}: {entry:?} counts other times");
            if let Outcome::Fired { run, .. } = entry.outcome {
                assert_eq!(
                    self.engine.slots.get(&run),
                    Some(&entry.slot),
                    "seed {seed}"
                );
            }
        }
        // Each run is that of one firing, and the ledger says so.
        for (run, slot) in &self.engine.slots {
            let outcome = self.stored.firings.get(slot).map(|entry| &entry.outcome);
            let fired = matches!(outcome, Some(Outcome::Fired { run: known, .. }) if known == run);
            assert!(
                fired,
                "seed {seed}: run {run} of {slot:?}, but the ledger says {outcome:?}"
            );
        }
        let mut at = Timestamp::from_millis(0);
        let mut missing = Vec::new();
        while let Some(time) = self.times.next_after(at)
            && time.at <= self.stored.cursor
        {
            match fates.get(&time.at) {
                // Without clocks that go back, a time has one fate.
                Some(1) => {}
                Some(_) if self.set_back => {}
                fate => missing.push((time.at, fate)),
            }
            at = time.at;
        }
        // What passed while it was disabled is written down when it is enabled.
        assert!(missing.is_empty(), "seed {seed}: {missing:?}");
    }
}

#[test]
fn every_logical_time_has_one_fate_whatever_happens() {
    let variable = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let (first, count) = match variable("STEPWELL_SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (1, variable("STEPWELL_SIM_SEEDS").unwrap_or(3_000)),
    };
    let mut fired = 0;
    for seed in first..first + count {
        let mut life = Life::begin(seed);
        for _ in 0..120 {
            life.turn();
        }
        life.finish();
        life.judge();
        fired += life.engine.slots.len() as u64;
    }
    assert!(
        count == 1 || fired > count,
        "{fired} firings in {count} lives"
    );
}

#[test]
fn reasons_name_what_stood_in_the_way() {
    let made = Timestamp::from_millis(1_774_000_000_000);
    let times = times(&mut Dice(3), made);
    let policy = Policy {
        catch_up: CatchUp::Last,
        overlap: Overlap::Skip,
    };
    let mut state = State::new(Some(times.clone()), policy, made);
    let later = Timestamp::from_millis(made.as_millis() + 100 * 24 * 60 * MINUTE);
    let decision = state.step(Event::Tick, later);
    assert!(
        decision.again || decision.effects.len() == 1,
        "{decision:?}"
    );
    let mut state = State::new(Some(times), policy, made);
    let first = state.step(Event::Tick, made);
    assert_eq!(first.effects.len(), 1, "{first:?}");
    let next = state.next().expect("a next time");
    let second = state.step(Event::Tick, next);
    let reason = Reason::Overlap { run: None };
    assert_eq!(second.entries[0].outcome, Outcome::Skipped { reason });
}
