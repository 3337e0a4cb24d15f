"""What a v1 workspace could do that this one does not: each method says so, and what to do instead.

Most of it managed resources of Azure that a workspace here does not have.
"""

from __future__ import annotations

from typing import Any, Dict, Optional

from azureml._not_yet import not_yet


class WorkspaceRemainder(object):
    """The part of the workspace's interface that is refused."""

    @property
    def service_context(self) -> Any:
        """Not there: it carried addresses of Azure services."""
        not_yet("a workspace has no Azure service context; use `workspace.discovery_url`")

    def get_default_compute_target(self, type: str) -> Any:
        """The cluster that v1 gives by default: `cpu-cluster`, or `gpu-cluster` for `GPU`.

        Args:
            type: `CPU` or `GPU`.

        Returns:
            The cluster.

        Raises:
            ComputeTargetException: A shared server has none of that name.
        """
        from azureml.core.compute import ComputeTarget

        name = "gpu-cluster" if str(type).upper() == "GPU" else "cpu-cluster"
        return ComputeTarget(self, name)

    def update(
        self,
        friendly_name: Optional[str] = None,
        description: Optional[str] = None,
        tags: Optional[Dict[str, str]] = None,
        image_build_compute: Optional[str] = None,
        service_managed_resources_settings: Any = None,
        primary_user_assigned_identity: Optional[str] = None,
        allow_public_access_when_behind_vnet: Optional[bool] = None,
        v1_legacy_mode: Optional[bool] = None,
    ) -> None:
        """Not there yet."""
        not_yet("a workspace cannot be changed yet")

    def delete(self, delete_dependent_resources: bool = False, no_wait: bool = False) -> None:
        """Not done by a program."""
        not_yet("a program cannot delete its workspace; stop the server and remove its folder")

    def update_dependencies(
        self, container_registry: Optional[str] = None, force: bool = False
    ) -> None:
        """Only Azure has this."""
        not_yet("a workspace has no container registry")

    def add_private_endpoint(
        self,
        private_endpoint_config: Any,
        private_endpoint_auto_approval: bool = True,
        location: Optional[str] = None,
        show_output: bool = True,
        tags: Optional[Dict[str, str]] = None,
    ) -> None:
        """Only Azure has this."""
        not_yet("a workspace has no private endpoints")

    def delete_private_endpoint_connection(self, private_endpoint_connection_name: str) -> None:
        """Only Azure has this."""
        not_yet("a workspace has no private endpoints")

    def list_keys(self) -> None:
        """Only Azure has this."""
        not_yet("a workspace has no keys of storage accounts or registries")

    def sync_keys(self, no_wait: bool = False) -> None:
        """Only Azure has this."""
        not_yet("a workspace has no keys of storage accounts or registries")

    def diagnose_workspace(self, diagnose_parameters: Any) -> None:
        """Done by the command line."""
        not_yet("diagnose the installation with `stepwell doctor`")

    def set_connection(
        self, name: str, category: str, target: str, authType: str, value: str
    ) -> None:
        """Not there yet."""
        not_yet("connections are not there yet")

    def list_connections(
        self, category: Optional[str] = None, target: Optional[str] = None
    ) -> None:
        """Not there yet."""
        not_yet("connections are not there yet")

    def get_connection(self, name: str) -> None:
        """Not there yet."""
        not_yet("connections are not there yet")

    def delete_connection(self, name: str) -> None:
        """Not there yet."""
        not_yet("connections are not there yet")
