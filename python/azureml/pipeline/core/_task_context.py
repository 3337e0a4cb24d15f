"""What the work of one node may ask of the submission it is part of.

One `SubmissionParts` is shared by all nodes of a submission, so that a folder is pushed and an
environment is described once; one `TaskContext` belongs to one node.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from azureml.pipeline.core._arguments import InputToken, JoinedToken, Token
from azureml.pipeline.core._nodes import DataSourceNode, InputPort, ModuleNode, OutputPort
from azureml.pipeline.core._parameter import PipelineParameter

Wire = Dict[str, Any]


class SubmissionParts(object):
    """What the nodes of one submission share."""

    def __init__(self, client: Any, workspace: Any, values: Mapping[str, Any]) -> None:
        """`values` are those of the pipeline parameters, by name."""
        self.client = client
        self.workspace = workspace
        self.values = values
        # Each entry keeps the configuration, so that no other one can get its id.
        self._environments: Dict[int, Tuple[Any, Tuple[Wire, Dict[str, str]]]] = {}

    def environment(self, run_config: Any) -> Tuple[Wire, Dict[str, str]]:
        """The environment and the variables of a run configuration."""
        key = id(run_config)
        if key not in self._environments:
            from azureml.core._environment_registry import named
            from azureml.core._wire_environment import wire_environment

            environment = named(self.workspace, getattr(run_config, "environment", None))
            self._environments[key] = (run_config, wire_environment(environment, run_config))
        return self._environments[key][1]


class TaskContext(object):
    """One node on its way to the server."""

    def __init__(
        self,
        parts: SubmissionParts,
        node: ModuleNode,
        inputs: Iterable[InputPort],
        datasets: Mapping[str, Any],
    ) -> None:
        """The context of `node`, whose inputs `datasets` names are read as datasets."""
        self.client: Any = parts.client
        self.workspace: Any = parts.workspace
        self.node = node
        self.datasets = datasets
        """A `StepInput` for each input that is consumed as a dataset, by the port's name."""
        self._parts = parts
        self._open_ports = {
            port.name: name for port in inputs for name in [_chosen_by(port)] if name
        }

    def arguments(self, tokens: Iterable[Token]) -> List[Dict[str, Any]]:
        """Arguments as the server takes them; a dataset that is read directly is its id."""
        return [self._argument(token) for token in tokens]

    def value(self, value: Any) -> Dict[str, str]:
        """A setting: its text, or the pipeline parameter that gives it."""
        if isinstance(value, PipelineParameter):
            return {"parameter": value.name}
        return {"literal": str(value)}

    def parameter_value(self, name: str) -> Any:
        """The value of a pipeline parameter in this submission."""
        return self._parts.values[name]

    def variables(self) -> Tuple[Dict[str, str], Dict[str, str]]:
        """Variables of the step's parameters and datasets.

        Returns:
            Those whose texts are known, and those that carry a pipeline parameter, by its name.
        """
        known, carried = self._parameter_variables()
        for name, text in _dataset_variables(self.datasets).items():
            if name in self._open_ports:
                carried[name] = self._open_ports[name]
            else:
                known[name] = text
        configured = [port.name for port in self.node.outputs if port.dataset_output is not None]
        if configured:
            from azureml.data._step_inputs import OUTPUTS_VARIABLE

            known[OUTPUTS_VARIABLE] = ";".join(configured)
        return known, carried

    def environment(self, run_config: Any) -> Tuple[Wire, Dict[str, str]]:
        """The environment and the variables of a run configuration; `None` for this Python."""
        return self._parts.environment(run_config)

    def snapshot(self, folder: str) -> str:
        """Push a folder and return the digest of its files."""
        digest: str = self.client.push_snapshot(folder)
        return digest

    def _argument(self, token: Token) -> Dict[str, Any]:
        if isinstance(token, JoinedToken):
            return {"text": self.arguments(token.parts)}
        dataset = self.datasets.get(token.text) if isinstance(token, InputToken) else None
        if dataset is not None and dataset.is_direct and token.text in self._open_ports:
            return {"parameter": self._open_ports[token.text]}
        if dataset is not None:
            argument: Dict[str, str] = dataset.argument
            return argument
        return token.wire(self.node.params)

    def _parameter_variables(self) -> Tuple[Dict[str, str], Dict[str, str]]:
        known, carried = {}, {}
        for param in self.node._params.values():
            value, variable = param.get_value(), param.param_def._variable()
            if variable is None or value is None:
                continue
            if isinstance(value, PipelineParameter):
                carried[variable] = value.name
            else:
                known[variable] = str(value)
        return known, carried


def source_port(port: InputPort) -> OutputPort:
    """The output an input reads; `finalize` has made sure that there is one."""
    edge = port.incoming_edge
    assert edge is not None, "`finalize` has made sure that there is one"
    source: OutputPort = edge.source_port
    return source


def _chosen_by(port: InputPort) -> Optional[str]:
    """The pipeline parameter that chooses what an input reads, if one does."""
    node = source_port(port).node
    return node.datapath_param_name if isinstance(node, DataSourceNode) else None


def _dataset_variables(datasets: Mapping[str, Any]) -> Dict[str, str]:
    if not datasets:
        return {}
    from azureml.data._step_inputs import variables

    return variables(datasets.values())
