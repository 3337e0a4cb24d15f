//! What every executor promises. Another one joins by a constructor of its [`Rig`] and one line at
//! the end; what it cannot show is left out there by name.
//!
//! A promise says *what happens to an attempt*, in terms of jobs and reports. How a holder is
//! killed and what its machine shows is the rig's.

use std::collections::BTreeMap;

use stepwell_compute::{Job, JobOutput, Work};
use stepwell_model::{Communicator, FailureKind, Outcome, WaitReason};
use stepwell_supervise::{Liveness, State};
use tokio::runtime::Runtime;

use crate::rig::{Rig, environment, failure, flag, output, processes, until};

/// A script that runs until a file is there.
fn waiting_for(rig: &Rig, go: &str) -> Job {
    let go = flag(rig, go);
    rig.shell(&format!(
        "echo begin; until [ -e {go} ]; do sleep 0.01; done; echo end"
    ))
}

fn is_success(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Succeeded(_))
}

fn is_cancelled(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Cancelled(_))
}

async fn the_start_and_the_end_are_reported_once(mut rig: Rig) {
    let job = rig.shell("true");
    let outcome = rig.run(&job).await;
    assert!(is_success(&outcome), "{outcome:?}");
    let job = rig.shell("exit 3");
    let failure = failure(rig.run(&job).await);
    assert_eq!(failure.kind, FailureKind::UserCode);
    assert_eq!(failure.summary, "the script exited with status 3");
    assert!(rig.is_quiet());
}

async fn starting_twice_is_starting_once(mut rig: Rig) {
    let job = rig.shell("exec sleep 1000");
    rig.executor.start(job.clone());
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    rig.executor.start(job.clone());
    rig.executor.stop(job.attempt);
    let outcome = rig.ended(job.attempt).await;
    assert!(is_cancelled(&outcome), "{outcome:?}");
    assert_eq!(rig.run(&job).await, outcome, "it tells both again");
    assert!(rig.is_quiet());
}

async fn stopping_what_has_ended_or_is_unknown_does_nothing(mut rig: Rig) {
    let job = rig.shell("true");
    rig.executor.stop(job.attempt);
    let outcome = rig.run(&job).await;
    rig.executor.stop(job.attempt);
    assert!(is_success(&outcome), "{outcome:?}");
    assert!(rig.is_quiet());
}

async fn a_late_start_of_what_has_ended_runs_nothing_again(mut rig: Rig) {
    let mark = flag(&rig, "mark");
    let job = rig.shell(&format!("echo ran >> {mark}"));
    let outcome = rig.run(&job).await;
    assert_eq!(rig.run(&job).await, outcome);
    let ran = fs_err::read_to_string(mark).expect("it ran");
    assert_eq!(ran, "ran\n");
}

async fn exit_status_and_signal_are_told(mut rig: Rig) {
    let job = rig.shell("exit 7");
    assert_eq!(rig.run(&job).await.usage().exit_code, Some(7));
    let job = rig.shell("kill -SEGV $$");
    let outcome = rig.run(&job).await;
    assert_eq!(outcome.usage().signal, Some(11));
    assert_eq!(failure(outcome).kind, FailureKind::Signal);
}

async fn the_log_is_there_while_the_attempt_runs(mut rig: Rig) {
    let job = waiting_for(&rig, "go");
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    until("the log has a line", || rig.log(&job) == "begin\n").await;
    fs_err::write(flag(&rig, "go"), "").expect("a flag");
    let outcome = rig.ended(job.attempt).await;
    assert!(is_success(&outcome), "{outcome:?}");
    assert_eq!(rig.log(&job), "begin\nend\n");
}

async fn outputs_are_kept_of_a_success_and_not_of_a_failure(mut rig: Rig) {
    let run = |line: &str| {
        let mut job = rig.shell(line);
        job.outputs = vec![JobOutput {
            make_folder: true,
            is_own: false,
            ..output("out", "kept")
        }];
        job
    };
    let failed = run("echo half > $AZUREML_DATAREFERENCE_out/a; exit 1");
    let well = run("echo all > $AZUREML_DATAREFERENCE_out/a");
    let kept = rig.store().join("kept/a");
    rig.run(&failed).await;
    assert!(!kept.exists(), "nobody sees half of it");
    let outcome = rig.run(&well).await;
    assert!(is_success(&outcome), "{outcome:?}");
    assert_eq!(fs_err::read_to_string(kept).expect("an output"), "all\n");
}

async fn a_running_attempt_can_be_stopped(mut rig: Rig) {
    let job = waiting_for(&rig, "never");
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    rig.executor.stop(job.attempt);
    rig.executor.stop(job.attempt);
    let outcome = rig.ended(job.attempt).await;
    assert!(is_cancelled(&outcome), "{outcome:?}");
    assert!(rig.is_quiet());
}

async fn an_attempt_over_its_limit_is_ended(mut rig: Rig) {
    let mut job = rig.shell("sleep 1000");
    job.timeout_s = Some(1);
    let failure = failure(rig.run(&job).await);
    assert_eq!(failure.kind, FailureKind::Timeout, "{failure:?}");
}

async fn an_environment_that_cannot_be_had_is_a_failure_before_anything_runs(mut rig: Rig) {
    let mut job = rig.shell("echo ran");
    *environment(&mut job) = "broken".to_owned();
    let failure = rig.refused(&job).await;
    assert_eq!(failure.kind, FailureKind::Environment);
    assert_eq!(rig.log(&job), "");
}

async fn an_attempt_that_waits_for_its_environment_says_so_and_can_be_stopped(mut rig: Rig) {
    let mut job = rig.shell("echo ran");
    *environment(&mut job) = "slow".to_owned();
    rig.executor.start(job.clone());
    assert_eq!(rig.waits(job.attempt).await, WaitReason::Environment);
    rig.executor.stop(job.attempt);
    let outcome = rig.ended(job.attempt).await;
    assert!(is_cancelled(&outcome), "{outcome:?}");
    *environment(&mut job) = "python3".to_owned();
    let mut later = rig.successor();
    later.executor.start(job.clone());
    assert_eq!(later.ended(job.attempt).await, outcome);
    assert_eq!(rig.log(&job), "", "it never ran");
}

async fn the_holder_of_a_running_attempt_lives_and_then_is_gone(mut rig: Rig) {
    let job = waiting_for(&rig, "go");
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    let State::Running { holder, .. } = rig.state(&job) else {
        panic!("not running: {:?}", rig.state(&job));
    };
    assert_eq!(rig.executor.find(&holder).await, Liveness::Alive);
    rig.kill(&job, &holder);
    let failure = failure(rig.ended(job.attempt).await);
    assert_eq!(failure.kind, FailureKind::Lost, "{failure:?}");
    assert_eq!(rig.executor.find(&holder).await, Liveness::Gone);
    assert!(matches!(rig.state(&job), State::Ended(_)));
    assert!(rig.is_quiet(), "it is lost once");
}

async fn two_servers_start_an_attempt_once(mut first: Rig) {
    let mut second = first.successor();
    let job = waiting_for(&first, "go");
    first.executor.start(job.clone());
    second.executor.start(job.clone());
    first.started(job.attempt).await;
    second.started(job.attempt).await;
    fs_err::write(flag(&first, "go"), "").expect("a flag");
    let outcome = first.ended(job.attempt).await;
    assert!(is_success(&outcome), "{outcome:?}");
    assert_eq!(second.ended(job.attempt).await, outcome);
    assert_eq!(first.log(&job), "begin\nend\n");
}

/// Runs a server until something holds of a job that it has started, and lets it vanish with all
/// its tasks and pipes.
fn vanish(new: fn() -> Rig, job: impl FnOnce(&Rig) -> Job, started: bool) -> (Rig, Job) {
    let runtime = Runtime::new().expect("a runtime");
    let (rig, job) = runtime.block_on(async {
        let mut rig = new();
        let job = job(&rig);
        rig.executor.start(job.clone());
        if started {
            rig.started(job.attempt).await;
        }
        (rig, job)
    });
    runtime.shutdown_background();
    (rig, job)
}

fn a_new_server_finds_a_running_attempt(new: fn() -> Rig) {
    let (before, job) = vanish(new, |rig| waiting_for(rig, "go"), true);
    Runtime::new().expect("a runtime").block_on(async {
        let mut after = before.successor();
        after.executor.start(job.clone());
        after.started(job.attempt).await;
        fs_err::write(flag(&after, "go"), "").expect("a flag");
        let outcome = after.ended(job.attempt).await;
        assert!(is_success(&outcome), "{outcome:?}");
        assert_eq!(after.log(&job), "begin\nend\n");
        assert!(after.is_quiet());
    });
}

fn an_attempt_that_ended_without_a_server_is_reported_by_the_next(new: fn() -> Rig) {
    let (before, job) = vanish(new, |rig| waiting_for(rig, "go"), true);
    fs_err::write(flag(&before, "go"), "").expect("a flag");
    Runtime::new().expect("a runtime").block_on(async {
        until("it has ended", || {
            matches!(before.state(&job), State::Ended(_))
        })
        .await;
        let mut after = before.successor();
        let outcome = after.run(&job).await;
        assert!(is_success(&outcome), "{outcome:?}");
    });
}

fn an_attempt_whose_server_vanished_before_it_began_is_begun_once(new: fn() -> Rig) {
    let slow = |rig: &Rig| {
        let mut job = rig.shell("echo ran");
        *environment(&mut job) = "slow".to_owned();
        job
    };
    let (before, mut job) = vanish(new, slow, false);
    *environment(&mut job) = "python3".to_owned();
    Runtime::new().expect("a runtime").block_on(async {
        let mut after = before.successor();
        let outcome = after.run(&job).await;
        assert!(is_success(&outcome), "{outcome:?}");
        assert_eq!(after.log(&job), "ran\n");
    });
}

fn a_found_attempt_can_be_stopped(new: fn() -> Rig) {
    let (before, job) = vanish(new, |rig| waiting_for(rig, "never"), true);
    Runtime::new().expect("a runtime").block_on(async {
        let mut after = before.successor();
        after.executor.start(job.clone());
        after.started(job.attempt).await;
        after.executor.stop(job.attempt);
        let outcome = after.ended(job.attempt).await;
        assert!(is_cancelled(&outcome), "{outcome:?}");
    });
}

async fn variables_reach_the_attempt_and_only_that_one(mut rig: Rig) {
    let mut job = rig.shell("echo $RATE");
    job.variables = BTreeMap::from([("RATE".to_owned(), "0.1".to_owned())]);
    rig.run(&job).await;
    assert_eq!(rig.log(&job), "0.1\n");
    let job = rig.shell("echo $RATE");
    rig.run(&job).await;
    assert_eq!(rig.log(&job), "\n");
}

async fn several_processes_know_each_other_and_have_logs_of_their_own(mut rig: Rig) {
    let line = "echo $RANK of $WORLD_SIZE on $NODE_RANK at $MASTER_ADDR:$MASTER_PORT";
    let job = rig.several(Communicator::PyTorch, 2, 1, line);
    let outcome = rig.run(&job).await;
    assert!(is_success(&outcome), "{outcome:?}");
    let first = rig.log(&job);
    assert!(first.starts_with("0 of 2 on 0 at "), "{first}");
    let second = rig.file(&job, "user_logs/std_log_process_1.txt");
    assert_eq!(second, first.replace("0 of 2 on 0", "1 of 2 on 1"));
    assert!(outcome.usage().peak_memory_bytes > 0, "{outcome:?}");
}

async fn one_failed_process_ends_all_with_its_status_and_log(mut rig: Rig) {
    let line = "if [ $RANK = 1 ]; then echo broken; exit 7; fi; exec sleep 1000";
    let job = rig.several(Communicator::Mpi, 2, 1, line);
    let outcome = rig.run(&job).await;
    assert_eq!(outcome.usage().exit_code, Some(7), "{outcome:?}");
    let failure = failure(outcome);
    assert_eq!(failure.kind, FailureKind::UserCode);
    assert!(failure.summary.starts_with("process 1 of 2"), "{failure:?}");
    assert!(failure.summary.ends_with("exited with status 7"));
    assert_eq!(failure.detail, "broken");
    let log = rig.log(&job);
    assert!(
        log.contains("std_log_process_1.txt ends with:\nbroken"),
        "{log}"
    );
    until("no process is left", || processes(&job).is_empty()).await;
}

async fn the_signal_of_one_process_is_reported(mut rig: Rig) {
    let line = "[ $RANK = 1 ] && kill -SEGV $$; exec sleep 1000";
    let job = rig.several(Communicator::PyTorch, 1, 2, line);
    let outcome = rig.run(&job).await;
    assert_eq!(outcome.usage().signal, Some(11), "{outcome:?}");
    let failure = failure(outcome);
    assert_eq!(failure.kind, FailureKind::Signal);
    assert!(failure.summary.starts_with("process 1 of 2"), "{failure:?}");
}

async fn stopping_asks_each_process_to_stop(mut rig: Rig) {
    let begun = flag(&rig, "begun");
    let line = format!(
        "trap 'echo stopped; exit 0' TERM; touch {begun}-$RANK; while :; do sleep 0.05; done"
    );
    let job = rig.several(Communicator::PyTorch, 2, 1, &line);
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    let begun = |rank: u32| rig.root().join(format!("begun-{rank}")).exists();
    until("both have begun", || begun(0) && begun(1)).await;
    rig.executor.stop(job.attempt);
    let outcome = rig.ended(job.attempt).await;
    assert!(is_cancelled(&outcome), "{outcome:?}");
    let second = rig.file(&job, "user_logs/std_log_process_1.txt");
    for log in [rig.log(&job), second] {
        // A shell may say first that its `sleep` was ended.
        assert!(log.ends_with("stopped\n"), "{log}");
    }
    assert_eq!(processes(&job), [0; 0]);
}

async fn processes_over_their_limit_are_ended(mut rig: Rig) {
    let mut job = rig.several(Communicator::PyTorch, 2, 1, "trap '' TERM; sleep 1000");
    job.timeout_s = Some(2);
    let failure = failure(rig.run(&job).await);
    assert_eq!(failure.kind, FailureKind::Timeout, "{failure:?}");
    assert_eq!(processes(&job), [0; 0]);
}

async fn what_serves_parameters_ends_when_the_workers_have(mut rig: Rig) {
    let line = "[ $RANK = 1 ] && exec sleep 1000; echo trained";
    let mut job = rig.several(Communicator::TensorFlow, 1, 2, line);
    if let Work::Program {
        distribution: Some(distribution),
        ..
    } = &mut job.work
    {
        distribution.parameter_servers = 1;
    }
    let outcome = rig.run(&job).await;
    assert!(is_success(&outcome), "{outcome:?}");
    assert_eq!(rig.log(&job), "trained\n");
    until("no process is left", || processes(&job).is_empty()).await;
}

/// The promises that hold of an executor: those that need one server, then those that a server
/// does not live to see.
macro_rules! held_by {
    ($executor:ident: $($promise:ident)*; $($crash:ident)*) => {
        mod $executor {
            use crate::rig::Rig;
            $(
                #[tokio::test]
                async fn $promise() {
                    super::$promise(Rig::$executor()).await;
                }
            )*
            $(
                #[test]
                fn $crash() {
                    super::$crash(Rig::$executor);
                }
            )*
        }
    };
    ($executor:ident) => {
        held_by!($executor:
            the_start_and_the_end_are_reported_once
            starting_twice_is_starting_once
            stopping_what_has_ended_or_is_unknown_does_nothing
            a_late_start_of_what_has_ended_runs_nothing_again
            exit_status_and_signal_are_told
            the_log_is_there_while_the_attempt_runs
            outputs_are_kept_of_a_success_and_not_of_a_failure
            a_running_attempt_can_be_stopped
            an_attempt_over_its_limit_is_ended
            an_environment_that_cannot_be_had_is_a_failure_before_anything_runs
            an_attempt_that_waits_for_its_environment_says_so_and_can_be_stopped
            the_holder_of_a_running_attempt_lives_and_then_is_gone
            two_servers_start_an_attempt_once
            variables_reach_the_attempt_and_only_that_one
            several_processes_know_each_other_and_have_logs_of_their_own
            one_failed_process_ends_all_with_its_status_and_log
            the_signal_of_one_process_is_reported
            stopping_asks_each_process_to_stop
            processes_over_their_limit_are_ended
            what_serves_parameters_ends_when_the_workers_have;
            a_new_server_finds_a_running_attempt
            an_attempt_that_ended_without_a_server_is_reported_by_the_next
            an_attempt_whose_server_vanished_before_it_began_is_begun_once
            a_found_attempt_can_be_stopped);
    };
}

// The fake runs no program, so it keeps what can be said without one.
held_by!(fake:
    the_start_and_the_end_are_reported_once
    starting_twice_is_starting_once
    stopping_what_has_ended_or_is_unknown_does_nothing
    a_running_attempt_can_be_stopped;);
held_by!(local);
held_by!(slurm);
held_by!(slurm_rest);
held_by!(ray);
