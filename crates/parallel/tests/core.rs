//! The scheduler's decisions, each as one line of inputs and what must be done after them.
//!
//! `0` is the worker in place 0, `0.2` its second life, `b3` a mini-batch. Time is in seconds.

use std::fmt::Write as _;

use stepwell_parallel::core::{
    Effect, Limits, Return, SECOND, Scheduler, SchedulerInput, Tally, Verdict, WorkerId,
};

fn limits(text: &str) -> Limits {
    let mut limits = Limits {
        nodes: 1,
        per_node: 1,
        tries: 3,
        run: 60 * SECOND,
        init: 210 * SECOND,
        progress: 3600 * SECOND,
        start_up: 120 * SECOND,
        failed_items: None,
        failed_batches: None,
        failed_percent: None,
        memory: None,
    };
    for word in text.split_whitespace() {
        let (name, value) = word.split_once('=').expect("name=value");
        let number: u64 = value.parse().expect("a number");
        let small = u32::try_from(number).expect("a small number");
        match name {
            "nodes" => limits.nodes = small,
            "workers" => limits.per_node = small,
            "tries" => limits.tries = small,
            "progress" => limits.progress = number * SECOND,
            "items" => limits.failed_items = Some(number),
            "batches" => limits.failed_batches = Some(number),
            "percent" => limits.failed_percent = Some(f64::from(small)),
            "memory" => limits.memory = Some(number),
            other => panic!("`{other}` is no limit"),
        }
    }
    limits
}

struct Rig {
    scheduler: Scheduler,
    now: u64,
    planned: u64,
    /// What each place holds, as the effects say.
    held: Vec<Vec<u64>>,
    lives: Vec<u32>,
}

impl Rig {
    fn worker(&self, text: &str) -> WorkerId {
        let (slot, life) = text.split_once('.').unwrap_or((text, ""));
        let slot: u32 = slot.parse().expect("a place");
        let life = life.parse().unwrap_or(self.lives[slot as usize]);
        WorkerId { slot, life }
    }

    fn inputs(&mut self, words: &str) -> Vec<SchedulerInput> {
        let mut words = words.split_whitespace();
        let verb = words.next().expect("a verb");
        let rest: Vec<&str> = words.collect();
        let number = |at: usize| rest.get(at).and_then(|text| text.parse::<u64>().ok());
        let first = |rig: &Self| rig.held[rig.worker(rest[0]).slot as usize].first().copied();
        match verb {
            "plan" => {
                let from = self.planned;
                self.planned += number(0).unwrap_or(1);
                (from..self.planned)
                    .map(|batch| SchedulerInput::Planned(batch, Some(10)))
                    .collect()
            }
            "end" => vec![SchedulerInput::PlanEnded],
            "ready" => rest
                .iter()
                .map(|text| SchedulerInput::Ready(self.worker(text)))
                .collect(),
            "unready" => vec![SchedulerInput::StartFailed(
                self.worker(rest[0]),
                "no module".to_owned(),
            )],
            "done" => vec![SchedulerInput::Done {
                worker: self.worker(rest[0]),
                batch: first(self).unwrap_or(999),
                items: 10,
                rows: number(1).unwrap_or(10),
                memory: number(2),
            }],
            "raise" => vec![SchedulerInput::Raised(
                self.worker(rest[0]),
                first(self).unwrap_or(999),
                None,
                "oops".to_owned(),
            )],
            "gone" => vec![SchedulerInput::Gone(
                self.worker(rest[0]),
                "killed".to_owned(),
            )],
            "lost" | "away" => {
                let node = u32::try_from(number(0).expect("a node")).expect("a small number");
                let back = match verb {
                    "lost" => Return::Never,
                    _ => Return::Possible,
                };
                vec![SchedulerInput::NodeLost(node, back)]
            }
            "wait" => {
                self.now += number(0).expect("seconds") * SECOND;
                vec![SchedulerInput::Tick]
            }
            "cancel" => vec![SchedulerInput::Cancel],
            other => panic!("`{other}` is no input"),
        }
    }

    fn note(&mut self, effect: &Effect) -> String {
        match effect {
            Effect::Place(worker) => {
                self.lives[worker.slot as usize] = worker.life;
                self.held[worker.slot as usize].clear();
                format!("place {worker}")
            }
            Effect::Send(worker, batch, attempt) => {
                self.held[worker.slot as usize].push(*batch);
                format!("{worker} gets b{batch} try {attempt}")
            }
            Effect::Dismiss(worker) => format!("dismiss {worker}"),
            Effect::Kill(worker) => format!("kill {worker}"),
            Effect::Keep(worker, batch) => {
                self.held[worker.slot as usize].retain(|held| held != batch);
                format!("keep b{batch}")
            }
            Effect::Failed {
                worker,
                batch,
                attempt,
                error,
                given_up,
            } => {
                self.held[worker.slot as usize].retain(|held| held != batch);
                let end = given_up.map_or(String::new(), |items| format!(", {items} items lost"));
                format!("b{batch} try {attempt} failed ({error}){end}")
            }
            Effect::Unready(worker, why) => format!("{worker} could not start ({why})"),
            Effect::End(verdict) => match verdict {
                Verdict::Completed => "completed".to_owned(),
                Verdict::Exceeded(what) => format!("ends: {what}"),
                Verdict::NoWorkers(what, why) => format!("ends: {what}: {why}"),
                Verdict::Stuck(what) => format!("ends: {what}"),
                Verdict::Cancelled => "cancelled".to_owned(),
            },
        }
    }
}

/// Feeds inputs, separated by semicolons; a line for each that something follows from.
fn check(bounds: &str, script: &str) -> String {
    let limits = limits(bounds);
    let places = limits.workers() as usize;
    let mut rig = Rig {
        scheduler: Scheduler::new(limits, Tally::default()),
        now: 0,
        planned: 0,
        held: vec![Vec::new(); places],
        lives: vec![0; places],
    };
    let mut said = String::new();
    for words in script.split(';') {
        let mut effects = Vec::new();
        for input in rig.inputs(words) {
            let now = rig.now;
            rig.scheduler.handle(input, now, &mut effects);
        }
        let lines: Vec<String> = effects.iter().map(|effect| rig.note(effect)).collect();
        if !lines.is_empty() {
            writeln!(said, "{}: {}", words.trim(), lines.join(", ")).expect("a string");
        }
    }
    said
}

#[test]
fn a_worker_is_started_only_for_a_mini_batch() {
    insta::assert_snapshot!(
        check("workers=3", "plan 2; end; ready 0 1; done 0; done 1; gone 0; gone 1"), @"
        plan 2: place 0.1, place 1.1
        ready 0 1: 0.1 gets b0 try 1, 1.1 gets b1 try 1
        done 0: keep b0
        done 1: keep b1, dismiss 0.1, dismiss 1.1
        gone 1: completed
        ");
}

#[test]
fn a_mini_batch_that_fails_is_tried_again_and_given_up_after_the_last_try() {
    insta::assert_snapshot!(
        check("tries=2", "plan; end; ready 0; raise 0; raise 0; gone 0"), @"
        plan: place 0.1
        ready 0: 0.1 gets b0 try 1
        raise 0: b0 try 1 failed (oops), 0.1 gets b0 try 2
        raise 0: b0 try 2 failed (oops), 10 items lost, dismiss 0.1
        gone 0: completed
        ");
}

#[test]
fn a_worker_that_dies_is_replaced_and_its_mini_batch_tried_again() {
    insta::assert_snapshot!(
        check("", "plan; end; ready 0; gone 0; ready 0; done 0; gone 0"), @"
        plan: place 0.1
        ready 0: 0.1 gets b0 try 1
        gone 0: b0 try 1 failed (killed), place 0.2
        ready 0: 0.2 gets b0 try 2
        done 0: keep b0, dismiss 0.2
        gone 0: completed
        ");
}

#[test]
fn a_worker_that_hangs_is_killed_and_replaced() {
    insta::assert_snapshot!(
        check("", "plan; end; ready 0; wait 59; wait 1; gone 0; ready 0; done 0; gone 0"), @"
        plan: place 0.1
        ready 0: 0.1 gets b0 try 1
        wait 1: kill 0.1, b0 try 1 failed (run took longer than 60 seconds)
        gone 0: place 0.2
        ready 0: 0.2 gets b0 try 2
        done 0: keep b0, dismiss 0.2
        gone 0: completed
        ");
}

#[test]
fn what_a_replaced_worker_still_says_changes_nothing() {
    insta::assert_snapshot!(
        check("", "plan; ready 0; wait 60; gone 0; done 0.1; raise 0.1; gone 0.1; ready 0.1"), @"
        plan: place 0.1
        ready 0: 0.1 gets b0 try 1
        wait 60: kill 0.1, b0 try 1 failed (run took longer than 60 seconds)
        gone 0: place 0.2
        ");
}

#[test]
fn what_waited_behind_a_mini_batch_that_killed_its_worker_is_not_charged() {
    let short = "plan 30; ready 0; ".to_owned() + &"done 0; ".repeat(60);
    let said = check("tries=1", &(short + "plan 2; gone 0; ready 0"));
    let end = said.lines().rev().take(3).collect::<Vec<_>>();
    insta::assert_snapshot!(end.into_iter().rev().collect::<Vec<_>>().join("\n"), @"
    plan 2: 0.1 gets b30 try 1
    gone 0: b30 try 1 failed (killed), 10 items lost, place 0.2
    ready 0: 0.2 gets b31 try 1
    ");
}

#[test]
fn items_may_fail_up_to_the_error_threshold() {
    insta::assert_snapshot!(
        check("items=4", "plan 2; ready 0; done 0 6; end; done 0 10; gone 0"), @"
        plan 2: place 0.1
        ready 0: 0.1 gets b0 try 1
        done 0 6: keep b0, 0.1 gets b1 try 1
        done 0 10: keep b1, dismiss 0.1
        gone 0: completed
        ");
    insta::assert_snapshot!(check("items=4", "plan 2; ready 0; done 0 5"), @"
    plan 2: place 0.1
    ready 0: 0.1 gets b0 try 1
    done 0 5: keep b0, 0.1 gets b1 try 1, kill 0.1, ends: 5 items failed; error_threshold is 4
    ");
}

#[test]
fn more_results_than_items_are_no_failure() {
    insta::assert_snapshot!(check("items=0", "plan; end; ready 0; done 0 25; gone 0"), @"
    plan: place 0.1
    ready 0: 0.1 gets b0 try 1
    done 0 25: keep b0, dismiss 0.1
    gone 0: completed
    ");
}

#[test]
fn a_mini_batch_counts_as_failed_until_it_succeeds() {
    insta::assert_snapshot!(
        check("batches=1", "plan 2; end; ready 0; raise 0; done 0; done 0; gone 0"), @"
        plan 2: place 0.1
        ready 0: 0.1 gets b0 try 1
        raise 0: b0 try 1 failed (oops), 0.1 gets b1 try 1
        done 0: keep b1, 0.1 gets b0 try 2
        done 0: keep b0, dismiss 0.1
        gone 0: completed
        ");
    insta::assert_snapshot!(check("batches=0", "plan; ready 0; raise 0"), @"
    plan: place 0.1
    ready 0: 0.1 gets b0 try 1
    raise 0: b0 try 1 failed (oops), 0.1 gets b0 try 2, kill 0.1, ends: 1 mini-batches failed; allowed_failed_count is 0
    ");
}

#[test]
fn the_share_of_failed_ones_is_looked_at_when_all_are_handed_out() {
    insta::assert_snapshot!(
        check("tries=1 percent=50", "plan 2; ready 0; raise 0; end; done 0; gone 0"), @"
        plan 2: place 0.1
        ready 0: 0.1 gets b0 try 1
        raise 0: b0 try 1 failed (oops), 10 items lost, 0.1 gets b1 try 1
        done 0: keep b1, dismiss 0.1
        gone 0: completed
        ");
    insta::assert_snapshot!(
        check("tries=1 percent=49", "plan 2; ready 0; raise 0; end; done 0"), @"
        plan 2: place 0.1
        ready 0: 0.1 gets b0 try 1
        raise 0: b0 try 1 failed (oops), 10 items lost, 0.1 gets b1 try 1
        end: kill 0.1, ends: 1 of 2 mini-batches failed; allowed_failed_percent is 49
        ");
}

#[test]
fn a_node_stops_after_three_failed_starts_for_each_worker() {
    insta::assert_snapshot!(
        check("", "plan; unready 0; gone 0; unready 0; gone 0; unready 0; gone 0"), @"
        plan: place 0.1
        unready 0: kill 0.1, 0.1 could not start (no module)
        gone 0: place 0.2
        unready 0: kill 0.2, 0.2 could not start (no module)
        gone 0: place 0.3
        unready 0: kill 0.3, 0.3 could not start (no module)
        gone 0: ends: workers could not start on any node: no module
        ");
}

#[test]
fn what_a_lost_node_had_goes_to_others_and_no_try_has_failed() {
    insta::assert_snapshot!(
        check("nodes=2 tries=1", "plan 3; end; ready 0 1; lost 1; done 1.1; done 0; done 0; done 0; gone 0"), @"
        plan 3: place 0.1, place 1.1
        ready 0 1: 0.1 gets b0 try 1, 1.1 gets b1 try 1
        done 0: keep b0, 0.1 gets b1 try 1
        done 0: keep b1, 0.1 gets b2 try 1
        done 0: keep b2, dismiss 0.1
        gone 0: completed
        ");
}

#[test]
fn a_node_that_may_come_back_gets_workers_again() {
    insta::assert_snapshot!(
        check("nodes=2", "plan 2; end; ready 0 1; away 1; ready 1; done 1; done 0; gone 1; gone 0"), @"
        plan 2: place 0.1, place 1.1
        ready 0 1: 0.1 gets b0 try 1, 1.1 gets b1 try 1
        away 1: place 1.2
        ready 1: 1.2 gets b1 try 1
        done 1: keep b1
        done 0: keep b0, dismiss 0.1, dismiss 1.2
        gone 0: completed
        ");
}

#[test]
fn after_two_minutes_two_failed_starts_for_each_worker_end_the_step() {
    insta::assert_snapshot!(
        check("workers=2", "plan 9; ready 1; unready 0; gone 0; unready 0; gone 0; unready 0; gone 0; wait 59; done 1; wait 59; done 1; wait 2; done 1; unready 0"),
        @"
        plan 9: place 0.1, place 1.1
        ready 1: 1.1 gets b0 try 1
        unready 0: kill 0.1, 0.1 could not start (no module)
        gone 0: place 0.2
        unready 0: kill 0.2, 0.2 could not start (no module)
        gone 0: place 0.3
        unready 0: kill 0.3, 0.3 could not start (no module)
        gone 0: place 0.4
        done 1: keep b0, 1.1 gets b1 try 1
        done 1: keep b1, 1.1 gets b2 try 1
        done 1: keep b2, 1.1 gets b3 try 1
        unready 0: kill 0.4, 0.4 could not start (no module), kill 1.1, ends: 4 workers could not start: no module
        ");
}

#[test]
fn a_start_that_takes_too_long_has_failed() {
    insta::assert_snapshot!(check("", "plan; wait 209; wait 1; gone 0"), @"
    plan: place 0.1
    wait 1: kill 0.1, 0.1 could not start (it was not ready within 210 seconds)
    gone 0: place 0.2
    ");
}

#[test]
fn a_worker_that_leaks_is_replaced_between_mini_batches() {
    insta::assert_snapshot!(
        check("memory=100", "plan 4; ready 0; done 0 10 60; done 0 10 110; done 0 10 130; gone 0"),
        @"
        plan 4: place 0.1
        ready 0: 0.1 gets b0 try 1
        done 0 10 60: keep b0, 0.1 gets b1 try 1
        done 0 10 110: keep b1, 0.1 gets b2 try 1
        done 0 10 130: keep b2, dismiss 0.1
        gone 0: place 0.2
        ");
}

#[test]
fn a_worker_that_needs_much_from_the_beginning_stays() {
    insta::assert_snapshot!(
        check("memory=100", "plan 2; end; ready 0; done 0 10 150; done 0 10 170; gone 0"), @"
        plan 2: place 0.1
        ready 0: 0.1 gets b0 try 1
        done 0 10 150: keep b0, 0.1 gets b1 try 1
        done 0 10 170: keep b1, dismiss 0.1
        gone 0: completed
        ");
}

#[test]
fn a_step_in_which_nothing_ends_is_stuck() {
    insta::assert_snapshot!(check("progress=50", "plan; ready 0; wait 49; wait 1"), @"
    plan: place 0.1
    ready 0: 0.1 gets b0 try 1
    wait 1: kill 0.1, ends: no mini-batch came to an end within 50 seconds
    ");
}

#[test]
fn a_step_that_is_cancelled_leaves_no_worker() {
    insta::assert_snapshot!(check("workers=2", "plan 2; ready 0; cancel; done 0"), @"
    plan 2: place 0.1, place 1.1
    ready 0: 0.1 gets b0 try 1
    cancel: kill 0.1, kill 1.1, cancelled
    ");
}

#[test]
fn no_mini_batch_is_a_step_that_is_done() {
    insta::assert_snapshot!(check("workers=2", "end"), @"end: completed");
}

#[test]
fn a_failed_one_is_tried_again_before_most_that_wait() {
    let script = "plan 100; end; ready 0; raise 0; done 0; done 0; raise 0";
    insta::assert_snapshot!(check("tries=2 items=9", script), @"
        plan 100: place 0.1
        ready 0: 0.1 gets b0 try 1
        raise 0: b0 try 1 failed (oops), 0.1 gets b1 try 1
        done 0: keep b1, 0.1 gets b2 try 1
        done 0: keep b2, 0.1 gets b0 try 2
        raise 0: b0 try 2 failed (oops), 10 items lost, 0.1 gets b3 try 1, kill 0.1, ends: 10 items failed; error_threshold is 9
        ");
}
