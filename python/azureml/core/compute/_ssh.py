"""Machines and clusters that are reached by ssh: what they are registered with."""

from __future__ import annotations

from typing import Any, Optional, Type

from azureml.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration
from azureml.exceptions import ComputeTargetException


class SshAttachConfiguration(ComputeTargetAttachConfiguration):
    """Where the machine is and how to sign in; password and passphrase are never kept."""

    # The attribute that names the machine within its resource group.
    _name_in_group = ""

    def __init__(
        self,
        type: Type[ComputeTarget],
        username: str,
        subscription_id: Optional[str],
        resource_group: Optional[str],
        resource_id: Optional[str],
        address: Optional[str],
        ssh_port: Any,
        password: str,
        private_key_file: str,
        private_key_passphrase: str,
    ) -> None:
        super().__init__(type)
        self.username = username
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.resource_id = resource_id
        self.address = address
        self.ssh_port = ssh_port
        self.password = password
        self.private_key_file = private_key_file
        self.private_key_passphrase = private_key_passphrase

    def validate_configuration(self) -> None:
        """Refuse a configuration that does not say where the machine is or how to sign in.

        Raises:
            ComputeTargetException: Saying what is missing or said twice.
        """
        if not self.username:
            raise ComputeTargetException("a machine reached by ssh needs a username")
        if not self.password and not self.private_key_file:
            raise ComputeTargetException("name either a password or a private_key_file")
        named = getattr(self, self._name_in_group)
        ways = [bool(self.address), bool(self.resource_id), bool(self.resource_group and named)]
        if sum(ways) != 1:
            raise ComputeTargetException(
                "name the machine by its address, by resource_id, or by resource_group and "
                f"{self._name_in_group}"
            )
