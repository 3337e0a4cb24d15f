//! What only a Ray cluster can show: what waits there and why, and what becomes of a step when parts of
//! the cluster fail.

use stepwell_compute::{Job, Report};
use stepwell_model::{Communicator, ComputeKind, FailureKind, Outcome, Resources, WaitReason};
use stepwell_supervise::{Holder, State};
use tokio::runtime::Runtime;

use crate::cluster::ray;
use crate::rig::{Rig, failure, flag, processes, until};

/// The same job on a node with a resource of this name.
fn on(mut job: Job, resource: &str) -> Job {
    let ComputeKind::Ray(target) = &mut job.compute else {
        panic!("{:?} is no Ray cluster", job.compute);
    };
    target.resources.insert(resource.to_owned(), 1);
    job
}

fn waiting_for(rig: &Rig, go: &str) -> Job {
    let go = flag(rig, go);
    rig.shell(&format!(
        "echo begin; until [ -e {go} ]; do sleep 0.05; done; echo end"
    ))
}

fn go(rig: &Rig, name: &str) {
    fs_err::write(flag(rig, name), "").expect("a flag");
}

/// Waits until the attempt is said to be in the queue, and gives what it waits for.
async fn in_queue(rig: &mut Rig) -> String {
    match rig.any_report().await {
        Report::Waiting { reason, detail, .. } => {
            assert_eq!(reason, WaitReason::ClusterQueue);
            detail
        }
        report => panic!("expected a wait, got {report:?}"),
    }
}

fn is_success(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Succeeded(_))
}

#[tokio::test]
async fn a_job_that_waits_says_what_is_taken_and_one_that_is_stopped_never_runs() {
    let mut first = Rig::ray();
    let holds = on(waiting_for(&first, "go"), "head");
    first.executor.start(holds.clone());
    first.started(holds.attempt).await;
    let mut second = Rig::ray();
    let waits = on(second.shell("echo ran"), "head");
    second.executor.start(waits.clone());
    let said = in_queue(&mut second).await;
    assert!(said.starts_with("Ray job stepwell-"), "{said}");
    assert!(said.contains(" cores are taken"), "{said}");
    second.executor.stop(waits.attempt);
    let outcome = second.ended(waits.attempt).await;
    assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
    let mut third = Rig::ray();
    let last = on(third.shell("echo ran"), "head");
    third.executor.start(last.clone());
    in_queue(&mut third).await;
    go(&first, "go");
    assert!(is_success(&first.ended(holds.attempt).await));
    third.started(last.attempt).await;
    let outcome = third.ended(last.attempt).await;
    assert!(is_success(&outcome), "{outcome:?}");
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    assert_eq!(outcome.usage().nodes, host);
    assert_eq!(second.log(&waits), "", "its job found the attempt claimed");
}

#[tokio::test]
async fn what_can_never_fit_is_refused_at_once_with_what_is_there() {
    let mut rig = Rig::ray();
    let mut job = rig.shell("echo ran");
    job.resources = Resources {
        cores: Some(64),
        ..Resources::default()
    };
    let refused = rig.refused(&job).await;
    assert_eq!(refused.kind, FailureKind::Environment);
    let said = &refused.summary;
    let asked = "it needs a node with 64 cores; the Ray cluster has ";
    assert!(said.starts_with(asked), "{said}");
    assert!(said.contains("with 4 cores"), "{said}");
    let before = rig.executor.refuses(&job.compute, &job.resources).await;
    assert!(before.is_some_and(|text| text.starts_with(asked)));
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_waited_for_and_what_is_no_ray_is_refused() {
    let mut rig = Rig::ray();
    let mut job = rig.shell("echo ran");
    let at = |job: &mut Job, address: &str| {
        if let ComputeKind::Ray(target) = &mut job.compute {
            target.address = address.to_owned();
        }
    };
    at(&mut job, "http://127.0.0.1:9");
    rig.executor.start(job.clone());
    let said = in_queue(&mut rig).await;
    assert!(said.starts_with("Ray does not answer: "), "{said}");
    rig.executor.stop(job.attempt);
    let outcome = rig.ended(job.attempt).await;
    assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
    let mut job = rig.shell("echo ran");
    let below = format!("{}/nowhere", ray().address);
    at(&mut job, &below);
    let refused = rig.refused(&job).await;
    assert!(
        refused
            .summary
            .contains("refused the step's job: it answers 4")
    );
}

#[test]
fn a_job_whose_server_was_killed_while_it_submitted_is_submitted_once() {
    let runtime = Runtime::new().expect("a runtime");
    let (mut first, mut rig, holds, job) = runtime.block_on(async {
        let mut first = Rig::ray();
        let holds = on(waiting_for(&first, "go"), "n1");
        first.executor.start(holds.clone());
        first.started(holds.attempt).await;
        let mut rig = Rig::ray();
        let job = on(rig.shell("echo ran"), "n1");
        rig.executor.start(job.clone());
        in_queue(&mut rig).await;
        (first, rig, holds, job)
    });
    runtime.shutdown_background();
    // As it was before Ray's answer came.
    let record = rig.run_folder(&job).join("ray.json");
    fs_err::write(record, r#"{"job": null}"#).expect("a record");
    Runtime::new().expect("a runtime").block_on(async {
        (first, rig) = (first.successor(), rig.successor());
        rig.executor.start(job.clone());
        first.executor.start(holds.clone());
        first.started(holds.attempt).await;
        in_queue(&mut rig).await;
        go(&first, "go");
        assert!(is_success(&first.ended(holds.attempt).await));
        rig.started(job.attempt).await;
        let outcome = rig.ended(job.attempt).await;
        assert!(is_success(&outcome), "{outcome:?}");
        assert_eq!(rig.log(&job), "ran\n");
    });
    let record = rig.run_folder(&job).join("ray.json");
    let record = fs_err::read_to_string(record).expect("a record");
    assert!(
        !record.contains("jobs_before"),
        "one job for one attempt: {record}"
    );
}

#[tokio::test]
async fn a_step_whose_node_is_killed_is_lost_with_that_reason_and_leaves_nothing() {
    ray().start_node("doomed");
    let mut rig = Rig::ray();
    let job = on(waiting_for(&rig, "never"), "doomed");
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    ray().kill_node("doomed");
    let lost = failure(rig.ended(job.attempt).await);
    assert_eq!(lost.kind, FailureKind::Lost);
    let said = &lost.summary;
    assert!(said.contains("the node of the step's job"), "{lost:?}");
    until("no process is left", || processes(&job).is_empty()).await;
}

#[tokio::test]
async fn a_step_whose_machine_is_no_node_any_more_is_stopped_there() {
    ray().start_node("leaves");
    let mut rig = Rig::ray();
    let line = "trap 'echo asked; exit 1' TERM; (sleep 1000) & while :; do sleep 0.05; done";
    let job = on(rig.shell(line), "leaves");
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    ray().kill_raylet("leaves");
    let lost = failure(rig.ended(job.attempt).await);
    assert_eq!(lost.kind, FailureKind::Lost);
    let said = &lost.summary;
    assert!(said.contains("the node of the step's job"), "{lost:?}");
    until("no process is left", || processes(&job).is_empty()).await;
}

#[tokio::test]
async fn what_a_killed_supervisor_leaves_is_killed() {
    let mut rig = Rig::ray();
    let line = "(trap '' TERM; setsid sleep 1000) & until [ -e never ]; do sleep 0.05; done";
    let job = rig.shell(line);
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    let State::Running { holder, .. } = rig.state(&job) else {
        panic!("not running: {:?}", rig.state(&job));
    };
    assert!(matches!(&holder, Holder::Cluster { cluster, .. } if cluster.starts_with("ray@")));
    until("all are there", || processes(&job).len() > 2).await;
    rig.kill(&job, &holder);
    let lost = failure(rig.ended(job.attempt).await);
    assert_eq!(lost.kind, FailureKind::Lost);
    assert!(
        lost.summary.starts_with("the step's supervisor was killed"),
        "{lost:?}"
    );
    until("no process is left", || processes(&job).is_empty()).await;
}

/// A job on two whole nodes of those that have a resource `wide`. Each process says where it is, and runs
/// until it is let.
fn wide(rig: &Rig, go: &str) -> Job {
    let go = flag(rig, go);
    let line = format!("echo $RANK on $RAY_HERE_NODE; until [ -e {go} ]; do sleep 0.05; done");
    let mut job = on(rig.several(Communicator::PyTorch, 2, 1, &line), "wide");
    job.resources.cores = Some(4);
    job
}

/// The nodes of its processes, as far as they have said so.
fn nodes_of(rig: &Rig, job: &Job) -> [Option<String>; 2] {
    let logs = [
        rig.log(job),
        rig.file(job, "user_logs/std_log_process_1.txt"),
    ];
    logs.map(|log| Some(log.lines().next()?.split_once(" on ")?.1.to_owned()))
}

/// The node of a process of it that runs, once all say theirs.
async fn node_of(rig: &Rig, job: &Job, rank: usize) -> String {
    let has_ended = || matches!(rig.state(job), State::Ended(_));
    let all_say = || nodes_of(rig, job).iter().all(Option::is_some);
    until("all say their nodes", || has_ended() || all_say()).await;
    assert!(!has_ended(), "it has ended: {:?}", rig.state(job));
    nodes_of(rig, job)[rank].clone().unwrap_or_default()
}

#[tokio::test]
async fn several_nodes_are_reserved_at_once_given_back_and_missed_when_they_are_lost() {
    for name in ["wide1", "wide2", "wide3"] {
        ray().start_node_with(name, "wide");
    }
    nodes_that_are_taken_are_waited_for_and_given_back().await;
    what_a_killed_supervisor_leaves_on_several_nodes_is_killed().await;
    a_lost_node_ends_the_step(1, "a node of the step was lost while the step ran").await;
    a_lost_node_ends_the_step(0, "the node of the step's job failed").await;
}

async fn nodes_that_are_taken_are_waited_for_and_given_back() {
    let [mut first, mut second, mut third] = [Rig::ray(), Rig::ray(), Rig::ray()];
    let holds = wide(&first, "never");
    first.executor.start(holds.clone());
    first.started(holds.attempt).await;
    let [gives_up, waits] = [wide(&second, "never"), wide(&third, "go")];
    for (rig, job) in [(&mut second, &gives_up), (&mut third, &waits)] {
        rig.executor.start(job.clone());
        until_said(rig, "it waits for 2 nodes at once").await;
    }
    second.executor.stop(gives_up.attempt);
    let outcome = second.ended(gives_up.attempt).await;
    assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
    first.executor.stop(holds.attempt);
    let outcome = first.ended(holds.attempt).await;
    assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
    assert_eq!(processes(&holds), [0; 0]);
    go(&third, "go");
    third.started(waits.attempt).await;
    let outcome = third.ended(waits.attempt).await;
    assert!(is_success(&outcome), "{outcome:?}");
    let [one, other] = nodes_of(&third, &waits);
    assert!(one.is_some() && other.is_some() && one != other);
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    assert_eq!(outcome.usage().nodes, format!("{host},{host}"));
    assert_eq!(second.log(&gives_up), "");
}

/// Waits until the attempt is said to wait for this.
async fn until_said(rig: &mut Rig, words: &str) {
    while !in_queue(rig).await.contains(words) {}
}

async fn what_a_killed_supervisor_leaves_on_several_nodes_is_killed() {
    let mut rig = Rig::ray();
    let job = wide(&rig, "never");
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    node_of(&rig, &job, 1).await;
    let State::Running { holder, .. } = rig.state(&job) else {
        panic!("not running: {:?}", rig.state(&job));
    };
    rig.kill(&job, &holder);
    let lost = failure(rig.ended(job.attempt).await);
    assert_eq!(lost.kind, FailureKind::Lost, "{lost:?}");
    until("no process is left", || processes(&job).is_empty()).await;
}

async fn a_lost_node_ends_the_step(rank: usize, said: &str) {
    let mut rig = Rig::ray();
    let job = wide(&rig, "never");
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    let node = node_of(&rig, &job, rank).await;
    ray().kill_node(&node);
    let lost = failure(rig.ended(job.attempt).await);
    assert_eq!(lost.kind, FailureKind::Lost, "{lost:?}");
    assert!(lost.summary.contains(said), "{lost:?}");
    until("no process is left", || processes(&job).is_empty()).await;
}
