"""The environments of a workspace, as the dictionary that programs look names up in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping

from azureml.core._curated_environments import curated

if TYPE_CHECKING:
    from azureml.core.environment import Environment


class Environments(Dict[str, "Environment"]):
    """The newest version of each environment, by name.

    It lists those that were registered. One that Azure ML kept in every workspace is found too, as
    `Environment.get` describes it.
    """

    def __init__(self, workspace: Any, registered: Mapping[str, Environment]) -> None:
        """The environments that were registered in a workspace."""
        super().__init__(registered)
        self._workspace = workspace

    def __missing__(self, name: str) -> Environment:
        """The environment that a name describes.

        Raises:
            KeyError: It describes none.
        """
        if curated(str(name)) is None:
            raise KeyError(name)
        from azureml.core.environment import Environment

        return Environment.get(self._workspace, name)

    def __contains__(self, name: object) -> bool:
        """Whether there is such an environment."""
        return super().__contains__(name) or curated(str(name)) is not None

    def get(self, name: str, default: Any = None) -> Any:
        """The environment of a name, or `default`."""
        return self[name] if name in self else default
