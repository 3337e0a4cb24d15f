"""Tells the kinds of data objects apart without loading their modules.

A step may be given a dozen kinds of data. Asking by the names of an object's classes keeps
`import azureml.pipeline.core` free of the data modules, which a program that passes no such
object never needs.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet

DATA_REFERENCE = "DataReference"
SQL_REFERENCE = "SqlDataReference"
DATA_PATH = "DataPath"
DATA_PATH_BINDING = "DataPathComputeBinding"
CONSUMPTION = "DatasetConsumptionConfig"
OUTPUT_CONFIG = "OutputDatasetConfig"
OUTPUT_FILES = "OutputFileDatasetConfig"
OUTPUT_OF_SPARK = "HDFSOutputDatasetConfig"
OUTPUT_TABLE = "OutputTabularDatasetConfig"
DATASET = "AbstractDataset"


# Of each class that was asked about, the names of the `azureml` classes it derives from.
_KINDS: Dict[type, FrozenSet[str]] = {}


def is_a(value: Any, kind: str) -> bool:
    """Whether `value` is an object of the class named `kind` among the `azureml` classes."""
    kinds = _KINDS.get(type(value))
    if kinds is None:
        kinds = _KINDS[type(value)] = frozenset(
            each.__name__ for each in type(value).__mro__ if each.__module__.startswith("azureml.")
        )
    return kind in kinds
