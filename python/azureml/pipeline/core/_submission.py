"""From a graph to a run: what the server is sent, and what the program is told.

`submission` makes the body of the request and does nothing else but push the folders of the
steps through the client it is given. Steps stand in an order in which they could run; edges name
them by their place in it.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from azureml._not_yet import not_yet
from azureml.pipeline.core._arguments import InputToken, Token
from azureml.pipeline.core._dataset_inputs import DatasetInputs
from azureml.pipeline.core._definitions import ORDER_INPUT, ORDER_OUTPUT
from azureml.pipeline.core._nodes import DataSourceNode, InputPort, ModuleNode, OutputPort
from azureml.pipeline.core._order import in_order
from azureml.pipeline.core._parameter import PipelineParameter, settled
from azureml.pipeline.core._sources import place
from azureml.pipeline.core._stable_names import StableNames
from azureml.pipeline.core._wire_ports import output, wire_input

STEPS_TOLD_MAX = 100


class Wish(NamedTuple):
    """What a program asks for when it submits."""

    experiment_name: str
    pipeline_parameters: Dict[str, Any]
    continue_on_step_failure: bool = False
    regenerate_outputs: bool = False
    parent_run_id: Optional[str] = None
    description: Optional[str] = None


def submit(graph: Any, wish: Wish) -> Any:
    """Start a run of `graph` and return its `PipelineRun`."""
    from azureml.core.experiment import Experiment
    from azureml.pipeline.core._targets import tell_of_unknown
    from azureml.pipeline.core.run import PipelineRun

    workspace = graph._context._workspace
    client = workspace._client
    client.forget_snapshots()
    body = submission(graph, wish, client)
    tell_of_unknown(client, graph)
    record = client.submit(body)
    tell_of_steps(in_order(graph.module_nodes)[0], body["steps"])
    print("Submitted PipelineRun {}".format(record["id"]))
    experiment = Experiment(workspace, wish.experiment_name)
    run = PipelineRun(experiment, record["id"], _record=record)
    print("Link to the run: {}".format(run.get_portal_url()))
    return run


def submission(graph: Any, wish: Wish, client: Any) -> Dict[str, Any]:
    """The body of the request that starts a run.

    Raises:
        ValueError: The graph cannot run.
        Exception: A pipeline parameter is unknown or of another type.
    """
    graph.finalize()
    values = settled(graph._parameters, wish.pipeline_parameters)
    nodes = in_order(graph.module_nodes)[0]
    numbers = {node.node_id: number for number, node in enumerate(nodes)}
    names = StableNames()
    writer = _StepWriter(numbers, values, client, graph._context._workspace, names)
    steps = [names.within(writer.step(node)) for node in nodes]
    texts = {name: str(value) for name, value in values.items() if _is_text_like(value)}
    return {
        "experiment": wish.experiment_name,
        "kind": "pipeline",
        "description": wish.description,
        "parent": wish.parent_run_id,
        "properties": _properties(texts),
        "declared": writer.declared(),
        "parameters": texts,
        "continue_on_step_failure": bool(wish.continue_on_step_failure),
        "regenerate_outputs": bool(wish.regenerate_outputs),
        "client": _client_info(client),
        "steps": steps,
        "outputs": {
            name: names.within(writer.output_reference(port))
            for name, port in graph._pipeline_outputs.items()
        },
    }


class _StepWriter(object):
    """Writes the steps of one submission."""

    def __init__(
        self,
        numbers: Mapping[str, int],
        values: Mapping[str, Any],
        client: Any,
        workspace: Any,
        names: StableNames,
    ) -> None:
        self._numbers = numbers
        self._values = values
        self._client = client
        self._datasets = DatasetInputs(workspace, values, names)
        self._places: Dict[str, Dict[str, Any]] = {}
        self._environments: Dict[int, Any] = {}

    def step(self, node: ModuleNode) -> Dict[str, Any]:
        """One step as the server takes it."""
        work = node._work
        if work is None or node.module_def is None:
            not_yet("step `{}` is of a kind that cannot run here yet".format(node.name))
        data = [port for port in node.inputs if not port.name.startswith(ORDER_INPUT)]
        order = [port for port in node.inputs if port.name.startswith(ORDER_INPUT)]
        written = [port for port in node.outputs if port.name != ORDER_OUTPUT]
        for port in data:
            _check_readable(port)
        datasets = self._datasets.of(data)
        open_ports = {port.name: name for port in data for name in [_parameter_of(port)] if name}
        sources = ((port, self._source(port, datasets.get(port.name))) for port in data)
        return {
            "name": node.name,
            "kind": node.module_def.step_type,
            "target": work.target,
            "task": self._task(node, work, datasets, open_ports),
            "inputs": [
                wire_input(port, source, datasets.get(port.name))
                for port, source in sources
                if source
            ],
            "outputs": [output(port) for port in written],
            "after": sorted({self._numbers[_source_port(port).node.node_id] for port in order}),
            "allow_reuse": bool(node.module_def.allow_reuse),
        }

    def output_reference(self, port: OutputPort) -> Dict[str, Any]:
        """The name of an output within the submission."""
        return {"step": self._numbers[port.node.node_id], "output": port.name}

    def declared(self) -> Dict[str, Any]:
        """The parameters with their types and values; after all steps have been written."""
        kinds = ((bool, "bool"), (int, "int"), (float, "float"), (str, "string"))
        found: Dict[str, Any] = {}
        for name, value in self._values.items():
            for kind, word in kinds:
                if isinstance(value, kind):
                    found[name] = {"type": word, "default": str(value)}
                    break
            else:
                if name in self._places:
                    found[name] = {"type": "data_path", "default": self._places[name]}
                elif name in self._datasets.of_parameters:
                    dataset = self._datasets.of_parameters[name]
                    found[name] = {"type": "dataset", "default": dataset}
        return found

    def _task(
        self,
        node: ModuleNode,
        work: Any,
        datasets: Mapping[str, Any],
        open_ports: Mapping[str, str],
    ) -> Dict[str, Any]:
        _check_processes(work, self._values)
        environment, variables = self._environment(work.run_config)
        known, carried = self._parameter_variables(node)
        for name, text in _dataset_variables(datasets).items():
            if name in open_ports:
                carried[name] = open_ports[name]
            else:
                known[name] = text
        return {
            **_kind(work, datasets),
            "arguments": [_argument(each, node, datasets, open_ports) for each in work.arguments],
            "snapshot": self._client.push_snapshot(work.source_directory),
            "environment": environment,
            "variables": {**variables, **work.variables, **known},
            "parameter_variables": carried,
            "timeout_seconds": _timeout(work.run_config),
        }

    def _environment(self, run_config: Any) -> Any:
        """The environment and the variables of a run configuration, worked out once for each."""
        key = id(run_config)
        if key not in self._environments:
            from azureml.core._wire_environment import wire_environment

            _check_run_config(run_config)
            environment = getattr(run_config, "environment", None)
            self._environments[key] = wire_environment(environment, run_config)
        return self._environments[key]

    def _parameter_variables(self, node: ModuleNode) -> Tuple[Dict[str, str], Dict[str, str]]:
        """The variables of a step's parameters: texts, and the pipeline parameters of the rest."""
        known, carried = {}, {}
        for param in node._params.values():
            value, variable = param.get_value(), param.param_def._variable()
            if variable is None or value is None:
                continue
            if isinstance(value, PipelineParameter):
                carried[variable] = value.name
            else:
                known[variable] = str(value)
        return known, carried

    def _source(self, port: InputPort, dataset: Any) -> Optional[Dict[str, Any]]:
        """Where an input finds its data; `None` for a dataset that is on no datastore."""
        source = _source_port(port)
        node = source.node
        if not isinstance(node, DataSourceNode):
            return {"step": self.output_reference(source)}
        parameter = node.datapath_param_name
        if dataset is not None:
            if parameter is not None:
                return {"parameter": parameter}
            return {"datastore": dataset.place} if dataset.place else None
        if parameter is not None:
            self._places[parameter] = _wire_place(place(node.name, self._values[parameter]))
            return {"parameter": parameter}
        return {"datastore": _wire_place(node.datasource_def)}


def _kind(work: Any, datasets: Mapping[str, Any]) -> Dict[str, Any]:
    """What sets one kind of task apart from the others."""
    if work.parallel is None:
        return {"type": "process", "program": work.program}
    return {
        "type": "parallel",
        "entry_script": work.program["script"],
        **work.parallel.wire(datasets),
    }


def _wire_place(definition: Any) -> Dict[str, Any]:
    return {
        "datastore": definition.datastore_name,
        "path": (definition.path_on_datastore or "").strip("/"),
    }


def _parameter_of(port: InputPort) -> Optional[str]:
    """The pipeline parameter that chooses what an input reads, if one does."""
    node = _source_port(port).node
    return node.datapath_param_name if isinstance(node, DataSourceNode) else None


def _argument(
    token: Token, node: ModuleNode, datasets: Mapping[str, Any], open_ports: Mapping[str, str]
) -> Dict[str, str]:
    """An argument as the server takes it; a dataset read directly is its id."""
    dataset = datasets.get(token.text) if isinstance(token, InputToken) else None
    if dataset is not None and dataset.is_direct and token.text in open_ports:
        return {"parameter": open_ports[token.text]}
    if dataset is not None:
        argument: Dict[str, str] = dataset.argument
        return argument
    return token.wire(node.params)


def _dataset_variables(datasets: Mapping[str, Any]) -> Dict[str, str]:
    if not datasets:
        return {}
    from azureml.data._step_inputs import variables

    return variables(datasets.values())


def _source_port(port: InputPort) -> OutputPort:
    """The output an input reads; `finalize` has made sure that there is one."""
    source: OutputPort = port.incoming_edge.source_port
    return source


def _check_readable(port: InputPort) -> None:
    """Refuse ways of reading that are not there yet."""
    if port.input_port_def.is_resource:
        not_yet(
            "input `{}` of step `{}` asks for its data beside the script, which is not there yet; "
            "pass the input as an argument".format(port.name, port.node.name)
        )


def _check_run_config(run_config: Any) -> None:
    """Refuse what a run configuration asks for and no step can have yet."""
    if run_config is None:
        return
    nodes = getattr(run_config, "node_count", None)
    if isinstance(nodes, int) and nodes > 1:
        not_yet("steps on several nodes are not there yet; set node_count of the runconfig to 1")
    for attribute in ("data_references", "data", "output_data"):
        if getattr(run_config, attribute, None):
            not_yet(
                "{} of a run configuration are not read by steps; pass the data as inputs and "
                "outputs of the step".format(attribute)
            )


def _check_processes(work: Any, values: Mapping[str, Any]) -> None:
    """Refuse parameters that ask for more than one node or process."""
    for setting, parameter in work.run_config_parameters.items():
        if values[parameter.name] > 1:
            not_yet(
                "steps on several nodes or processes are not there yet; {} is {}, by the pipeline "
                "parameter `{}`".format(setting, values[parameter.name], parameter.name)
            )


def _timeout(run_config: Any) -> Optional[int]:
    seconds = getattr(run_config, "max_run_duration_seconds", None)
    return int(seconds) if seconds else None


def _is_text_like(value: Any) -> bool:
    return isinstance(value, (str, int, float))


def _client_info(client: Any) -> Dict[str, Any]:
    """Who submits. The path of the SDK means something on the server's own machine only."""
    from azureml.core._run_submission import client_info

    facts: Dict[str, Any] = client_info(client)
    return facts if client.data_folder else {**facts, "sdk_path": None}


def _properties(parameters: Dict[str, str]) -> Dict[str, str]:
    """What v1 writes on every pipeline run and programs look for."""
    import json

    return {
        "azureml.runsource": "azureml.PipelineRun",
        "runSource": "SDK",
        "runType": "SDK",
        "azureml.parameters": json.dumps(parameters),
    }


def tell_of_steps(nodes: List[ModuleNode], steps: List[Dict[str, Any]]) -> None:
    """Name the steps, up to a number that a person would read."""
    for node, step in list(zip(nodes, steps))[:STEPS_TOLD_MAX]:
        snapshot = step["task"]["snapshot"] or ""
        print("Created step {} [{}][{}]".format(node.name, node.node_id, snapshot[:8]))
    if len(nodes) > STEPS_TOLD_MAX:
        print("Created {} more steps".format(len(nodes) - STEPS_TOLD_MAX))
