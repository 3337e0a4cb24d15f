"""What v1's internal clients are made with: the names of a workspace, and a way in."""

from __future__ import annotations

from typing import Any, Optional


class ServiceContext(object):
    """The workspace that a client speaks to."""

    def __init__(
        self,
        subscription_id: Optional[str] = None,
        resource_group_name: Optional[str] = None,
        workspace_name: Optional[str] = None,
        workspace_id: Optional[str] = None,
        workspace_discovery_url: Optional[str] = None,
        authentication: Any = None,
    ) -> None:
        """The server of the working directory, or the one that `STEPWELL_URL` names."""
        from azureml.core.workspace import Workspace

        self._workspace = Workspace(subscription_id, resource_group_name, workspace_name)
        self._authentication = authentication

    @classmethod
    def _of(cls, workspace: Any) -> ServiceContext:
        made = cls(authentication=workspace._auth_object)
        made._workspace = workspace
        return made

    @property
    def subscription_id(self) -> str:
        """The subscription id."""
        return self._workspace.subscription_id

    @property
    def resource_group_name(self) -> str:
        """The resource group."""
        return self._workspace.resource_group

    @property
    def workspace_name(self) -> str:
        """The workspace's name."""
        return self._workspace.name

    @property
    def workspace_id(self) -> str:
        """The workspace's id."""
        return self._workspace._fact("id")

    def get_auth(self) -> Any:
        """An authentication whose header the server accepts."""
        from azureml.core.authentication import InteractiveLoginAuthentication

        return self._authentication or InteractiveLoginAuthentication()

    def get_workspace_scope(self) -> str:
        """The workspace's address within Azure's resource manager."""
        return str(self._workspace.get_details()["id"])

    def _get_workspace_scope(self) -> str:
        return self.get_workspace_scope()

    def _get_run_history_url(self) -> str:
        return self._workspace._client.url

    def _get_pipelines_url(self) -> str:
        return self._workspace._client.url
