"""Data Lake Analytics accounts, which run U-SQL."""

from __future__ import annotations

from typing import Any, Optional

from azureml.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration


class AdlaCompute(ComputeTarget):
    """A Data Lake Analytics account."""

    _compute_type = "DataLakeAnalytics"

    @staticmethod
    def attach(workspace: Any, name: str, resource_id: str) -> ComputeTarget:  # type: ignore[override]
        """Register an account by its resource id."""
        configuration = AdlaCompute.attach_configuration(resource_id=resource_id)
        return ComputeTarget.attach(workspace, name, configuration)

    @staticmethod
    def attach_configuration(
        resource_group: Optional[str] = None,
        account_name: Optional[str] = None,
        resource_id: Optional[str] = None,
    ) -> DataLakeAnalyticsAttachConfiguration:
        """What an account is registered with."""
        return DataLakeAnalyticsAttachConfiguration(resource_group, account_name, resource_id)


class DataLakeAnalyticsAttachConfiguration(ComputeTargetAttachConfiguration):
    """What an account is registered with."""

    def __init__(
        self,
        resource_group: Optional[str] = None,
        account_name: Optional[str] = None,
        resource_id: Optional[str] = None,
    ) -> None:
        super().__init__(AdlaCompute)
        self.resource_group = resource_group
        self.account_name = account_name
        self.resource_id = resource_id

    def validate_configuration(self) -> None:
        """Refuse a configuration that names no resource, or two."""
        self._check_resource("resource_group", "account_name")
