"""Which step makes a piece of data.

Data between steps comes in several forms: a `PipelineData`, an input bound to it, the same
promoted to a dataset, an output configuration or one of its copies. All forms of one piece of
data have one origin, and the origin knows the step.
"""

from __future__ import annotations

from typing import Any, Optional

from azureml.pipeline.core._bindings import InputPortBinding, OutputPortBinding
from azureml.pipeline.core._data_kinds import CONSUMPTION, OUTPUT_CONFIG, is_a
from azureml.pipeline.core._pipeline_data import PipelineData


def is_promoted(value: Any) -> bool:
    """Whether `value` is a step's output promoted to a dataset."""
    return is_a(value, "PipelineOutputAbstractDataset")


def origin_of(value: Any) -> Optional[Any]:
    """What all forms of a step's output have in common; `None` for data no step makes."""
    if isinstance(value, InputPortBinding):
        return origin_of(value.bind_object)
    if isinstance(value, OutputPortBinding):
        return value._source if value._source is value else origin_of(value._source)
    if isinstance(value, PipelineData):
        return value
    if is_promoted(value):
        return value._pipeline_data
    if is_a(value, CONSUMPTION):
        return origin_of(value.dataset)
    if is_a(value, OUTPUT_CONFIG):
        return value._origin
    return None


def producer_of(origin: Any) -> Optional[Any]:
    """The step that makes what has this origin, if one does."""
    if isinstance(origin, (PipelineData, OutputPortBinding)):
        return origin._producer
    return origin.producer_step


def set_producer(value: Any, step: Any) -> None:
    """Remember that `step` makes `value`; a step constructed later takes it over."""
    origin = origin_of(value)
    if isinstance(origin, (PipelineData, OutputPortBinding)):
        origin._set_producer(step)
    elif origin is not None:
        origin.producer_step = step
