"""Builds the graph of a pipeline from steps, lists and sequences of them.

Each step object becomes one node, however often it is listed. Steps that make what a listed
step reads, or that it must run after, are pulled in unless the pipeline says otherwise. No step
is visited twice, so time grows with steps and edges.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Deque, Dict, List, Optional, Tuple

from azureml.pipeline.core._graph import Graph
from azureml.pipeline.core._nodes import InputPort, Node, OutputPort
from azureml.pipeline.core._origins import is_promoted, origin_of, producer_of
from azureml.pipeline.core._pipeline_data import PipelineData
from azureml.pipeline.core.builder import PipelineStep, StepSequence


class _PipelineGraphBuilder(object):
    """Builds one graph at a time."""

    def __init__(
        self,
        resolve_closure: bool = True,
        default_datastore: Any = None,
        context: Any = None,
    ) -> None:
        """A builder.

        Args:
            resolve_closure: Whether steps that are needed but not listed are pulled in.
            default_datastore: What keeps outputs that name no datastore.
            context: The workspace, the experiment and the folder of the scripts.
        """
        self._resolve_closure = resolve_closure
        self._default_datastore = default_datastore
        self._context = context
        self._graph = Graph("", context)
        self._nodes: Dict[int, Tuple[PipelineStep, Node]] = {}
        self._unordered: Deque[PipelineStep] = deque()

    def construct(self, name: str, steps: Any) -> Graph:
        """The graph of `steps`: a step, a list, a `StepSequence`, or what a step makes."""
        self._graph = Graph(name, self._context)
        self._nodes.clear()
        self._unordered.clear()
        self.process_collection(steps)
        self.resolve_references()
        return self._graph

    def process_collection(self, collection: Any) -> List[Node]:
        """Add the steps of a collection and return their nodes."""
        if isinstance(collection, PipelineStep):
            return [self.process_step(collection)]
        if isinstance(collection, PipelineData):
            if collection._producer is None:
                raise ValueError(f"no step makes `{collection.name}`, so it cannot stand for one")
            return [self.process_step(collection._producer)]
        if isinstance(collection, StepSequence):
            return self._add_sequence(collection)
        if isinstance(collection, list):
            return [node for each in collection for node in self.process_collection(each)]
        raise NotImplementedError(
            "a pipeline is made of steps, lists of steps and StepSequences, not of "
            f"{collection!r}, which is "
            f"of {type(collection)}; give it a step, such as PythonScriptStep(...)"
        )

    def process_step(self, step: PipelineStep) -> Node:
        """Add a step, unless it is there, and return its node."""
        known = self._nodes.get(id(step))
        if known is not None:
            return known[1]
        node: Node = step.create_node(self._graph, self._default_datastore, self._context)
        self._nodes[id(step)] = (step, node)
        self._unordered.append(step)
        return node

    def resolve_references(self) -> None:
        """Join inputs with the outputs they read and steps with those they run after."""
        pending = self._graph._pending
        while pending or self._unordered:
            while self._unordered:
                step = self._unordered.popleft()
                node = self._nodes[id(step)][1]
                for earlier in step.run_after_steps:
                    node.run_after(self._needed(earlier))
            if pending:
                port, data = pending.popleft()
                self._graph.connect(self._source(port, data), port)

    def _add_sequence(self, sequence: StepSequence) -> List[Node]:
        all_nodes: List[Node] = []
        previous: List[Node] = []
        for group in sequence:
            nodes = list(dict.fromkeys(self.process_collection(group)))
            for node in nodes:
                for earlier in previous:
                    node.run_after(earlier)
            all_nodes.extend(nodes)
            previous = nodes or previous
        return all_nodes

    def _needed(self, step: PipelineStep) -> Node:
        """The node of a step that another one needs."""
        if id(step) not in self._nodes and not self._resolve_closure:
            raise ValueError()
        return self.process_step(step)

    def _source(self, port: InputPort, data: Any) -> OutputPort:
        """The output that `port` reads."""
        origin = origin_of(data)
        made = self._graph._made
        if origin is not None and id(origin) not in made:
            producer: Optional[PipelineStep] = producer_of(origin)
            if producer is not None:
                self._needed(producer)
        if origin is None or id(origin) not in made:
            raise ValueError(
                f"input `{port.name}` of step `{port.node.name}` is an output of no step "
                "of the pipeline; list it in the "
                "outputs of the step that makes it"
            )
        source = made[id(origin)]
        if is_promoted(data) and not source._is_promoted:
            raise ValueError(
                f"step `{port.node.name}` reads `{source.name}` as a dataset, but step "
                f"`{source.node.name}` does not write it as one; use "
                "as_dataset() in both"
            )
        return source
