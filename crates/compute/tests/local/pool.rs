//! Supervisors that take one step after another: nothing of a step passes to the next.

use std::collections::{HashMap, HashSet};

use rustix::process::{Pid, Signal, kill_process};
use stepwell_compute::{Job, Report};
use stepwell_model::{Outcome, Usage};
use stepwell_supervise::Holder;

use crate::rig::{Rig, flag, until};

/// The process that has seen an attempt through.
fn supervisor(rig: &Rig, job: &Job) -> i32 {
    match rig.attempt(job).holder() {
        Some(Holder::Process(process)) => process.pid,
        holder => panic!("{holder:?} is no process"),
    }
}

async fn usage(rig: &mut Rig, job: &Job) -> Usage {
    match rig.run(job).await {
        Outcome::Succeeded(usage) => usage,
        outcome => panic!("expected a success, got {outcome:?}"),
    }
}

/// Runs steps, one `first` and then two `next`, until a supervisor has had one of each in that
/// order. Two in turn would not do: two supervisors may take turns as well.
async fn two_of_one(
    rig: &mut Rig,
    first: impl Fn(&Rig) -> Job,
    next: impl Fn(&Rig) -> Job,
) -> [(Job, Usage); 2] {
    let mut had = HashMap::new();
    for turn in 0..60 {
        let is_first = turn % 3 == 0;
        let job = if is_first { first(rig) } else { next(rig) };
        let used = usage(rig, &job).await;
        let supervisor = supervisor(rig, &job);
        if is_first {
            had.insert(supervisor, (job, used));
        } else if let Some(first) = had.remove(&supervisor) {
            return [first, (job, used)];
        }
    }
    panic!("no supervisor was used twice");
}

#[tokio::test]
async fn each_step_of_a_supervisor_is_counted_by_itself() {
    let mut rig = Rig::local();
    let hungry = "print(len(bytearray(200_000_000).hex()[:10]))";
    let hungry = |rig: &Rig| rig.command(&["python3", "-c", hungry]);
    let small = |rig: &Rig| rig.shell("echo small");
    let [(_, first), (second, usage)] = two_of_one(&mut rig, hungry, small).await;
    assert!(first.peak_memory_bytes > 200_000_000, "{first:?}");
    assert!(usage.peak_memory_bytes < 50_000_000, "{usage:?}");
    assert!(usage.user_ms + usage.system_ms <= first.user_ms + first.system_ms);
    assert_eq!(rig.log(&second), "small\n");
}

#[tokio::test]
async fn a_step_inherits_no_variable_and_no_file_of_the_one_before() {
    let mut rig = Rig::local();
    let look = |rig: &Rig| rig.shell("env | grep -c ^LEAK; ls /proc/self/fd | wc -l; pwd; ls");
    let leaky = |rig: &Rig| {
        let mut leaky = look(rig);
        leaky.variables.insert("LEAK".to_owned(), "1".to_owned());
        leaky
    };
    let [(first, _), (second, _)] = two_of_one(&mut rig, leaky, look).await;
    let (first, second) = (rig.log(&first), rig.log(&second));
    let (mut first, mut second) = (first.lines(), second.lines());
    assert_eq!((first.next(), second.next()), (Some("1"), Some("0")));
    assert_eq!(first.next(), second.next(), "the same number of open files");
    assert_ne!(first.next(), second.next(), "a working folder of its own");
    assert!(first.eq(second), "what is in it is the same");
}

#[tokio::test]
async fn a_supervisor_that_was_asked_to_stop_a_step_gets_no_other() {
    let mut rig = Rig::local();
    let stopped = rig.shell("sleep 1000");
    rig.executor.start(stopped.clone());
    rig.started(stopped.attempt).await;
    rig.executor.stop(stopped.attempt);
    assert!(matches!(
        rig.ended(stopped.attempt).await,
        Outcome::Cancelled(_)
    ));
    for _ in 0..5 {
        let job = rig.shell("true");
        usage(&mut rig, &job).await;
        assert_ne!(supervisor(&rig, &job), supervisor(&rig, &stopped));
    }
}

#[tokio::test]
async fn supervisors_killed_while_they_stand_by_harm_no_step() {
    let mut rig = Rig::local();
    let go = flag(&rig, "go");
    for round in 0..5 {
        let job = rig.shell("true");
        usage(&mut rig, &job).await;
        let used = supervisor(&rig, &job);
        let pid = Pid::from_raw(used).expect("a process id");
        // It may have been one too many, and have left.
        let _ = kill_process(pid, Signal::KILL);
        let stat = format!("/proc/{used}/stat");
        until("it is dead", || {
            std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "))
        })
        .await;
        let next = rig.shell(&format!("echo {round} > {go}"));
        usage(&mut rig, &next).await;
        let written = fs_err::read_to_string(&go).expect("a file");
        assert_eq!(written, format!("{round}\n"));
    }
}

#[tokio::test]
async fn when_it_is_quiet_one_supervisor_stands_by() {
    let mut rig = Rig::local();
    let jobs: Vec<Job> = (0..4).map(|_| rig.shell("sleep 0.2")).collect();
    for job in &jobs {
        rig.executor.start(job.clone());
    }
    let mut ended = 0;
    while ended < jobs.len() {
        ended += usize::from(matches!(rig.report().await, Report::Ended { .. }));
    }
    until("no more than one is left", || {
        let lives = |job: &&Job| std::fs::exists(format!("/proc/{}", supervisor(&rig, job)));
        jobs.iter().filter(|job| lives(job).unwrap_or(true)).count() <= 1
    })
    .await;
}

#[tokio::test]
async fn many_short_steps_share_few_supervisors() {
    let mut rig = Rig::local();
    let (mut jobs, mut ended) = (Vec::new(), 0);
    while ended < 200 {
        while jobs.len() < (ended + 2).min(200) {
            jobs.push(rig.shell("true"));
            rig.executor.start(jobs[jobs.len() - 1].clone());
        }
        ended += usize::from(matches!(rig.report().await, Report::Ended { .. }));
    }
    let used: HashSet<i32> = jobs.iter().map(|job| supervisor(&rig, job)).collect();
    // Idle it is about five.
    assert!(used.len() <= 50, "{} supervisors", used.len());
}
