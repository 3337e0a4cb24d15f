"""Data factories, which copy data between stores."""

from __future__ import annotations

from typing import Any, Optional

from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetAttachConfiguration,
    ComputeTargetProvisioningConfiguration,
)


class DataFactoryCompute(ComputeTarget):
    """A data factory."""

    _compute_type = "DataFactory"

    @staticmethod
    def attach(workspace: Any, name: str, resource_id: str) -> ComputeTarget:  # type: ignore[override]
        """Register a factory by its resource id."""
        configuration = DataFactoryCompute.attach_configuration(resource_id=resource_id)
        return ComputeTarget.attach(workspace, name, configuration)

    @staticmethod
    def provisioning_configuration(
        location: Optional[str] = None,
    ) -> DataFactoryProvisioningConfiguration:
        """What a factory is created with."""
        return DataFactoryProvisioningConfiguration(location)

    @staticmethod
    def attach_configuration(
        resource_group: Optional[str] = None,
        factory_name: Optional[str] = None,
        resource_id: Optional[str] = None,
    ) -> DataFactoryAttachConfiguration:
        """What a factory is registered with."""
        return DataFactoryAttachConfiguration(resource_group, factory_name, resource_id)


class DataFactoryProvisioningConfiguration(ComputeTargetProvisioningConfiguration):
    """What a factory is created with."""

    def __init__(self, location: Optional[str]) -> None:
        super().__init__(DataFactoryCompute, location)


class DataFactoryAttachConfiguration(ComputeTargetAttachConfiguration):
    """What a factory is registered with."""

    def __init__(
        self,
        resource_group: Optional[str] = None,
        factory_name: Optional[str] = None,
        resource_id: Optional[str] = None,
    ) -> None:
        super().__init__(DataFactoryCompute)
        self.resource_group = resource_group
        self.factory_name = factory_name
        self.resource_id = resource_id

    def validate_configuration(self) -> None:
        """Refuse a configuration that names no resource, or two."""
        self._check_resource("resource_group", "factory_name")
