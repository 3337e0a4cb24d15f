"""Pipelines: steps, the data that flows between them, and what is built of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, List

from azureml._lazy import Getattr, exports

if TYPE_CHECKING:
    from azureml.pipeline.core.builder import PipelineData, PipelineStep, StepSequence
    from azureml.pipeline.core.graph import (
        InputPortBinding,
        OutputPortBinding,
        PipelineDataset,
        PipelineParameter,
        PortDataReference,
        PublishedPipeline,
        TrainingOutput,
    )
    from azureml.pipeline.core.module import Module, ModuleVersion, ModuleVersionDescriptor
    from azureml.pipeline.core.pipeline import Pipeline
    from azureml.pipeline.core.pipeline_draft import PipelineDraft
    from azureml.pipeline.core.pipeline_endpoint import PipelineEndpoint
    from azureml.pipeline.core.run import PipelineRun, StepRun, StepRunOutput
    from azureml.pipeline.core.schedule import Schedule, ScheduleRecurrence, TimeZone

__all__ = [
    "InputPortBinding",
    "Module",
    "ModuleVersion",
    "ModuleVersionDescriptor",
    "OutputPortBinding",
    "Pipeline",
    "PipelineData",
    "PipelineDataset",
    "PipelineDraft",
    "PipelineEndpoint",
    "PipelineParameter",
    "PipelineRun",
    "PipelineStep",
    "PortDataReference",
    "PublishedPipeline",
    "Schedule",
    "ScheduleRecurrence",
    "StepRun",
    "StepRunOutput",
    "StepSequence",
    "TimeZone",
    "TrainingOutput",
]

__getattr__: Getattr = exports(
    globals(),
    {
        "InputPortBinding": "azureml.pipeline.core.graph",
        "Module": "azureml.pipeline.core.module",
        "ModuleVersion": "azureml.pipeline.core.module",
        "ModuleVersionDescriptor": "azureml.pipeline.core.module",
        "OutputPortBinding": "azureml.pipeline.core.graph",
        "Pipeline": "azureml.pipeline.core.pipeline",
        "PipelineData": "azureml.pipeline.core.builder",
        "PipelineDataset": "azureml.pipeline.core.graph",
        "PipelineDraft": "azureml.pipeline.core.pipeline_draft",
        "PipelineEndpoint": "azureml.pipeline.core.pipeline_endpoint",
        "PipelineParameter": "azureml.pipeline.core.graph",
        "PipelineRun": "azureml.pipeline.core.run",
        "PipelineStep": "azureml.pipeline.core.builder",
        "PortDataReference": "azureml.pipeline.core.graph",
        "PublishedPipeline": "azureml.pipeline.core.graph",
        "Schedule": "azureml.pipeline.core.schedule",
        "ScheduleRecurrence": "azureml.pipeline.core.schedule",
        "StepRun": "azureml.pipeline.core.run",
        "StepRunOutput": "azureml.pipeline.core.run",
        "StepSequence": "azureml.pipeline.core.builder",
        "TimeZone": "azureml.pipeline.core.schedule",
        "TrainingOutput": "azureml.pipeline.core.graph",
    },
)


def __dir__() -> List[str]:
    return sorted(__all__)
