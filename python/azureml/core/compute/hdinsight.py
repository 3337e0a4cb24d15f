"""HDInsight clusters, which are reached by ssh."""

from __future__ import annotations

from typing import Any, Optional

from azureml.core.compute._ssh import SshAttachConfiguration
from azureml.core.compute.compute import ComputeTarget


class HDInsightCompute(ComputeTarget):
    """An HDInsight cluster."""

    _compute_type = "HDInsight"
    _SETTINGS = ("vm_size", "address", "ssh_port")

    @staticmethod
    def attach(  # type: ignore[override]
        workspace: Any,
        name: str,
        username: str,
        address: str,
        ssh_port: str = "22",
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> ComputeTarget:
        """Register a cluster by its address."""
        configuration = HDInsightCompute.attach_configuration(
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
        cluster_name: Optional[str] = None,
        resource_id: Optional[str] = None,
        address: Optional[str] = None,
        ssh_port: str = "22",
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> HDInsightAttachConfiguration:
        """What a cluster is registered with."""
        return HDInsightAttachConfiguration(
            username,
            subscription_id,
            resource_group,
            cluster_name,
            resource_id,
            address,
            ssh_port,
            password,
            private_key_file,
            private_key_passphrase,
        )


class HDInsightAttachConfiguration(SshAttachConfiguration):
    """What a cluster is registered with."""

    _name_in_group = "cluster_name"

    def __init__(
        self,
        username: str,
        subscription_id: Optional[str] = None,
        resource_group: Optional[str] = None,
        cluster_name: Optional[str] = None,
        resource_id: Optional[str] = None,
        address: Optional[str] = None,
        ssh_port: str = "22",
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> None:
        super().__init__(
            HDInsightCompute,
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
        self.cluster_name = cluster_name
