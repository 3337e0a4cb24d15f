"""Compute instances: one machine of one's own. On an embedded server that is this machine."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional

from azureml._not_yet import not_yet
from azureml.core.compute import _registry
from azureml.core.compute._vm_sizes import supported
from azureml.core.compute._wire_names import WireRecord, made
from azureml.core.compute.compute import ComputeTarget, ComputeTargetProvisioningConfiguration
from azureml.exceptions import ComputeTargetException


class ComputeInstance(ComputeTarget):
    """A machine of one's own."""

    _compute_type = "ComputeInstance"
    _SETTINGS = (
        "vm_size",
        "ssh_public_access",
        "vnet_resourcegroup_name",
        "vnet_name",
        "subnet_name",
        "assigned_user_object_id",
        "assigned_user_tenant_id",
    )

    def _load(self, workspace: Any, record: Mapping[str, Any]) -> None:
        super()._load(workspace, record)
        self.status: ComputeInstanceStatus = ComputeInstanceStatus(
            creation_time=None,
            created_by_user_name=None,
            created_by_user_id=None,
            created_by_user_org=None,
            errors=None,
            modified_time=None,
            state="Running",
            vm_size=(record.get("settings") or {}).get("vm_size"),
        )
        self.applications: List[Any] = []
        self.errors: Optional[List[Any]] = None

    @classmethod
    def get_docs_url(cls) -> str:
        """Where v1 had its reference; there is none here."""
        return ""

    @staticmethod
    def provisioning_configuration(
        vm_size: str = "",
        ssh_public_access: bool = False,
        admin_user_ssh_public_key: Optional[str] = None,
        vnet_resourcegroup_name: Optional[str] = None,
        vnet_name: Optional[str] = None,
        subnet_name: Optional[str] = None,
        tags: Optional[Dict[str, str]] = None,
        description: Optional[str] = None,
        assigned_user_object_id: Optional[str] = None,
        assigned_user_tenant_id: Optional[str] = None,
    ) -> ComputeInstanceProvisioningConfiguration:
        """What an instance is created with."""
        return ComputeInstanceProvisioningConfiguration(
            vm_size,
            ssh_public_access,
            admin_user_ssh_public_key,
            vnet_resourcegroup_name,
            vnet_name,
            subnet_name,
            tags,
            description,
            assigned_user_object_id,
            assigned_user_tenant_id,
        )

    def update_sso_settings(self, value: bool) -> None:
        """Refuse: instances have no sign-in of their own."""
        not_yet("compute instances have no sign-in of their own")

    def get_status(self) -> ComputeInstanceStatus:
        """The state of the instance now."""
        self.refresh_state()
        return self.status

    def get(self) -> Dict[str, Any]:
        """What the server knows of the instance."""
        return _registry.find(self.workspace, self.name)

    def delete(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Take the instance out of the workspace; steps on it go on."""
        super().delete()
        if wait_for_completion:
            self.wait_for_completion(show_output, is_delete_operation=True)

    def detach(self) -> None:
        """Refuse: an instance is deleted, as in v1."""
        raise ComputeTargetException("a compute instance cannot be detached; delete it")

    def start(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Return at once: the machine is running."""
        self.wait_for_completion(show_output and wait_for_completion)

    def stop(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Refuse: the instance is the server's own machine."""
        not_yet("a compute instance is the server's own machine and cannot be stopped from here")

    def restart(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Refuse: the instance is the server's own machine."""
        not_yet("a compute instance is the server's own machine and cannot be restarted from here")

    def get_active_runs(
        self, type: Any = None, tags: Any = None, properties: Any = None, status: Any = None
    ) -> Iterator[Any]:
        """The runs on the instance that are not over."""
        return self._active_runs(type, tags, properties, status)

    @staticmethod
    def supported_vmsizes(workspace: Any, location: Optional[str] = None) -> List[Dict[str, Any]]:
        """This machine and the usual sizes; an instance may ask for any other all the same."""
        return supported()


class ComputeInstanceProvisioningConfiguration(ComputeTargetProvisioningConfiguration):
    """What an instance is created with."""

    def __init__(
        self,
        vm_size: str = "",
        ssh_public_access: bool = False,
        admin_user_ssh_public_key: Optional[str] = None,
        vnet_resourcegroup_name: Optional[str] = None,
        vnet_name: Optional[str] = None,
        subnet_name: Optional[str] = None,
        tags: Optional[Dict[str, str]] = None,
        description: Optional[str] = None,
        assigned_user_object_id: Optional[str] = None,
        assigned_user_tenant_id: Optional[str] = None,
    ) -> None:
        super().__init__(ComputeInstance, None)
        self.vm_size = vm_size
        self.ssh_public_access = ssh_public_access
        self.admin_user_ssh_public_key = admin_user_ssh_public_key
        self.vnet_resourcegroup_name = vnet_resourcegroup_name
        self.vnet_name = vnet_name
        self.subnet_name = subnet_name
        self.tags = tags
        self.description = description
        self.assigned_user_object_id = assigned_user_object_id
        self.assigned_user_tenant_id = assigned_user_tenant_id

    def validate_configuration(self) -> None:
        """Refuse access by ssh without a key.

        Raises:
            ComputeTargetException: Saying so.
        """
        if self.ssh_public_access and not self.admin_user_ssh_public_key:
            raise ComputeTargetException("ssh_public_access needs admin_user_ssh_public_key")


class ComputeInstanceStatus(WireRecord):
    """The state of an instance."""

    NAMES = {
        "creation_time": "creationTime",
        "created_by_user_name": "createdByUserName",
        "created_by_user_id": "createdByUserId",
        "created_by_user_org": "createdByUserOrg",
        "errors": "errors",
        "modified_time": "modifiedTime",
        "state": "state",
        "vm_size": "vmSize",
    }

    def __init__(
        self,
        creation_time: Optional[str],
        created_by_user_name: Optional[str],
        created_by_user_id: Optional[str],
        created_by_user_org: Optional[str],
        errors: Any,
        modified_time: Optional[str],
        state: Optional[str],
        vm_size: Optional[str],
    ) -> None:
        self.creation_time = creation_time
        self.created_by_user_name = created_by_user_name
        self.created_by_user_id = created_by_user_id
        self.created_by_user_org = created_by_user_org
        self.errors = errors
        self.modified_time = modified_time
        self.state = state
        self.vm_size = vm_size

    @staticmethod
    def deserialize(object_dict: Optional[Mapping[str, Any]]) -> Optional[ComputeInstanceStatus]:
        """The state a dictionary describes."""
        return made(ComputeInstanceStatus, object_dict)
