"""The public names of graphs: nodes, ports, bindings, parameters.

Each concept lives in a module of its own; this one gathers the names a program imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from azureml._lazy import Getattr, exports
from azureml.pipeline.core._bindings import InputPortBinding, OutputPortBinding, TrainingOutput
from azureml.pipeline.core._definitions import (
    DataSource,
    DataSourceDef,
    InputPortDef,
    Module,
    ModuleDef,
    OutputPortDef,
)
from azureml.pipeline.core._graph import Graph
from azureml.pipeline.core._node_params import Param, ParamDef
from azureml.pipeline.core._nodes import (
    DataSourceNode,
    Edge,
    InputPort,
    ModuleNode,
    Node,
    OutputPort,
)
from azureml.pipeline.core._parameter import PipelineParameter

if TYPE_CHECKING:
    from azureml.data.stored_procedure_parameter import (
        StoredProcedureParameter,
        StoredProcedureParameterType,
    )
    from azureml.pipeline.core._port_data_reference import PortDataReference
    from azureml.pipeline.core._published_pipeline import PublishedPipeline
    from azureml.pipeline.core._unsupported_names import DataType, PipelineDataset

__all__ = [
    "DataSource",
    "DataSourceDef",
    "DataSourceNode",
    "DataType",
    "Edge",
    "Graph",
    "InputPort",
    "InputPortBinding",
    "InputPortDef",
    "Module",
    "ModuleDef",
    "ModuleNode",
    "Node",
    "OutputPort",
    "OutputPortBinding",
    "OutputPortDef",
    "Param",
    "ParamDef",
    "PipelineDataset",
    "PipelineParameter",
    "PortDataReference",
    "PublishedPipeline",
    "StoredProcedureParameter",
    "StoredProcedureParameterType",
    "TrainingOutput",
]

__getattr__: Getattr = exports(
    globals(),
    {
        "DataType": "azureml.pipeline.core._unsupported_names",
        "PipelineDataset": "azureml.pipeline.core._unsupported_names",
        "PortDataReference": "azureml.pipeline.core._port_data_reference",
        "PublishedPipeline": "azureml.pipeline.core._published_pipeline",
        "StoredProcedureParameter": "azureml.data.stored_procedure_parameter",
        "StoredProcedureParameterType": "azureml.data.stored_procedure_parameter",
    },
)
