//! What a step needs of the machines it runs on, between the wire and the model.

use stepwell_api as api;
use stepwell_model as model;

use crate::error::{ApiError, Result};

/// Checks and converts it.
pub(super) fn resources(
    wanted: api::StepResources,
    refuse: &dyn Fn(String) -> ApiError,
) -> Result<model::Resources> {
    let counts = [
        ("cores", wanted.cores.map(u64::from)),
        ("memory_bytes", wanted.memory_bytes),
        ("nodes", Some(wanted.nodes.into())),
        ("processes_per_node", Some(wanted.processes_per_node.into())),
        ("wall_time_s", wanted.wall_time_s),
    ];
    if let Some((name, _)) = counts.iter().find(|(_, count)| *count == Some(0)) {
        return Err(refuse(format!("`resources.{name}` is 0"))
            .hint("leave it out for what the target gives unless asked"));
    }
    Ok(model::Resources {
        cores: wanted.cores,
        memory_bytes: wanted.memory_bytes,
        gpus: wanted.gpus,
        nodes: wanted.nodes,
        processes_per_node: wanted.processes_per_node,
        wall_time_s: wanted.wall_time_s,
    })
}

/// The same as clients see it.
pub(crate) const fn shown(resources: &model::Resources) -> api::StepResources {
    api::StepResources {
        cores: resources.cores,
        memory_bytes: resources.memory_bytes,
        gpus: resources.gpus,
        nodes: resources.nodes,
        processes_per_node: resources.processes_per_node,
        wall_time_s: resources.wall_time_s,
    }
}
