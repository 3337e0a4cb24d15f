"""Machines that are reached by ssh."""

from __future__ import annotations

from typing import Any, Optional

from azureml.core.compute._ssh import SshAttachConfiguration
from azureml.core.compute.compute import ComputeTarget


class RemoteCompute(ComputeTarget):
    """A machine reached by ssh."""

    _compute_type = "VirtualMachine"
    _SETTINGS = ("vm_size", "address", "ssh_port")

    @staticmethod
    def attach(  # type: ignore[override]
        workspace: Any,
        name: str,
        username: str,
        address: str,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> ComputeTarget:
        """Register a machine by its address."""
        configuration = RemoteCompute.attach_configuration(
            username,
            address=address,
            ssh_port=ssh_port,
            password=password,
            private_key_file=private_key_file,
            private_key_passphrase=private_key_passphrase,
        )
        return ComputeTarget.attach(workspace, name, configuration)

    @staticmethod
    def attach_configuration(
        username: str,
        subscription_id: Optional[str] = None,
        resource_group: Optional[str] = None,
        vm_name: Optional[str] = None,
        resource_id: Optional[str] = None,
        address: Optional[str] = None,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> RemoteComputeAttachConfiguration:
        """What a machine is registered with."""
        return RemoteComputeAttachConfiguration(
            username,
            subscription_id,
            resource_group,
            vm_name,
            resource_id,
            address,
            ssh_port,
            password,
            private_key_file,
            private_key_passphrase,
        )


class RemoteComputeAttachConfiguration(SshAttachConfiguration):
    """What a machine is registered with."""

    _name_in_group = "vm_name"

    def __init__(
        self,
        username: str,
        subscription_id: Optional[str] = None,
        resource_group: Optional[str] = None,
        vm_name: Optional[str] = None,
        resource_id: Optional[str] = None,
        address: Optional[str] = None,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> None:
        super().__init__(
            RemoteCompute,
            username,
            subscription_id,
            resource_group,
            resource_id,
            address,
            ssh_port,
            password,
            private_key_file,
            private_key_passphrase,
        )
        self.vm_name = vm_name
