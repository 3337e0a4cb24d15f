//! What an attempt needs of the machines that it runs on.

use serde::{Deserialize, Serialize};

/// What an attempt needs. A target that schedules by it gives each attempt so much; this machine
/// gives what it has, and has the processes of several nodes beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Processor cores of each node; `None` for what the target gives unless asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
    /// Memory of each node, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// GPUs of each node.
    #[serde(skip_serializing_if = "is_zero")]
    pub gpus: u32,
    /// On how many nodes the program runs at once.
    #[serde(skip_serializing_if = "is_one")]
    pub nodes: u32,
    /// How many processes of the program run on each node.
    #[serde(skip_serializing_if = "is_one")]
    pub processes_per_node: u32,
    /// How long the nodes are needed, in seconds: a cluster's scheduler plans by it and may end
    /// what takes longer. `None` for the target's own limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_time_s: Option<u64>,
}

/// The workers that a task starts itself, where its target can have them on several nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// On how many nodes.
    pub nodes: u32,
    /// How many on each; `None` for as many as the node has cores for the step.
    #[serde(default)]
    pub per_node: Option<u32>,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            cores: None,
            memory_bytes: None,
            gpus: 0,
            nodes: 1,
            processes_per_node: 1,
            wall_time_s: None,
        }
    }
}

impl Resources {
    /// How many processes are on all nodes.
    #[must_use]
    pub const fn processes(&self) -> u32 {
        self.nodes.saturating_mul(self.processes_per_node)
    }

    /// How many cores are asked for on all nodes: one, if nothing is said.
    #[must_use]
    pub const fn cores_of_all(&self) -> u32 {
        match self.cores {
            Some(cores) => cores.saturating_mul(self.nodes),
            None => 1,
        }
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
const fn is_one(count: &u32) -> bool {
    *count == 1
}
