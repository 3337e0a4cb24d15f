//! Nodes that take no jobs, and why: what a job in the queue waits for, or could not begin on. Pure.

use stepwell_model::SlurmTarget;

/// What `sinfo` is asked for: a line for each of them in each partition. The reason is last, as it
/// may hold anything.
pub(super) const ARGUMENTS: [&str; 4] = [
    "--noheader",
    "--Node",
    "--states=down,drain,fail",
    "--format=%P|%N|%E",
];

/// How many nodes are named to a person.
const NAMED_MAX: usize = 3;

/// A node of a partition that takes no jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OutOfUse {
    pub(super) partition: String,
    /// Whether the partition is the default one.
    pub(super) by_default: bool,
    pub(super) node: String,
    /// Why, as Slurm or whoever took it out of use has said it.
    pub(super) reason: String,
}

/// Reads the lines.
pub(super) fn parse(text: &str) -> Vec<OutOfUse> {
    let line = |line: &str| {
        let mut fields = line.trim().splitn(3, '|');
        let partition = fields.next()?;
        let name = partition.trim_end_matches('*');
        Some(OutOfUse {
            partition: name.to_owned(),
            by_default: name.len() < partition.len(),
            node: fields.next()?.to_owned(),
            reason: fields.next()?.to_owned(),
        })
    };
    text.lines().filter_map(line).collect()
}

/// Whether nodes out of use may be why a job waits.
pub(super) fn may_be_why(reason: &str) -> bool {
    reason.starts_with("ReqNodeNotAvail") || reason.starts_with("Nodes required for job are DOWN")
}

/// Those that a target's jobs could run on, with their reasons; `None` if there are none.
pub(super) fn of_target(nodes: &[OutOfUse], target: &SlurmTarget) -> Option<String> {
    let is_of_target = |node: &&OutOfUse| match &target.partition {
        Some(partition) => partition.split(',').any(|name| name == node.partition),
        None => node.by_default,
    };
    let nodes: Vec<&OutOfUse> = nodes.iter().filter(is_of_target).collect();
    let named = nodes.iter().take(NAMED_MAX).map(|node| in_words(node));
    let named: Vec<String> = named.collect();
    match nodes.len().saturating_sub(NAMED_MAX) {
        _ if nodes.is_empty() => None,
        0 => Some(named.join(", ")),
        more => Some(format!("{} and {more} more", named.join(", "))),
    }
}

/// Why a node takes no jobs; `None` if it does.
pub(super) fn why<'a>(nodes: &'a [OutOfUse], node: &str) -> Option<&'a str> {
    let found = nodes.iter().find(|each| each.node == node)?;
    Some(&found.reason)
}

fn in_words(node: &OutOfUse) -> String {
    match node.reason.as_str() {
        "" | "none" => format!("`{}`", node.node),
        reason => format!("`{}` ({reason})", node.node),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_of_the_targets_partition_are_named_with_their_reasons() {
        let text = "work*|n1|SlurmdSpoolDir is full\nshort|n1|SlurmdSpoolDir is full\n\
                    work*|n2|a|b\nwork*|n3|none\nwork*|n4|Not responding\nhm\n";
        let nodes = parse(text);
        assert_eq!(nodes.len(), 5);
        let of = |partition: Option<&str>| {
            let target = SlurmTarget {
                partition: partition.map(str::to_owned),
                ..SlurmTarget::default()
            };
            of_target(&nodes, &target)
        };
        let said = of(None).expect("some");
        assert_eq!(
            said,
            "`n1` (SlurmdSpoolDir is full), `n2` (a|b), `n3` and 1 more"
        );
        let short = of(Some("gpu,short"));
        assert_eq!(short.as_deref(), Some("`n1` (SlurmdSpoolDir is full)"));
        assert_eq!(of(Some("gpu")), None);
        assert_eq!(why(&nodes, "n4"), Some("Not responding"));
        assert_eq!(why(&nodes, "n5"), None);
    }
}
