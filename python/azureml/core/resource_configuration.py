"""Cores, memory and GPUs: what a model needs to be served, which is recorded with the model.

A run configuration's `resources` are what a script needs of each node.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from azureml.exceptions import WebserviceException

_KEYS = ("cpu", "memoryInGB", "gpu")


class ResourceConfiguration:
    """Cores, memory and GPUs."""

    def __init__(
        self,
        cpu: Optional[float] = None,
        memory_in_gb: Optional[float] = None,
        gpu: Optional[int] = None,
    ) -> None:
        self.cpu = cpu
        self.memory_in_gb = memory_in_gb
        self.gpu = gpu

    def serialize(self) -> Dict[str, Any]:
        """The three as a dictionary."""
        return dict(zip(_KEYS, (self.cpu, self.memory_in_gb, self.gpu)))

    @staticmethod
    def deserialize(payload_obj: Optional[Mapping[str, Any]]) -> Optional[ResourceConfiguration]:
        """The configuration a dictionary describes.

        Raises:
            WebserviceException: One of the three is not in the dictionary.
        """
        if payload_obj is None:
            return None
        missing = [key for key in _KEYS if key not in payload_obj]
        if missing:
            raise WebserviceException(
                "a resource configuration needs {}".format(", ".join(missing))
            )
        return ResourceConfiguration(*(payload_obj[key] for key in _KEYS))
