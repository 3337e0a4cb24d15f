"""Tells the kinds of data objects apart without loading their modules.

A step may be given a dozen kinds of data. Asking by the names of an object's classes keeps
`import azureml.pipeline.core` free of the data modules, which a program that passes no such
object never needs.
"""

from __future__ import annotations

from typing import Any

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
    return any(
        each.__name__ == kind and each.__module__.startswith("azureml.")
        for each in type(value).__mro__
    )
