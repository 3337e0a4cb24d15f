"""Size and state of a cluster, in v1's terms. Programs import them from `amlcompute`."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from azureml.core.compute._wire_names import WireRecord, made


class ScaleSettings(WireRecord):
    """How many nodes a cluster may have."""

    NAMES = {
        "minimum_node_count": "minNodeCount",
        "maximum_node_count": "maxNodeCount",
        "idle_seconds_before_scaledown": "nodeIdleTimeBeforeScaleDown",
    }

    def __init__(
        self,
        minimum_node_count: Optional[int],
        maximum_node_count: Optional[int],
        idle_seconds_before_scaledown: Optional[int],
    ) -> None:
        self.minimum_node_count = minimum_node_count
        self.maximum_node_count = maximum_node_count
        self.idle_seconds_before_scaledown = idle_seconds_before_scaledown

    @staticmethod
    def deserialize(object_dict: Optional[Mapping[str, Any]]) -> Optional[ScaleSettings]:
        """The settings a dictionary describes."""
        return made(ScaleSettings, object_dict)


class AmlComputeNodeStateCounts(WireRecord):
    """How many nodes of a cluster are in which state."""

    NAMES = {
        "idle_node_count": "idleNodeCount",
        "leaving_node_count": "leavingNodeCount",
        "preempted_node_count": "preemptedNodeCount",
        "preparing_node_count": "preparingNodeCount",
        "running_node_count": "runningNodeCount",
        "unusable_node_count": "unusableNodeCount",
    }

    def __init__(
        self,
        idle_node_count: int,
        leaving_node_count: int,
        preempted_node_count: int,
        preparing_node_count: int,
        running_node_count: int,
        unusable_node_count: int,
    ) -> None:
        self.idle_node_count = idle_node_count
        self.leaving_node_count = leaving_node_count
        self.preempted_node_count = preempted_node_count
        self.preparing_node_count = preparing_node_count
        self.running_node_count = running_node_count
        self.unusable_node_count = unusable_node_count

    @staticmethod
    def deserialize(
        object_dict: Optional[Mapping[str, Any]],
    ) -> Optional[AmlComputeNodeStateCounts]:
        """The counts a dictionary describes."""
        return made(AmlComputeNodeStateCounts, object_dict)


class AmlComputeStatus(WireRecord):
    """The state of a cluster."""

    NAMES = {
        "allocation_state": "allocationState",
        "allocation_state_transition_time": "allocationStateTransitionTime",
        "creation_time": "creationTime",
        "current_node_count": "currentNodeCount",
        "errors": "errors",
        "modified_time": "modifiedTime",
        "node_state_counts": "nodeStateCounts",
        "provisioning_state": "provisioningState",
        "provisioning_state_transition_time": "provisioningStateTransitionTime",
        "scale_settings": "scaleSettings",
        "target_node_count": "targetNodeCount",
        "vm_priority": "vmPriority",
        "vm_size": "vmSize",
    }

    def __init__(
        self,
        allocation_state: Optional[str],
        allocation_state_transition_time: Optional[str],
        creation_time: Optional[str],
        current_node_count: Optional[int],
        errors: Any,
        modified_time: Optional[str],
        node_state_counts: Any,
        provisioning_state: Optional[str],
        provisioning_state_transition_time: Optional[str],
        scale_settings: Any,
        target_node_count: Optional[int],
        vm_priority: Optional[str],
        vm_size: Optional[str],
    ) -> None:
        self.allocation_state = allocation_state
        self.allocation_state_transition_time = allocation_state_transition_time
        self.creation_time = creation_time
        self.current_node_count = current_node_count
        self.errors = errors
        self.modified_time = modified_time
        self.node_state_counts = node_state_counts
        self.provisioning_state = provisioning_state
        self.provisioning_state_transition_time = provisioning_state_transition_time
        self.scale_settings = scale_settings
        self.target_node_count = target_node_count
        self.vm_priority = vm_priority
        self.vm_size = vm_size

    @staticmethod
    def deserialize(object_dict: Optional[Mapping[str, Any]]) -> Optional[AmlComputeStatus]:
        """The state a dictionary describes."""
        status = made(AmlComputeStatus, object_dict)
        if status is not None:
            status.node_state_counts = AmlComputeNodeStateCounts.deserialize(
                status.node_state_counts
            )
            status.scale_settings = ScaleSettings.deserialize(status.scale_settings)
        return status
