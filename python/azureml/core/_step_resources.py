"""What a run configuration asks of the machines that a script runs on, as the server takes it.

v1 programs choose machines by their compute target. What they say beside that is how long a script
may run; cores, memory and GPUs are Stepwell's own `RunConfiguration.resources`.
"""

from __future__ import annotations

import math
from typing import Any, Dict, Mapping

from azureml.core._distribution import distribution
from azureml.exceptions import UserErrorException

GIGABYTE = 1_000_000_000


def resources(run_config: Any, parameters: Mapping[str, Any] = {}) -> Dict[str, Any]:
    """The part of a step that says what it needs; empty when that is nothing.

    `parameters` are the pipeline parameters that give settings of the run configuration.

    Raises:
        UserErrorException: Less than nothing is asked for.
    """
    several = distribution(run_config, parameters)
    counts = several.counts() if several else {}
    made: Dict[str, Any] = {**_machine(run_config), **_time(run_config), **counts}
    return {"resources": made} if made else {}


def _machine(run_config: Any) -> Dict[str, Any]:
    asked = getattr(run_config, "resources", None)
    if asked is None:
        return {}
    for name in ("cpu", "memory_in_gb", "gpu"):
        number = getattr(asked, name)
        if number is not None and number < 0:
            raise UserErrorException(f"{name} of the resources is {number}")
    made: Dict[str, Any] = {}
    if asked.cpu:
        made["cores"] = math.ceil(asked.cpu)
    if asked.memory_in_gb:
        made["memory_bytes"] = math.ceil(asked.memory_in_gb * GIGABYTE)
    if asked.gpu:
        made["gpus"] = math.ceil(asked.gpu)
    return made


def _time(run_config: Any) -> Dict[str, Any]:
    """How long a cluster is asked for; what v1 sets of itself asks for nothing."""
    seconds = getattr(run_config, "max_run_duration_seconds", None)
    if not seconds:
        return {}
    # Few pipelines say it, and none else needs what this loads.
    from azureml.core.script_run_config import MAX_DURATION_SECONDS_DEFAULT

    if int(seconds) == MAX_DURATION_SECONDS_DEFAULT:
        return {}
    return {"wall_time_s": int(seconds)}
