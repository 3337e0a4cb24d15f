//! Random steps with random faults from a seed: workers that die, hang, leak and do not start, nodes
//! that are lost; after each input it is checked that no mini-batch is lost, doubled or tried too
//! often.
//!
//! `STEPWELL_SIM_SEED=n` runs one seed, `STEPWELL_SIM_SEEDS=n` so many.

use std::collections::{BTreeMap, VecDeque};

use stepwell_parallel::core::{
    Effect, Limits, Return, SECOND, Scheduler, SchedulerInput, Tally, Verdict, WorkerId,
};

struct Random(u64);

impl Random {
    /// `splitmix64`: Steele, Lea, Flood 2014.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// A process of the simulated world.
#[derive(Default)]
struct Process {
    ready: bool,
    killed: bool,
    dismissed: bool,
    held: VecDeque<u64>,
}

struct World {
    random: Random,
    scheduler: Scheduler,
    limits: Limits,
    now: u64,
    batches: u64,
    planned: u64,
    plan_ended: bool,
    processes: BTreeMap<WorkerId, Process>,
    tries: BTreeMap<u64, u32>,
    kept: BTreeMap<u64, u64>,
    given_up: BTreeMap<u64, u64>,
    failed_items: u64,
    verdict: Option<Verdict>,
    faults: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let tolerant = random.percent(70);
        let limits = Limits {
            nodes: 1 + random.below(3) as u32,
            per_node: 1 + random.below(4) as u32,
            tries: 1 + random.below(4) as u32,
            run: 60 * SECOND,
            init: 210 * SECOND,
            progress: 100_000 * SECOND,
            start_up: 120 * SECOND,
            failed_items: (!tolerant).then(|| random.below(30)),
            failed_batches: (!tolerant).then(|| random.below(10)),
            failed_percent: (!tolerant).then_some(20.0),
            memory: random.percent(50).then_some(100),
        };
        Self {
            scheduler: Scheduler::new(limits.clone(), Tally::default()),
            limits,
            now: 0,
            batches: random.below(200),
            planned: 0,
            plan_ended: false,
            processes: BTreeMap::new(),
            tries: BTreeMap::new(),
            kept: BTreeMap::new(),
            given_up: BTreeMap::new(),
            failed_items: 0,
            verdict: None,
            faults: random.below(15),
            random,
        }
    }

    fn run(&mut self) {
        for _ in 0..200_000 {
            if self.verdict.is_some() {
                return self.check_end();
            }
            let input = self.choose();
            let mut effects = Vec::new();
            self.scheduler.handle(input, self.now, &mut effects);
            for effect in effects {
                self.perform(effect);
            }
        }
        panic!("the step does not end: {:?}", self.scheduler);
    }

    /// Something that can happen now.
    fn choose(&mut self) -> SchedulerInput {
        self.now += self.random.below(200_000);
        let wanted = self.scheduler.wants_more() || self.random.percent(20);
        if !self.plan_ended && wanted && self.random.percent(50) {
            if self.planned == self.batches {
                self.plan_ended = true;
                return SchedulerInput::PlanEnded;
            }
            self.planned += 1;
            let known = self.random.percent(80);
            return SchedulerInput::Planned(self.planned - 1, known.then_some(10));
        }
        if self.processes.is_empty() || self.random.percent(5) {
            let due = self.scheduler.next_deadline();
            self.now = self.now.max(due.unwrap_or(self.now));
            return SchedulerInput::Tick;
        }
        if self.limits.nodes > 1 && self.random.below(1_000) < self.faults {
            return self.lose_node();
        }
        let at = self.random.below(self.processes.len() as u64) as usize;
        let worker = *self.processes.keys().nth(at).expect("one of them");
        self.act(worker)
    }

    /// A node that is not the driver's own.
    fn lose_node(&mut self) -> SchedulerInput {
        let node = 1 + self.random.below(u64::from(self.limits.nodes) - 1) as u32;
        let per_node = self.limits.per_node;
        self.processes
            .retain(|worker, _| worker.slot / per_node != node);
        let back = match self.random.percent(50) {
            true => Return::Possible,
            false => Return::Never,
        };
        SchedulerInput::NodeLost(node, back)
    }

    fn act(&mut self, worker: WorkerId) -> SchedulerInput {
        let fault = self.random.percent(self.faults);
        let process = self.processes.get_mut(&worker).expect("a process");
        if process.killed || process.dismissed || fault && self.random.percent(40) {
            self.processes.remove(&worker);
            return SchedulerInput::Gone(worker, "gone".to_owned());
        }
        if !process.ready {
            if fault {
                return SchedulerInput::StartFailed(worker, "no module".to_owned());
            }
            process.ready = true;
            return SchedulerInput::Ready(worker);
        }
        match process.held.pop_front() {
            None => SchedulerInput::Tick,
            Some(batch) if fault => SchedulerInput::Raised(worker, batch, None, "oops".to_owned()),
            Some(batch) => SchedulerInput::Done {
                worker,
                batch,
                items: 10,
                rows: if self.random.percent(95) { 10 } else { 7 },
                memory: Some(self.random.below(200)),
            },
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Place(worker) => {
                let others = self
                    .processes
                    .keys()
                    .filter(|other| other.slot == worker.slot);
                assert_eq!(others.count(), 0, "two workers in place {}", worker.slot);
                self.processes.insert(worker, Process::default());
            }
            Effect::Send(worker, batch, attempt) => {
                assert!(
                    attempt <= self.limits.tries,
                    "b{batch} is tried {attempt} times"
                );
                let tries = self.tries.entry(batch).or_default();
                *tries = attempt;
                let held = self.processes.values().filter(|process| !process.killed);
                let holders = held.filter(|process| process.held.contains(&batch)).count();
                assert_eq!(holders, 0, "b{batch} is with two workers");
                self.settled_not(batch);
                let process = self.processes.get_mut(&worker).expect("a process");
                assert!(process.ready && !process.killed && !process.dismissed);
                process.held.push_back(batch);
            }
            Effect::Dismiss(worker) => {
                let process = self.processes.get_mut(&worker).expect("a process");
                assert!(process.held.is_empty(), "{worker} still has work");
                process.dismissed = true;
            }
            Effect::Kill(worker) => {
                if let Some(process) = self.processes.get_mut(&worker) {
                    process.killed = true;
                    process.held.clear();
                }
            }
            Effect::Keep(_, batch) => {
                self.settled_not(batch);
                self.kept.insert(batch, 1);
            }
            Effect::Failed {
                batch,
                given_up: Some(items),
                attempt,
                ..
            } => {
                assert_eq!(attempt, self.limits.tries, "b{batch} is given up too early");
                self.settled_not(batch);
                self.given_up.insert(batch, items);
                self.failed_items += items;
            }
            Effect::Failed { .. } | Effect::Unready(..) => {}
            Effect::End(verdict) => self.verdict = Some(verdict),
        }
    }

    fn settled_not(&self, batch: u64) {
        assert!(!self.kept.contains_key(&batch), "b{batch} is done already");
        assert!(!self.given_up.contains_key(&batch), "b{batch} was given up");
    }

    fn check_end(&self) {
        let tally = self.scheduler.tally();
        assert_eq!(tally.done, self.kept.len() as u64);
        assert_eq!(tally.failed, self.given_up.len() as u64);
        assert!(tally.failed_items >= self.failed_items);
        if self.verdict == Some(Verdict::Completed) {
            assert_eq!(tally.done + tally.failed, self.batches, "some are lost");
            assert_eq!(tally.wavering, 0);
            assert_eq!(self.scheduler.in_flight(), 0);
            assert!(self.processes.is_empty(), "a worker is left");
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn every_mini_batch_ends_once_whatever_fails() {
    let seeds = match number("STEPWELL_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("STEPWELL_SIM_SEEDS").unwrap_or(3_000),
    };
    let mut completed = 0;
    for seed in seeds {
        let outcome = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            world.run();
            world.verdict
        });
        match outcome {
            Ok(verdict) => completed += u64::from(verdict == Some(Verdict::Completed)),
            Err(_) => panic!("STEPWELL_SIM_SEED={seed} fails"),
        }
    }
    assert!(
        completed > 0,
        "no step was completed: the faults hide everything"
    );
}
