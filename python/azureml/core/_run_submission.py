"""Starting what `Experiment.submit` is given: a pipeline by its own `submit`, a script here.

A script run is sent as one step that is the run itself.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Tuple

from azureml._not_yet import not_yet
from azureml.core._run_interactive import login_name
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment
    from azureml.core.run import Run
    from azureml.core.script_run_config import ScriptRunConfig
    from azureml.data._step_inputs import StepInput

# What each kind of pipeline's `submit` takes; other keywords are ignored, as in v1.
_PIPELINES = {
    "Pipeline": (
        "pipeline_parameters",
        "continue_on_step_failure",
        "regenerate_outputs",
        "parent_run_id",
        "credential_passthrough",
    ),
    "PublishedPipeline": (
        "pipeline_parameters",
        "continue_on_step_failure",
        "parent_run_id",
    ),
    "PipelineEndpoint": (
        "pipeline_parameters",
        "parent_run_id",
        "pipeline_version",
    ),
}


def submit(
    experiment: Experiment, config: Any, keywords: Mapping[str, Any], parent: Optional[str] = None
) -> Run:
    """Start `config` in an experiment, below the run `parent` if there is one."""
    experiment.workspace._client.forget_snapshots()
    for kind in type(config).__mro__:
        if kind.__name__ in _PIPELINES and kind.__module__.startswith("azureml.pipeline."):
            return _submit_pipeline(experiment, config, kind.__name__, keywords, parent)
    if any(kind.__name__ == "ScriptRunConfig" for kind in type(config).__mro__):
        return _submit_script(experiment, config, parent)
    raise UserErrorException(
        "an experiment cannot submit a {}; it submits a Pipeline or a ScriptRunConfig".format(
            type(config).__name__
        )
    )


def _submit_pipeline(
    experiment: Experiment,
    config: Any,
    kind: str,
    keywords: Mapping[str, Any],
    parent: Optional[str],
) -> Run:
    given = dict(keywords)
    if "pipeline_params" in given:  # v1's older name
        given.setdefault("pipeline_parameters", given.pop("pipeline_params"))
    given = {name: value for name, value in given.items() if name in _PIPELINES[kind]}
    if parent is not None:
        given["parent_run_id"] = parent
    if kind == "PublishedPipeline":
        run = config.submit(experiment.workspace, experiment.name, **given)
    else:
        run = config.submit(experiment.name, **given)
    return run  # type: ignore[no-any-return]


def _submit_script(experiment: Experiment, config: ScriptRunConfig, parent: Optional[str]) -> Run:
    from azureml.core.script_run import ScriptRun

    client = experiment.workspace._client
    record = client.submit(script_body(experiment, config, parent))
    directory = getattr(config, "source_directory", None)
    run_config = getattr(config, "run_config", None)
    return ScriptRun(experiment, record["id"], directory, run_config, _record=record)


def script_body(
    experiment: Experiment, config: ScriptRunConfig, parent: Optional[str] = None
) -> Dict[str, Any]:
    """What is sent to the server to run a script."""
    from azureml.core._wire_environment import wire_environment
    from azureml.data import _step_inputs

    client = experiment.workspace._client
    run_config = config.run_config
    directory = os.path.abspath(config.source_directory or os.getcwd())
    program, name, given = _program(config, directory)
    arguments, datasets = _arguments(experiment.workspace, given)
    environment, variables = wire_environment(getattr(run_config, "environment", None), run_config)
    task: Dict[str, Any] = {
        "type": "process",
        "program": program,
        "arguments": arguments,
        "snapshot": client.push_snapshot(directory),
        "environment": environment,
        "variables": {**variables, **_step_inputs.variables(each for each, _ in datasets)},
    }
    limit = getattr(run_config, "max_run_duration_seconds", None)
    if limit:
        task["timeout_seconds"] = int(limit)
    step = {
        "name": name,
        "kind": "ScriptRun",
        "target": _target(run_config),
        "task": task,
        "inputs": [
            _step_inputs.wire_input(each, {"datastore": each.place}, path)
            for each, path in datasets
            if each.place
        ],
    }
    return {
        "experiment": experiment.name,
        "kind": "script",
        "display_name": name,
        "parent": parent,
        "client": client_info(client),
        "steps": [step],
    }


def client_info(client: Any) -> Dict[str, str]:
    """Where the submitting program runs."""
    import stepwell

    return {"sdk_path": client.sdk_path, "version": stepwell.__version__, "user": login_name()}


def _program(config: ScriptRunConfig, directory: str) -> Any:
    """What is started, its name for people, and its arguments."""
    command: Any = getattr(config, "command", None)
    if command:
        words = _command_words(command)
        return {"command": words[0]}, words[0], words[1:]
    script = config.script or getattr(config.run_config, "script", None)
    if not script:
        raise UserErrorException("the ScriptRunConfig names neither a script nor a command")
    if not os.path.isfile(os.path.join(directory, script)):
        raise UserErrorException(
            "there is no script `{}`; source_directory is {}".format(script, directory)
        )
    arguments = config.arguments or getattr(config.run_config, "arguments", None) or []
    return {"script": script.replace(os.sep, "/")}, script, arguments


def _command_words(command: Any) -> List[Any]:
    """The words of a command: of a text as a shell would split it, of a list its first item."""
    import shlex

    if isinstance(command, str):
        return list(shlex.split(command))
    return list(shlex.split(str(command[0]))) + list(command[1:])


def _arguments(
    workspace: Any, arguments: Any
) -> Tuple[List[Dict[str, str]], List[Tuple[StepInput, Optional[str]]]]:
    """The arguments as the server takes them, and the datasets among them with their paths."""
    if isinstance(arguments, str):
        import shlex

        arguments = shlex.split(arguments)
    made: List[Dict[str, str]] = []
    datasets: Dict[str, Tuple[StepInput, Optional[str]]] = {}
    for argument in arguments:
        if not type(argument).__module__.startswith(("azureml.data", "azureml.pipeline")):
            made.append({"literal": str(argument)})
            continue
        dataset = _dataset(workspace, argument)
        datasets[dataset.name] = (dataset, argument.path_on_compute)
        made.append(dataset.argument)
    return made, list(datasets.values())


def _dataset(workspace: Any, argument: Any) -> StepInput:
    """A dataset among the arguments; other data needs a pipeline, which has edges for it."""
    from azureml.data import _step_inputs
    from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
    from azureml.data.output_dataset_config import OutputDatasetConfig

    if not isinstance(argument, DatasetConsumptionConfig) or isinstance(
        argument.dataset, OutputDatasetConfig
    ):
        not_yet(
            "a ScriptRunConfig cannot take a {} as an argument yet; pass it to a "
            "PythonScriptStep in a Pipeline".format(type(argument).__name__)
        )
    return _step_inputs.step_input(workspace, argument.name, argument.mode, argument.dataset)


def _target(run_config: Any) -> str:
    target = getattr(run_config, "target", None) or "local"
    return str(getattr(target, "name", target))
