"""Inputs of steps that are consumed as datasets: which they are and how each is handed over.

A dataset that is there when the pipeline is submitted is resolved then. What an earlier step
will have written is described by its input, and resolved in the script that reads it.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from azureml.pipeline.core._nodes import DataSourceNode, InputPort, OutputPort
from azureml.pipeline.core._stable_names import StableNames


class DatasetInputs(object):
    """Finds the dataset inputs of the steps of one submission."""

    def __init__(self, workspace: Any, values: Mapping[str, Any], names: StableNames) -> None:
        """`values` are those of the pipeline parameters."""
        self._workspace = workspace
        self._names = names
        self._values = values
        # Steps that read one dataset in one way share the look at it. Each entry keeps the
        # dataset, so that no other one can get its id.
        self._known: Dict[Tuple[int, str, str], Tuple[Any, Any]] = {}
        self.of_parameters: Dict[str, Dict[str, Any]] = {}
        """Of each parameter that is a dataset, its value as the server takes it."""

    def of(self, ports: Iterable[InputPort]) -> Dict[str, Any]:
        """A `StepInput` for each port that consumes a dataset, by the port's name."""
        found = {}
        for port in ports:
            made = self._step_input(port)
            if made is not None:
                found[port.name] = made
        return found

    def _step_input(self, port: InputPort) -> Optional[Any]:
        edge = port.incoming_edge
        assert edge is not None, "`finalize` has made sure that there is one"
        source = edge.source_port
        node = source.node
        if isinstance(node, DataSourceNode):
            definition = node.datasource_def
            if definition is None or definition._pipeline_dataset is None:
                return None
            return self._existing(port, node, definition._pipeline_dataset.dataset)
        return self._written(port, source) if _is_consumed(port, source) else None

    def _existing(self, port: InputPort, node: DataSourceNode, dataset: Any) -> Any:
        """A dataset that is there when the pipeline is submitted."""
        from azureml.data import _step_inputs

        if node.datapath_param_name is not None:
            dataset = self._values[node.datapath_param_name]
        key = (id(dataset), port.name, port.bind_mode)
        if key not in self._known:
            made = _step_inputs.step_input(self._workspace, port.name, port.bind_mode, dataset)
            self._known[key] = (dataset, made)
        made = self._known[key][1]
        if node.datapath_param_name is not None:
            self._remember(node.datapath_param_name, made)
        return made

    def _remember(self, parameter: str, made: Any) -> None:
        """Keep a parameter's value; one step may know a place where another needs none."""
        known = self.of_parameters.setdefault(parameter, {"id": made.dataset_id, "place": None})
        known["place"] = known["place"] or made.place

    def _written(self, port: InputPort, source: OutputPort) -> Any:
        """What an earlier step of the pipeline writes."""
        from azureml.data import _definition, _registry
        from azureml.data._step_inputs import StepInput

        mode = "direct" if port.additional_transformations is not None else port.bind_mode
        identifier = None
        if mode == "direct":
            name = self._names.of(port.name)
            definition = _definition.of_output(name, _transformations(port, source))
            identifier = _registry.save(self._workspace, definition)["id"]
        return StepInput(port.name, mode, identifier, None)


def _is_consumed(port: InputPort, source: OutputPort) -> bool:
    """Whether a step's output is read as a dataset rather than as plain data."""
    return (
        port.additional_transformations is not None
        or source.dataset_output is not None
        or source._is_promoted
    )


def _transformations(port: InputPort, source: OutputPort) -> List[Any]:
    """How the output is read: as the table that the input names, or as files."""
    described = port.additional_transformations or source.dataset_output
    return list(getattr(described, "_transformations", None) or [])
