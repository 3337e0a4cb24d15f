"""Databricks workspaces.

The access token is no setting of the target: it is sealed with the secrets of the workspace,
where a step on the target reads it.
"""

from __future__ import annotations

from typing import Any, Dict, Optional

from azureml.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration
from azureml.core.keyvault import Keyvault


class DatabricksCompute(ComputeTarget):
    """A Databricks workspace."""

    _compute_type = "Databricks"

    def get_credentials(self) -> Dict[str, Any]:
        """The access token that the workspace was attached with; `None` if none is kept."""
        token = Keyvault(self.workspace).get_secret(_secret(self.name))
        return {"computeType": self._compute_type, "databricksAccessToken": token}

    def _remove(self) -> None:
        super()._remove()
        vault = Keyvault(self.workspace)
        if any(each["name"] == _secret(self.name) for each in vault.list_secrets()):
            vault.delete_secret(_secret(self.name))

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
        """What a Databricks workspace is registered with.

        Args:
            resource_group: Its resource group.
            workspace_name: Its name.
            resource_id: Its resource id, instead of the two.
            access_token: A token of it, which is kept sealed.
        """
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

    def _keep_secrets(self, workspace: Any, name: str) -> None:
        if self.access_token:
            kind = "Databricks access token"
            Keyvault(workspace).set_secret(_secret(name), self.access_token, kind)


def _secret(name: str) -> str:
    from stepwell._spark._settings import token_secret

    return token_secret(name)
