"""From a graph to a run: what the server is sent, and what the program gets.

`submission` makes the body and does nothing else but push the folders of the
steps through the client it is given. Steps stand in an order in which they could run; edges name
them by their number in it. What a step does comes from the work of its node (`_work.Work`); no kind
of step is known here.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from azureml._not_yet import not_yet
from azureml.pipeline.core._dataset_inputs import DatasetInputs
from azureml.pipeline.core._definitions import ORDER_INPUT, ORDER_OUTPUT
from azureml.pipeline.core._nodes import DataSourceNode, InputPort, ModuleNode, OutputPort
from azureml.pipeline.core._order import in_order
from azureml.pipeline.core._parameter import settled
from azureml.pipeline.core._program_work import ProgramWork
from azureml.pipeline.core._sources import place
from azureml.pipeline.core._stable_names import StableNames
from azureml.pipeline.core._task_context import SubmissionParts, TaskContext, source_port
from azureml.pipeline.core._wire_ports import output, wire_input

STEPS_PRINTED_MAX = 100


class RunRequest(NamedTuple):
    """What a program asks for when it submits."""

    experiment_name: str
    pipeline_parameters: Dict[str, Any]
    continue_on_step_failure: bool = False
    regenerate_outputs: bool = False
    parent_run_id: Optional[str] = None
    description: Optional[str] = None


def submit(graph: Any, request: RunRequest) -> Any:
    """Start a run of `graph` and return its `PipelineRun`."""
    from azureml.core.experiment import Experiment
    from azureml.pipeline.core._targets import warn_unknown_targets
    from azureml.pipeline.core.run import PipelineRun

    workspace = graph._context._workspace
    client = workspace._client
    client.forget_snapshots()
    body = submission(graph, request, client)
    warn_unknown_targets(client, graph)
    record = client.submit(body)
    print_steps(in_order(graph.module_nodes)[0], body["steps"])
    print("Submitted PipelineRun {}".format(record["id"]))
    experiment = Experiment(workspace, request.experiment_name)
    run = PipelineRun(experiment, record["id"], _record=record)
    print(f"Link to the run: {run.get_portal_url()}")
    return run


def submission(graph: Any, request: RunRequest, client: Any) -> Dict[str, Any]:
    """The body of the request that starts a run.

    Raises:
        ValueError: The graph cannot run.
        Exception: A pipeline parameter is unknown or of another type.
    """
    graph.finalize()
    values = settled(graph._parameters, request.pipeline_parameters)
    nodes = in_order(graph.module_nodes)[0]
    _warn_of_names([node.name for node in nodes])
    numbers = {node.node_id: number for number, node in enumerate(nodes)}
    names = StableNames()
    writer = _StepWriter(numbers, values, client, graph._context._workspace, names)
    steps = [names.within(writer.step(node)) for node in nodes]
    texts = {name: str(value) for name, value in values.items() if _is_text_like(value)}
    return {
        "experiment": request.experiment_name,
        "kind": "pipeline",
        "description": request.description,
        "parent": request.parent_run_id,
        "properties": {**_properties(texts), **writer.dataset_properties()},
        "declared": writer.declared(),
        "parameters": texts,
        "continue_on_step_failure": bool(request.continue_on_step_failure),
        "regenerate_outputs": bool(request.regenerate_outputs),
        "client": _client_info(client),
        "steps": steps,
        "outputs": {
            name: names.within(writer.output_reference(port))
            for name, port in graph._pipeline_outputs.items()
        },
    }


def _warn_of_names(names: List[str]) -> None:
    """Say what v1 allows and is rarely meant: no steps, and names that do not tell steps apart."""
    if not names:
        sys.stderr.write("warning: the pipeline has no steps\n")
    if any(not str(name).strip() for name in names):
        sys.stderr.write("warning: a step of the pipeline has an empty name\n")
    for name, count in Counter(names).items():
        if count > 1 and str(name).strip():
            sys.stderr.write(
                f"warning: {count} steps of the pipeline are named `{name}`; find_step_run "
                "gives all of "
                "them\n"
            )


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
        self._parts = SubmissionParts(client, workspace, values)
        self._datasets = DatasetInputs(workspace, values, names)
        self._places: Dict[str, Dict[str, Any]] = {}
        self._given: Dict[int, Dict[str, Any]] = {}
        self._roots: Optional[Dict[str, Optional[str]]] = None

    def step(self, node: ModuleNode) -> Dict[str, Any]:
        """One step as the server takes it."""
        work = node._work
        if work is None or node.module_def is None:
            not_yet(f"step `{node.name}` is of a kind that cannot run here yet")
        data = [port for port in node.inputs if not port.name.startswith(ORDER_INPUT)]
        order = [port for port in node.inputs if port.name.startswith(ORDER_INPUT)]
        written = [port for port in node.outputs if port.name != ORDER_OUTPUT]
        for port in data:
            _check_readable(port)
        datasets = self._datasets.of(data)
        self._given[self._numbers[node.node_id]] = datasets
        context = TaskContext(self._parts, node, data, datasets)
        sources = ((port, self._source(port, datasets.get(port.name))) for port in data)
        return {
            "name": node.name,
            "kind": node.module_def.step_type,
            "target": work.target,
            "task": work.wire(context),
            "inputs": [
                wire_input(port, source, datasets.get(port.name))
                for port, source in sources
                if source
            ],
            "outputs": [output(port) for port in written],
            "after": sorted({self._numbers[source_port(port).node.node_id] for port in order}),
            "allow_reuse": bool(node.module_def.allow_reuse),
            **(work.resources() if isinstance(work, ProgramWork) else {}),
        }

    def dataset_properties(self) -> Dict[str, str]:
        """What `get_details` reads of the datasets; after all steps have been written."""
        from azureml.core._run_details import given_property

        return given_property(self._given)

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

    def _source(self, port: InputPort, dataset: Any) -> Optional[Dict[str, Any]]:
        """Where an input finds its data; `None` for a dataset that is on no datastore."""
        source = source_port(port)
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
        found = _wire_place(node.datasource_def)
        self._warn_of_nothing(port, found)
        return {"datastore": found}

    def _warn_of_nothing(self, port: InputPort, place: Dict[str, Any]) -> None:
        """Say that an input names a place where there is nothing, which its script may make."""
        if self._roots is None:
            listed = self._parts.client.get("/datastores")["datastores"]
            self._roots = {each["name"]: each.get("root") for each in listed}
        root = self._roots.get(place["datastore"])
        if root and os.path.isdir(root) and not os.path.exists(os.path.join(root, place["path"])):
            sys.stderr.write(
                "warning: input `{}` of step `{}` is {} on datastore `{}`, where there is "
                "nothing\n".format(port.name, port.node.name, place["path"], place["datastore"])
            )


def _wire_place(definition: Any) -> Dict[str, Any]:
    return {
        "datastore": definition.datastore_name,
        "path": (definition.path_on_datastore or "").strip("/"),
    }


def _check_readable(port: InputPort) -> None:
    """Refuse ways of reading that are not there yet."""
    if port.input_port_def.is_resource:
        not_yet(
            f"input `{port.name}` of step `{port.node.name}` asks for its data beside the "
            "script, which is not there yet; "
            "pass the input as an argument"
        )


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

    from azureml.core._git import git_properties

    return {
        "azureml.runsource": "azureml.PipelineRun",
        "runSource": "SDK",
        "runType": "SDK",
        "azureml.parameters": json.dumps(parameters),
        **git_properties(os.getcwd()),
    }


def print_steps(nodes: List[ModuleNode], steps: List[Dict[str, Any]]) -> None:
    """Name the steps, up to a number that a person would read."""
    for node, step in list(zip(nodes, steps))[:STEPS_PRINTED_MAX]:
        snapshot = step["task"].get("snapshot")
        files = f"[{snapshot[:8]}]" if snapshot else ""
        print(f"Created step {node.name} [{node.node_id}]{files}")
    if len(nodes) > STEPS_PRINTED_MAX:
        print(f"Created {len(nodes) - STEPS_PRINTED_MAX} more steps")
