"""Data science virtual machines."""

from __future__ import annotations

from typing import Optional

from azureml.core.compute.compute import ComputeTarget, ComputeTargetProvisioningConfiguration


class DsvmCompute(ComputeTarget):
    """A data science virtual machine."""

    _compute_type = "VirtualMachine"
    _SETTINGS = ("vm_size", "address", "ssh_port")

    @staticmethod
    def provisioning_configuration(
        vm_size: Optional[str] = None,
        ssh_port: Optional[int] = None,
        location: Optional[str] = None,
    ) -> DsvmProvisioningConfiguration:
        """What a machine is created with."""
        return DsvmProvisioningConfiguration(vm_size or "", ssh_port, location)


class DsvmProvisioningConfiguration(ComputeTargetProvisioningConfiguration):
    """What a machine is created with."""

    def __init__(
        self, vm_size: str = "", ssh_port: Optional[int] = None, location: Optional[str] = None
    ) -> None:
        super().__init__(DsvmCompute, location)
        self.vm_size = vm_size
        self.ssh_port = ssh_port
