"""Targets as run configurations named them before workspaces had compute targets.

Deprecated in v1. The classes describe; the functions that prepared such targets are refused.
"""

from __future__ import annotations

from typing import Any, Mapping, NoReturn

from azureml._not_yet import not_yet
from azureml.exceptions import ComputeTargetException

__all__ = [
    "AbstractComputeTarget",
    "ComputeTargetException",  # where nearly every tutorial imports it from
    "LocalTarget",
    "attach_legacy_compute_target",
    "is_compute_target_prepared",
    "prepare_compute_target",
    "remove_legacy_compute_target",
]

_DEPRECATED = (
    "compute targets are not prepared beforehand; submit with the name of the target, and what it "
    "needs is made ready"
)


class AbstractComputeTarget:
    """A target by its type and name."""

    _TARGET_TYPE_KEY = "type"

    def __init__(self, compute_target_type: str, name: str) -> None:
        self._type = compute_target_type
        self._name = name

    @property
    def type(self) -> str:
        """What kind of target it is."""
        return self._type

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @staticmethod
    def deserialize_from_dict(
        compute_target_name: str, compute_target_dict: Mapping[str, Any]
    ) -> AbstractComputeTarget:
        """The target that a dictionary describes."""
        kind = compute_target_dict.get(AbstractComputeTarget._TARGET_TYPE_KEY)
        if kind == LocalTarget._LOCAL_TYPE:
            return LocalTarget()
        return AbstractComputeTarget(str(kind), compute_target_name)


class LocalTarget(AbstractComputeTarget):
    """This machine."""

    _LOCAL_TYPE = "local"

    def __init__(self) -> None:
        super().__init__(self._LOCAL_TYPE, self._LOCAL_TYPE)


def prepare_compute_target(experiment: Any, source_directory: Any, run_config: Any) -> NoReturn:
    """Refuse: targets are not prepared beforehand."""
    not_yet(_DEPRECATED)


def is_compute_target_prepared(experiment: Any, source_directory: Any, run_config: Any) -> NoReturn:
    """Refuse: targets are not prepared beforehand."""
    not_yet(_DEPRECATED)


def attach_legacy_compute_target(
    experiment: Any, source_directory: Any, compute_target: Any
) -> NoReturn:
    """Refuse: targets belong to a workspace, not to a folder."""
    not_yet("targets belong to a workspace; register one with ComputeTarget.attach")


def remove_legacy_compute_target(
    experiment: Any, source_directory: Any, compute_target_name: str
) -> NoReturn:
    """Refuse: targets belong to a workspace, not to a folder."""
    not_yet("targets belong to a workspace; take one away with its `delete` or `detach`")
