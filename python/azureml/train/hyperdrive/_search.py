"""From a `HyperDriveConfig` to the task that the server is sent, and its submission.

The search itself takes a slot of a target of its own, so that it never waits for its trials.
"""

from __future__ import annotations

import copy
import json
import sys
import warnings
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional

from azureml._not_yet import not_yet
from azureml.exceptions import TrainingException
from azureml.pipeline.core._targets import TUNING_TARGET
from azureml.train.hyperdrive.exceptions import HyperDriveScenarioNotSupportedException

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment
    from azureml.core.script_run_config import ScriptRunConfig
    from azureml.train.hyperdrive.run import HyperDriveRun
    from azureml.train.hyperdrive.runconfig import HyperDriveConfig

RUN_TEMPLATE = "HyperDrive"
_OTHER_COMPUTES = ("DatabricksCompute", "AksCompute")


def submit(
    experiment: Experiment, config: HyperDriveConfig, parent: Optional[str]
) -> HyperDriveRun:
    """Start a search and return its run.

    Raises:
        HyperDriveScenarioNotSupportedException: The trials cannot be of that kind.
        TrainingException: The server refused.
    """
    from azureml.core._run_submission import script_body
    from azureml.train.hyperdrive.run import HyperDriveRun
    from stepwell import errors

    client = experiment.workspace._client
    body = script_body(experiment, trial(config), parent)
    (step,) = body["steps"]
    trial_resources = step.pop("resources", {})
    step["task"] = task(config, step["task"], step["target"], trial_resources)
    step["kind"], step["target"] = "HyperDrive", TUNING_TARGET
    body["properties"] = properties(config)
    try:
        record = client.submit(body)
    except errors.StepwellError as error:
        raise TrainingException(str(error), inner_exception=error) from error
    return HyperDriveRun(experiment, record["id"], hyperdrive_config=config, _record=record)


def trial(config: HyperDriveConfig) -> ScriptRunConfig:
    """What each trial runs.

    Raises:
        HyperDriveScenarioNotSupportedException: It cannot be a trial.
    """
    if config.pipeline is not None:
        not_yet("searches over pipelines are not there yet; search over a script")
    target = getattr(config.run_config, "target", None)
    if type(target).__name__ in _OTHER_COMPUTES:
        raise HyperDriveScenarioNotSupportedException(
            f"trials do not run on a {type(target).__name__}"
        )
    if config.estimator is None:
        made: ScriptRunConfig = config._run_config
        return made
    script: ScriptRunConfig = config.estimator._script_run_config({})
    script.arguments = without_searched(script.arguments, config)
    # A script without arguments has those of its run configuration, which is the estimator's own.
    script.run_config = copy.copy(script.run_config)
    script.run_config.arguments = list(script.arguments)
    return script


def without_searched(arguments: Any, config: HyperDriveConfig) -> List[Any]:
    """The arguments of an estimator without those that the search gives a value."""
    names = {name.lstrip("-") for name in config._generator_config["parameter_space"]}
    kept: List[Any] = []
    given = list(arguments or [])
    place = 0
    while place < len(given):
        option = given[place]
        if isinstance(option, str) and option.startswith("-") and option.lstrip("-") in names:
            warnings.warn(
                f"the argument {option} of the estimator is dropped: the search gives it its "
                "values",
                stacklevel=4,
            )
            place += 1
            while place < len(given) and not str(given[place]).startswith("-"):
                place += 1
            continue
        kept.append(option)
        place += 1
    return kept


def task(
    config: HyperDriveConfig,
    program: Mapping[str, Any],
    target: str,
    resources: Mapping[str, Any],
    metrics_output: Optional[str] = None,
    model_outputs: Optional[List[Dict[str, str]]] = None,
) -> Dict[str, Any]:
    """The task as the server takes it; `program` and `resources` are those of a trial."""
    method = config._sampling._METHOD
    return {
        "type": "tune",
        "trial": {name: value for name, value in program.items() if name != "type"},
        "trial_target": target,
        "trial_resources": dict(resources),
        "search": search(config),
        "metrics_output": metrics_output,
        "model_outputs": model_outputs or [],
        "suggestions": _suggestions() if method == "bayesian" else None,
    }


def search(config: HyperDriveConfig) -> Dict[str, Any]:
    """What is searched and how, as the server takes it."""
    generator = config._generator_config
    made: Dict[str, Any] = {
        "sampling": config._sampling._METHOD,
        # A list keeps the order in which the program wrote the parameters.
        "space": [[name, each] for name, each in generator["parameter_space"].items()],
        "primary_metric": config._primary_metric_config,
        "policy": _policy(config._policy_config),
        "max_total_runs": max(config._max_total_jobs or 0, 0),
        "max_concurrent_runs": max(config._max_concurrent_jobs or 0, 0),
        "max_duration_minutes": int(config._max_duration_minutes),
        "resume_from": [run.id for run in config._resume_from],
        "resume_child_runs": [run.id for run in config._resume_child_runs],
    }
    seed = (generator.get("properties") or {}).get("seed")
    if seed is not None:
        made["seed"] = int(seed) % (1 << 63)
    return made


def _policy(described: Mapping[str, Any]) -> Dict[str, Any]:
    properties = described.get("properties")
    if properties is None:
        return {"name": described["name"]}
    return {"name": described["name"], "properties": properties}


def properties(config: HyperDriveConfig) -> Dict[str, str]:
    """What v1 writes on the run of a search and programs look for."""
    space = config._generator_config["parameter_space"]
    return {
        "azureml.runsource": "hyperdrive",
        "runTemplate": RUN_TEMPLATE,
        "platform": "AML",
        "primary_metric_config": json.dumps(config._primary_metric_config),
        "resume_from": json.dumps([run.id for run in config._resume_from] or None),
        "space_size": _space_size(space),
    }


def _space_size(space: Mapping[str, Any]) -> str:
    """How many combinations there are, as text."""
    size = 1
    for kind, arguments in space.values():
        if kind == "choice":
            size *= len(arguments[0])
        elif kind == "randint":
            size *= arguments[0]
        else:
            return "infinite_space_size"
    return str(size)


def _suggestions() -> Dict[str, Any]:
    """The Python that suggests values: this one if it has Optuna, else one that is built."""
    from importlib.util import find_spec

    if find_spec("optuna") is not None:
        return {"kind": "interpreter", "python": sys.executable}
    return {
        "kind": "python",
        "name": "hyperdrive-suggestions",
        "python_version": None,
        "base_python": sys.executable,
        "pip": ["optuna"],
        "conda": [],
        "pip_options": [],
    }
