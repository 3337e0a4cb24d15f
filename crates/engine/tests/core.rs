//! Ring 1: the scheduler on one-line graphs. Each test reads as the graph, what happens to it,
//! and the history that must follow.

use std::collections::HashMap;
use std::fmt::Write as _;

use insta::assert_snapshot;
use stepwell_engine::core::{Decision, Effect, Limit, Policy, Scheduler, SchedulerInput, Topology};
use stepwell_model::{
    Event, Failure, FailureKind, Outcome, RunId, SkipReason, StepIndex, TargetName, Usage,
    WaitReason,
};
use uuid::Uuid;

const RUN: RunId = RunId::new(Uuid::from_u128(1));

/// `"a -> b, a -> c"` with so many slots: steps named by letters, arrows from first to last. A step
/// with a capital goes on after an interruption; one with a number asks for so many cores.
struct Fixture {
    names: Vec<String>,
    scheduler: Scheduler,
    running: Vec<StepIndex>,
    attempts: HashMap<StepIndex, u32>,
    history: String,
}

impl Fixture {
    fn new(graph: &str, slots: u32, policy: Policy) -> Self {
        let mut names: Vec<String> = Vec::new();
        let mut dependencies: Vec<Vec<StepIndex>> = Vec::new();
        for chain in graph.split(',') {
            let mut before = None;
            for name in chain.split("->").map(str::trim) {
                let known = names.iter().position(|known| known == name);
                let place = known.unwrap_or_else(|| {
                    names.push(name.to_owned());
                    dependencies.push(Vec::new());
                    names.len() - 1
                });
                dependencies[place].extend(before);
                before = Some(StepIndex::from(place));
            }
        }
        let targets = vec![0; names.len()];
        let cores = names.iter().map(|name| name[1..].parse().unwrap_or(1));
        let cores: Vec<u32> = cores.collect();
        let resumable = names
            .iter()
            .map(|name| name.starts_with(char::is_uppercase));
        let topology = Topology::from_edges(&dependencies, targets, vec![TargetName::new("t")])
            .with_resumable(resumable.collect())
            .with_cores(cores);
        let mut fixture = Self {
            names,
            scheduler: Scheduler::new(slots),
            running: Vec::new(),
            attempts: HashMap::new(),
            history: String::new(),
        };
        fixture.send(SchedulerInput::Submit(RUN, topology, policy));
        fixture
    }

    fn send(&mut self, input: SchedulerInput) {
        let Decision { events, effects } = self.scheduler.handle(input);
        let name = |step: &StepIndex| self.names[step.get()].as_str();
        let mut words: Vec<String> = Vec::new();
        for (_, event) in &events {
            words.push(match event {
                Event::Submitted => "submitted".to_owned(),
                Event::Assigned { step, .. } => format!("{}+", name(step)),
                Event::Began => "began".to_owned(),
                Event::Started { step, .. } => format!("{} runs", name(step)),
                Event::Ended {
                    step,
                    outcome: Outcome::Succeeded(_),
                    ..
                } => {
                    format!("{} ok", name(step))
                }
                Event::Ended {
                    step,
                    outcome: Outcome::Failed(..),
                    ..
                } => {
                    format!("{} failed", name(step))
                }
                Event::Ended { step, .. } => format!("{} cancelled", name(step)),
                Event::Waiting { step, reason, .. } => {
                    format!("{} waits for {}", name(step), reason.as_str())
                }
                Event::Interrupted { step, attempt, .. } => {
                    format!("{} interrupted {attempt}", name(step))
                }
                Event::Skipped {
                    step,
                    because: SkipReason::Upstream(cause),
                } => {
                    format!("{} skipped after {}", name(step), name(cause))
                }
                Event::Skipped {
                    step,
                    because: SkipReason::SaidToFail(_),
                } => format!("{} failed", name(step)),
                Event::Skipped { step, .. } => format!("{} skipped", name(step)),
                Event::Reused { step, .. } => format!("{} reused", name(step)),
                Event::CancelAsked => "cancel asked".to_owned(),
                Event::StepCancelAsked { step } => format!("cancel of {} asked", name(step)),
                Event::FailAsked { step, .. } => format!("{} said to fail", name(step)),
                Event::Finished { status } => status.as_str().to_owned(),
            });
        }
        for effect in &effects {
            match effect {
                Effect::Start(_, step, attempt) => {
                    self.running.push(*step);
                    self.attempts.insert(*step, *attempt);
                }
                Effect::Stop(_, step, _) => words.push(format!("stop {}!", name(step))),
                Effect::Resolve(_, step) => words.push(format!("{}?", name(step))),
            }
        }
        self.scheduler.check_invariants().expect("invariants hold");
        let line = if words.is_empty() {
            "nothing".to_owned()
        } else {
            words.join(", ")
        };
        writeln!(self.history, "{line}").expect("a string takes all text");
    }

    fn end(&mut self, name: &str, outcome: Outcome) {
        let place = self
            .names
            .iter()
            .position(|known| known == name)
            .expect("a known step");
        let step = StepIndex::from(place);
        let attempt = self.attempts.get(&step).copied().unwrap_or(1);
        self.send(SchedulerInput::Ended(RUN, step, attempt, outcome));
    }
}

fn ok() -> Outcome {
    Outcome::Succeeded(Usage::default())
}

fn failed() -> Outcome {
    Outcome::Failed(
        Failure::new(FailureKind::UserCode, "it broke"),
        Usage::default(),
    )
}

fn lost() -> Outcome {
    Outcome::Failed(
        Failure::new(FailureKind::Lost, "the power failed"),
        Usage::default(),
    )
}

/// `"a ok, b fails, cancel"` against a graph; gives the history, a line for each input.
fn history(graph: &str, slots: u32, policy: Policy, script: &str) -> String {
    let mut fixture = Fixture::new(graph, slots, policy);
    for word in script
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
    {
        match word.split_once(' ') {
            Some((name, "ok")) => fixture.end(name, ok()),
            Some((name, "fails")) => fixture.end(name, failed()),
            Some((name, "lost")) => fixture.end(name, lost()),
            Some((name, "stops")) => fixture.end(name, Outcome::Cancelled(Usage::default())),
            Some((name, "cancel")) => {
                let step = fixture.names.iter().position(|known| known == name);
                let step = StepIndex::from(step.expect("a known step"));
                fixture.send(SchedulerInput::CancelStep(RUN, step));
            }
            Some((name, word @ ("fail" | "stop and fail"))) => {
                let step = fixture.names.iter().position(|known| known == name);
                let step = StepIndex::from(step.expect("a known step"));
                let said = Failure::new(FailureKind::UserCode, "said so");
                fixture.send(SchedulerInput::Fail(RUN, step, said, word != "fail"));
            }
            _ => fixture.send(SchedulerInput::Cancel(RUN)),
        }
    }
    fixture.history
}

#[test]
fn steps_of_a_chain_run_in_sequence() {
    assert_snapshot!(history("a -> b -> c", 2, Policy::StopAtFirstFailure, "a ok, b ok, c ok"), @"
    submitted, a+
    a ok, b+
    b ok, c+
    c ok, Completed
    ");
}

#[test]
fn a_step_that_is_cancelled_takes_only_what_depends_on_it() {
    assert_snapshot!(history("a -> b -> c, d", 2, Policy::ContinueOnFailure, "a cancel, a cancel, a stops, d ok"), @"
    submitted, a+, d+
    cancel of a asked, stop a!
    nothing
    a cancelled, b skipped after a, c skipped after a
    d ok, Canceled
    ");
}

#[test]
fn a_step_that_is_said_to_fail_has_failed_however_it_ends() {
    assert_snapshot!(history("a -> b, c", 2, Policy::ContinueOnFailure, "a fail, a fail, a ok, c stop and fail, c stops"), @"
    submitted, a+, c+
    a said to fail
    nothing
    a failed, b skipped after a
    c said to fail, stop c!
    c failed, Failed
    ");
}

#[test]
fn a_step_that_is_said_to_fail_is_not_tried_again() {
    assert_snapshot!(history("A", 1, Policy::StopAtFirstFailure, "A fail, A lost"), @"
    submitted, A+
    A said to fail
    A failed, Failed
    ");
}

#[test]
fn a_step_that_waits_for_a_slot_fails_at_once_and_one_that_waits_for_others_does_not() {
    assert_snapshot!(history("a -> c, b", 1, Policy::ContinueOnFailure, "c stop and fail, b stop and fail, a ok, c ok"), @"
    submitted, a+
    nothing
    b failed
    a ok, c+
    c ok, Failed
    ");
}

#[test]
fn a_step_that_is_cancelled_before_it_starts_is_skipped() {
    assert_snapshot!(history("a -> b -> c, d, e", 2, Policy::ContinueOnFailure, "b cancel, e cancel, a ok, d fails, e cancel"), @"
    submitted, a+, d+
    cancel of b asked, b skipped, c skipped after b
    cancel of e asked, e skipped
    a ok
    d failed, Failed
    nothing
    ");
}

#[test]
fn a_cancelled_step_stops_a_run_that_stops_at_the_first_failure() {
    assert_snapshot!(history("a -> b, d, e", 2, Policy::StopAtFirstFailure, "a cancel, a stops, d ok"), @"
    submitted, a+, d+
    cancel of a asked, stop a!
    a cancelled, b skipped, e skipped
    d ok, Canceled
    ");
}

#[test]
fn a_step_that_was_asked_to_stop_is_not_tried_again() {
    assert_snapshot!(history("A, b", 2, Policy::ContinueOnFailure, "A cancel, A lost, b ok"), @"
    submitted, A+, b+
    cancel of A asked, stop A!
    A failed
    b ok, Failed
    ");
}

#[test]
fn a_join_waits_for_every_branch() {
    assert_snapshot!(history("a -> b -> d, a -> c -> d", 2, Policy::StopAtFirstFailure, "a ok, c ok, b ok, d ok"), @"
    submitted, a+
    a ok, b+, c+
    c ok
    b ok, d+
    d ok, Completed
    ");
}

#[test]
fn no_more_steps_run_at_once_than_the_target_has_slots() {
    assert_snapshot!(history("a, b, c, d", 2, Policy::StopAtFirstFailure, "b ok, a ok, c ok, d ok"), @"
    submitted, a+, b+
    b ok, c+
    a ok, d+
    c ok
    d ok, Completed
    ");
}

#[test]
fn after_a_failure_nothing_new_starts_and_what_runs_may_end() {
    assert_snapshot!(history("a -> c, b -> d, e", 2, Policy::StopAtFirstFailure, "a fails, b ok"), @"
    submitted, a+, b+
    a failed, c skipped, d skipped, e skipped
    b ok, Failed
    ");
}

#[test]
fn with_continue_on_failure_only_dependents_are_skipped() {
    assert_snapshot!(history("a -> c -> f, b -> d, c -> d", 2, Policy::ContinueOnFailure, "a fails, b ok"), @"
    submitted, a+, b+
    a failed, c skipped after a, f skipped after a, d skipped after a
    b ok, Failed
    ");
}

#[test]
fn a_cancelled_run_stops_what_runs_and_skips_the_rest() {
    assert_snapshot!(history("a -> b, c", 1, Policy::StopAtFirstFailure, "cancel, cancel, a stops, a stops"), @"
    submitted, a+
    cancel asked, b skipped, c skipped, stop a!
    nothing
    a cancelled, Canceled
    nothing
    ");
}

#[test]
fn a_run_whose_last_step_ends_well_after_the_request_is_completed() {
    assert_snapshot!(history("a", 1, Policy::StopAtFirstFailure, "cancel, a ok"), @"
    submitted, a+
    cancel asked, stop a!
    a ok, Completed
    ");
}

#[test]
fn reports_that_come_twice_or_late_change_nothing() {
    assert_snapshot!(history("a -> b", 1, Policy::StopAtFirstFailure, "b ok, a ok, a fails, b ok"), @"
    submitted, a+
    nothing
    a ok, b+
    nothing
    b ok, Completed
    ");
}

#[test]
fn a_step_that_keeps_how_far_it_is_goes_on_after_an_interruption() {
    assert_snapshot!(history("A -> b, c", 1, Policy::StopAtFirstFailure, "A lost, c ok, A lost, A ok, b ok"), @"
    submitted, A+
    A interrupted 1, c+
    c ok, A+
    A interrupted 2, A+
    A ok, b+
    b ok, Completed
    ");
}

#[test]
fn a_step_that_keeps_nothing_a_failure_of_its_own_and_the_last_attempt_are_final() {
    let stop = Policy::StopAtFirstFailure;
    assert_snapshot!(history("a", 1, stop, "a lost"), @"
    submitted, a+
    a failed, Failed
    ");
    assert_snapshot!(history("A", 1, stop, "A fails"), @"
    submitted, A+
    A failed, Failed
    ");
    assert_snapshot!(history("A", 1, stop, "cancel, A lost"), @"
    submitted, A+
    cancel asked, stop A!
    A failed, Canceled
    ");
    let five = history("A", 1, stop, "A lost, A lost, A lost, A lost, A lost");
    assert_snapshot!(five.lines().last().unwrap_or_default(), @"A failed, Failed");
}

#[test]
fn an_empty_pipeline_is_complete_at_once() {
    let topology = Topology::from_edges(&[], vec![], vec![]);
    let mut scheduler = Scheduler::new(1);
    let decision = scheduler.handle(SchedulerInput::Submit(
        RUN,
        topology,
        Policy::StopAtFirstFailure,
    ));
    assert_eq!(decision.events.len(), 2);
    assert_eq!(scheduler.active_runs(), 0);
}

#[test]
fn runs_take_turns_on_a_target() {
    let mut scheduler = Scheduler::new(1);
    let many = vec![Vec::new(); 3];
    let mut started: HashMap<RunId, u32> = HashMap::new();
    let mut pending = Vec::new();
    for run in [RUN, RunId::new(Uuid::from_u128(2))] {
        let topology = Topology::from_edges(&many, vec![0; 3], vec![TargetName::new("t")]);
        let decision = scheduler.handle(SchedulerInput::Submit(
            run,
            topology,
            Policy::StopAtFirstFailure,
        ));
        pending.extend(decision.effects);
    }
    for _ in 0..3 {
        let Some(Effect::Start(run, step, attempt)) = pending.pop() else {
            panic!("one runs")
        };
        *started.entry(run).or_default() += 1;
        pending.extend(
            scheduler
                .handle(SchedulerInput::Ended(run, step, attempt, ok()))
                .effects,
        );
    }
    assert_eq!(started.len(), 2, "both runs made progress: {started:?}");
}

#[test]
fn what_cannot_start_any_more_is_gone_through_once_however_many_steps_end() {
    const STEPS: u32 = 1_000;
    let independent = vec![Vec::new(); STEPS as usize];
    let target = vec![TargetName::new("t")];
    let topology = Topology::from_edges(&independent, vec![0; STEPS as usize], target);
    let mut scheduler = Scheduler::new(STEPS / 2);
    scheduler.handle(SchedulerInput::Submit(
        RUN,
        topology,
        Policy::StopAtFirstFailure,
    ));
    let failed = || Outcome::Failed(Failure::new(FailureKind::UserCode, "x"), Usage::default());
    for step in (0..STEPS / 2).map(StepIndex) {
        scheduler.handle(SchedulerInput::Ended(RUN, step, 1, failed()));
        scheduler.check_invariants().expect("invariants hold");
    }
    assert_eq!(scheduler.active_runs(), 0);
    assert_eq!(scheduler.examined(), u64::from(STEPS));
}

#[test]
fn every_target_has_its_own_number() {
    const TARGETS: usize = 65_535;
    let names: Vec<_> = (0..TARGETS)
        .map(|each| TargetName::new(each.to_string()))
        .collect();
    let targets = (0..=u16::MAX).take(TARGETS).collect();
    let topology = Topology::from_edges(&vec![Vec::new(); TARGETS], targets, names);
    let last = StepIndex::from(TARGETS - 1);
    assert_eq!(topology.target(last).as_str(), "65534");
    let both = topology.targets_of(&[last, StepIndex(0), last]);
    assert_eq!(both, [TargetName::new("0"), TargetName::new("65534")]);
    let mut scheduler = Scheduler::new(1);
    let decision = scheduler.handle(SchedulerInput::Submit(
        RUN,
        topology,
        Policy::StopAtFirstFailure,
    ));
    assert_eq!(
        decision.effects.len(),
        TARGETS,
        "each has a slot of its own"
    );
}

#[test]
fn what_an_attempt_waits_for_is_recorded_until_it_runs_and_each_reason_once() {
    let mut fixture = Fixture::new("a, b", 1, Policy::StopAtFirstFailure);
    let (a, b) = (StepIndex(0), StepIndex(1));
    assert_eq!(fixture.scheduler.waits_for(RUN, b), Some(WaitReason::Slot));
    let waits = |reason| SchedulerInput::Waiting(RUN, a, 1, reason, String::new());
    for reason in [WaitReason::Environment, WaitReason::ClusterQueue] {
        fixture.send(waits(reason));
        fixture.send(waits(reason));
    }
    assert_eq!(fixture.scheduler.waits_for(RUN, a), None, "it has a slot");
    fixture.send(SchedulerInput::Started(RUN, a, 1));
    fixture.send(waits(WaitReason::Data));
    fixture.send(SchedulerInput::Waiting(
        RUN,
        a,
        2,
        WaitReason::Data,
        String::new(),
    ));
    assert_snapshot!(fixture.history, @"
    submitted, a+
    a waits for environment
    nothing
    a waits for cluster_queue
    nothing
    began, a runs
    nothing
    nothing
    ");
}

#[test]
fn a_raised_limit_starts_what_waits() {
    let mut fixture = Fixture::new("a, b, c", 1, Policy::StopAtFirstFailure);
    fixture.send(SchedulerInput::Limit(TargetName::new("t"), Limit::of(3)));
    assert_snapshot!(fixture.history, @"
    submitted, a+
    b+, c+
    ");
}

#[test]
fn steps_hold_the_cores_that_they_ask_for_and_nobody_passes_one_that_waits_for_many() {
    let ok = || Outcome::Succeeded(Usage::default());
    let mut fixture = Fixture::new("a2, b2, c4, d, e9", 4, Policy::StopAtFirstFailure);
    let waits = |fixture: &Fixture, step: u32| fixture.scheduler.waits_for(RUN, StepIndex(step));
    assert_eq!(waits(&fixture, 2), Some(WaitReason::Cores));
    assert_eq!(
        waits(&fixture, 3),
        Some(WaitReason::Cores),
        "one core is free"
    );
    for name in ["a2", "b2", "c4", "d", "e9"] {
        fixture.end(name, ok());
    }
    assert_snapshot!(fixture.history, @r"
    submitted, a2+, b2+
    a2 ok
    b2 ok, c4+
    c4 ok, d+
    d ok, e9+
    e9 ok, Completed
    ");
}

#[test]
fn those_behind_a_step_that_waits_for_many_cores_start_when_it_is_cancelled() {
    let mut fixture = Fixture::new("a, b4, c", 4, Policy::ContinueOnFailure);
    fixture.send(SchedulerInput::CancelStep(RUN, StepIndex(1)));
    let mut other = Fixture::new("a, b4", 4, Policy::StopAtFirstFailure);
    let second = RunId::new(Uuid::from_u128(2));
    let topology = Topology::from_edges(&[Vec::new()], vec![0], vec![TargetName::new("t")]);
    other.send(SchedulerInput::Submit(
        second,
        topology,
        Policy::StopAtFirstFailure,
    ));
    other.send(SchedulerInput::Cancel(RUN));
    assert_snapshot!(format!("{}\n{}", fixture.history, other.history), @r"
    submitted, a+
    cancel of b4 asked, b4 skipped, c+

    submitted, a+
    submitted
    cancel asked, b4 skipped, a+, stop a!
    ");
}

#[test]
fn where_cores_are_not_counted_steps_are() {
    let mut fixture = Fixture::new("a2, b2, c2", 1, Policy::StopAtFirstFailure);
    let limit = Limit {
        steps: 2,
        cores: None,
    };
    fixture.send(SchedulerInput::Limit(TargetName::new("t"), limit));
    let third = fixture.scheduler.waits_for(RUN, StepIndex(2));
    assert_eq!(third, Some(WaitReason::Slot));
    assert_snapshot!(fixture.history, @r"
    submitted, a2+
    b2+
    ");
}
