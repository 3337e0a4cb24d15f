"""From an `AutoMLConfig` to the script run that searches: `python -m stepwell._automl`.

The Python of the search is the submitting one if it has FLAML and its boosters, else one that is
built when a search first needs it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from azureml.exceptions import TrainingException
from azureml.train.automl import _settings

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment
    from azureml.train.automl.automlconfig import AutoMLConfig
    from azureml.train.automl.run import AutoMLRun

RUN_TEMPLATE = "AutoML"
SETTINGS_VARIABLE = "STEPWELL_AUTOML"
MODULES = ("flaml", "lightgbm", "xgboost", "sklearn", "pandas")
PACKAGES = ("flaml", "lightgbm", "xgboost-cpu<3", "scikit-learn", "pandas", "pyarrow")
DATA = ("training_data", "validation_data")


def submit(experiment: Experiment, config: AutoMLConfig, parent: Optional[str]) -> AutoMLRun:
    """Start a search and return its run.

    Raises:
        ConfigException: A setting cannot be.
        TrainingException: The server refused.
    """
    from azureml.core._run_submission import script_body
    from azureml.core.script_run_config import ScriptRunConfig
    from azureml.train.automl.run import AutoMLRun
    from stepwell import errors

    settings = _settings.wire(config.user_settings)
    print_settings(config)
    client = experiment.workspace._client
    with tempfile.TemporaryDirectory() as folder:
        inputs, files = _data(config, folder)
        script = ScriptRunConfig(folder, command=["python", "-m", "stepwell._automl"])
        script.run_config.target = _target(config)
        script._inputs = inputs
        body = script_body(experiment, script, parent)
    (step,) = body["steps"]
    step["task"]["environment"] = environment()
    step["task"]["variables"][SETTINGS_VARIABLE] = json.dumps({**settings, "files": files})
    step["kind"] = RUN_TEMPLATE
    body["display_name"] = step["name"] = RUN_TEMPLATE
    body["properties"] = properties(config, settings)
    try:
        record = client.submit(body)
    except errors.StepwellError as error:
        raise TrainingException(str(error), inner_exception=error) from error
    return AutoMLRun(experiment, record["id"], _record=record)


def environment() -> Dict[str, Any]:
    """The Python of a search as the server takes it."""
    from importlib.util import find_spec

    if all(find_spec(module) is not None for module in MODULES):
        return {"kind": "interpreter", "python": sys.executable}
    return {
        "kind": "python",
        "name": "automl",
        "python_version": None,
        "base_python": sys.executable,
        "pip": list(PACKAGES),
        "conda": [],
        "pip_options": [],
    }


def properties(config: AutoMLConfig, settings: Dict[str, Any]) -> Dict[str, str]:
    """What v1 writes on the run of a search and programs look for."""
    return {
        "azureml.runsource": "automl",
        "runTemplate": RUN_TEMPLATE,
        "primary_metric": settings["primary_metric"],
        "num_iterations": str(settings["iterations"]),
        "display_task_type": settings["task"],
        "AMLSettingsJsonString": json.dumps(config.as_serializable_dict()),
    }


def print_settings(config: AutoMLConfig) -> None:
    """Name once the settings that have no effect here."""
    names = _settings.without_effect(config.user_settings)
    if names:
        print("AutoML: {} have no effect here.".format(", ".join(names)))


def _target(config: AutoMLConfig) -> str:
    target = config.user_settings.get("compute_target") or "local"
    return str(getattr(target, "name", target))


def _data(config: AutoMLConfig, folder: str) -> Tuple[List[Any], Dict[str, str]]:
    """The datasets as inputs, and data frames as files of the folder, by argument."""
    inputs: List[Any] = []
    files: Dict[str, str] = {}
    for name in DATA:
        value = config.user_settings.get(name)
        if value is None:
            continue
        if hasattr(value, "as_named_input"):
            inputs.append(value.as_named_input(name))
        else:
            files[name] = write_frame(value, folder, name)
    return inputs, files


def write_frame(frame: Any, folder: str, name: str) -> str:
    """Write a data frame for the search to read; returns the file's name."""
    from importlib.util import find_spec

    if find_spec("pyarrow") is not None:
        frame.to_parquet(os.path.join(folder, name + ".parquet"))
        return name + ".parquet"
    frame.to_csv(os.path.join(folder, name + ".csv"), index=False)
    return name + ".csv"
