//! Ring 2: random graphs under a fixed seed, with a world that loses, doubles and delays, and a
//! server that crashes between recording and acting. Invariants are checked after every input.
//!
//! A failing seed is printed; `STEPWELL_SIM_SEED=n` runs that one, `STEPWELL_SIM_SEEDS=n` so many.

use std::collections::{BTreeMap, HashSet};

use stepwell_engine::core::{
    ATTEMPTS_MAX, Decision, Effect, Policy, Resolution, Scheduler, SchedulerInput, Topology,
};
use stepwell_model::{
    Digest, Event, Failure, FailureKind, Outcome, RunId, StepIndex, TargetName, Usage,
};
use uuid::Uuid;

/// SplitMix64: small, seedable, good enough to choose faults.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).expect("smaller than n")
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

type Attempt = (RunId, StepIndex, u32);

/// What really happens to processes: it survives every crash of the server.
#[derive(Default)]
struct World {
    /// Attempts whose program runs.
    running: BTreeMap<Attempt, bool>,
    /// Attempts that ended, with how.
    ended: BTreeMap<Attempt, Outcome>,
    started: HashSet<Attempt>,
    /// Reports on their way to the server, those together that come together; lost when it
    /// crashes.
    reports: Vec<Vec<SchedulerInput>>,
}

impl World {
    fn perform(&mut self, effect: Effect, random: &mut Random) {
        match effect {
            Effect::Start(run, step, attempt) => {
                let id = (run, step, attempt);
                if let Some(outcome) = self.ended.get(&id) {
                    let outcome = outcome.clone();
                    self.report(SchedulerInput::Ended(run, step, attempt, outcome));
                } else if self.running.contains_key(&id) {
                    self.report(SchedulerInput::Started(run, step, attempt));
                } else {
                    assert!(self.started.insert(id), "an attempt ran twice: {id:?}");
                    self.running.insert(id, false);
                    if random.chance(90) {
                        self.report(SchedulerInput::Started(run, step, attempt));
                    }
                }
            }
            Effect::Resolve(..) => unreachable!("the simulation answers these itself"),
            Effect::Stop(run, step, attempt) => {
                if let Some(stop) = self.running.get_mut(&(run, step, attempt)) {
                    *stop = true;
                }
            }
        }
    }

    fn report(&mut self, input: SchedulerInput) {
        self.reports.push(vec![input]);
    }

    /// Ends one running program.
    fn end_one(&mut self, random: &mut Random) {
        let Some(id) = self
            .running
            .keys()
            .nth(random.below(self.running.len().max(1)))
            .copied()
        else {
            return;
        };
        let stopped = self.running.remove(&id).expect("it was found there");
        let outcome = if stopped && random.chance(80) {
            Outcome::Cancelled(Usage::default())
        } else if random.chance(8) {
            let kind = FailureKind::Lost;
            Outcome::Failed(Failure::new(kind, "chance"), Usage::default())
        } else if random.chance(8) {
            Outcome::Failed(
                Failure::new(FailureKind::UserCode, "chance"),
                Usage::default(),
            )
        } else {
            Outcome::Succeeded(Usage::default())
        };
        self.ended.insert(id, outcome.clone());
        self.report(SchedulerInput::Ended(id.0, id.1, id.2, outcome));
    }
}

struct Submitted {
    topology: Topology,
    policy: Policy,
    journal: Vec<Event>,
    /// What each step does: steps of one class are equal.
    classes: Vec<u8>,
}

struct Simulation {
    random: Random,
    scheduler: Scheduler,
    world: World,
    runs: BTreeMap<RunId, Submitted>,
    slots: u32,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let slots = u32::try_from(1 + random.below(4)).expect("small");
        let scheduler = Scheduler::new(slots);
        Self {
            random,
            scheduler,
            world: World::default(),
            runs: BTreeMap::new(),
            slots,
        }
    }

    fn topology(&mut self) -> Topology {
        let steps = self.random.below(14);
        let density = self.random.below(60);
        let mut dependencies = vec![Vec::new(); steps];
        for (step, edges) in dependencies.iter_mut().enumerate() {
            for before in 0..step {
                if self.random.chance(density) {
                    edges.push(StepIndex::from(before));
                    if self.random.chance(5) {
                        edges.push(StepIndex::from(before));
                    }
                }
            }
        }
        let targets = (0..steps)
            .map(|_| u16::from(self.random.chance(30)))
            .collect();
        let reusable = (0..steps).map(|_| self.random.chance(50)).collect();
        let resumable = (0..steps).map(|_| self.random.chance(30)).collect();
        let cores: Vec<u32> = (0..steps)
            .map(|_| 1 + self.random.below(6) as u32)
            .collect();
        let names = vec![TargetName::new("a"), TargetName::new("b")];
        Topology::from_edges(&dependencies, targets, names)
            .with_reusable(reusable)
            .with_resumable(resumable)
            .with_cores(cores)
    }

    /// The steps of a target never hold more cores than there are, but for one that is alone.
    fn check_cores(&self) {
        let mut held: BTreeMap<&TargetName, (u32, u32)> = BTreeMap::new();
        for (run, step, _) in self.world.running.keys() {
            let topology = &self.runs[run].topology;
            let (steps, cores) = held.entry(topology.target(*step)).or_default();
            *steps += 1;
            *cores += topology.cores(*step);
        }
        for (name, (steps, cores)) in held {
            let fits = steps == 1 || (steps <= self.slots && cores <= self.slots);
            assert!(fits, "{name}: {steps} steps hold {cores} cores");
        }
    }

    /// What an honest world answers: a hit if a step of the class has succeeded by now. It may
    /// give hits of later steps along with it.
    fn resolve(&mut self, id: RunId, step: StepIndex) {
        let mut answers = vec![(step, self.resolution(id, step))];
        let mut next = 0;
        while let Some(&(step, Resolution::Hit { .. })) = answers.get(next) {
            next += 1;
            let topology = self.runs[&id].topology.clone();
            for &later in topology.dependents(step) {
                let hit = match self.random.chance(70) && topology.is_reusable(later) {
                    true => self.resolution(id, later),
                    false => Resolution::Unknown,
                };
                if matches!(hit, Resolution::Hit { .. }) {
                    answers.push((later, hit));
                }
            }
        }
        let answer = |(step, resolution)| SchedulerInput::Resolved(id, step, resolution);
        self.world
            .reports
            .push(answers.into_iter().map(answer).collect());
    }

    fn resolution(&mut self, id: RunId, step: StepIndex) -> Resolution {
        let class = self.runs[&id].classes[step.get()];
        let key = Digest::new([class; 32]);
        match self.source(class) {
            _ if self.random.chance(5) => Resolution::Unknown,
            Some(source) => Resolution::Hit { source, key },
            None => Resolution::Miss(key),
        }
    }

    /// The run in which a reusable step of the class has succeeded.
    fn source(&self, class: u8) -> Option<RunId> {
        let key = Some(Digest::new([class; 32]));
        self.runs.iter().find_map(|(id, run)| {
            let made = |step: &StepIndex| {
                run.journal.iter().any(|event| {
                    matches!(event, Event::Assigned { step: s, key: k, .. } if s == step && *k == key)
                })
            };
            let succeeded = |event: &Event| match event {
                Event::Ended { step, outcome: Outcome::Succeeded(_), .. } => made(step),
                _ => false,
            };
            run.journal.iter().any(succeeded).then_some(*id)
        })
    }

    /// Of two equal steps one runs; what has succeeded is not run again.
    fn check_reuse(&self, id: RunId, event: &Event) {
        let Event::Assigned { key: Some(key), .. } = event else {
            return;
        };
        let class = key.as_bytes()[0];
        assert_eq!(
            self.source(class),
            None,
            "{id}: class {class} had succeeded and runs again"
        );
        for run in self.runs.values() {
            let mut open = HashSet::new();
            for event in &run.journal {
                match event {
                    Event::Assigned {
                        step, key: Some(k), ..
                    } if k == key => {
                        open.insert(*step);
                    }
                    Event::Ended { step, .. } | Event::Interrupted { step, .. } => {
                        open.remove(step);
                    }
                    _ => {}
                }
            }
            assert!(open.is_empty(), "{id}: class {class} runs twice at a time");
        }
    }

    fn submit(&mut self, number: u128) {
        let topology = self.topology();
        let policy = match self.random.chance(50) {
            true => Policy::ContinueOnFailure,
            false => Policy::StopAtFirstFailure,
        };
        let id = RunId::new(Uuid::from_u128(number));
        let run = Submitted {
            topology: topology.clone(),
            policy,
            journal: Vec::new(),
            classes: (0..topology.len())
                .map(|_| self.random.below(6) as u8)
                .collect(),
        };
        self.runs.insert(id, run);
        self.send(vec![SchedulerInput::Submit(id, topology, policy)]);
    }

    /// One turn: decides all, records, then acts; the server may crash before, between and after
    /// single effects. An answer ahead of its question counts if the question comes in this turn.
    fn send(&mut self, inputs: Vec<SchedulerInput>) {
        let mut turn = Decision::default();
        for (number, input) in inputs.into_iter().enumerate() {
            if let (1.., SchedulerInput::Resolved(run, step, _)) = (number, &input) {
                let question = Effect::Resolve(*run, *step);
                match turn.effects.iter().position(|effect| *effect == question) {
                    Some(asked) => turn.effects.remove(asked),
                    None => continue,
                };
            }
            let decision = self.scheduler.handle(input);
            self.scheduler
                .check_invariants()
                .unwrap_or_else(|broken| panic!("{broken}"));
            turn.events.extend(decision.events);
            turn.effects.extend(decision.effects);
        }
        self.commit(turn);
    }

    fn commit(&mut self, Decision { events, effects }: Decision) {
        for (run, event) in events {
            self.check_reuse(run, &event);
            self.runs
                .get_mut(&run)
                .expect("a submitted run")
                .journal
                .push(event);
        }
        for effect in effects {
            if self.random.chance(3) {
                return self.crash();
            }
            if let Effect::Resolve(run, step) = effect {
                self.resolve(run, step);
                continue;
            }
            self.world.perform(effect, &mut self.random);
            if self.random.chance(4) {
                self.world.perform(effect, &mut self.random);
            }
            self.check_cores();
        }
    }

    /// Everything in memory is gone; the journal and the world are not.
    fn crash(&mut self) {
        self.world.reports.clear();
        self.scheduler = Scheduler::new(self.slots);
        for (id, run) in &self.runs {
            self.scheduler
                .restore(*id, run.topology.clone(), run.policy, &run.journal);
        }
        let decision = self.scheduler.resume();
        self.scheduler
            .check_invariants()
            .unwrap_or_else(|broken| panic!("restored: {broken}"));
        self.commit(decision);
    }

    fn step(&mut self) {
        match self.random.below(20) {
            0 => self.crash(),
            1 => {
                let run = self.random.below(self.runs.len());
                let id = *self.runs.keys().nth(run).expect("below the length");
                if self.random.chance(15) {
                    self.send(vec![SchedulerInput::Cancel(id)]);
                } else if self.random.chance(30) {
                    let steps = self.runs[&id].topology.len();
                    let step = StepIndex::from(self.random.below(steps.max(1)));
                    self.send(vec![SchedulerInput::CancelStep(id, step)]);
                } else if self.random.chance(30) {
                    let steps = self.runs[&id].topology.len();
                    let step = StepIndex::from(self.random.below(steps.max(1)));
                    let said = Failure::new(FailureKind::UserCode, "said so");
                    let stops = self.random.chance(50);
                    self.send(vec![SchedulerInput::Fail(id, step, said, stops)]);
                }
            }
            2..=9 => self.world.end_one(&mut self.random),
            _ => {
                if self.world.reports.is_empty() {
                    return;
                }
                // Any report may come first: order between attempts means nothing.
                let which = self.random.below(self.world.reports.len());
                let report = self.world.reports.swap_remove(which);
                // An answer is given once; reports of executors may come again.
                let answer = matches!(report[..], [SchedulerInput::Resolved(..), ..]);
                if !answer && self.random.chance(10) {
                    self.world.reports.push(report.clone());
                }
                self.send(report);
            }
        }
    }

    fn run(&mut self) {
        let runs = 1 + self.random.below(3);
        for number in 0..runs {
            self.submit(number as u128 + 1);
        }
        for _ in 0..20_000 {
            if self.scheduler.active_runs() == 0 {
                return self.check_end();
            }
            self.step();
        }
        panic!("the runs did not end: {:?}", self.scheduler);
    }

    fn check_end(&self) {
        assert!(
            self.world.running.is_empty(),
            "programs run on: {:?}",
            self.world.running
        );
        for (id, run) in &self.runs {
            let finished = run
                .journal
                .iter()
                .filter(|e| matches!(e, Event::Finished { .. }))
                .count();
            assert_eq!(finished, 1, "{id} finished {finished} times");
            let mut settled = HashSet::new();
            let mut attempts: BTreeMap<StepIndex, u32> = BTreeMap::new();
            for event in &run.journal {
                if let Event::Assigned { step, attempt, .. } = event {
                    let last = attempts.insert(*step, *attempt).unwrap_or(0);
                    assert_eq!(*attempt, last + 1, "{id}/{step:?} skips an attempt");
                    assert!(*attempt <= ATTEMPTS_MAX, "{id}/{step:?} is tried for ever");
                }
                if let Event::Interrupted { step, attempt, .. } = event {
                    assert!(run.topology.is_resumable(*step), "{id}/{step:?} runs twice");
                    assert_eq!(attempts.get(step), Some(attempt));
                }
                if let Event::Ended { step, .. }
                | Event::Skipped { step, .. }
                | Event::Reused { step, .. } = event
                {
                    assert!(settled.insert(*step), "{id}/{step:?} was settled twice");
                }
            }
            assert_eq!(settled.len(), run.topology.len(), "{id}: a step was lost");
        }
    }
}

#[test]
fn every_run_ends_exactly_once_whatever_is_lost_doubled_or_crashed() {
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seeds = match number("STEPWELL_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("STEPWELL_SIM_SEEDS").unwrap_or(10_000),
    };
    for seed in seeds {
        let result = std::panic::catch_unwind(|| Simulation::new(seed).run());
        assert!(
            result.is_ok(),
            "failed: run again with STEPWELL_SIM_SEED={seed}"
        );
    }
}
