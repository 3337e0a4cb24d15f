"""One version of a module, and what is read of modules by both.

A version never changes but for its description and status. `module` has the module itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional

from azureml._fields import Field, field
from azureml.pipeline.core import _module_definition as definitions
from stepwell import errors

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace
    from azureml.pipeline.core.module import Module

STATUSES = {"active": "Active", "deprecated": "Deprecated", "disabled": "Disabled"}


class ModuleVersion(object):
    """One version of a module."""

    def __init__(
        self,
        workspace: Workspace,
        module_entity: Any,
        version: str,
        _module_version_provider: Any,
    ) -> None:
        """A version; `module_entity` is the record of the server. Use `Module.resolve`."""
        self._workspace = workspace
        self._record: Mapping[str, Any] = module_entity
        self._version = version

    @classmethod
    def _of(cls, workspace: Workspace, record: Mapping[str, Any]) -> ModuleVersion:
        return cls(workspace, record, record["version"], None)

    @staticmethod
    def get(
        workspace: Workspace,
        module_version_id: Optional[str] = None,
        _workflow_provider: Any = None,
    ) -> ModuleVersion:
        """The version of an id.

        Raises:
            Exception: There is none.
        """
        path = f"/module-versions/{module_version_id}"
        try:
            return ModuleVersion._of(workspace, workspace._client.get(path))
        except errors.NotFound as error:
            raise Exception(str(error)) from None

    version: Field[str] = field("_version", "Its version.")

    @property
    def status(self) -> str:
        """`Active`, `Deprecated` or `Disabled`."""
        return STATUSES[self._record["status"]]

    @property
    def module_id(self) -> str:
        """The id of the module."""
        return str(self._record["module"])

    @property
    def module_version_id(self) -> str:
        """Its id."""
        return str(self._record["id"])

    @property
    def description(self) -> str:
        """A description for people."""
        return str(self._record["description"])

    @property
    def category(self) -> Optional[str]:
        """A word by which modules are grouped."""
        category: Optional[str] = self._record["category"]
        return category

    @property
    def interface(self) -> Any:
        """Its inputs, outputs and parameters: a `ModuleInterface`."""
        return definitions.interface(self._record["definition"])

    @property
    def runconfig(self) -> Any:
        """The run configuration it was published with."""
        return definitions.run_config(self._record["definition"])

    def module(self, _workflow_provider: Any = None) -> Module:
        """The module."""
        from azureml.pipeline.core.module import Module

        return Module.get(self._workspace, module_id=self.module_id)

    def set_description(self, description: str) -> None:
        """Describe it anew."""
        if description is None:
            raise Exception("set_description needs a description")
        self._change(description=description)

    def enable(self) -> None:
        """Let it be chosen."""
        self._change(status="active")

    def disable(self) -> None:
        """Let it be chosen only by its exact version."""
        self._change(status="disabled")

    def deprecate(self) -> None:
        """Mark that its users should look for another."""
        self._change(status="deprecated")

    def _change(self, **values: Any) -> None:
        path = f"/module-versions/{self.module_version_id}"
        self._record = self._workspace._client.patch(path, values)

    def __str__(self) -> str:
        """Its version, id and status."""
        return (
            f"ModuleVersion(Version: {self._version}, Id: {self.module_version_id}, Status: "
            f"{self.status})"
        )

    def __repr__(self) -> str:
        """The same as `str`."""
        return str(self)


class ModuleVersionDescriptor(object):
    """The version and the id of one version of a module."""

    def __init__(self, version: str, module_version_id: str) -> None:
        """A version and its id."""
        self._version = version
        self._id = module_version_id

    version: Field[str] = field("_version", "The version.")
    module_version_id: Field[str] = field("_id", "Its id.")

    def __str__(self) -> str:
        """Both."""
        return f"ModuleVersionDescriptor(Version: {self._version}, Id: {self._id})"

    def __repr__(self) -> str:
        """The same as `str`."""
        return str(self)


def record_of(workspace: Workspace, wanted: str) -> Dict[str, Any]:
    """The record of a module by its id or name.

    Raises:
        Exception: There is none.
    """
    from urllib.parse import quote

    try:
        path = "/modules/{}".format(quote(wanted, safe=""))
        found: Dict[str, Any] = workspace._client.get(path)
        return found
    except errors.NotFound as error:
        raise Exception(str(error)) from None
