"""Clusters: what tutorials create first.

Which machines a cluster has, the server knows: `stepwell compute add NAME slurm` makes it a
partition of a Slurm cluster, whatever a program creates it as. Without that an embedded server is
all there is of it. The size that is asked for is kept and shown.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional

from azureml._not_yet import not_yet
from azureml.core.compute import _registry
from azureml.core.compute._aml_status import (
    AmlComputeNodeStateCounts,
    AmlComputeStatus,
    ScaleSettings,
)
from azureml.core.compute._vm_sizes import supported
from azureml.core.compute.compute import ComputeTarget, ComputeTargetProvisioningConfiguration
from azureml.exceptions import ComputeTargetException

__all__ = [
    "AmlCompute",
    "AmlComputeNodeStateCounts",
    "AmlComputeProvisioningConfiguration",
    "AmlComputeStatus",
    "ScaleSettings",
]


class AmlCompute(ComputeTarget):
    """A cluster.

    Example:
        >>> size = AmlCompute.provisioning_configuration(vm_size="STANDARD_NC6", max_nodes=2)
        >>> cluster = ComputeTarget.create(workspace, "gpu-cluster", size)
        >>> cluster.update(max_nodes=8)
        >>> status = AmlCompute(workspace, "gpu-cluster").get_status()
        >>> status.vm_size, status.scale_settings.maximum_node_count
        ('STANDARD_NC6', 8)
    """

    _compute_type = "AmlCompute"
    _SETTINGS = (
        "vm_size",
        "vm_priority",
        "admin_username",
        "vnet_resourcegroup_name",
        "vnet_name",
        "subnet_name",
        "remote_login_port_public_access",
        "identity_type",
        "identity_id",
    )

    def _load(self, workspace: Any, record: Mapping[str, Any]) -> None:
        super()._load(workspace, record)
        scale = (record.get("settings") or {}).get("scale_settings") or {}
        self.scale_settings: ScaleSettings = ScaleSettings(
            scale.get("minimum_node_count"),
            scale.get("maximum_node_count"),
            scale.get("idle_seconds_before_scaledown"),
        )
        # v1 has them on the object; secrets are not kept.
        self.admin_user_password: Optional[str] = None
        self.admin_user_ssh_key: Optional[str] = None
        self.status: AmlComputeStatus = self._status(record)

    def _status(self, record: Mapping[str, Any]) -> AmlComputeStatus:
        running = 1 if record.get("running") else 0
        return AmlComputeStatus(
            allocation_state="Steady",
            allocation_state_transition_time=None,
            creation_time=None,
            current_node_count=1,
            errors=None,
            modified_time=None,
            node_state_counts=AmlComputeNodeStateCounts(1 - running, 0, 0, 0, running, 0),
            provisioning_state=self.provisioning_state,
            provisioning_state_transition_time=None,
            scale_settings=self.scale_settings,
            target_node_count=1,
            vm_priority=getattr(self, "vm_priority", None),
            vm_size=getattr(self, "vm_size", None),
        )

    @staticmethod
    def provisioning_configuration(
        vm_size: str = "",
        vm_priority: str = "dedicated",
        min_nodes: int = 0,
        max_nodes: Optional[int] = None,
        idle_seconds_before_scaledown: int = 1800,
        admin_username: Optional[str] = None,
        admin_user_password: Optional[str] = None,
        admin_user_ssh_key: Optional[str] = None,
        vnet_resourcegroup_name: Optional[str] = None,
        vnet_name: Optional[str] = None,
        subnet_name: Optional[str] = None,
        tags: Optional[Dict[str, str]] = None,
        description: Optional[str] = None,
        remote_login_port_public_access: str = "NotSpecified",
        identity_type: Optional[str] = None,
        identity_id: Optional[List[str]] = None,
        location: Optional[str] = None,
        enable_node_public_ip: bool = True,
    ) -> AmlComputeProvisioningConfiguration:
        """What a cluster is created with.

        Args:
            vm_size: The size of a machine, such as `STANDARD_D2_V2`; kept and shown.
            vm_priority: `dedicated` or `lowpriority`; kept.
            min_nodes: The least number of nodes; kept.
            max_nodes: The greatest number of nodes; kept.
            idle_seconds_before_scaledown: When Azure would take idle nodes away; kept.
            admin_username: Kept.
            admin_user_password, admin_user_ssh_key: Accepted; secrets of targets are not kept.
            vnet_resourcegroup_name, vnet_name, subnet_name: A network of Azure; kept.
            tags: Tags of the cluster.
            description: A description for people.
            remote_login_port_public_access, enable_node_public_ip: Kept.
            identity_type, identity_id: The identity Azure would give the cluster; kept.
            location: The region; kept.

        Returns:
            The configuration, for `ComputeTarget.create`.
        """
        return AmlComputeProvisioningConfiguration(
            vm_size,
            vm_priority,
            min_nodes,
            max_nodes,
            idle_seconds_before_scaledown,
            admin_username,
            admin_user_password,
            admin_user_ssh_key,
            vnet_resourcegroup_name,
            vnet_name,
            subnet_name,
            tags,
            description,
            remote_login_port_public_access,
            identity_type,
            identity_id,
            location,
            enable_node_public_ip,
        )

    def wait_for_completion(  # type: ignore[override]
        self,
        show_output: bool = False,
        min_node_count: Optional[int] = None,
        timeout_in_minutes: int = 25,
        is_delete_operation: bool = False,
    ) -> None:
        """Return at once: the node is there. Says so when asked to.

        Args:
            show_output: Whether to print that it is there.
            min_node_count, timeout_in_minutes: Without effect.
            is_delete_operation: Whether what is waited for is its end.
        """
        super().wait_for_completion(show_output, is_delete_operation)

    def get_status(self) -> AmlComputeStatus:
        """The state of the cluster now.

        Returns:
            Sizes, limits and nodes.
        """
        self.refresh_state()
        return self.status

    def get(self) -> Dict[str, Any]:
        """What the server knows of the cluster.

        Returns:
            The record as the REST API gives it.
        """
        return _registry.find(self.workspace, self.name)

    def detach(self) -> None:
        """Refuse: a cluster is deleted, as in v1."""
        raise ComputeTargetException("a cluster cannot be detached; delete it")

    def update(
        self,
        min_nodes: Optional[int] = None,
        max_nodes: Optional[int] = None,
        idle_seconds_before_scaledown: Optional[int] = None,
    ) -> None:
        """Change the size that is kept with the cluster.

        Args:
            min_nodes: The least number of nodes; as before when `None`.
            max_nodes: The greatest number of nodes; as before when `None`.
            idle_seconds_before_scaledown: As before when `None`.
        """
        given = {
            "minimum_node_count": min_nodes,
            "maximum_node_count": max_nodes,
            "idle_seconds_before_scaledown": idle_seconds_before_scaledown,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        record = _registry.find(self.workspace, self.name)
        # The settings of another kind are what backs the cluster; the server keeps them.
        own = record["kind"] == self._compute_type
        settings = dict(record.get("settings") or {}) if own else {}
        settings["scale_settings"] = {**(settings.get("scale_settings") or {}), **changes}
        changed = _registry.put(self.workspace, self.name, self._compute_type, settings)
        self._load(self.workspace, changed)

    def add_identity(self, identity_type: str, identity_id: Optional[List[str]] = None) -> None:
        """Refuse: clusters have no identities."""
        not_yet("clusters have no identities; steps run as the user of the server")

    def remove_identity(self, identity_id: Optional[List[str]] = None) -> None:
        """Refuse: clusters have no identities."""
        not_yet("clusters have no identities; steps run as the user of the server")

    def list_nodes(self) -> List[Dict[str, Any]]:
        """The nodes: the server's own machine.

        Returns:
            One entry, with `nodeId` and `nodeState`: `running` or `idle`.
        """
        state = "running" if self.get().get("running") else "idle"
        return [{"nodeId": "local", "nodeState": state, "privateIpAddress": None, "port": None}]

    def get_active_runs(
        self, type: Any = None, tags: Any = None, properties: Any = None, status: Any = None
    ) -> Iterator[Any]:
        """The runs on the cluster that are not over.

        Args:
            type: Only those of this type.
            tags: Only those with these tags.
            properties: Only those with these properties.
            status: Only those with this status.

        Yields:
            The runs, newest first.
        """
        return self._active_runs(type, tags, properties, status)

    # What Azure sells. A server has its own machine, without quotas.

    @staticmethod
    def supported_vmsizes(workspace: Any, location: Optional[str] = None) -> List[Dict[str, Any]]:
        """The sizes that a cluster may ask for; it may ask for any other all the same.

        Args:
            workspace, location: Without effect.

        Returns:
            This machine, named `local`, and the usual sizes, each with its `vCPUs` and `gpus`.
        """
        return supported()

    @staticmethod
    def list_usages(
        workspace: Any, show_all: bool = False, location: Optional[str] = None
    ) -> List[Any]:
        """Usages of quotas: there are none.

        Args:
            workspace, show_all, location: Without effect.

        Returns:
            An empty list.
        """
        return []

    @staticmethod
    def list_quotas(workspace: Any, location: Optional[str] = None) -> List[Any]:
        """Quotas: there are none.

        Args:
            workspace, location: Without effect.

        Returns:
            An empty list.
        """
        return []

    @staticmethod
    def update_quotas(
        workspace: Any, vm_family: Any, limit: Any = None, location: Optional[str] = None
    ) -> List[Any]:
        """Refuse: there are no quotas."""
        not_yet("there are no quotas to change")


class AmlComputeProvisioningConfiguration(ComputeTargetProvisioningConfiguration):
    """What a cluster is created with."""

    def __init__(
        self,
        vm_size: str = "",
        vm_priority: str = "dedicated",
        min_nodes: int = 0,
        max_nodes: Optional[int] = None,
        idle_seconds_before_scaledown: int = 1800,
        admin_username: Optional[str] = None,
        admin_user_password: Optional[str] = None,
        admin_user_ssh_key: Optional[str] = None,
        vnet_resourcegroup_name: Optional[str] = None,
        vnet_name: Optional[str] = None,
        subnet_name: Optional[str] = None,
        tags: Optional[Dict[str, str]] = None,
        description: Optional[str] = None,
        remote_login_port_public_access: str = "NotSpecified",
        identity_type: Optional[str] = None,
        identity_id: Optional[List[str]] = None,
        compute_location: Optional[str] = None,
        enable_node_public_ip: bool = True,
    ) -> None:
        super().__init__(AmlCompute, compute_location)
        self.vm_size = vm_size
        self.vm_priority = vm_priority
        self.scale_settings: ScaleSettings = ScaleSettings(
            min_nodes, max_nodes, idle_seconds_before_scaledown
        )
        self.admin_username = admin_username
        self.admin_user_password = admin_user_password
        self.admin_user_ssh_key = admin_user_ssh_key
        self.vnet_resourcegroup_name = vnet_resourcegroup_name
        self.vnet_name = vnet_name
        self.subnet_name = subnet_name
        self.tags = tags
        self.description = description
        self.remote_login_port_public_access = remote_login_port_public_access
        self.identity_type = identity_type
        self.identity_id = identity_id
        self.compute_location = compute_location
        self.enable_node_public_ip = enable_node_public_ip

    def validate_configuration(self) -> None:
        """Refuse sizes that contradict themselves.

        Raises:
            ComputeTargetException: Saying which.
        """
        scale = self.scale_settings
        least, most = scale.minimum_node_count or 0, scale.maximum_node_count
        if least < 0 or (most is not None and most < max(least, 1)):
            raise ComputeTargetException(
                f"a cluster of {least} to {most} nodes cannot be; max_nodes is at least 1 "
                "and at least "
                "min_nodes"
            )
        if str(self.vm_priority).lower() not in ("dedicated", "lowpriority"):
            raise ComputeTargetException(
                f"vm_priority is `dedicated` or `lowpriority`, not `{self.vm_priority}`"
            )
