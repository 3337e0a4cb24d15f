//! Random searches with faults: lost answers, repeated and late reports, crashes that fold the
//! recorded events again, also in the middle of the effects of several events that were recorded
//! together. After each step the invariants hold; every search finishes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use stepwell_tune::{
    Core, Effect, Event, Expression, Goal, Outcome, Policy, Random, Sampling, Settings, Space,
    TrialState, Values, Verdict,
};

fn seeds() -> std::ops::Range<u64> {
    if let Some(seed) = number("STEPWELL_SIM_SEED") {
        return seed..seed + 1;
    }
    0..number("STEPWELL_SIM_SEEDS").unwrap_or(3_000)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn settings(random: &mut Random) -> Settings {
    let values = |count: u64| Expression::Choice((0..count).map(Value::from).collect());
    let space = Space::new(vec![
        ("a".to_owned(), values(1 + random.below(4))),
        ("b".to_owned(), values(1 + random.below(4))),
    ]);
    let space = space.expect("it has parameters");
    let sampling = match random.below(3) {
        0 => Sampling::Grid(space),
        1 => Sampling::Random(space),
        _ => Sampling::Bayesian(space),
    };
    let policies = [
        json!({"name": "Default"}),
        json!({"name": "Bandit", "properties": {"slack_factor": 0.1, "evaluation_interval": 2}}),
        json!({"name": "MedianStopping", "properties": {"delay_evaluation": 2}}),
        json!({"name": "TruncationSelection", "properties": {"truncation_percentage": 30}}),
    ];
    let index = usize::try_from(random.below(4)).expect("small");
    let policy: Policy = serde_json::from_value(policies[index].clone()).expect("a policy");
    Settings {
        sampling,
        goal: if random.below(2) == 0 {
            Goal::Maximize
        } else {
            Goal::Minimize
        },
        policy,
        trials_max: 1 + random.below(12),
        concurrent_max: 1 + random.below(4),
        seed: random.bits(),
        resumed: Vec::new(),
        earlier: vec![vec![0.5, 0.6]; usize::try_from(random.below(2)).expect("small")],
    }
}

/// The world around a search: the server with its runs, and what it has been asked to do.
#[derive(Default)]
struct World {
    /// The run of each trial, under the trial's key: asking twice gives the same.
    runs: BTreeMap<usize, Values>,
    histories: BTreeMap<usize, Vec<f64>>,
    cancelled: BTreeSet<usize>,
    ended: BTreeMap<usize, Outcome>,
    /// Reports on their way.
    mail: Vec<Event>,
    finished: Option<Verdict>,
}

impl World {
    fn perform(&mut self, effect: Effect, random: &mut Random) {
        match effect {
            Effect::Suggest { trial } => {
                let values = vec![("a".to_owned(), json!(random.below(4)))];
                self.mail.push(Event::Suggested { trial, values });
            }
            Effect::Submit { trial, values } => {
                let known = self.runs.entry(trial).or_insert_with(|| values.clone());
                assert_eq!(
                    *known, values,
                    "trial {trial} was asked for with other values"
                );
                let run = format!("r{trial}");
                self.mail.push(Event::Submitted { trial, run });
            }
            Effect::Watch { trial, .. } => self.watch(trial),
            Effect::Cancel { trial, .. } => {
                self.cancelled.insert(trial);
            }
            Effect::Best { .. } => {}
            Effect::Finish { verdict } => {
                assert!(self.finished.is_none(), "a search finishes once");
                self.finished = Some(verdict);
            }
        }
    }

    /// What a trial came to is reported to whoever watches it anew.
    fn watch(&mut self, trial: usize) {
        if let Some(outcome) = self.ended.get(&trial).copied() {
            self.mail.push(Event::Ended { trial, outcome });
        }
    }

    /// Something happens outside.
    fn turn(&mut self, random: &mut Random) {
        let running: Vec<usize> = self
            .runs
            .keys()
            .filter(|trial| !self.ended.contains_key(trial))
            .copied()
            .collect();
        let Some(&trial) = running.get(usize::try_from(random.below(8)).expect("small")) else {
            return;
        };
        let history = self.histories.entry(trial).or_default();
        if !self.cancelled.contains(&trial) && random.below(3) > 0 {
            // Few values, so that trials are often equal.
            history.push((random.unit() * 4.0).floor() / 4.0);
            let values = history.clone();
            self.mail.push(Event::Logged { trial, values });
            return;
        }
        let outcome = match (self.cancelled.contains(&trial), random.below(5)) {
            (true, _) => Outcome::Canceled,
            (_, 0) => Outcome::Failed,
            _ => Outcome::Completed,
        };
        self.ended.insert(trial, outcome);
        self.mail.push(Event::Ended { trial, outcome });
    }
}

/// Lives through one search; returns the recorded events and the values of its trials.
fn live(seed: u64, crashes: bool) -> (Vec<Event>, BTreeMap<usize, Values>) {
    let mut random = Random::of(seed, 0);
    let settings = settings(&mut random);
    let mut core = Core::new(settings.clone());
    let mut world = World::default();
    let mut recorded = vec![Event::Began];
    for effect in core.step(Event::Began) {
        world.perform(effect, &mut random);
    }
    let mut steps = 0;
    while world.finished.is_none() {
        steps += 1;
        assert!(
            steps < 100_000,
            "seed {seed}: the search does not end: {core:?}"
        );
        if crashes && random.below(20) == 0 {
            core = revive(&settings, &recorded, &mut world, &mut random);
        }
        match random.below(60) {
            0 if crashes => world.mail.push(Event::Expired),
            1 if crashes => world.mail.push(Event::Stopped),
            _ => world.turn(&mut random),
        }
        let mut effects = Vec::new();
        for _ in 0..=random.below(4) {
            let count = u64::try_from(world.mail.len()).expect("small");
            if count == 0 {
                break;
            }
            let index = usize::try_from(random.below(count)).expect("small");
            let event = world.mail.remove(index);
            if random.below(10) == 0 {
                world.mail.push(event.clone());
            }
            recorded.push(event.clone());
            effects.extend(core.step(event));
        }
        // What is submitted comes last, all in one; the crash cuts it, and what it came to is lost.
        effects.sort_by_key(|effect| matches!(effect, Effect::Submit { .. }));
        let count = u64::try_from(effects.len()).expect("small");
        let cut = (crashes && count > 0 && random.below(10) == 0)
            .then(|| usize::try_from(random.below(count)).expect("small"));
        for effect in effects.drain(..).take(cut.unwrap_or(usize::MAX)) {
            world.perform(effect, &mut random);
        }
        if cut.is_some() {
            core = revive(&settings, &recorded, &mut world, &mut random);
        }
        check(seed, &core, &settings, &world);
    }
    (recorded, world.runs)
}

/// The search after a crash: what was on its way is lost, the events are folded again and what is
/// open is done again.
fn revive(settings: &Settings, recorded: &[Event], world: &mut World, random: &mut Random) -> Core {
    world.mail.clear();
    let mut core = Core::new(settings.clone());
    for event in recorded {
        core.step(event.clone());
    }
    for effect in core.pending() {
        world.perform(effect, random);
    }
    core
}

fn check(seed: u64, core: &Core, settings: &Settings, world: &World) {
    let open = |state: &TrialState| !matches!(state, TrialState::Ended { .. });
    let under_way = core
        .trials()
        .iter()
        .filter(|trial| open(&trial.state))
        .count();
    let limit = usize::try_from(settings.concurrent_max).expect("small");
    assert!(
        under_way <= limit,
        "seed {seed}: {under_way} trials at once"
    );
    let most = usize::try_from(settings.trials_max).expect("small");
    assert!(core.trials().len() <= most, "seed {seed}: too many trials");
    let goal = settings.goal;
    let trials = core.trials().iter().enumerate();
    let ranked = trials.map(|(number, trial)| (goal.best(&trial.history), number));
    let first = ranked.min_by(|one, other| goal.rank(*one, *other));
    let best = first.and_then(|(value, number)| Some((number, value?)));
    assert_eq!(core.best(), best, "seed {seed}");
    if world.finished.is_some() {
        assert_eq!(
            under_way, 0,
            "seed {seed}: it finished with trials under way"
        );
    }
}

#[test]
fn every_search_finishes_and_doubles_no_trial_whatever_happens() {
    for seed in seeds() {
        live(seed, true);
    }
}

#[test]
fn the_fold_of_the_recorded_events_is_the_state() {
    for seed in seeds().take(500) {
        let (recorded, _) = live(seed, true);
        let mut random = Random::of(seed, 0);
        let settings = settings(&mut random);
        let fold = |events: &[Event]| {
            let mut core = Core::new(settings.clone());
            for event in events {
                core.step(event.clone());
            }
            format!("{:?}", core.trials())
        };
        let text = serde_json::to_string(&recorded).expect("events are JSON");
        let read: Vec<Event> = serde_json::from_str(&text).expect("and read back");
        assert_eq!(fold(&recorded), fold(&read), "seed {seed}");
    }
}

#[test]
fn values_depend_on_the_seed_and_not_on_the_order_of_reports() {
    let space =
        || Space::new(vec![("a".to_owned(), Expression::Uniform(0.0, 1.0))]).expect("a space");
    let settings = Settings {
        sampling: Sampling::Random(space()),
        goal: Goal::Maximize,
        policy: Policy::Default,
        trials_max: 6,
        concurrent_max: 2,
        seed: 42,
        resumed: Vec::new(),
        earlier: Vec::new(),
    };
    let values_when = |order: fn(&mut Vec<usize>)| {
        let mut core = Core::new(settings.clone());
        let mut effects = core.step(Event::Began);
        let mut open: Vec<usize> = Vec::new();
        loop {
            for effect in std::mem::take(&mut effects) {
                if let Effect::Submit { trial, .. } = effect {
                    let run = format!("r{trial}");
                    core.step(Event::Submitted { trial, run });
                    open.push(trial);
                }
            }
            order(&mut open);
            let Some(trial) = open.pop() else {
                break;
            };
            let outcome = Outcome::Completed;
            effects = core.step(Event::Ended { trial, outcome });
        }
        let values = core.trials().iter().map(|trial| trial.values.clone());
        values.collect::<Vec<_>>()
    };
    let (forth, back) = (values_when(|_| {}), values_when(|open| open.reverse()));
    assert_eq!(forth.len(), 6);
    assert_eq!(forth, back);
}
