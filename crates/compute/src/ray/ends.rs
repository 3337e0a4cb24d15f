//! What became of a job, by Ray's account of it, in words. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;
use stepwell_model::{Failure, FailureKind};

use super::job::{EXIT_NO_RAY, EXIT_NODE_LOST, NODE_COUNT};
use crate::cluster::JobEnd;

const SHARED: &str = "the data folder and Stepwell's programs must be on a file system that every \
                      node of the cluster sees at the same path: `stepwell compute test` shows it";

/// Ray's account of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Account {
    pub(super) submission_id: Option<String>,
    /// `PENDING`, `RUNNING`, `STOPPED`, `SUCCEEDED` or `FAILED`.
    pub(super) status: String,
    message: Option<String>,
    error_type: Option<String>,
    /// In milliseconds since 1970.
    pub(super) end_time: Option<u64>,
    driver_exit_code: Option<i32>,
    /// What it was submitted with.
    metadata: Option<BTreeMap<String, String>>,
}

impl Account {
    pub(super) fn is_over(&self) -> bool {
        !matches!(self.status.as_str(), "PENDING" | "RUNNING")
    }

    /// Whether it has not begun.
    pub(super) fn waits(&self) -> bool {
        self.status == "PENDING"
    }

    /// Whether it runs, and may still wait for the nodes that it reserves.
    pub(super) fn may_gather(&self) -> bool {
        self.status == "RUNNING" && self.nodes().is_some()
    }

    /// How many nodes it reserves for its step; `None` if its own is the only one.
    pub(super) fn nodes(&self) -> Option<u32> {
        self.metadata.as_ref()?.get(NODE_COUNT)?.parse().ok()
    }

    fn says(&self, words: &[&str]) -> bool {
        let message = self.message.as_deref().unwrap_or_default();
        words.iter().any(|words| message.contains(words))
    }

    /// What Ray itself has done to the job.
    fn cause(&self) -> Cause {
        match (self.status.as_str(), self.error_type.as_deref()) {
            ("STOPPED", _) => Cause::Stopped,
            ("FAILED", Some("JOB_SUPERVISOR_ACTOR_START_TIMEOUT")) => Cause::NotStarted,
            ("FAILED", Some("JOB_ENTRYPOINT_COMMAND_ERROR") | None) => {
                match (self.nodes(), self.driver_exit_code) {
                    (Some(_), Some(EXIT_NODE_LOST)) => Cause::Node,
                    _ => Cause::None,
                }
            }
            ("FAILED", Some("JOB_SUPERVISOR_ACTOR_DIED"))
                if self.says(&["memory pressure", "out of memory", "(OOM)"]) =>
            {
                Cause::Memory
            }
            ("FAILED", Some("JOB_SUPERVISOR_ACTOR_DIED"))
                if self.says(&["node has died", "node was", "node died", "raylet"]) =>
            {
                Cause::Node
            }
            ("FAILED", Some(_)) => Cause::Other,
            _ => Cause::None,
        }
    }

    /// The exit status and the signal of the entry point. A shell says the signal by its status.
    fn exit(&self) -> (Option<i32>, Option<i32>) {
        match self.driver_exit_code {
            Some(code) if code < 0 => (None, Some(-code)),
            Some(code) if code > 128 => (None, Some(code - 128)),
            code => (code.filter(|code| *code != 0), None),
        }
    }
}

enum Cause {
    /// Nothing: the entry point has ended by itself.
    None,
    Stopped,
    /// It waited for longer than the cluster lets a job wait.
    NotStarted,
    Memory,
    Node,
    Other,
}

/// How the job ended; `log` is what it printed.
pub(super) fn of(job: &str, account: &Account, log: &str) -> JobEnd {
    let (exit_code, signal) = account.exit();
    let cause = account.cause();
    JobEnd {
        by_cluster: !matches!(cause, Cause::None),
        try_again: matches!(cause, Cause::NotStarted),
        exit_code,
        signal,
        of_claimed: of_claimed(job, account, &cause, log),
        of_unclaimed: of_unclaimed(job, account, &cause, log),
    }
}

fn of_claimed(job: &str, account: &Account, cause: &Cause, log: &str) -> Failure {
    let lost = |text: &str| Failure::new(FailureKind::Lost, format!("{text} (Ray job {job})"));
    match cause {
        Cause::Stopped => lost("the step's job was stopped in Ray, by somebody else than Stepwell"),
        Cause::Memory => Failure::new(
            FailureKind::Signal,
            format!("Ray ended the step, as its node ran out of memory (Ray job {job})"),
        )
        .with_hint("let the step ask for more memory, or for more cores, so that fewer run there"),
        Cause::Node => lost("the node of the step's job failed"),
        // It may say no more than that it cannot ask the process that looks after the job.
        Cause::Other => lost("Ray lost the node of the step's job, or its own process there"),
        Cause::NotStarted => lost("Ray ended the step's job before it began"),
        Cause::None if account.status.is_empty() => lost(
            "Ray does not know the step's job any more",
        )
        .with_hint("the head node was started anew, or somebody has removed the job from its list"),
        Cause::None => lost("the step's supervisor was killed, and the step with it").with_hint(
            "something outside Stepwell did it: the node's out-of-memory killer, or a person",
        ),
    }
    .with_detail(match cause {
        Cause::None => String::new(),
        // It is the job's own word for it: Ray has no other one.
        Cause::Node if account.driver_exit_code.is_some() => log.to_owned(),
        _ => account.message.clone().unwrap_or_default(),
    })
}

fn of_unclaimed(job: &str, account: &Account, cause: &Cause, log: &str) -> Failure {
    let environment = |text: &str| {
        let summary = format!("{text} (Ray job {job})");
        Failure::new(FailureKind::Environment, summary)
    };
    let message = account.message.as_deref().unwrap_or_default();
    let failure = match (cause, account.driver_exit_code) {
        (Cause::Other, _) => environment("Ray could not begin the step's job"),
        (Cause::None, Some(EXIT_NO_RAY)) if account.nodes().is_some() => environment(
            "the `python` that jobs find on the cluster has no Ray",
        )
        .with_hint(
            "a step on several nodes is started by Ray's Python: start the cluster's nodes with \
                 it on their PATH",
        ),
        (Cause::None, Some(126 | 127)) => {
            environment("the step's supervisor could not be started on its node").with_hint(SHARED)
        }
        (Cause::None, Some(_)) if log.is_empty() => {
            environment("the step's job could not begin on its node").with_hint(SHARED)
        }
        (Cause::None, _) if !account.status.is_empty() => {
            let text = format!("the step's job ended before the step began (Ray job {job})");
            Failure::new(FailureKind::Lost, text).with_hint(SHARED)
        }
        _ => of_claimed(job, account, cause, log),
    };
    match log {
        "" => failure.with_detail(message.to_owned()),
        log => failure.with_detail(log.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(status: &str, error_type: &str, message: &str) -> Account {
        Account {
            status: status.to_owned(),
            error_type: Some(error_type.to_owned()).filter(|text| !text.is_empty()),
            message: Some(message.to_owned()),
            ..Account::default()
        }
    }

    #[test]
    fn each_end_has_its_kind() {
        let died = "JOB_SUPERVISOR_ACTOR_DIED";
        let entry = "JOB_ENTRYPOINT_COMMAND_ERROR";
        for (status, error_type, message, kind, words, by_ray) in [
            ("STOPPED", "", "", FailureKind::Lost, "somebody else", true),
            (
                "FAILED",
                died,
                "The actor died because its node has died.",
                FailureKind::Lost,
                "the node of",
                true,
            ),
            (
                "FAILED",
                died,
                "killed due to memory pressure (OOM)",
                FailureKind::Signal,
                "ran out of memory",
                true,
            ),
            (
                "FAILED",
                "JOB_SUPERVISOR_ACTOR_UNKNOWN_FAILURE",
                "Unexpected error occurred",
                FailureKind::Lost,
                "lost the node of",
                true,
            ),
            ("FAILED", entry, "", FailureKind::Lost, "was killed", false),
            ("SUCCEEDED", "", "", FailureKind::Lost, "was killed", false),
            ("", "", "", FailureKind::Lost, "does not know", false),
        ] {
            let end = of("a-1", &account(status, error_type, message), "");
            let failure = &end.of_claimed;
            assert_eq!(
                (failure.kind, end.by_cluster),
                (kind, by_ray),
                "{failure:?}"
            );
            assert!(failure.summary.contains(words), "{failure:?}");
            assert!(failure.summary.ends_with("(Ray job a-1)"), "{failure:?}");
            assert!(!end.try_again);
        }
    }

    #[test]
    fn a_job_of_several_nodes_says_by_its_status_what_became_of_them() {
        let several = |status| Account {
            driver_exit_code: Some(status),
            metadata: Some(BTreeMap::from([(NODE_COUNT.to_owned(), "2".to_owned())])),
            ..account("FAILED", "JOB_ENTRYPOINT_COMMAND_ERROR", "")
        };
        let lost = of("a-1", &several(EXIT_NODE_LOST), "node 0 was lost");
        assert!(lost.by_cluster && lost.of_claimed.kind == FailureKind::Lost);
        assert!(lost.of_claimed.summary.contains("the node of"), "{lost:?}");
        assert_eq!(lost.of_claimed.detail, "node 0 was lost");
        let bare = of("a-1", &several(EXIT_NO_RAY), "").of_unclaimed;
        assert_eq!(bare.kind, FailureKind::Environment);
        assert!(bare.summary.contains("has no Ray"), "{bare:?}");
        let alone = Account {
            metadata: None,
            ..several(EXIT_NODE_LOST)
        };
        assert!(!of("a-1", &alone, "").by_cluster);
    }

    #[test]
    fn a_job_that_waited_longer_than_ray_lets_it_is_submitted_anew() {
        let late = account("FAILED", "JOB_SUPERVISOR_ACTOR_START_TIMEOUT", "");
        assert!(of("a-1", &late, "").try_again);
        assert!(
            !of(
                "a-1",
                &account("FAILED", "RUNTIME_ENV_SETUP_FAILURE", ""),
                ""
            )
            .try_again
        );
    }

    #[test]
    fn what_cannot_begin_says_what_must_be_shared() {
        let mut missing = account(
            "FAILED",
            "JOB_ENTRYPOINT_COMMAND_ERROR",
            "cd: no such folder",
        );
        missing.driver_exit_code = Some(2);
        let failure = of("a-1", &missing, "").of_unclaimed;
        assert_eq!(failure.kind, FailureKind::Environment);
        assert!(failure.hint.contains("same path") && failure.detail.contains("no such folder"));
        missing.driver_exit_code = Some(127);
        let failure = of("a-1", &missing, "sh: supervise: not found").of_unclaimed;
        assert!(
            failure.summary.contains("could not be started"),
            "{failure:?}"
        );
        assert_eq!(failure.detail, "sh: supervise: not found");
        missing.driver_exit_code = Some(-9);
        assert_eq!(of("a-1", &missing, "").signal, Some(9));
        missing.driver_exit_code = Some(137);
        assert_eq!(of("a-1", &missing, "").signal, Some(9));
    }
}
