"""Databricks workspaces. The access token is used by the program and never kept."""

from __future__ import annotations

from typing import Any, Optional

from azureml.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration


class DatabricksCompute(ComputeTarget):
    """A Databricks workspace."""

    _compute_type = "Databricks"

    @staticmethod
    def attach(  # type: ignore[override]
        workspace: Any, name: str, resource_id: str, access_token: str
    ) -> ComputeTarget:
        """Register a Databricks workspace by its resource id."""
        configuration = DatabricksCompute.attach_configuration(
            resource_id=resource_id, access_token=access_token
        )
        return ComputeTarget.attach(workspace, name, configuration)

    @staticmethod
    def attach_configuration(
        resource_group: Optional[str] = None,
        workspace_name: Optional[str] = None,
        resource_id: Optional[str] = None,
        access_token: str = "",
    ) -> DatabricksAttachConfiguration:
        """What a Databricks workspace is registered with."""
        return DatabricksAttachConfiguration(
            resource_group, workspace_name, resource_id, access_token
        )


class DatabricksAttachConfiguration(ComputeTargetAttachConfiguration):
    """What a Databricks workspace is registered with."""

    def __init__(
        self,
        resource_group: Optional[str] = None,
        workspace_name: Optional[str] = None,
        resource_id: Optional[str] = None,
        access_token: str = "",
    ) -> None:
        super().__init__(DatabricksCompute)
        self.resource_group = resource_group
        self.workspace_name = workspace_name
        self.resource_id = resource_id
        self.access_token = access_token

    def validate_configuration(self) -> None:
        """Refuse a configuration that names no workspace, or two."""
        self._check_resource("resource_group", "workspace_name")
