"""Kusto clusters. The application key and the connection string are never kept."""

from __future__ import annotations

from typing import Optional

from azureml.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration
from azureml.exceptions import ComputeTargetException


class KustoCompute(ComputeTarget):
    """A Kusto cluster."""

    _compute_type = "Kusto"

    @staticmethod
    def attach_configuration(
        resource_group: Optional[str] = None,
        workspace_name: Optional[str] = None,
        resource_id: Optional[str] = None,
        tenant_id: Optional[str] = None,
        kusto_connection_string: Optional[str] = None,
        application_id: Optional[str] = None,
        application_key: Optional[str] = None,
    ) -> KustoAttachConfiguration:
        """What a cluster is registered with."""
        return KustoAttachConfiguration(
            resource_group,
            workspace_name,
            resource_id,
            tenant_id,
            kusto_connection_string,
            application_id,
            application_key,
        )


class KustoAttachConfiguration(ComputeTargetAttachConfiguration):
    """What a cluster is registered with."""

    def __init__(
        self,
        resource_group: Optional[str] = None,
        workspace_name: Optional[str] = None,
        resource_id: Optional[str] = None,
        tenant_id: Optional[str] = None,
        kusto_connection_string: Optional[str] = None,
        application_id: Optional[str] = None,
        application_key: Optional[str] = None,
    ) -> None:
        super().__init__(KustoCompute)
        self.resource_group = resource_group
        self.workspace_name = workspace_name
        self.resource_id = resource_id
        self.tenant_id = tenant_id
        self.kusto_connection_string = kusto_connection_string
        self.application_id = application_id
        self.application_key = application_key

    def validate_configuration(self) -> None:
        """Refuse a configuration that does not say how to sign in.

        Raises:
            ComputeTargetException: Saying what is missing.
        """
        needed = ("tenant_id", "kusto_connection_string", "application_id", "application_key")
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            raise ComputeTargetException("a Kusto cluster needs {}".format(", ".join(missing)))
