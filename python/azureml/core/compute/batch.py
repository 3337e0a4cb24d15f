"""Batch accounts, which run programs on pools of machines."""

from __future__ import annotations

from typing import Optional

from azureml.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration


class BatchCompute(ComputeTarget):
    """A Batch account."""

    _compute_type = "Batch"

    @staticmethod
    def attach_configuration(
        resource_group: Optional[str] = None,
        account_name: Optional[str] = None,
        resource_id: Optional[str] = None,
    ) -> BatchAttachConfiguration:
        """What an account is registered with."""
        return BatchAttachConfiguration(resource_group, account_name, resource_id)


class BatchAttachConfiguration(ComputeTargetAttachConfiguration):
    """What an account is registered with."""

    def __init__(
        self,
        resource_group: Optional[str] = None,
        account_name: Optional[str] = None,
        resource_id: Optional[str] = None,
    ) -> None:
        super().__init__(BatchCompute)
        self.resource_group = resource_group
        self.account_name = account_name
        self.resource_id = resource_id

    def validate_configuration(self) -> None:
        """Refuse a configuration that names no resource, or two."""
        self._check_resource("resource_group", "account_name")
