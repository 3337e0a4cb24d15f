//! Stopping: on request, at the limit, and what would like to stay.

use stepwell_model::{FailureKind, Outcome};

use crate::rig::{Rig, failure, flag, processes, until};

/// Starts a process that leaves the group and the session, and ignores requests to stop.
const ESCAPEE: &str = "(trap '' TERM; setsid sh -c \"trap '' TERM; sleep 1000; true\" &)";

#[tokio::test]
async fn a_stopped_step_may_tidy_up_and_leaves_no_process() {
    let mut rig = Rig::local();
    let ready = flag(&rig, "ready");
    let job = rig.shell(&format!(
        "trap 'echo bye > outputs/last; exit 0' TERM; {ESCAPEE}; touch {ready}; \
         while :; do sleep 0.01; done"
    ));
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    until("the script is ready", || ready.exists()).await;
    rig.executor.stop(job.attempt);
    rig.executor.stop(job.attempt);
    let outcome = rig.ended(job.attempt).await;
    assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
    assert_eq!(processes(&job), [0; 0]);
    assert_eq!(rig.file(&job, "outputs/last"), "bye\n");
}

#[tokio::test]
async fn a_step_that_ignores_the_request_is_killed_after_the_grace() {
    let mut rig = Rig::local();
    let ready = flag(&rig, "ready");
    let job = rig.shell(&format!(
        "trap '' TERM; touch {ready}; while :; do sleep 0.01; done"
    ));
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    until("the script is ready", || ready.exists()).await;
    rig.executor.stop(job.attempt);
    let outcome = rig.ended(job.attempt).await;
    assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
    assert_eq!(outcome.usage().signal, Some(9));
    assert_eq!(processes(&job), [0; 0]);
}

#[tokio::test]
async fn a_step_over_its_limit_ends_with_all_it_started() {
    let mut rig = Rig::local();
    let mut job = rig.shell(&format!("{ESCAPEE}; sleep 1000 & echo on it; sleep 1000"));
    job.timeout_s = Some(1);
    let failure = failure(rig.run(&job).await);
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(
        failure.summary,
        "the step ran longer than its limit of 1 second"
    );
    assert_eq!(failure.detail, "on it");
    assert_eq!(processes(&job), [0; 0]);
}

#[tokio::test]
async fn a_step_that_ends_well_leaves_no_process_either() {
    let mut rig = Rig::local();
    let job = rig.shell(&format!("{ESCAPEE}; sleep 1000 & echo done"));
    let outcome = rig.run(&job).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    assert_eq!(processes(&job), [0; 0]);
    assert_eq!(rig.log(&job), "done\n");
}
