//! What only a cluster can show: its queue and its reasons, and what becomes of a step when parts
//! of the cluster fail. All of it holds whether the cluster is asked by its commands or by its REST API.

use stepwell_compute::{Job, Report};
use stepwell_model::{ComputeKind, FailureKind, Outcome, Resources, WaitReason};
use stepwell_supervise::{Holder, State};
use tokio::runtime::Runtime;

use crate::cluster::{Cluster, shared};
use crate::rig::{Rig, failure, flag};

/// Makes the rig that asks a cluster in one way or the other.
type Open = fn(&Cluster) -> Rig;

/// A job that the cluster keeps in its queue until it is released.
fn held(rig: &Rig, line: &str) -> Job {
    let mut job = rig.shell(line);
    let ComputeKind::Slurm(target) = &mut job.compute else {
        panic!("{:?} has no queue", job.compute);
    };
    target.options.push("--hold".to_owned());
    job
}

/// The ids of the jobs of an attempt that are not over.
fn jobs(cluster: &Cluster, job: &Job) -> Vec<String> {
    let name = format!("--name=stepwell-{}", job.attempt);
    let said = cluster.slurm("squeue", &["--noheader", "--format=%i", &name]);
    said.lines().map(|id| id.trim().to_owned()).collect()
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

fn waiting_for(rig: &Rig, go: &str) -> Job {
    let go = flag(rig, go);
    rig.shell(&format!(
        "echo begin; until [ -e {go} ]; do sleep 0.05; done; echo end"
    ))
}

fn job_of(rig: &Rig, job: &Job) -> String {
    match rig.state(job) {
        State::Running {
            holder: Holder::Cluster { job, .. },
            ..
        } => job,
        state => panic!("no job has it: {state:?}"),
    }
}

async fn a_queued_job_says_in_slurms_words_what_it_waits_for(open: Open) {
    let mut rig = open(shared());
    let job = held(&rig, "true");
    rig.executor.start(job.clone());
    let mut said = in_queue(&mut rig).await;
    while !said.contains("JobHeldUser") {
        said = in_queue(&mut rig).await;
    }
    let queued = jobs(shared(), &job);
    assert!(
        said.contains(&queued[0]) && said.contains("it is held"),
        "{said}"
    );
    shared().slurm("scontrol", &["release", &queued[0]]);
    rig.started(job.attempt).await;
    let outcome = rig.ended(job.attempt).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    let nodes = &outcome.usage().nodes;
    assert!(["n1", "n2", "n3"].contains(&nodes.as_str()), "{nodes}");
}

async fn a_queued_job_that_is_stopped_leaves_the_queue_and_never_runs(open: Open) {
    let mut rig = open(shared());
    let job = held(&rig, "echo ran");
    rig.executor.start(job.clone());
    in_queue(&mut rig).await;
    rig.executor.stop(job.attempt);
    let outcome = rig.ended(job.attempt).await;
    assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
    assert_eq!(jobs(shared(), &job), [""; 0]);
    assert_eq!(rig.log(&job), "");
    assert_eq!(rig.run_again(&job).await, outcome);
}

async fn what_can_never_fit_is_refused_at_once_with_what_is_there(open: Open) {
    let mut rig = open(shared());
    let mut job = rig.shell("echo ran");
    job.resources = Resources {
        nodes: 4,
        cores: Some(2),
        ..Resources::default()
    };
    let refused = rig.refused(&job).await;
    assert_eq!(refused.kind, FailureKind::Environment);
    let said = "it needs 4 nodes with 2 cores; the default partition has 3 with 2 cores, 4000 MB";
    assert_eq!(refused.summary, said);
    let asked_before = rig.executor.refuses(&job.compute, &job.resources).await;
    assert_eq!(asked_before.as_deref(), Some(said));
}

async fn a_refusal_of_slurms_own_is_told(open: Open) {
    let mut rig = open(shared());
    let mut job = rig.shell("echo ran");
    if let ComputeKind::Slurm(target) = &mut job.compute {
        target.options.push("--constraint=moon".to_owned());
    }
    let refused = rig.refused(&job).await;
    assert_eq!(refused.kind, FailureKind::Environment);
    assert!(
        refused
            .summary
            .starts_with("Slurm refused the step's job: "),
        "{refused:?}"
    );
    assert!(refused.summary.contains("feature"), "{refused:?}");
}

fn a_job_whose_server_was_killed_before_it_knew_the_id_is_found_by_its_name(open: Open) {
    let runtime = Runtime::new().expect("a runtime");
    let (rig, job) = runtime.block_on(async {
        let mut rig = open(shared());
        let job = held(&rig, "echo ran");
        rig.executor.start(job.clone());
        in_queue(&mut rig).await;
        (rig, job)
    });
    runtime.shutdown_background();
    let record = rig.run_folder(&job).join("slurm.json");
    fs_err::write(record, r#"{"job": null}"#).expect("a record");
    Runtime::new().expect("a runtime").block_on(async {
        let mut after = rig.successor();
        after.executor.start(job.clone());
        in_queue(&mut after).await;
        let queued = jobs(shared(), &job);
        assert_eq!(queued.len(), 1, "one attempt, one job");
        shared().slurm("scontrol", &["release", &queued[0]]);
        after.started(job.attempt).await;
        let outcome = after.ended(job.attempt).await;
        assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
        assert_eq!(after.log(&job), "ran\n");
    });
}

async fn a_job_that_somebody_else_cancels_is_no_cancelled_step(open: Open) {
    let mut rig = open(shared());
    let job = waiting_for(&rig, "never");
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    shared().slurm("scancel", &[&job_of(&rig, &job)]);
    let lost = failure(rig.ended(job.attempt).await);
    assert_eq!(lost.kind, FailureKind::Lost);
    assert!(lost.summary.contains("cancelled in Slurm"), "{lost:?}");
}

async fn a_step_survives_its_clusters_controller_and_what_is_submitted_meanwhile_runs_later(
    open: Open,
) {
    let cluster = Cluster::start(1);
    let mut rig = open(&cluster);
    let first = waiting_for(&rig, "go");
    rig.executor.start(first.clone());
    rig.started(first.attempt).await;
    cluster.kill("slurmctld");
    let second = rig.shell("true");
    rig.executor.start(second.clone());
    let mut said = in_queue(&mut rig).await;
    while !said.contains("Slurm does not answer") {
        said = in_queue(&mut rig).await;
    }
    fs_err::write(flag(&rig, "go"), "").expect("a flag");
    let outcome = rig.ended(first.attempt).await;
    assert!(
        matches!(outcome, Outcome::Succeeded(_)),
        "it ends without one: {outcome:?}"
    );
    cluster.start_again("controller", &[]);
    rig.started(second.attempt).await;
    let outcome = rig.ended(second.attempt).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
}

async fn a_step_whose_node_fails_is_lost_with_that_reason(open: Open) {
    let cluster = Cluster::start(1);
    let mut rig = open(&cluster);
    let job = waiting_for(&rig, "never");
    rig.executor.start(job.clone());
    rig.started(job.attempt).await;
    cluster.kill("slurmd-n1");
    let down = ["update", "nodename=n1", "state=down", "reason=test"];
    cluster.slurm("scontrol", &down);
    let lost = failure(rig.ended(job.attempt).await);
    assert_eq!(lost.kind, FailureKind::Lost);
    assert!(
        lost.summary.starts_with("a node of the step's job failed"),
        "{lost:?}"
    );
    // The machine of this node lives on, and with it what its daemon left.
    if let Ok(Some(supervisor)) = rig.supervisor_of(&job) {
        rustix::process::kill_process(supervisor, rustix::process::Signal::KILL).expect("it lives");
    }
}

macro_rules! asked {
    ($way:ident: $($test:ident)*; $($blocking:ident)*) => {
        mod $way {
            use crate::rig::Rig;
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(Rig::$way).await;
                }
            )*
            $(
                #[test]
                fn $blocking() {
                    super::$blocking(Rig::$way);
                }
            )*
        }
    };
    ($way:ident) => {
        asked!($way:
            a_queued_job_says_in_slurms_words_what_it_waits_for
            a_queued_job_that_is_stopped_leaves_the_queue_and_never_runs
            what_can_never_fit_is_refused_at_once_with_what_is_there
            a_refusal_of_slurms_own_is_told
            a_job_that_somebody_else_cancels_is_no_cancelled_step
            a_step_survives_its_clusters_controller_and_what_is_submitted_meanwhile_runs_later
            a_step_whose_node_fails_is_lost_with_that_reason;
            a_job_whose_server_was_killed_before_it_knew_the_id_is_found_by_its_name);
    };
}

asked!(by_commands);
asked!(by_rest);
