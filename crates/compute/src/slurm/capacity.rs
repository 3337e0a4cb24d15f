//! What a partition has, and whether what a step needs can ever fit. Pure.

use stepwell_model::{Resources, SlurmTarget};

/// What `sinfo` is asked for: a line for each node of each partition.
pub(super) const ARGUMENTS: [&str; 3] = ["--noheader", "--Node", "--format=%P|%N|%c|%m|%l|%G"];

/// The nodes of a cluster, by partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Capacity {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) partition: String,
    /// Whether the partition is the default one.
    pub(super) by_default: bool,
    pub(super) cores: u32,
    pub(super) memory_mb: u64,
    pub(super) gpus: u32,
    /// The longest that the partition lets a job run, in seconds; `None` for no limit.
    pub(super) limit_s: Option<u64>,
}

impl Capacity {
    /// That of nodes, each once for each of its partitions.
    pub(super) const fn of(nodes: Vec<Node>) -> Self {
        Self { nodes }
    }

    pub(super) fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let fields: Vec<&str> = line.trim().split('|').collect();
            let [partition, _, cores, memory, limit, gres] = fields.as_slice() else {
                return None;
            };
            let name = partition.trim_end_matches('*');
            Some(Node {
                partition: name.to_owned(),
                by_default: name.len() < partition.len(),
                // A plus says that others have more.
                cores: cores.trim_end_matches('+').parse().ok()?,
                memory_mb: memory.trim_end_matches('+').parse().ok()?,
                gpus: gpus(gres),
                limit_s: seconds(limit),
            })
        };
        Self {
            nodes: text.lines().filter_map(line).collect(),
        }
    }

    /// Why such a request can never be met; `None` when it can, or when that is not known.
    pub(super) fn refuses(&self, target: &SlurmTarget, needs: &Resources) -> Option<String> {
        let of_target = |node: &&Node| match &target.partition {
            Some(partition) => partition.split(',').any(|name| name == node.partition),
            None => node.by_default,
        };
        let nodes: Vec<&Node> = self.nodes.iter().filter(of_target).collect();
        let partition = target.partition_in_words();
        if nodes.is_empty() {
            // Without a default one Slurm decides by rules of its own.
            target.partition.as_ref()?;
            let mut known: Vec<&str> = self
                .nodes
                .iter()
                .map(|node| node.partition.as_str())
                .collect();
            known.dedup();
            known.sort_unstable();
            known.dedup();
            let known = known.join(", ");
            return Some(format!("the cluster has no {partition}; it has {known}"));
        }
        let fits = |node: &&&Node| {
            needs.cores.is_none_or(|cores| cores <= node.cores)
                && needs.processes_per_node <= node.cores
                && needs.gpus <= node.gpus
                && needs
                    .memory_bytes
                    .is_none_or(|bytes| megabytes(bytes) <= node.memory_mb)
        };
        let fitting = nodes.iter().filter(fits).count();
        if fitting < needs.nodes as usize {
            let (asked, there) = (in_words(needs), described(&nodes));
            return Some(format!("it needs {asked}; {partition} has {there}"));
        }
        let limit = nodes
            .iter()
            .map(|node| node.limit_s)
            .max_by_key(|limit| limit.unwrap_or(u64::MAX));
        match (needs.wall_time_s, limit.flatten()) {
            (Some(wall), Some(limit)) if wall > limit => Some(format!(
                "it needs its nodes for {wall} seconds; {partition} gives them for {limit} at most"
            )),
            _ => None,
        }
    }
}

/// Bytes as the megabytes that Slurm counts in, none too few.
pub(super) const fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

fn in_words(needs: &Resources) -> String {
    let mut each = Vec::new();
    let count = |count: u32, one: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    };
    if let Some(cores) = needs.cores {
        each.push(count(cores, "core"));
    } else if needs.processes_per_node > 1 {
        each.push(count(needs.processes_per_node, "process").replace("processs", "processes"));
    }
    if let Some(bytes) = needs.memory_bytes {
        each.push(format!("{} MB", megabytes(bytes)));
    }
    if needs.gpus > 0 {
        each.push(count(needs.gpus, "GPU"));
    }
    let nodes = count(needs.nodes, "node");
    match each.is_empty() {
        true => nodes,
        false => format!("{nodes} with {}", each.join(", ")),
    }
}

/// The nodes of a partition, like ones counted together.
fn described(nodes: &[&Node]) -> String {
    let mut kinds: Vec<(u32, String)> = Vec::new();
    for node in nodes {
        let gpus = match node.gpus {
            0 => String::new(),
            gpus => format!(", {gpus} GPUs"),
        };
        let what = format!("{} cores, {} MB{gpus}", node.cores, node.memory_mb);
        match kinds.iter_mut().find(|(_, other)| *other == what) {
            Some((count, _)) => *count += 1,
            None => kinds.push((1, what)),
        }
    }
    let kinds: Vec<String> = kinds
        .into_iter()
        .map(|(count, what)| format!("{count} with {what}"))
        .collect();
    kinds.join(" and ")
}

/// The GPUs in Slurm's list of generic resources: `gpu:a100:4(S:0-1),nic:2`.
pub(super) fn gpus(gres: &str) -> u32 {
    let each = gres
        .split(',')
        .filter(|part| part.split(':').next() == Some("gpu"));
    each.map(|part| {
        let part = part.split('(').next().unwrap_or_default();
        part.rsplit(':')
            .next()
            .and_then(|count| count.parse().ok())
            .unwrap_or(1)
    })
    .sum()
}

/// Slurm's `days-hours:minutes:seconds`, of which the left parts may be missing.
fn seconds(text: &str) -> Option<u64> {
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (days.parse().ok()?, clock),
        None => (0, text),
    };
    let mut total: u64 = 0;
    for part in clock.split(':') {
        total = total * 60 + part.parse::<u64>().ok()?;
    }
    Some(days * 86_400 + total)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = "work*|n1|2|4000|1-00:00:00|(null)\n\
                           work*|n2|2|4000|1-00:00:00|(null)\n\
                           gpu|g1|64|256000|infinite|gpu:a100:4(S:0-1),nic:1\n\
                           short|n1|2|4000|10:00|(null)\n";

    fn refusal(partition: Option<&str>, needs: Resources) -> Option<String> {
        let target = SlurmTarget {
            partition: partition.map(str::to_owned),
            ..SlurmTarget::default()
        };
        Capacity::parse(CLUSTER).refuses(&target, &needs)
    }

    #[test]
    fn what_fits_somewhere_is_left_to_the_scheduler() {
        let needs = Resources {
            nodes: 2,
            cores: Some(2),
            memory_bytes: Some(4000 << 20),
            wall_time_s: Some(86_400),
            ..Resources::default()
        };
        assert_eq!(refusal(None, needs), None);
        let gpus = Resources {
            gpus: 4,
            wall_time_s: Some(u64::MAX),
            ..Resources::default()
        };
        assert_eq!(refusal(Some("gpu"), gpus), None);
        assert_eq!(refusal(Some("work,gpu"), gpus), None);
    }

    #[test]
    fn what_can_never_fit_is_refused_with_what_is_there() {
        let one = Resources::default();
        let cases = [
            (Some("work"), Resources { nodes: 3, ..one }),
            (
                None,
                Resources {
                    cores: Some(3),
                    memory_bytes: Some(5),
                    ..one
                },
            ),
            (Some("gpu"), Resources { gpus: 8, ..one }),
            (
                Some("short"),
                Resources {
                    wall_time_s: Some(601),
                    ..one
                },
            ),
            (Some("shrot"), one),
            (
                None,
                Resources {
                    processes_per_node: 4,
                    ..one
                },
            ),
        ];
        let said: Vec<String> = cases
            .into_iter()
            .map(|(partition, needs)| refusal(partition, needs).expect("a refusal"))
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        it needs 3 nodes; partition `work` has 2 with 2 cores, 4000 MB
        it needs 1 node with 3 cores, 1 MB; the default partition has 2 with 2 cores, 4000 MB
        it needs 1 node with 8 GPUs; partition `gpu` has 1 with 64 cores, 256000 MB, 4 GPUs
        it needs its nodes for 601 seconds; partition `short` gives them for 600 at most
        the cluster has no partition `shrot`; it has gpu, short, work
        it needs 1 node with 4 processes; the default partition has 2 with 2 cores, 4000 MB
        ");
    }

    #[test]
    fn slurms_words_for_gpus_and_times() {
        for (text, expected) in [
            ("(null)", 0),
            ("gpu:2", 2),
            ("gpu", 1),
            ("gpu:a:1,gpu:b:3(S:0)", 4),
        ] {
            assert_eq!(gpus(text), expected, "{text}");
        }
        for (text, expected) in [
            ("30:00", Some(1800)),
            ("2-01:00:00", Some(176_400)),
            ("infinite", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
