"""Publishing: what the server is sent, and how values of parameters are written.

A pipeline that is published is sent as one that is submitted, with its parameters left open. The
addresses made here are those of the original service, so that programs which post to them with
an HTTP library of their own go on working.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Dict, Iterator, Mapping, Optional, Type

from azureml.pipeline.core._data_kinds import CONSUMPTION, DATA_PATH, DATASET, is_a

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace
    from azureml.pipeline.core._published_pipeline import PublishedPipeline
    from azureml.pipeline.core.run import PipelineRun

DEFAULT_NAME = "pipeline"


def publish_graph(
    graph: Any,
    name: Optional[str],
    description: Optional[str],
    version: Optional[str],
    continue_on_step_failure: Optional[bool],
) -> PublishedPipeline:
    """Publish a graph with its parameters open."""
    workspace = graph._context._workspace
    body = template_body(graph)
    made = {
        "name": name or DEFAULT_NAME,
        "description": description or "",
        "version": version,
        "continue_on_step_failure": continue_on_step_failure,
        "pipeline": body,
    }
    return publish_body(workspace, made)


def template_body(
    graph: Any,
    values: Optional[Mapping[str, Any]] = None,
    continue_on_failure: Optional[bool] = None,
) -> Dict[str, Any]:
    """A graph as the server takes it; `values` become the defaults of its parameters."""
    from azureml.pipeline.core._order import in_order
    from azureml.pipeline.core._submission import RunRequest, print_steps, submission
    from azureml.pipeline.core._targets import warn_unknown_targets

    client = graph._context._workspace._client
    client.forget_snapshots()
    request = RunRequest(DEFAULT_NAME, dict(values or {}), bool(continue_on_failure))
    body = submission(graph, request, client)
    warn_unknown_targets(client, graph)
    print_steps(in_order(graph.module_nodes)[0], body["steps"])
    return body


def publish_run(
    run: PipelineRun,
    name: Optional[str],
    description: Optional[str],
    version: Optional[str],
    continue_on_step_failure: Optional[bool],
) -> PublishedPipeline:
    """Publish the pipeline of a run; the values of its parameters become the defaults."""
    made = {
        "name": name or DEFAULT_NAME,
        "description": description or "",
        "version": version,
        "continue_on_step_failure": continue_on_step_failure,
        "run": run.id,
    }
    return publish_body(run.experiment.workspace, made)


def publish_body(workspace: Workspace, body: Mapping[str, Any]) -> PublishedPipeline:
    """Publish what `body` says."""
    from azureml.core._run_interactive import login_name
    from azureml.pipeline.core._published_pipeline import PublishedPipeline

    client = workspace._client
    with refusals():
        record = client.post("/published", {**body, "user": login_name()})
    return PublishedPipeline._of(workspace, record)


def assignments(
    workspace: Workspace,
    experiment_name: str,
    values: Optional[Mapping[str, Any]],
    parent_run_id: Optional[str] = None,
    continue_on_step_failure: Optional[bool] = None,
) -> Dict[str, Any]:
    """What is sent to start a published pipeline."""
    from azureml.core._run_interactive import login_name

    return {
        "experiment": experiment_name,
        **parameter_values(workspace, values),
        "continue_on_step_failure": continue_on_step_failure,
        "run_source": "SDK",
        "parent": parent_run_id,
        "user": login_name(),
    }


def parameter_values(
    workspace: Workspace, values: Optional[Mapping[str, Any]]
) -> Dict[str, Dict[str, Any]]:
    """Values of parameters as the server takes them, each kind in a field of its own."""
    texts: Dict[str, Any] = {}
    places: Dict[str, Any] = {}
    datasets: Dict[str, Any] = {}
    for name, value in (values or {}).items():
        if is_a(value, DATA_PATH):
            path = (value.path_on_datastore or "").strip("/")
            places[name] = {"datastore": value.datastore_name, "path": path}
        elif is_a(value, CONSUMPTION) or is_a(value, DATASET) or isinstance(value, tuple):
            datasets[name] = _dataset(workspace, name, value)
        elif isinstance(value, (str, int, float)):
            texts[name] = str(value)
        else:
            raise Exception(f"pipeline parameter `{name}` cannot be a {type(value).__name__}")
    return {"parameters": texts, "data_paths": places, "datasets": datasets}


def _dataset(workspace: Workspace, name: str, value: Any) -> Dict[str, Any]:
    """A dataset with the place of its files, which is made now if it takes a view of them."""
    from azureml.data import _step_inputs
    from azureml.data.constants import DIRECT_MODE, MOUNT_MODE

    dataset = _step_inputs.resolved(workspace, value)
    mode = DIRECT_MODE if is_a(dataset, "TabularDataset") else MOUNT_MODE
    made = _step_inputs.step_input(workspace, name, mode, dataset)
    return {"id": made.dataset_id, "place": made.place}


def start(
    workspace: Workspace, path: str, body: Optional[Mapping[str, Any]], **query: Any
) -> PipelineRun:
    """Start what is at `path` and return its run; a lost answer does not start two."""
    import uuid

    from azureml.core.experiment import Experiment
    from azureml.pipeline.core.run import PipelineRun

    with refusals():
        record = workspace._client.post(path, body, idempotency_key=str(uuid.uuid4()), **query)
    print("Submitted PipelineRun {}".format(record["id"]))
    experiment = Experiment(workspace, record["experiment"])
    run = PipelineRun(experiment, record["id"], _record=record)
    print(f"Link to the run: {run.get_portal_url()}")
    return run


@contextmanager
def refusals(kind: Optional[Type[Exception]] = None) -> Iterator[None]:
    """What the server refuses is the program's mistake: a `kind`, or a `UserErrorException`."""
    from azureml import _edge
    from azureml.exceptions import UserErrorException
    from stepwell.errors import Conflict, InvalidGraph, InvalidRequest, NotFound

    try:
        yield
    except (Conflict, InvalidGraph, InvalidRequest, NotFound) as error:
        raise _edge.refused(kind or UserErrorException, str(error), error.status) from error


def address(workspace: Workspace, rest: str) -> str:
    """The address at which programs without an SDK start what is published."""
    from urllib.parse import quote

    names = [workspace.subscription_id, workspace.resource_group, workspace.name]
    return (
        "{}/pipelines/v1.0/subscriptions/{}/resourceGroups/{}/providers/"
        "Microsoft.MachineLearningServices/workspaces/{}/PipelineRuns/{}".format(
            workspace._client.url, *(quote(str(name), safe="") for name in names), rest
        )
    )
