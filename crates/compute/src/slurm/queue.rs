//! What `squeue` says, read. Pure.

use crate::cluster::listing::{Jobs, Listed};

/// The form of a line; the name is last, as others' may hold anything.
pub(super) const FORM: &str = "--format=%i|%T|%r|%j";

/// Reads the lines: the jobs of this user that are not over. One that is none of ours may be cut or
/// strange, and is left out.
pub(super) fn parse(text: &str) -> Jobs {
    let line = |line: &str| {
        let mut fields = line.splitn(4, '|');
        let id: u64 = fields.next()?.trim().parse().ok()?;
        let state = fields.next()?;
        let reason = fields.next()?.to_owned();
        let listed = match waits(state) {
            true => Listed::Waits(reason),
            false => Listed::Runs,
        };
        Some((id.to_string(), listed))
    };
    text.lines().filter_map(line).collect()
}

/// Whether a job in such a state has not begun.
pub(super) fn waits(state: &str) -> bool {
    matches!(
        state,
        "PENDING"
            | "CONFIGURING"
            | "REQUEUED"
            | "REQUEUE_HOLD"
            | "REQUEUE_FED"
            | "RESV_DEL_HOLD"
            | "SPECIAL_EXIT"
    )
}

/// What a job waits for, for people.
pub(super) fn waits_for(job: &str, reason: &str) -> String {
    let meaning = match reason {
        "Resources" => "no free nodes have what it asks for",
        "Priority" => "other jobs come first",
        "Licenses" => "it waits for a licence",
        "Reservation" => "it waits for its reservation",
        "JobHeldAdmin" => "an administrator holds it",
        "JobHeldUser" => "it is held: `scontrol release` lets it go",
        "PartitionDown" | "PartitionInactive" => "the partition takes no jobs now",
        "PartitionNodeLimit" | "PartitionTimeLimit" => "it asks for more than the partition allows",
        "None" | "" => return format!("Slurm job {job}"),
        reason if reason.starts_with("ReqNodeNotAvail") => {
            "nodes that it needs are down or reserved"
        }
        reason if reason.starts_with("QOS") || reason.starts_with("Assoc") => {
            "a limit of its account is reached"
        }
        reason => return format!("Slurm job {job}: {reason}"),
    };
    format!("Slurm job {job}: {meaning} ({reason})")
}

/// What a job waits for whose target has `nodes` out of use.
pub(super) fn waits_for_nodes(job: &str, nodes: &str) -> String {
    format!(
        "Slurm job {job}: nodes that it could run on are out of use: {nodes}; \
         `scontrol update nodename=NODE state=resume` gives back one that is mended"
    )
}

/// What `scontrol show job` says of a job that is over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ended {
    /// Slurm's word for how: `TIMEOUT`.
    pub(super) state: String,
    /// Its reason, where the word is not all.
    pub(super) reason: String,
    /// The exit status and the signal of the job's script.
    pub(super) exit_code: Option<i32>,
    pub(super) signal: Option<i32>,
    /// The node that its script was to run on; empty if it was given none.
    pub(super) node: String,
    /// Why that node takes no jobs any more, where that was asked for.
    pub(super) node_trouble: Option<String>,
}

impl Ended {
    /// Reads one line of `NAME=value` pairs.
    pub(super) fn parse(text: &str) -> Self {
        let field = |name: &str| {
            let mut words = text.split_whitespace();
            let value = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            value.unwrap_or_default().to_owned()
        };
        let exit = field("ExitCode");
        let (code, signal) = exit.split_once(':').unwrap_or_default();
        Self {
            state: field("JobState"),
            reason: field("Reason"),
            exit_code: code.parse().ok().filter(|code| *code != 0),
            signal: signal.parse().ok().filter(|signal| *signal != 0),
            node: field("BatchHost"),
            node_trouble: None,
        }
    }

    /// Whether it may have ended because its node could not begin it: Slurm cancels it then, as it may
    /// not put it back into the queue.
    pub(super) fn may_be_the_nodes(&self) -> bool {
        self.state == "CANCELLED" && !self.node.is_empty()
    }

    /// Whether the job is not over after all.
    pub(super) fn is_alive(&self) -> bool {
        matches!(
            self.state.as_str(),
            "PENDING"
                | "CONFIGURING"
                | "RUNNING"
                | "COMPLETING"
                | "SUSPENDED"
                | "STOPPED"
                | "SIGNALING"
                | "STAGE_OUT"
                | "RESIZING"
                | "REQUEUED"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_found_whatever_others_are_called() {
        let text =
            "12|RUNNING|None|stepwell-a#1\n13|PENDING|(Nodes, DOWN)|a|b\n7_[1-3]|PENDING|x|y\nhm\n";
        let jobs = parse(text);
        assert_eq!(jobs["12"], Listed::Runs);
        assert_eq!(jobs["13"], Listed::Waits("(Nodes, DOWN)".to_owned()));
        assert_eq!(jobs.len(), 2);
    }

    #[test]
    fn a_reason_is_said_in_words_and_in_slurms_own() {
        assert_eq!(
            waits_for("9", "Resources"),
            "Slurm job 9: no free nodes have what it asks for (Resources)"
        );
        assert_eq!(
            waits_for("9", "BadConstraints"),
            "Slurm job 9: BadConstraints"
        );
        assert_eq!(waits_for("9", "None"), "Slurm job 9");
    }

    #[test]
    fn the_end_of_a_job() {
        let text = "JobId=1 JobName=a JobState=NODE_FAIL Reason=NodeDown Requeue=0 ExitCode=0:9 \
                    NodeList=n1 BatchHost=n1";
        let ended = Ended::parse(text);
        assert_eq!(ended.state, "NODE_FAIL");
        assert_eq!((ended.exit_code, ended.signal), (None, Some(9)));
        assert!(!ended.is_alive() && !Ended::default().is_alive());
        assert_eq!(ended.node, "n1");
        assert!(!ended.may_be_the_nodes());
        let cancelled = |node| Ended::parse(&format!("JobState=CANCELLED {node}"));
        assert!(cancelled("BatchHost=n1").may_be_the_nodes());
        assert!(!cancelled("NodeList=(null)").may_be_the_nodes());
    }
}
