"""The graph of a pipeline: nodes, edges and parameters.

It is built once and then read: `validate` says what is wrong with it, `_submission` turns it
into what the server takes. An input whose producer is not in the graph yet is kept aside until
the builder of the graph, or `finalize`, joins the two.
"""

from __future__ import annotations

import os
from collections import deque
from typing import Any, Deque, Dict, Iterable, List, Mapping, Optional, Tuple

from azureml._fields import Field, field
from azureml._not_yet import not_yet
from azureml.pipeline.core._bindings import InputPortBinding, OutputPortBinding
from azureml.pipeline.core._definitions import DataSource, DataSourceDef, Module
from azureml.pipeline.core._nodes import (
    DataSourceNode,
    Edge,
    InputPort,
    ModuleNode,
    Node,
    OutputPort,
)
from azureml.pipeline.core._order import in_order
from azureml.pipeline.core._origins import is_promoted, origin_of
from azureml.pipeline.core._parameter import PipelineParameter, gathered
from azureml.pipeline.core._sources import parameter_of, source_of


class Graph(object):
    """Nodes and the edges between them."""

    def __init__(self, name: str, context: Any) -> None:
        """An empty graph; `context` names the workspace and the experiment."""
        self._name = name
        self._context = context
        self._nodes: Dict[str, Node] = {}
        self._edges: Dict[int, Edge] = {}
        self._parameters: Dict[str, PipelineParameter] = {}
        self._sources: Dict[Tuple[Any, ...], DataSourceNode] = {}
        self._made: Dict[int, OutputPort] = {}
        self._pipeline_outputs: Dict[str, OutputPort] = {}
        self._pending: Deque[Tuple[InputPort, Any]] = deque()

    node_dict: Field[Dict[str, Node]] = field("_nodes", "The nodes by id.")

    @property
    def nodes(self) -> List[Node]:
        """All nodes."""
        return list(self._nodes.values())

    @property
    def module_nodes(self) -> List[ModuleNode]:
        """The nodes that do something."""
        return [node for node in self._nodes.values() if isinstance(node, ModuleNode)]

    @property
    def datasource_nodes(self) -> List[DataSourceNode]:
        """The nodes that are data on a datastore."""
        return [node for node in self._nodes.values() if isinstance(node, DataSourceNode)]

    @property
    def node_name_dict(self) -> Dict[str, List[Node]]:
        """The nodes by name; several may share one."""
        named: Dict[str, List[Node]] = {}
        for node in self._nodes.values():
            named.setdefault(node.name, []).append(node)
        return named

    @property
    def edges(self) -> List[Edge]:
        """All edges."""
        return list(self._edges.values())

    @property
    def params(self) -> Dict[str, Any]:
        """The defaults of the pipeline parameters by name."""
        return {name: each.default_value for name, each in self._parameters.items()}

    # Building.

    def add_module_node(
        self,
        name: str,
        input_bindings: List[InputPortBinding],
        output_bindings: Optional[List[OutputPortBinding]] = None,
        param_bindings: Optional[Mapping[str, Any]] = None,
        module: Optional[Module] = None,
        module_builder: Any = None,
        module_wiring: Any = None,
        runconfig: Any = None,
        cloud_settings: Any = None,
    ) -> ModuleNode:
        """Add a node that does something.

        Args:
            name: The node's name; several may share one.
            input_bindings: What it reads; data on a datastore becomes a node of its own.
            output_bindings: What it writes.
            param_bindings: Values of its parameters.
            module: Its definition, or `module_builder`, which carries one.
        """
        node = ModuleNode(
            self,
            self._new_id(),
            name,
            module,
            module_builder,
            module_wiring,
            runconfig,
            cloud_settings,
        )
        self._nodes[node.node_id] = node
        self._add_parameters(value for value in (param_bindings or {}).values())
        for key, value in (param_bindings or {}).items():
            node.get_param(key).set_value(value)
        for output in output_bindings or []:
            self._bind_output(node.get_output(output.name), output)
        for binding in input_bindings:
            self._bind_input(node.get_input(binding.name), binding)
        return node

    def add_datasource_node(
        self,
        name: str,
        datasource: Optional[DataSource] = None,
        datasource_builder: Any = None,
        datapath_param_name: Optional[str] = None,
    ) -> DataSourceNode:
        """Add a node that is data on a datastore."""
        node = DataSourceNode(
            self, self._new_id(), name, datasource, datasource_builder, datapath_param_name
        )
        self._nodes[node.node_id] = node
        return node

    def get_node(self, node_id: str) -> Node:
        """The node with an id."""
        if node_id not in self._nodes:
            raise ValueError(f"the graph has no node `{node_id}`")
        return self._nodes[node_id]

    def delete_node(self, node_id: str) -> None:
        """Take a node and the edges at it away."""
        node = self.get_node(node_id)
        for edge in self.edges:
            if node in (edge.source_port.node, edge.dest_port.node):
                edge.dest_port.disconnect()
        del self._nodes[node_id]
        gone = {id(port) for port in node.outputs}
        self._made = {key: port for key, port in self._made.items() if id(port) not in gone}
        self._pipeline_outputs = {
            name: port for name, port in self._pipeline_outputs.items() if id(port) not in gone
        }

    def connect(self, source_port: OutputPort, dest_port: InputPort) -> Edge:
        """Let an input read an output; what it read before it reads no more."""
        dest_port.disconnect()
        edge = Edge(source_port, dest_port)
        dest_port._incoming_edge = edge
        self._edges[id(edge)] = edge
        return edge

    def sequence(self, nodes: List[Node]) -> None:
        """Let nodes run one after the other."""
        for earlier, later in zip(nodes, nodes[1:]):
            later.run_after(earlier)

    def _forget_edge(self, edge: Edge) -> None:
        self._edges.pop(id(edge), None)

    def _add_parameters(self, values: Iterable[Any]) -> None:
        given = [value for value in values if isinstance(value, PipelineParameter)]
        if given:
            self._parameters = gathered([*self._parameters.values(), *given])

    def _bind_output(self, port: OutputPort, binding: OutputPortBinding) -> None:
        origin = origin_of(binding)
        known = self._made.setdefault(id(origin), port)
        if known is not port:
            raise ValueError(
                f"`{port.name}` is already an output of step `{known.node.name}`; step "
                f"`{port.node.name}` cannot write it too. Give "
                f"step `{port.node.name}` an output of its own, or make `{port.name}` one "
                "of its inputs"
            )
        port.dataset_output = binding._dataset_output
        port.dataset_registration = binding.dataset_registration
        port._is_promoted = is_promoted(binding._source)
        name = port.pipeline_output_name = binding.pipeline_output_name
        if name is not None and self._pipeline_outputs.setdefault(name, port) is not port:
            raise ValueError(f"the pipeline has two outputs named `{name}`; rename one")

    def _bind_input(self, port: InputPort, binding: InputPortBinding) -> None:
        source = source_of(binding.bind_object)
        if source is None:
            self._pending.append((port, binding.bind_object))
            return
        parameter = parameter_of(binding)
        self._add_parameters([parameter])
        self.connect(self._source_port(source, parameter), port)

    def _source_port(
        self, source: DataSourceDef, parameter: Optional[PipelineParameter]
    ) -> OutputPort:
        """The port of the node for a place or a dataset; equal ones share one node."""
        name = parameter.name if parameter else None
        # The definition keeps the dataset, so that no other one can get its id.
        dataset = getattr(source._pipeline_dataset, "dataset", None)
        key = (name, source.datastore_name, source.path_on_datastore, id(dataset))
        if key not in self._sources:
            self._sources[key] = self.add_datasource_node(
                source.name, DataSource(source.calculate_hash(), source), datapath_param_name=name
            )
        return self._sources[key].get_output(DataSource.DATASOURCE_PORT_NAME)

    def _new_id(self) -> str:
        """Eight random hexadecimal digits that no node of the graph has."""
        while True:
            node_id = os.urandom(4).hex()
            if node_id not in self._nodes:
                return node_id

    # What becomes of it.

    def validate(self) -> List[str]:
        """What is wrong with the graph; nothing when the list is empty."""
        errors = []
        _, circle = in_order(self.module_nodes)
        if circle:
            first = circle[0]
            names = [node.name for node in [*circle, first]]
            errors.append(
                "Cycle detected including node {}({}): these steps wait for each other: {}; take "
                "away one of the inputs or `run_after` that join them".format(
                    first.name, first.node_id, " -> ".join(names)
                )
            )
        for node in self.module_nodes:
            for port in node.inputs:
                if port.incoming_edge is None and not port.input_port_def.is_optional:
                    errors.append(
                        f"input `{port.name}` of step `{node.name}` is connected to nothing"
                    )
        return errors

    def finalize(self, dry_run: Optional[bool] = None, regenerate_outputs: bool = False) -> None:
        """Join what is still open and check the graph.

        Raises:
            ValueError: The graph cannot run.
        """
        for port, data in self._pending:
            made = self._made.get(id(origin_of(data)))
            if made is not None:
                self.connect(made, port)
        self._pending.clear()
        errors = self.validate()
        if errors:
            raise ValueError("the pipeline cannot run: " + "; ".join(errors))
        if dry_run:
            for node in in_order(self.module_nodes)[0]:
                print(f"Step {node.name} is ready to be created [{node.node_id}]")

    def submit(
        self,
        pipeline_parameters: Optional[Mapping[str, Any]] = None,
        continue_on_step_failure: bool = False,
        regenerate_outputs: bool = False,
        parent_run_id: Optional[str] = None,
        **kwargs: Any,
    ) -> Any:
        """Start a run of the graph in the experiment of its context; returns a `PipelineRun`."""
        from azureml.pipeline.core._submission import RunRequest, submit

        if kwargs:
            raise ValueError("submit takes no {}".format(", ".join(sorted(kwargs))))
        return submit(
            self,
            RunRequest(
                self._context.experiment_name,
                dict(pipeline_parameters or {}),
                continue_on_step_failure,
                regenerate_outputs,
                parent_run_id,
            ),
        )

    def generate_yaml(self) -> Any:
        """Not there yet."""
        not_yet("a graph cannot be written as YAML yet; keep the Python program that builds it")

    def __str__(self) -> str:
        """The name and the size."""
        return f"Graph {self._name}: {len(self._nodes)} nodes, {len(self._edges)} edges"
