"""Kubernetes clusters."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from azureml.core.compute import _registry
from azureml.core.compute._wire_names import WireRecord, made
from azureml.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration
from azureml.exceptions import ComputeTargetException


class KubernetesCompute(ComputeTarget):
    """A Kubernetes cluster."""

    _compute_type = "Kubernetes"
    _SETTINGS = (
        "namespace",
        "default_instance_type",
        "instance_types",
        "identity_type",
        "identity_ids",
    )

    def _load(self, workspace: Any, record: Mapping[str, Any]) -> None:
        super()._load(workspace, record)
        self.status: KubernetesComputeStatus = KubernetesComputeStatus(
            None, None, self.provisioning_state
        )

    @staticmethod
    def attach_configuration(
        resource_id: Optional[str] = None,
        namespace: Optional[str] = None,
        identity_type: Optional[str] = None,
        identity_ids: Optional[List[str]] = None,
    ) -> KubernetesComputeAttachConfiguration:
        """What a cluster is registered with."""
        return KubernetesComputeAttachConfiguration(
            resource_id, namespace, identity_type, identity_ids
        )

    def get_status(self) -> KubernetesComputeStatus:
        """The state of the registration now."""
        self.refresh_state()
        return self.status

    def get(self) -> Dict[str, Any]:
        """What the server knows of the cluster."""
        return _registry.find(self.workspace, self.name)


class KubernetesComputeAttachConfiguration(ComputeTargetAttachConfiguration):
    """What a cluster is registered with."""

    def __init__(
        self,
        resource_id: Optional[str] = None,
        namespace: Optional[str] = None,
        identity_type: Optional[str] = None,
        identity_ids: Optional[List[str]] = None,
    ) -> None:
        super().__init__(KubernetesCompute)
        self.resource_id = resource_id
        self.namespace = namespace
        self.identity_type = identity_type
        self.identity_ids = identity_ids

    def to_dict(self) -> Dict[str, Any]:
        """The configuration as a dictionary."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def validate_configuration(self) -> None:
        """Refuse a configuration that names no cluster.

        Raises:
            ComputeTargetException: Saying so.
        """
        if not self.resource_id:
            raise ComputeTargetException("a Kubernetes cluster needs its resource_id")


class KubernetesComputeStatus(WireRecord):
    """The state of the registration."""

    NAMES = {
        "creation_time": "creationTime",
        "modified_time": "modifiedTime",
        "provisioning_state": "provisioningState",
    }

    def __init__(
        self,
        creation_time: Optional[str],
        modified_time: Optional[str],
        provisioning_state: Optional[str],
    ) -> None:
        self.creation_time = creation_time
        self.modified_time = modified_time
        self.provisioning_state = provisioning_state

    @staticmethod
    def deserialize(object_dict: Optional[Mapping[str, Any]]) -> Optional[KubernetesComputeStatus]:
        """The state a dictionary describes."""
        return made(KubernetesComputeStatus, object_dict)
