//! What a Ray cluster has, and whether what a step needs can ever fit. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;
use stepwell_model::{RayTarget, Resources};

/// The answer of `/api/cluster_status`, as far as it is looked at.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    data: Data,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default)]
    cluster_status: Option<ClusterStatus>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClusterStatus {
    #[serde(default)]
    load_metrics_report: Option<Load>,
    #[serde(default)]
    autoscaler_report: Option<Autoscaler>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Load {
    /// By name: what is in use, and what there is.
    #[serde(default)]
    usage: BTreeMap<String, (f64, f64)>,
    /// What a kind of node has, and how many of them there are.
    #[serde(default)]
    node_types: Vec<(BTreeMap<String, f64>, u32)>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Autoscaler {
    /// The kind of each node. One that was started by hand is of a kind of its own.
    #[serde(default)]
    node_type_mapping: Option<BTreeMap<String, String>>,
}

impl Status {
    fn load(&self) -> Option<&Load> {
        let status = self.data.cluster_status.as_ref()?;
        status.load_metrics_report.as_ref()
    }

    /// Whether all nodes were started by hand, so that no others will come by themselves.
    fn is_fixed(&self) -> bool {
        let status = self.data.cluster_status.as_ref();
        let autoscaler = status.and_then(|status| status.autoscaler_report.as_ref());
        let kinds = autoscaler.and_then(|report| report.node_type_mapping.as_ref());
        kinds.is_some_and(|kinds| {
            kinds
                .iter()
                .all(|(node, kind)| *kind == format!("node_{node}"))
        })
    }

    /// How much is in use of what jobs mostly wait for, in words; empty when that is not known.
    pub(super) fn in_use(&self) -> String {
        let usage = self.load().map(|load| &load.usage);
        let part = |name: &str, unit: &str| {
            let (used, total) = usage?.get(name)?;
            Some(format!("{used} of {total} {unit}"))
        };
        let parts = [part("CPU", "cores"), part("GPU", "GPUs")];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join(" and ")
    }

    /// Why such a request can never be met; `None` when it can, or when that is not known.
    pub(super) fn refuses(&self, target: &RayTarget, needs: &Resources) -> Option<String> {
        let load = self.load().filter(|_| self.is_fixed())?;
        let asked = asked(target, needs);
        let fits = |node: &BTreeMap<String, f64>| {
            asked
                .iter()
                .all(|(name, amount)| node.get(*name).is_some_and(|has| has >= amount))
        };
        let fitting = load.node_types.iter().filter(|(node, _)| fits(node));
        let fitting: u32 = fitting.map(|(_, count)| count).sum();
        if load.node_types.is_empty() || fitting >= needs.nodes {
            return None;
        }
        let names: Vec<&str> = asked.iter().map(|(name, _)| *name).collect();
        let asked = asked.iter().map(|(name, amount)| (*name, *amount));
        // Each has a resource of its own name, too: like ones are counted together.
        let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
        for (node, count) in &load.node_types {
            let has = |name| node.get(name).copied().unwrap_or_default();
            let has = listed(names.iter().map(|name| (*name, has(*name))), f64::floor);
            *kinds.entry(has).or_default() += count;
        }
        let kinds = kinds
            .iter()
            .map(|(has, count)| format!("{count} with {has}"));
        let kinds: Vec<String> = kinds.collect();
        let (asked, kinds) = (listed(asked, f64::ceil), kinds.join(" and "));
        let nodes = match needs.nodes {
            0 | 1 => "a node".to_owned(),
            count => format!("{count} nodes"),
        };
        Some(format!(
            "it needs {nodes} with {asked}; the Ray cluster has {kinds}"
        ))
    }
}

/// What the job of a step takes of its node, by Ray's names.
pub(super) fn asked<'a>(target: &'a RayTarget, needs: &Resources) -> Vec<(&'a str, f64)> {
    let mut asked = vec![("CPU", f64::from(target.cores_of(needs)))];
    if needs.gpus > 0 {
        asked.push(("GPU", f64::from(needs.gpus)));
    }
    if let Some(bytes) = needs.memory_bytes {
        #[expect(
            clippy::cast_precision_loss,
            reason = "Ray counts bytes as a float, too"
        )]
        asked.push(("memory", bytes as f64));
    }
    let own = target.resources.iter();
    asked.extend(own.map(|(name, amount)| (name.as_str(), f64::from(*amount))));
    asked
}

fn listed<'a>(amounts: impl Iterator<Item = (&'a str, f64)>, whole: fn(f64) -> f64) -> String {
    let amounts: Vec<String> = amounts
        .map(|(name, amount)| match name {
            "CPU" if amount == 1.0 => "1 core".to_owned(),
            "CPU" => format!("{amount} cores"),
            "GPU" if amount == 1.0 => "1 GPU".to_owned(),
            "GPU" => format!("{amount} GPUs"),
            "memory" => format!("{} MB", whole(amount / 1e6)),
            name => format!("{amount} `{name}`"),
        })
        .collect();
    amounts.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn status(kind_of_b: &str) -> Status {
        let nodes: Value = json!([
            [{"CPU": 2.0, "memory": 2e9, "node:10.0.0.1": 1.0}, 2],
            [{"CPU": 16.0, "GPU": 4.0, "memory": 64e9, "worker": 2.0}, 1],
        ]);
        let answer = json!({"result": true, "data": {"clusterStatus": {
            "loadMetricsReport": {
                "usage": {"CPU": [3.0, 20.0], "GPU": [0.5, 4.0]},
                "nodeTypes": nodes,
            },
            "autoscalerReport": {"nodeTypeMapping": {"a": "node_a", "b": kind_of_b}},
        }}});
        serde_json::from_value(answer).expect("a status")
    }

    fn target() -> RayTarget {
        RayTarget {
            address: "http://head:8265".to_owned(),
            cores: None,
            resources: BTreeMap::new(),
            token_file: None,
        }
    }

    #[test]
    fn what_can_never_fit_is_refused_with_what_is_there() {
        let one = Resources::default();
        let cases = [
            (
                target(),
                Resources {
                    cores: Some(17),
                    ..one
                },
            ),
            (target(), Resources { gpus: 5, ..one }),
            (
                target(),
                Resources {
                    memory_bytes: Some(64_000_000_001),
                    ..one
                },
            ),
            (
                RayTarget {
                    resources: BTreeMap::from([("tpu".to_owned(), 1)]),
                    ..target()
                },
                one,
            ),
        ];
        let said: Vec<String> = cases
            .into_iter()
            .map(|(target, needs)| {
                let refusal = status("node_b").refuses(&target, &needs);
                refusal.expect("a refusal")
            })
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        it needs a node with 17 cores; the Ray cluster has 1 with 16 cores and 2 with 2 cores
        it needs a node with 1 core, 5 GPUs; the Ray cluster has 1 with 16 cores, 4 GPUs and 2 with 2 cores, 0 GPUs
        it needs a node with 1 core, 64001 MB; the Ray cluster has 1 with 16 cores, 64000 MB and 2 with 2 cores, 2000 MB
        it needs a node with 1 core, 1 `tpu`; the Ray cluster has 1 with 16 cores, 0 `tpu` and 2 with 2 cores, 0 `tpu`
        ");
    }

    #[test]
    fn several_nodes_that_fit_are_to_be_there() {
        let on = |nodes, cores| Resources {
            nodes,
            cores: Some(cores),
            ..Resources::default()
        };
        let refuses = |needs| status("node_b").refuses(&target(), &needs);
        assert_eq!(refuses(on(3, 2)), None);
        assert_eq!(
            refuses(on(2, 3)).as_deref(),
            Some(
                "it needs 2 nodes with 3 cores; the Ray cluster has 1 with 16 cores and 2 with 2 cores"
            )
        );
    }

    #[test]
    fn what_fits_on_some_node_or_on_one_that_may_come_is_left_to_ray() {
        let needs = Resources {
            cores: Some(16),
            gpus: 4,
            memory_bytes: Some(64_000_000_000),
            ..Resources::default()
        };
        assert_eq!(status("node_b").refuses(&target(), &needs), None);
        let more = Resources {
            cores: Some(64),
            ..Resources::default()
        };
        assert!(status("node_b").refuses(&target(), &more).is_some());
        assert_eq!(status("worker-group").refuses(&target(), &more), None);
        assert_eq!(Status::default().refuses(&target(), &more), None);
    }

    #[test]
    fn what_is_in_use_is_said_in_words() {
        assert_eq!(status("node_b").in_use(), "3 of 20 cores and 0.5 of 4 GPUs");
        assert_eq!(Status::default().in_use(), "");
    }
}
