"""Spark pools of Synapse workspaces."""

from __future__ import annotations

from typing import Any

from azureml.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration
from azureml.exceptions import ComputeTargetException


class SynapseCompute(ComputeTarget):
    """A Spark pool."""

    _compute_type = "SynapseSpark"
    _SETTINGS = (
        "spark_version",
        "node_count",
        "node_size_family",
        "node_size",
        "auto_scale_enabled",
        "max_node_count",
        "min_node_count",
        "auto_pause_enabled",
        "auto_pause_in_minutes",
    )

    @staticmethod
    def attach_configuration(
        linked_service: Any, type: str, pool_name: str
    ) -> SynapseAttachConfiguration:
        """What a pool is registered with."""
        return SynapseAttachConfiguration(linked_service, type, pool_name)


class SynapseAttachConfiguration(ComputeTargetAttachConfiguration):
    """What a pool is registered with."""

    def __init__(self, linked_service: Any, type: str, pool_name: str) -> None:
        super().__init__(SynapseCompute)
        self.linked_service = linked_service
        self.type = type
        self.pool_name = pool_name

    def validate_configuration(self) -> None:
        """Refuse pools that are not of Spark.

        Raises:
            ComputeTargetException: Saying so.
        """
        if self.type != SynapseCompute._compute_type or not self.pool_name:
            raise ComputeTargetException("type is `SynapseSpark`, and pool_name names the pool")
