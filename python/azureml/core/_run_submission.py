"""Starting what `Experiment.submit` is given: a pipeline by its own `submit`, a script here.

A script run is sent as one step that is the run itself.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Tuple

from azureml._not_yet import not_yet
from azureml.core._command import SHELL, command_parts, first_words
from azureml.core._run_interactive import login_name
from azureml.exceptions import UserErrorException
from stepwell._windows_paths import here

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment
    from azureml.core.run import Run
    from azureml.core.script_run_config import ScriptRunConfig
    from azureml.data._step_inputs import StepInput
    from azureml.data.data_reference import DataReference

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
    # Estimators, searches of hyperparameters and the like know themselves what they start.
    if hasattr(config, "_submit"):
        return config._submit(experiment, keywords, parent)  # type: ignore[no-any-return]
    raise UserErrorException(
        f"an experiment cannot submit a {type(config).__name__}; it submits a Pipeline, a "
        "ScriptRunConfig, an "
        "estimator, a HyperDriveConfig or an AutoMLConfig"
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
    from azureml.core._distribution import distribution
    from azureml.core._environment_registry import named
    from azureml.core._git import git_properties
    from azureml.core._step_resources import resources
    from azureml.core._wire_environment import wire_environment

    client = experiment.workspace._client
    run_config = config.run_config
    directory = os.path.abspath(here(config.source_directory) or os.getcwd())
    program, name, given = _program(config, directory)
    data = _ScriptData(experiment.workspace)
    arguments = data.arguments(given)
    for each in config._inputs:
        data.add(each)
    environment, variables = wire_environment(
        named(experiment.workspace, getattr(run_config, "environment", None)), run_config
    )
    task: Dict[str, Any] = {
        "type": "process",
        "program": program,
        "arguments": arguments,
        "snapshot": client.push_snapshot(directory),
        "environment": environment,
        "variables": {**variables, **data.variables()},
    }
    several = distribution(run_config)
    if several is not None:
        task.update(several.task())
    limit = getattr(run_config, "max_run_duration_seconds", None)
    if limit:
        task["timeout_seconds"] = int(limit)
    step = {
        "name": name,
        "kind": "ScriptRun",
        "target": _target(run_config),
        "task": task,
        "inputs": data.inputs(),
        "outputs": data.outputs(),
        **resources(run_config),
    }
    return {
        "experiment": experiment.name,
        "kind": "script",
        "display_name": name,
        "parent": parent,
        "properties": {**git_properties(directory), **data.given_property()},
        "client": client_info(client),
        "steps": [step],
    }


def client_info(client: Any) -> Dict[str, str]:
    """Where the submitting program runs."""
    import stepwell

    return {"sdk_path": client.sdk_path, "version": stepwell.__version__, "user": login_name()}


def _program(config: ScriptRunConfig, directory: str) -> Any:
    """What is started, its name for people, and its arguments."""
    own: Any = getattr(config, "_own_program", None)  # a notebook has one
    if own is not None:
        return own()
    command: Any = getattr(config, "command", None)
    if command:
        parts = _checked_parts(command)
        return {"shell": SHELL}, first_words(parts)[0], parts
    script = config.script or getattr(config.run_config, "script", None)
    if not script:
        raise UserErrorException("the ScriptRunConfig names neither a script nor a command")
    script = here(script, directory)
    if not os.path.isfile(os.path.join(directory, script)):
        raise UserErrorException(f"there is no script `{script}`; source_directory is {directory}")
    arguments = config.arguments or getattr(config.run_config, "arguments", None) or []
    script = os.fspath(script)
    return {"script": script.replace(os.sep, "/")}, script, arguments


def _checked_parts(command: Any) -> List[Any]:
    try:
        return command_parts(command)
    except ValueError as refused:
        raise UserErrorException(str(refused)) from None


class _ScriptData(object):
    """The data that one script run reads, gathered from its arguments and inputs."""

    def __init__(self, workspace: Any) -> None:
        self._workspace = workspace
        self._datasets: Dict[str, Tuple[StepInput, Optional[str]]] = {}
        self._references: Dict[str, Dict[str, Any]] = {}
        self._outputs: Dict[str, Dict[str, Any]] = {}

    def arguments(self, arguments: Any) -> List[Dict[str, Any]]:
        """The arguments as the server takes them."""
        if isinstance(arguments, str):
            import shlex

            arguments = shlex.split(arguments)
        made: List[Dict[str, Any]] = []
        for argument in arguments:
            if type(argument).__module__.startswith(("azureml.data", "azureml.pipeline")):
                made.append(self.add(argument))
            else:
                made.append(self._text(str(argument)))
        return made

    def _text(self, text: str) -> Dict[str, Any]:
        """A text; data that was written into it is filled in when the script starts.

        Raises:
            UserErrorException: The text names data that no object stands for.
        """
        from azureml.data._written import split

        parts = split(text)
        if parts is None:
            raise UserErrorException(
                f"the argument {text!r} names data that is not known; pass the data itself as an "
                "argument of its own"
            )
        made = [{"literal": part} if isinstance(part, str) else self.add(part) for part in parts]
        return made[0] if len(made) == 1 else {"text": made}

    def add(self, data: Any) -> Dict[str, str]:
        """Let the script read or write `data`; returns the argument that gives its path or id."""
        from azureml.data.data_reference import DataReference
        from azureml.data.output_dataset_config import OutputDatasetConfig

        if isinstance(data, OutputDatasetConfig):
            self._outputs[data.name] = _wire_output(data)
            return {"output": data.name}
        if isinstance(data, DataReference):
            name = data.data_reference_name
            self._references[name] = _wire_reference(data)
            return {"input": name}
        dataset = _dataset(self._workspace, data)
        self._datasets[dataset.name] = (dataset, data.path_on_compute)
        return dataset.argument

    def outputs(self) -> List[Dict[str, Any]]:
        """The outputs of the step as the server takes them."""
        return list(self._outputs.values())

    def given_property(self) -> Dict[str, str]:
        """What `get_details` reads of the datasets."""
        from azureml.core._run_details import given_property

        return given_property({0: {name: each for name, (each, _) in self._datasets.items()}})

    def variables(self) -> Dict[str, str]:
        """What `Run.input_datasets` and `Run.output_datasets` read in the script."""
        from azureml.data import _step_inputs

        made = _step_inputs.variables(each for each, _ in self._datasets.values())
        if self._outputs:
            made[_step_inputs.OUTPUTS_VARIABLE] = ";".join(self._outputs)
        return made

    def inputs(self) -> List[Dict[str, Any]]:
        """The inputs of the step as the server takes them."""
        from azureml.data import _step_inputs

        datasets = [
            _step_inputs.wire_input(each, {"datastore": each.place}, path)
            for each, path in self._datasets.values()
            if each.place
        ]
        return [*datasets, *self._references.values()]


def _wire_output(config: Any) -> Dict[str, Any]:
    """What the script writes, as an output of the step."""
    from azureml.data.output_dataset_config import OutputFileDatasetConfig
    from azureml.pipeline.core._wire_ports import configured_output

    if not isinstance(config, OutputFileDatasetConfig) and not hasattr(config, "_files"):
        not_yet(
            f"a script run cannot write a {type(config).__name__} yet; use OutputFileDatasetConfig"
        )
    destination = config.destination
    store = destination[0] if isinstance(destination, tuple) else destination
    return configured_output(config.name, getattr(store, "name", None), config)


def _wire_reference(data: DataReference) -> Dict[str, Any]:
    """A place on a datastore as an input of the step."""
    from azureml.data import _step_inputs

    if data.mode not in ("mount", "download"):
        not_yet(
            "a script run cannot write to the data reference "
            f"`{data.data_reference_name}`; write to `outputs/`, or pass "
            "an OutputFileDatasetConfig"
        )
    path = (data.path_on_datastore or "").strip("/")
    source = {"datastore": {"datastore": data.datastore.name, "path": path}}
    place = _step_inputs.wire_place(
        data.data_reference_name, data.mode == "download", data.path_on_compute
    )
    return {"name": data.data_reference_name, "source": source, **place}


def _dataset(workspace: Any, argument: Any) -> StepInput:
    """A dataset among the arguments; what a script writes needs a pipeline, which has edges."""
    from azureml.data import _step_inputs
    from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
    from azureml.data.output_dataset_config import OutputDatasetConfig

    if not isinstance(argument, DatasetConsumptionConfig) or isinstance(
        argument.dataset, OutputDatasetConfig
    ):
        not_yet(
            f"a ScriptRunConfig cannot take a {type(argument).__name__} as an argument "
            "yet; pass it to a "
            "PythonScriptStep in a Pipeline"
        )
    return _step_inputs.step_input(workspace, argument.name, argument.mode, argument.dataset)


def _target(run_config: Any) -> str:
    target = getattr(run_config, "target", None) or "local"
    return str(getattr(target, "name", target))
