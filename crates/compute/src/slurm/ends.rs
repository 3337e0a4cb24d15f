//! What became of a job that Slurm ended, in words. Pure.

use stepwell_model::{Failure, FailureKind};

use super::queue::Ended;
use crate::cluster::JobEnd;

const SHARED: &str = "the data folder and Stepwell's programs must be on a file system that every \
                      node of the partition sees at the same path: `stepwell compute test` shows it";

/// All of it; `log` is what the job printed.
pub(super) fn of(job: &str, ended: &Ended, log: &str) -> JobEnd {
    JobEnd {
        by_cluster: is_slurms_doing(ended),
        // Slurm gives no more jobs to the node, so the next one is elsewhere, or waits.
        try_again: ended.node_trouble.is_some(),
        exit_code: ended.exit_code,
        signal: ended.signal,
        of_claimed: of_claimed(job, ended),
        of_unclaimed: of_unclaimed(job, ended, log),
    }
}

/// The failure of a step whose job Slurm ended, and whose program ran, or may have.
fn of_claimed(job: &str, ended: &Ended) -> Failure {
    let failure = |kind, text: &str| Failure::new(kind, format!("{text} (Slurm job {job})"));
    match ended.state.as_str() {
        "TIMEOUT" | "DEADLINE" => failure(
            FailureKind::Timeout,
            "Slurm ended the step at the time limit of its job",
        )
        .with_hint("let the step ask for more time, or use a partition that allows more"),
        "OUT_OF_MEMORY" => failure(
            FailureKind::Signal,
            "the step used more memory than its job was given",
        )
        .with_hint("let the step ask for more memory"),
        "NODE_FAIL" | "BOOT_FAIL" => failure(FailureKind::Lost, "a node of the step's job failed"),
        "PREEMPTED" => failure(
            FailureKind::Lost,
            "Slurm took the nodes of the step for a job that comes first",
        ),
        "CANCELLED" => failure(
            FailureKind::Lost,
            "the step's job was cancelled in Slurm, by somebody else than Stepwell",
        ),
        _ => failure(
            FailureKind::Lost,
            "the step's supervisor was killed, and the step with it",
        )
        .with_hint(
            "something outside Stepwell did it: the node's out-of-memory killer, or a person",
        ),
    }
}

/// Whether Slurm has ended the job, whatever the step's program made of it: it may have trapped the
/// signal, or died of it before its supervisor heard of it.
fn is_slurms_doing(ended: &Ended) -> bool {
    matches!(
        ended.state.as_str(),
        "TIMEOUT"
            | "DEADLINE"
            | "OUT_OF_MEMORY"
            | "NODE_FAIL"
            | "BOOT_FAIL"
            | "PREEMPTED"
            | "CANCELLED"
    )
}

/// The failure of a step whose job ended before its supervisor had begun; `log` is what the job
/// printed.
fn of_unclaimed(job: &str, ended: &Ended, log: &str) -> Failure {
    if let Some(trouble) = &ended.node_trouble {
        let text = format!(
            "node `{}` could not begin the step's job: {trouble} (Slurm job {job})",
            ended.node
        );
        return Failure::new(FailureKind::Environment, text);
    }
    let failure = match (ended.state.as_str(), ended.exit_code) {
        ("CANCELLED" | "NODE_FAIL" | "BOOT_FAIL" | "PREEMPTED" | "TIMEOUT" | "DEADLINE", _) => {
            of_claimed(job, ended)
        }
        ("FAILED", Some(126 | 127)) => Failure::new(
            FailureKind::Environment,
            format!("the step's supervisor could not be started on its node (Slurm job {job})"),
        )
        .with_hint(SHARED),
        ("FAILED", _) if ended.signal == Some(53) || log.is_empty() => Failure::new(
            FailureKind::Environment,
            format!("the step's job could not begin on its node (Slurm job {job})"),
        )
        .with_hint(SHARED),
        (state, _) => {
            let state = match state {
                "" => String::new(),
                state => format!(", as {state}"),
            };
            Failure::new(
                FailureKind::Lost,
                format!("the step's job ended before the step began{state} (Slurm job {job})"),
            )
            .with_hint(SHARED)
        }
    };
    match log {
        "" => failure,
        log => failure.with_detail(log.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(state: &str, exit_code: Option<i32>) -> Ended {
        Ended {
            state: state.to_owned(),
            exit_code,
            ..Ended::default()
        }
    }

    #[test]
    fn each_end_has_its_kind() {
        for (state, expected) in [
            ("TIMEOUT", FailureKind::Timeout),
            ("OUT_OF_MEMORY", FailureKind::Signal),
            ("NODE_FAIL", FailureKind::Lost),
            ("CANCELLED", FailureKind::Lost),
            ("COMPLETED", FailureKind::Lost),
            ("", FailureKind::Lost),
        ] {
            let failure = of_claimed("7", &ended(state, None));
            assert_eq!(failure.kind, expected, "{state}");
            assert!(failure.summary.ends_with("(Slurm job 7)"), "{failure:?}");
            let own = matches!(state, "COMPLETED" | "");
            assert_eq!(is_slurms_doing(&ended(state, None)), !own, "{state}");
        }
    }

    #[test]
    fn a_supervisor_that_is_not_on_the_node_is_a_matter_of_the_file_system() {
        let failure = of_unclaimed("7", &ended("FAILED", Some(127)), "exec: not found");
        assert_eq!(failure.kind, FailureKind::Environment);
        assert_eq!(failure.detail, "exec: not found");
        assert!(failure.hint.contains("same path"));
        let silent = of_unclaimed("7", &ended("FAILED", Some(1)), "");
        assert_eq!(silent.kind, FailureKind::Environment);
        let failed = of_unclaimed("7", &ended("NODE_FAIL", None), "");
        assert_eq!(
            failed.summary,
            "a node of the step's job failed (Slurm job 7)"
        );
    }

    #[test]
    fn a_job_that_its_node_had_no_space_to_begin_is_submitted_anew() {
        let mut cancelled = ended("CANCELLED", None);
        cancelled.node = "n1".to_owned();
        assert!(!of("7", &cancelled, "").try_again);
        cancelled.node_trouble = Some("SlurmdSpoolDir is full".to_owned());
        let end = of("7", &cancelled, "");
        assert!(end.try_again);
        assert_eq!(
            end.of_unclaimed.summary,
            "node `n1` could not begin the step's job: SlurmdSpoolDir is full (Slurm job 7)"
        );
    }
}
