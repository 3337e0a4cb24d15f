"""Nodes of a graph, their ports, and the edges between them.

A node belongs to one graph, which keeps the edges; a port only knows the edge that ends in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, TypeVar

from azureml._fields import Field, OpenField, field, open_field
from azureml.pipeline.core._definitions import (
    ORDER_OUTPUT,
    DataSource,
    DataSourceDef,
    InputPortDef,
    Module,
    ModuleDef,
    OutputPortDef,
)
from azureml.pipeline.core._node_params import Param

if TYPE_CHECKING:
    from azureml.pipeline.core._graph import Graph
    from azureml.pipeline.core._work import Work

Part = TypeVar("Part")


class Edge(object):
    """An output and the input that reads it."""

    def __init__(self, source_port: OutputPort, dest_port: InputPort) -> None:
        """An edge; `Graph.connect` makes it part of a graph."""
        self._source_port = source_port
        self._dest_port = dest_port

    source_port: Field[OutputPort] = field("_source_port", "The output.")
    dest_port: Field[InputPort] = field("_dest_port", "The input that reads it.")


class InputPort(object):
    """An input of a node."""

    def __init__(self, node: Node, input_port_def: InputPortDef) -> None:
        """The port of `node` that `input_port_def` describes."""
        self._node = node
        self._input_port_def = input_port_def
        self._incoming_edge: Optional[Edge] = None
        self._bind_mode = input_port_def.default_datastore_mode
        self._path_on_compute = input_port_def.default_path_on_compute
        self._overwrite = input_port_def.default_overwrite
        self._data_reference_name = input_port_def.default_data_reference_name

    node: Field[Node] = field("_node", "The node it belongs to.")
    input_port_def: Field[InputPortDef] = field("_input_port_def", "What describes it.")
    bind_mode: OpenField[str] = open_field("_bind_mode", "How it reads.")
    path_on_compute: OpenField[Optional[str]] = open_field(
        "_path_on_compute", "Where the script expects the data."
    )
    overwrite: OpenField[Optional[bool]] = open_field(
        "_overwrite", "Whether a download replaces what is there."
    )
    data_reference_name: OpenField[Optional[str]] = open_field(
        "_data_reference_name", "What the script calls the data."
    )
    incoming_edge: Field[Optional[Edge]] = field(
        "_incoming_edge", "The edge that ends here, if there is one."
    )

    @property
    def name(self) -> str:
        """The port's name."""
        return str(self._input_port_def.name)

    @property
    def data_types(self) -> List[str]:
        """The types of data it reads."""
        return list(self._input_port_def.data_types)

    @property
    def additional_transformations(self) -> Any:
        """What is done to tabular data before it is read."""
        return self._input_port_def.additional_transformations

    def connect(self, source_port: OutputPort) -> Edge:
        """Read what `source_port` gives."""
        return self._node._graph.connect(source_port, self)

    def disconnect(self) -> None:
        """Read nothing any more."""
        if self._incoming_edge is not None:
            self._node._graph._forget_edge(self._incoming_edge)
            self._incoming_edge = None


class OutputPort(object):
    """An output of a node."""

    def __init__(self, node: Node, output_port_def: OutputPortDef) -> None:
        """The port of `node` that `output_port_def` describes."""
        self._node = node
        self._output_port_def = output_port_def
        self._datastore_name = output_port_def.default_datastore_name
        self._bind_mode = output_port_def.default_datastore_mode
        self._path_on_compute = output_port_def.default_path_on_compute
        self._overwrite = output_port_def.default_overwrite
        self._pipeline_output_name: Optional[str] = None
        self._dataset_registration: Any = None
        self._dataset_output: Any = None
        self._is_promoted = False

    node: Field[Node] = field("_node", "The node it belongs to.")
    datastore_name: OpenField[Optional[str]] = open_field("_datastore_name", "What keeps the data.")
    bind_mode: OpenField[str] = open_field("_bind_mode", "How the data is written.")
    path_on_compute: OpenField[Optional[str]] = open_field(
        "_path_on_compute", "What the script writes."
    )
    overwrite: OpenField[Optional[bool]] = open_field(
        "_overwrite", "Whether an upload replaces what is there."
    )
    pipeline_output_name: OpenField[Optional[str]] = open_field(
        "_pipeline_output_name", "Its name among the pipeline's."
    )
    dataset_registration: OpenField[Any] = open_field(
        "_dataset_registration", "How it becomes a dataset."
    )
    dataset_output: OpenField[Any] = open_field(
        "_dataset_output", "The configuration it was made of."
    )

    @property
    def name(self) -> str:
        """The port's name."""
        return str(self._output_port_def.name)

    @property
    def data_type(self) -> str:
        """The type of the data."""
        return str(self._output_port_def.data_type)

    def connect(self, dest_port: InputPort) -> Edge:
        """Let `dest_port` read what this output gives."""
        return self._node._graph.connect(self, dest_port)


class Node(object):
    """What stands in a graph: something that is done, or data that is there."""

    def __init__(
        self,
        graph: Graph,
        node_id: str,
        name: Optional[str] = None,
        module: Optional[Module] = None,
        module_builder: Any = None,
        datasource: Optional[DataSource] = None,
        datasource_builder: Any = None,
        module_wiring: Any = None,
    ) -> None:
        """A node of `graph` with the ports its definition describes."""
        self._graph = graph
        self._node_id = node_id
        self._module_builder = module_builder
        self._module_def: Optional[ModuleDef] = (
            module.module_def if module else getattr(module_builder, "module_def", None)
        )
        self._datasource_def: Optional[DataSourceDef] = (
            datasource.datasource_def
            if datasource
            else getattr(datasource_builder, "datasource_def", None)
        )
        definition = self._module_def or self._datasource_def
        self._name = name or (definition.name if definition else node_id)
        self._inputs: Dict[str, InputPort] = {}
        self._outputs: Dict[str, OutputPort] = {}
        self._params: Dict[str, Param] = {}
        if self._module_def:
            for input_def in self._module_def.input_port_defs:
                self._inputs[input_def.name] = InputPort(self, input_def)
            for output_def in self._module_def.output_port_defs:
                self._outputs[output_def.name] = OutputPort(self, output_def)
            for param_def in self._module_def.param_defs:
                self._params[param_def.name] = Param(param_def)
        if self._datasource_def:
            port = OutputPort(self, self._datasource_def.output_port_def)
            self._outputs[port.name] = port

    module_def: Field[Optional[ModuleDef]] = field(
        "_module_def", "What describes it, if it does something."
    )
    datasource_def: Field[Optional[DataSourceDef]] = field(
        "_datasource_def", "What describes it, if it is data."
    )
    name: Field[str] = field("_name", "Its name; several nodes may share one.")
    node_id: Field[str] = field("_node_id", "Its id, unique in the graph.")
    input_dict: Field[Dict[str, InputPort]] = field("_inputs", "Its inputs by name.")
    output_dict: Field[Dict[str, OutputPort]] = field("_outputs", "Its outputs by name.")

    @property
    def inputs(self) -> List[InputPort]:
        """Its inputs."""
        return list(self._inputs.values())

    @property
    def outputs(self) -> List[OutputPort]:
        """Its outputs."""
        return list(self._outputs.values())

    @property
    def params(self) -> Dict[str, Any]:
        """The values of its parameters by name."""
        return {name: param.get_value() for name, param in self._params.items()}

    def get_input(self, name: str) -> InputPort:
        """The input with a name."""
        return _named(self._inputs, name, "input", self._name)

    def get_output(self, name: str) -> OutputPort:
        """The output with a name."""
        return _named(self._outputs, name, "output", self._name)

    def get_param(self, name: str) -> Param:
        """The parameter with a name."""
        return _named(self._params, name, "parameter", self._name)

    def run_after(self, node: Node) -> None:
        """Wait until `node` has succeeded."""
        if self._module_def is None or ORDER_OUTPUT not in node._outputs:
            raise ValueError(f"`{self._name}` cannot wait for `{node._name}`")
        definition = self._module_def.add_fake_sequencing_input_port()
        port = self._inputs[definition.name] = InputPort(self, definition)
        self._graph.connect(node._outputs[ORDER_OUTPUT], port)

    def sequence(self, nodes: List[Node]) -> None:
        """Let this node and then `nodes` run one after the other."""
        self._graph.sequence([self, *nodes])


class ModuleNode(Node):
    """A node that does something."""

    def __init__(
        self,
        graph: Graph,
        node_id: str,
        name: Optional[str] = None,
        module: Optional[Module] = None,
        module_builder: Any = None,
        module_wiring: Any = None,
        runconfig: Any = None,
        cloud_settings: Any = None,
        regenerate_outputs: Optional[bool] = None,
    ) -> None:
        """A node of `graph` that does what its definition describes."""
        super().__init__(graph, node_id, name, module, module_builder, module_wiring=module_wiring)
        self._runconfig = runconfig
        self._cloud_settings = cloud_settings
        self._regenerate_outputs = regenerate_outputs
        self._work: Optional[Work] = None


class DataSourceNode(Node):
    """A node that is data on a datastore."""

    def __init__(
        self,
        graph: Graph,
        node_id: str,
        name: Optional[str] = None,
        datasource: Optional[DataSource] = None,
        datasource_builder: Any = None,
        datapath_param_name: Optional[str] = None,
    ) -> None:
        """A node of `graph` for data; a parameter of the pipeline may name another place."""
        super().__init__(
            graph, node_id, name, datasource=datasource, datasource_builder=datasource_builder
        )
        self.datapath_param_name = datapath_param_name


def _named(ports: Dict[str, Part], name: str, kind: str, node: str) -> Part:
    if name not in ports:
        raise ValueError(
            "node `{}` has no {} `{}`; it has {}".format(
                node, kind, name, ", ".join(f"`{each}`" for each in ports) or "none"
            )
        )
    return ports[name]
