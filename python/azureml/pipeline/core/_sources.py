"""Data that is there before a pipeline runs: where an input finds it.

Such data is a place on a datastore, named by a data reference or by a data path, or a dataset.
The path and the dataset may be parameters of the pipeline.
"""

from __future__ import annotations

from typing import Any, Optional

from azureml.pipeline.core._bindings import InputPortBinding
from azureml.pipeline.core._data_kinds import (
    CONSUMPTION,
    DATA_PATH,
    DATA_PATH_BINDING,
    DATA_REFERENCE,
    OUTPUT_CONFIG,
    is_a,
)
from azureml.pipeline.core._definitions import DataSourceDef
from azureml.pipeline.core._parameter import PipelineParameter


class DataPathInput(object):
    """A data path, or a pipeline parameter that holds one, and how a step reads it."""

    def __init__(self, path: Any, binding: Any) -> None:
        """What stands in the pair that a v1 program passes."""
        self.parameter: Optional[PipelineParameter] = (
            path if isinstance(path, PipelineParameter) else None
        )
        self.path = path.default_value if isinstance(path, PipelineParameter) else path
        self.binding = binding
        self.name = self._given_name() or _made_up(str(self.path.datastore_name))

    def _given_name(self) -> Optional[str]:
        if self.parameter is not None:
            return self.parameter.name
        return getattr(self.path, "_name", None)


def _made_up(prefix: str) -> str:
    from azureml.data import _names

    return _names.made_up(prefix)


def is_data_path_pair(value: Any) -> bool:
    """Whether `value` is a pair of a data path, or a parameter that holds one, and a binding."""
    if not isinstance(value, tuple) or len(value) != 2 or not is_a(value[1], DATA_PATH_BINDING):
        return False
    path = value[0].default_value if isinstance(value[0], PipelineParameter) else value[0]
    return is_a(path, DATA_PATH)


def data_path_binding(pair: Any) -> InputPortBinding:
    """The input that a pair of a data path and a binding stands for."""
    data = DataPathInput(pair[0], pair[1])
    mode = getattr(pair[1], "_mode", "mount")
    return InputPortBinding(data.name, data, mode, getattr(pair[1], "_path_on_compute", None))


def parameter_of(binding: InputPortBinding) -> Optional[PipelineParameter]:
    """The pipeline parameter that chooses what an input reads, if one does."""
    data = binding.bind_object
    if is_a(data, CONSUMPTION):
        return data.dataset if isinstance(data.dataset, PipelineParameter) else None
    return data.parameter if isinstance(data, DataPathInput) else None


def source_of(value: Any) -> Optional[DataSourceDef]:
    """The place or the dataset that `value` names; `None` when a step makes it."""
    if is_a(value, DATA_REFERENCE):
        return DataSourceDef.create_from_data_reference(value)
    if isinstance(value, DataPathInput):
        return place(value.name, value.path)
    if is_a(value, "PortDataReference"):
        return DataSourceDef(
            value.name,
            datastore_name=value.datastore_name,
            path_on_datastore=value.path_on_datastore,
        )
    if is_a(value, CONSUMPTION) and not _is_made_by_step(value.dataset):
        return DataSourceDef(value.name, pipeline_dataset=value)
    return None


def _is_made_by_step(dataset: Any) -> bool:
    return is_a(dataset, OUTPUT_CONFIG) or is_a(dataset, "PipelineOutputAbstractDataset")


def place(name: str, path: Any) -> DataSourceDef:
    """The place a data path names."""
    return DataSourceDef(
        name, datastore_name=path.datastore_name, path_on_datastore=path.path_on_datastore
    )
