//! What is killed and found again: servers and supervisors.

use rustix::process::{Pid, Signal, kill_process};
use stepwell_compute::{Job, JobOutput};
use stepwell_model::{FailureKind, Outcome};
use stepwell_supervise::{Holder, State};

use crate::rig::{Rig, SUPERVISOR, failure, flag, output, processes, until};

fn signal_supervisor(rig: &Rig, job: &Job, signal: Signal) {
    match rig.state(job) {
        State::Running {
            holder: Holder::Process(supervisor),
            ..
        } => {
            let pid = Pid::from_raw(supervisor.pid).expect("a process id");
            kill_process(pid, signal).expect("a living supervisor");
        }
        state => panic!("not running: {state:?}"),
    }
}

/// A script that runs until a file is there.
fn waiting_for(rig: &Rig, go: &str) -> Job {
    let go = flag(rig, go);
    rig.shell(&format!(
        "echo begin; until [ -e {go} ]; do sleep 0.01; done; echo end"
    ))
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
    signal_supervisor(&rig, &job, Signal::KILL);
    let failure = failure(rig.ended(job.attempt).await);
    assert_eq!(failure.kind, FailureKind::Lost);
    assert_eq!(processes(&job), [0; 0]);
    assert!(matches!(rig.state(&job), State::Ended(_)));
}

#[tokio::test]
async fn a_supervisor_that_cannot_record_the_end_is_a_matter_of_storage() {
    let mut rig = Rig::local();
    // A file that can be read, and to which nobody can add anything.
    let job = rig.shell("ln -sf /proc/version ../claim.json");
    let failure = failure(rig.run(&job).await);
    assert_eq!(failure.kind, FailureKind::Storage, "{failure:?}");
    assert!(failure.detail.contains("claim.json"), "{failure:?}");
}

#[tokio::test]
async fn a_supervisor_that_hangs_is_killed_when_the_step_is_to_stop() {
    let mut rig = Rig::local();
    let job = waiting_for(&rig, "never");
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    signal_supervisor(&rig, &job, Signal::STOP);
    rig.executor.stop(job.attempt);
    let outcome = rig.ended(job.attempt).await;
    assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
    assert_eq!(processes(&job), [0; 0]);
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
    let place = rig.store().join("shared");
    let there = flag(&rig, "there");
    let line = format!("echo half > $AZUREML_DATAREFERENCE_out/a; touch {there}; sleep 1000");
    let mut job = rig.shell(&line);
    job.outputs = vec![JobOutput {
        make_folder: true,
        is_own: false,
        ..output("out", "shared")
    }];
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    until("half is written", || there.exists()).await;
    signal_supervisor(&rig, &job, Signal::KILL);
    let failure = failure(rig.ended(job.attempt).await);
    assert_eq!(failure.kind, FailureKind::Lost);
    assert!(!place.exists(), "nobody sees half of it");
}
