//! What is killed and found again: servers and supervisors.

use rustix::process::{Pid, Signal, kill_process};
use stepwell_compute::{Job, OutputPlace};
use stepwell_model::{FailureKind, Outcome};
use stepwell_supervise::State;

use crate::rig::{Rig, SUPERVISOR, failure, flag, log, processes, state, until};

fn signal_supervisor(job: &Job, signal: Signal) {
    let State::Running { supervisor, .. } = state(job) else {
        panic!("not running: {:?}", state(job));
    };
    let pid = Pid::from_raw(supervisor.pid).expect("a process id");
    kill_process(pid, signal).expect("a living supervisor");
}

/// A script that runs until a file is there.
fn waiting_for(rig: &Rig, go: &str) -> Job {
    let go = flag(rig, go);
    rig.shell(&format!(
        "echo begin; until [ -e {go} ]; do sleep 0.01; done; echo end"
    ))
}

/// Runs a server up to the start of a job and lets it vanish, with all its tasks and pipes.
fn start_in_a_server_that_vanishes(job: impl FnOnce(&Rig) -> Job) -> (Rig, Job) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (rig, job) = runtime.block_on(async {
        let mut rig = Rig::local();
        let job = job(&rig);
        rig.executor.start(job.clone());
        rig.started(job.attempt).await;
        (rig, job)
    });
    runtime.shutdown_background();
    (rig, job)
}

#[test]
fn a_new_server_finds_a_running_step_and_reports_its_end() {
    let (before, job) = start_in_a_server_that_vanishes(|rig| waiting_for(rig, "go"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut after = before.successor();
        after.executor.start(job.clone());
        after.started(job.attempt).await;
        fs_err::write(flag(&after, "go"), "").expect("a flag");
        let outcome = after.ended(job.attempt).await;
        assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
        assert_eq!(log(&job), "begin\nend\n");
        assert!(after.is_quiet());
    });
}

#[test]
fn a_step_that_ended_while_no_server_was_there_is_reported_by_the_next() {
    let (before, job) = start_in_a_server_that_vanishes(|rig| waiting_for(rig, "go"));
    fs_err::write(flag(&before, "go"), "").expect("a flag");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        until("it has ended", || matches!(state(&job), State::Ended(_))).await;
        let mut after = before.successor();
        let outcome = after.run(&job).await;
        assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    });
}

#[test]
fn a_found_step_can_be_stopped() {
    let (before, job) = start_in_a_server_that_vanishes(|rig| waiting_for(rig, "never"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut after = before.successor();
        after.executor.start(job.clone());
        after.started(job.attempt).await;
        after.executor.stop(job.attempt);
        let outcome = after.ended(job.attempt).await;
        assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
        assert_eq!(processes(&job), [0; 0]);
    });
}

#[tokio::test]
async fn a_killed_supervisor_is_a_lost_step_without_leftovers() {
    let mut rig = Rig::local();
    let ready = flag(&rig, "ready");
    let job = rig.shell(&format!(
        "env -u STEPWELL_ATTEMPT sleep 1000 & setsid sleep 1000 & touch {ready}; sleep 1000"
    ));
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    until("the script is ready", || ready.exists()).await;
    signal_supervisor(&job, Signal::KILL);
    let failure = failure(rig.ended(job.attempt).await);
    assert_eq!(failure.kind, FailureKind::Lost);
    assert_eq!(processes(&job), [0; 0]);
    assert!(matches!(state(&job), State::Ended(_)));
}

#[tokio::test]
async fn a_supervisor_that_cannot_record_the_end_is_a_matter_of_storage() {
    let mut rig = Rig::local();
    // What the supervisor writes aside has its number in its name.
    let job = rig.shell("mkdir ../.exit.json.$PPID");
    let failure = failure(rig.run(&job).await);
    assert_eq!(failure.kind, FailureKind::Storage, "{failure:?}");
    assert!(failure.detail.contains(".exit.json."), "{failure:?}");
}

#[tokio::test]
async fn a_supervisor_that_hangs_is_killed_when_the_step_is_to_stop() {
    let mut rig = Rig::local();
    let job = waiting_for(&rig, "never");
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    signal_supervisor(&job, Signal::STOP);
    rig.executor.stop(job.attempt);
    let outcome = rig.ended(job.attempt).await;
    assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
    assert_eq!(processes(&job), [0; 0]);
}

#[tokio::test]
async fn two_servers_start_an_attempt_once() {
    let mut first = Rig::local();
    let mut second = first.successor();
    let go = flag(&first, "go");
    let job = first.shell(&format!("echo ran; until [ -e {go} ]; do sleep 0.01; done"));
    first.executor.start(job.clone());
    second.executor.start(job.clone());
    first.started(job.attempt).await;
    second.started(job.attempt).await;
    fs_err::write(go, "").expect("a flag");
    let outcome = first.ended(job.attempt).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    assert_eq!(second.ended(job.attempt).await, outcome);
    assert_eq!(log(&job), "ran\n");
}

#[test]
fn a_supervisor_that_stands_by_leaves_with_its_server() {
    let mut standby = std::process::Command::new(SUPERVISOR)
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("a supervisor");
    drop(standby.stdin.take());
    assert!(standby.wait().expect("an end").success());
}

#[tokio::test]
async fn a_killed_supervisor_leaves_no_half_output_where_others_look() {
    let mut rig = Rig::local();
    let aside = rig.root().join("aside/out");
    let place = rig.root().join("store/shared");
    let mut job = rig.shell("echo half > $OUT/a; touch $OUT/../there; while :; do sleep 1; done");
    job.variables = [("OUT".to_owned(), aside.to_string())].into();
    job.outputs = vec![OutputPlace {
        path: place.clone(),
        make_folder: true,
        staged: Some(aside.clone()),
        ..OutputPlace::default()
    }];
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    until("half is written", || aside.join("../there").exists()).await;
    signal_supervisor(&job, Signal::KILL);
    let failure = failure(rig.ended(job.attempt).await);
    assert_eq!(failure.kind, FailureKind::Lost);
    assert!(!place.exists(), "nobody sees half of it");
}
