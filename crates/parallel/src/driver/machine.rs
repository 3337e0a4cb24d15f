//! What the driver's machine has for workers: every node of a step is taken to be like it.

use stepwell_model::ParallelSettings;
use stepwell_supervise::Reserved;

use super::PlacedBy;

/// The variable that says which GPUs a process sees.
pub(super) const VISIBLE_GPUS: &str = "CUDA_VISIBLE_DEVICES";

/// The variable with the number of bytes above which a worker that grows is replaced.
const MEMORY: &str = "STEPWELL_WORKER_MEMORY";

/// As many as there are processors or one for each GPU node, as in v1. Nodes that are all this
/// machine share its processors.
pub(super) fn workers_per_node(
    settings: &ParallelSettings,
    placed_by: PlacedBy,
    gpus: usize,
) -> u32 {
    settings
        .process_count_per_node
        .unwrap_or_else(|| match gpus {
            0 => (processors(placed_by) / nodes_here(settings, placed_by)).max(1),
            _ => 1,
        })
}

/// Four fifths of the machine's memory, shared by all workers on it, unless the step says otherwise.
pub(super) fn share_of_memory(
    settings: &ParallelSettings,
    placed_by: PlacedBy,
    per_node: u32,
) -> Option<u64> {
    if let Ok(said) = std::env::var(MEMORY) {
        return said.parse().ok();
    }
    let workers = u64::from(nodes_here(settings, placed_by)) * u64::from(per_node);
    Some(memory(placed_by) / 5 * 4 / workers.max(1))
}

/// How many of the step's nodes this machine is.
fn nodes_here(settings: &ParallelSettings, placed_by: PlacedBy) -> u32 {
    match placed_by {
        PlacedBy::Here => settings.node_count.max(1),
        PlacedBy::Slurm | PlacedBy::Ray => 1,
    }
}

/// The processors that the step has here: of a cluster's job those that it was given.
fn processors(placed_by: PlacedBy) -> u32 {
    let machines = || {
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        u32::try_from(all).unwrap_or(u32::MAX)
    };
    let given = match placed_by {
        PlacedBy::Here => None,
        PlacedBy::Slurm => {
            given(placed_by, "SLURM_CPUS_ON_NODE").and_then(|count| u32::try_from(count).ok())
        }
        PlacedBy::Ray => Reserved::read().ok().map(|reserved| reserved.cores),
    };
    given.unwrap_or_else(machines)
}

/// The memory that the step has here, in bytes.
fn memory(placed_by: PlacedBy) -> u64 {
    let total = rustix::system::sysinfo();
    let bytes = u64::from(total.mem_unit).saturating_mul(total.totalram);
    let given = given(placed_by, "SLURM_MEM_PER_NODE").map(|megabytes| megabytes << 20);
    given.map_or(bytes, |given| given.min(bytes))
}

/// What Slurm says in a variable; none is zero.
fn given(placed_by: PlacedBy, name: &str) -> Option<u64> {
    let text = match placed_by {
        PlacedBy::Slurm => std::env::var(name).ok()?,
        PlacedBy::Here | PlacedBy::Ray => return None,
    };
    text.parse().ok().filter(|number| *number > 0)
}

/// The GPUs of this machine: those that the step may see, or those that the driver lists.
pub(super) fn gpus() -> Vec<String> {
    if let Ok(visible) = std::env::var(VISIBLE_GPUS) {
        let names = visible.split(',').map(str::trim);
        return names
            .filter(|name| !name.is_empty() && *name != "-1")
            .map(str::to_owned)
            .collect();
    }
    let listed = std::fs::read_dir("/proc/driver/nvidia/gpus");
    let count = listed.map_or(0, Iterator::count);
    (0..count).map(|number| number.to_string()).collect()
}
