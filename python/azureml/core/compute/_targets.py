"""The compute targets of a workspace, as the dictionary that programs look names up in."""

from __future__ import annotations

from typing import Any, Dict, Optional

from azureml.exceptions import ComputeTargetException


class ComputeTargets(Dict[str, Any]):
    """Targets by name.

    It lists those that were created. On an embedded server a name that nobody created is found
    too, as a cluster that is this machine; there the steps that name it run here.
    """

    def __init__(self, workspace: Any) -> None:
        """Read the targets that were created."""
        from azureml.core.compute.compute import ComputeTarget

        super().__init__({each.name: each for each in ComputeTarget.list(workspace)})
        self._workspace = workspace

    def __missing__(self, name: str) -> Any:
        """The target of a name that nobody created.

        Raises:
            KeyError: A shared server has none of that name.
        """
        found = self._stand_in(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        """Whether a step could name it."""
        return super().__contains__(name) or self._stand_in(name) is not None

    def get(self, name: str, default: Any = None) -> Any:
        """The target of a name, or `default`."""
        return self[name] if name in self else default

    def _stand_in(self, name: object) -> Optional[Any]:
        from azureml.core.compute.compute import ComputeTarget

        try:
            return ComputeTarget(self._workspace, name)  # type: ignore[arg-type]
        except ComputeTargetException:
            return None
