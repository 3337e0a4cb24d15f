"""The graph of a pipeline that is kept at the server, to look at.

It has the nodes, ports, edges and parameters of the pipeline. It holds no files, so it cannot be
submitted: start the published pipeline itself.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from azureml.pipeline.core._definitions import (
    ORDER_OUTPUT,
    DataSourceDef,
    InputPortDef,
    ModuleDef,
    OutputPortDef,
)
from azureml.pipeline.core._graph import Graph
from azureml.pipeline.core._graph_context import _GraphContext
from azureml.pipeline.core._node_params import ParamDef
from azureml.pipeline.core._nodes import DataSourceNode, ModuleNode
from azureml.pipeline.core._parameter import PipelineParameter
from azureml.pipeline.core._work import ModuleBuilder

VARIABLE_PREFIX = "AML_PARAMETER_"
NUMBERS = {"int": int, "float": float}


def graph_of(workspace: Any, pipeline: Mapping[str, Any]) -> Graph:
    """The graph of `pipeline`, which is as the server gives it."""
    graph = Graph("pipeline", _GraphContext("placeholder", workspace))
    parameters = {
        name: PipelineParameter(name, default_of(workspace, declared))
        for name, declared in pipeline["declared"].items()
    }
    graph._add_parameters(parameters.values())
    nodes = [_module_node(graph, step, parameters) for step in pipeline["steps"]]
    for node, step in zip(nodes, pipeline["steps"]):
        for port in step["inputs"]:
            _connect(graph, nodes, node, port, parameters)
        for earlier in step["after"]:
            node.run_after(nodes[earlier])
    return graph


def default_of(workspace: Any, declared: Mapping[str, Any]) -> Any:
    """The default of a parameter as a program gave it."""
    kind, default = declared["type"], declared["default"]
    if kind == "data_path":
        from azureml.core.datastore import Datastore
        from azureml.data.datapath import DataPath

        return DataPath(Datastore.get(workspace, default["datastore"]), default["path"])
    if kind == "dataset":
        from azureml.data.abstract_dataset import AbstractDataset

        return AbstractDataset.get_by_id(workspace, default["id"])
    if kind == "bool":
        return default == "True"
    if kind in NUMBERS and default not in ("True", "False"):
        return NUMBERS[kind](default)
    return default


def _module_node(
    graph: Graph, step: Mapping[str, Any], parameters: Mapping[str, PipelineParameter]
) -> ModuleNode:
    task = step["task"]
    carried: Dict[str, str] = task.get("parameter_variables") or {}
    known: Dict[str, str] = task.get("variables") or {}
    values: Dict[str, Any] = {
        name[len(VARIABLE_PREFIX) :]: text
        for name, text in known.items()
        if name.startswith(VARIABLE_PREFIX)
    }
    values.update(
        (parameter, parameters[parameter])
        for variable, parameter in carried.items()
        if variable.startswith(VARIABLE_PREFIX)
    )
    definition = ModuleDef(
        step["name"],
        input_port_defs=[InputPortDef(port["name"]) for port in step["inputs"]],
        output_port_defs=[_output_def(port) for port in step["outputs"]],
        param_defs=[ParamDef(name, set_env_var=True) for name in values],
        module_execution_type="escloud",
        allow_reuse=step["allow_reuse"],
        step_type=step["kind"],
        arguments=task.get("arguments") or [],
    )
    return graph.add_module_node(
        step["name"], [], None, values, module_builder=ModuleBuilder(definition)
    )


def _output_def(port: Mapping[str, Any]) -> OutputPortDef:
    mode = "upload" if port.get("upload_from") else "mount"
    return OutputPortDef(
        port["name"],
        port.get("datastore"),
        mode,
        port.get("upload_from"),
        bool(port["make_folder"]),
    )


def _connect(
    graph: Graph,
    nodes: List[ModuleNode],
    node: ModuleNode,
    port: Mapping[str, Any],
    parameters: Mapping[str, PipelineParameter],
) -> None:
    source = port["source"]
    if "step" in source:
        made = nodes[source["step"]["step"]].get_output(source["step"]["output"])
    else:
        made = _data_node(graph, port["name"], source, parameters).outputs[0]
    assert made.name != ORDER_OUTPUT
    node.get_input(port["name"]).connect(made)


def _data_node(
    graph: Graph,
    name: str,
    source: Mapping[str, Any],
    parameters: Mapping[str, PipelineParameter],
) -> DataSourceNode:
    parameter: Optional[str] = source.get("parameter")
    if parameter is None:
        place = source["datastore"]
        made = DataSourceDef(
            name, datastore_name=place["datastore"], path_on_datastore=place["path"]
        )
    else:
        default = parameters[parameter].default_value
        made = DataSourceDef(
            name,
            datastore_name=getattr(default, "datastore_name", None),
            path_on_datastore=getattr(default, "path_on_datastore", None),
        )
    return graph.add_datasource_node(
        name, datasource_builder=_DataBuilder(made), datapath_param_name=parameter
    )


class _DataBuilder(object):
    """Described data on its way to a node."""

    def __init__(self, datasource_def: DataSourceDef) -> None:
        self.datasource_def = datasource_def
