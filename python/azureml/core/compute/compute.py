"""The base of all compute targets, and of what they are created, attached and changed with."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, Iterator, List, Mapping, Optional, Tuple, Type

from azureml._not_yet import not_yet
from azureml.core.compute import _registry
from azureml.core.compute._kinds import class_of
from azureml.exceptions import ComputeTargetException

_OVER = ("Completed", "Finished", "Failed", "Canceled")


class ComputeTarget:
    """A compute target of a workspace.

    `ComputeTarget(workspace, name)` finds one and is of the class of its kind.

    Example:
        >>> size = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=4)
        >>> cluster = ComputeTarget.create(workspace, "cpu-cluster", size)
        >>> cluster.wait_for_completion(show_output=True)
        Compute target cpu-cluster: Succeeded
        >>> ComputeTarget(workspace, "cpu-cluster").type
        'AmlCompute'
    """

    _compute_type: ClassVar[str] = ""
    # Attributes beyond those of every target, with the settings they are read from.
    _SETTINGS: ClassVar[Tuple[str, ...]] = ()

    def __new__(cls, workspace: Any = None, name: Optional[str] = None) -> ComputeTarget:
        """Find the target; without a name, as copies are made, an empty object."""
        if name is None:
            return super().__new__(cls)
        record = _found(cls, workspace, name)
        kind = class_of(record["kind"])
        if not issubclass(kind, cls):
            raise ComputeTargetException(
                f"compute target `{name}` is a {kind.__name__}, not a {cls.__name__}"
            )
        target = super().__new__(kind)
        target._load(workspace, record)
        return target

    def __init__(self, workspace: Any, name: str) -> None:
        """Find a target by its name.

        Args:
            workspace: The workspace.
            name: Its name.

        Raises:
            ComputeTargetException: The workspace has none of that name and class.
        """

    def _load(self, workspace: Any, record: Mapping[str, Any]) -> None:
        """Take over what the server knows of the target."""
        settings = record.get("settings") or {}
        self.workspace = workspace
        self.name: str = record["name"]
        self.id: str = self.name
        self.type: str = record["kind"]
        self.location: Optional[str] = settings.get("location") or "local"
        self.tags: Optional[Dict[str, str]] = settings.get("tags")
        self.description: Optional[str] = settings.get("description")
        self.created_on: Optional[str] = None
        self.modified_on: Optional[str] = None
        self.provisioning_state: str = "Succeeded"
        self.provisioning_errors: Optional[List[Any]] = None
        self.cluster_resource_id: Optional[str] = settings.get("resource_id")
        self.cluster_location: Optional[str] = self.location
        self.is_attached: bool = bool(settings.get("is_attached"))
        self._record = dict(record)
        for name in self._SETTINGS:
            setattr(self, name, settings.get(name))

    @classmethod
    def _of_record(cls, workspace: Any, record: Mapping[str, Any]) -> ComputeTarget:
        target = object.__new__(class_of(record["kind"]))
        target._load(workspace, record)
        return target

    def __repr__(self) -> str:
        """The kind, the name and the workspace."""
        return "{}(workspace={!r}, name={!r})".format(
            type(self).__name__, getattr(self.workspace, "name", None), self.name
        )

    # Targets of a workspace.

    @staticmethod
    def create(workspace: Any, name: str, provisioning_configuration: Any) -> ComputeTarget:
        """Register a target; on an embedded server its steps run on this machine.

        Args:
            workspace: The workspace.
            name: The name it gets.
            provisioning_configuration: What `provisioning_configuration` of its class made.

        Returns:
            The target, of the class of its kind.

        Raises:
            ComputeTargetException: The configuration is none, or its parts do not fit together.
        """
        return _put(workspace, name, provisioning_configuration, attached=False)

    @staticmethod
    def attach(workspace: Any, name: str, attach_configuration: Any) -> ComputeTarget:
        """Register a target that exists elsewhere.

        Of secrets, only the access token of a Databricks workspace is kept, sealed.

        Args:
            workspace: The workspace.
            name: The name it gets.
            attach_configuration: What `attach_configuration` of its class made.

        Returns:
            The target, of the class of its kind.

        Raises:
            ComputeTargetException: The configuration is none, or its parts do not fit together.
        """
        return _put(workspace, name, attach_configuration, attached=True)

    @staticmethod
    def list(workspace: Any) -> List[ComputeTarget]:
        """All targets that were created or attached.

        Args:
            workspace: The workspace.

        Returns:
            The targets, each of the class of its kind.
        """
        return [ComputeTarget._of_record(workspace, each) for each in _registry.records(workspace)]

    # One target.

    def wait_for_completion(
        self, show_output: bool = False, is_delete_operation: bool = False
    ) -> None:
        """Return at once: a registered target is there. Says so when asked to.

        Args:
            show_output: Whether to print that it is there.
            is_delete_operation: Whether what is waited for is its end.
        """
        if show_output:
            done = "deleted" if is_delete_operation else self.provisioning_state
            print(f"Compute target {self.name}: {done}")

    def refresh_state(self) -> None:
        """Ask the server for what it knows of the target now."""
        self._load(self.workspace, _found(type(self), self.workspace, self.name))

    def get_status(self) -> Any:
        """How far the creation is: it is done.

        Returns:
            `Succeeded`.
        """
        return self.provisioning_state

    def delete(self) -> None:
        """Take the target out of the workspace; steps on it go on."""
        self._remove()
        self.provisioning_state = "Deleting"

    def detach(self) -> None:
        """Take an attached target out of the workspace."""
        self._remove()
        self.provisioning_state = "Detaching"

    def _remove(self) -> None:
        if self._record.get("created", True):  # else it is this machine under a name of its own
            _registry.remove(self.workspace, self.name)

    def get_credentials(self) -> Dict[str, Any]:
        """Refuse: secrets of targets are not kept."""
        not_yet("secrets of compute targets are not kept; pass them to the script that needs them")

    def _active_runs(self, type: Any, tags: Any, properties: Any, status: Any) -> Iterator[Any]:
        """The runs on the target that are not over."""
        from azureml.core.run import Run

        for run in Run.list_by_compute(self, type, tags, properties, status):
            if run.get_status() not in _OVER:
                yield run

    def serialize(self) -> Dict[str, Any]:
        """What is known of the target, as a dictionary.

        Returns:
            Among others `name`, `type`, `tags`, `provisioningState` and `settings`.
        """
        return {
            "id": self.id,
            "name": self.name,
            "location": self.location,
            "type": self.type,
            "tags": self.tags,
            "description": self.description,
            "provisioningState": self.provisioning_state,
            "provisioningErrors": self.provisioning_errors,
            "isAttachedCompute": self.is_attached,
            "settings": dict(self._record.get("settings") or {}),
        }

    @staticmethod
    def deserialize(workspace: Any, object_dict: Mapping[str, Any]) -> ComputeTarget:
        """The target that `serialize` described.

        Args:
            workspace: The workspace.
            object_dict: The dictionary.

        Returns:
            The target, of the class of its kind.
        """
        return ComputeTarget._of_record(
            workspace,
            {
                "name": object_dict["name"],
                "kind": object_dict["type"],
                "settings": object_dict.get("settings"),
            },
        )


def _found(asked: Type[ComputeTarget], workspace: Any, name: str) -> Dict[str, Any]:
    """The record of a target. Only clusters need not be created: others must be attached."""
    from azureml.core.compute.amlcompute import AmlCompute

    if asked in (ComputeTarget, AmlCompute):
        return _registry.find_or_stand_in(workspace, name, AmlCompute._compute_type)
    return _registry.find(workspace, name)


class ComputeTargetProvisioningConfiguration:
    """What a target is created with."""

    def __init__(self, type: Type[ComputeTarget], location: Optional[str]) -> None:
        self._compute_type = type
        self.location = location

    def _keep_secrets(self, workspace: Any, name: str) -> None:
        """A target that is created has none."""

    def validate_configuration(self) -> None:
        """Refuse a configuration no target could be created with."""


class ComputeTargetAttachConfiguration:
    """What a target that exists elsewhere is registered with."""

    def __init__(self, type: Type[ComputeTarget]) -> None:
        self._compute_type = type

    def _keep_secrets(self, workspace: Any, name: str) -> None:
        """Seal the secrets that steps on the target need."""

    def validate_configuration(self) -> None:
        """Refuse a configuration that names no target, or two."""

    def _check_resource(self, *names: str) -> None:
        """Make sure that either `resource_id` or all of `names` say which resource it is."""
        given = [name for name in names if getattr(self, name)]
        by_id = bool(getattr(self, "resource_id", None))
        if by_id == bool(given) or (given and len(given) != len(names)):
            raise ComputeTargetException(
                "name the resource either by resource_id or by {}".format(" and ".join(names))
            )


class ComputeTargetUpdateConfiguration:
    """What a target is changed with."""

    def __init__(self, type: Type[ComputeTarget]) -> None:
        self._compute_type = type

    def validate_configuration(self) -> None:
        """Refuse a change no target could have."""


def _put(workspace: Any, name: str, configuration: Any, attached: bool) -> ComputeTarget:
    """Register what a configuration describes and return it."""
    kind = getattr(configuration, "_compute_type", None)
    if kind is None:
        raise ComputeTargetException(
            f"{configuration!r} is not a configuration of a compute target; make one with, "
            "for example, "
            "AmlCompute.provisioning_configuration"
        )
    configuration.validate_configuration()
    settings = {key: value for key, value in vars(configuration).items() if not key.startswith("_")}
    settings["is_attached"] = attached
    configuration._keep_secrets(workspace, name)
    record = _registry.put(workspace, name, kind._compute_type, settings)
    return ComputeTarget._of_record(workspace, record)
