"""The base of all datastores."""

from __future__ import annotations

from typing import Any


class AbstractDatastore:
    """A place that keeps data, under a name in a workspace."""

    def __init__(self, workspace: Any, name: str, datastore_type: str) -> None:
        self._workspace = workspace
        self._name = name
        self._datastore_type = datastore_type

    @property
    def workspace(self) -> Any:
        """The workspace it belongs to."""
        return self._workspace

    @workspace.setter
    def workspace(self, workspace: Any) -> None:
        self._workspace = workspace

    @property
    def name(self) -> str:
        """Its name in the workspace."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = name

    @property
    def datastore_type(self) -> str:
        """What kind of place it is, such as `AzureBlob`."""
        return self._datastore_type

    @datastore_type.setter
    def datastore_type(self, datastore_type: str) -> None:
        self._datastore_type = datastore_type

    def set_as_default(self) -> None:
        """Make it the datastore that outputs go to unless they name another."""
        self._workspace.set_default_datastore(self._name)

    def unregister(self) -> None:
        """Forget it in the workspace; its files stay where they are."""
        from azureml.core._datastore_registration import unregister

        unregister(self._workspace, self._name)

    def __repr__(self) -> str:
        """The kind, the name and the workspace."""
        return "{}(workspace={!r}, name={!r})".format(
            type(self).__name__, getattr(self._workspace, "name", None), self._name
        )
