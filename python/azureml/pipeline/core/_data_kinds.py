"""Tells the kinds of data objects apart without loading their modules.

A step may be given a dozen kinds of data. Asking by the names of an object's classes keeps
`import azureml.pipeline.core` free of the data modules, which a program that passes no such
object never needs.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, FrozenSet

DATA_REFERENCE = "DataReference"
DATA_PATH = "DataPath"
DATA_PATH_BINDING = "DataPathComputeBinding"
CONSUMPTION = "DatasetConsumptionConfig"
OUTPUT_CONFIG = "OutputDatasetConfig"
OUTPUT_FILES = "OutputFileDatasetConfig"
OUTPUT_TABLE = "OutputTabularDatasetConfig"
DATASET = "AbstractDataset"


def is_a(value: Any, kind: str) -> bool:
    """Whether `value` is an object of the class named `kind` among the `azureml` classes."""
    return kind in _kinds(type(value))


@lru_cache(maxsize=256)
def _kinds(type_: type) -> FrozenSet[str]:
    return frozenset(
        each.__name__ for each in type_.__mro__ if each.__module__.startswith("azureml.")
    )
