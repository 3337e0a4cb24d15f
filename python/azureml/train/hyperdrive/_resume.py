"""Searches that go on from earlier ones: which may be named, and which not."""

from __future__ import annotations

import json
from typing import Any, Dict, List

from azureml.train.hyperdrive.exceptions import HyperDriveConfigException

PARENTS_MAX = 5
TRIALS_MAX = 1000
ENDED = ("Completed", "Canceled", "Failed")


def checked_parents(given: Any, config: Any) -> List[Any]:
    """The runs of earlier searches.

    Raises:
        HyperDriveConfigException: There are too many, one is repeated or goes on, or one searched
            for something else.
    """
    runs = _listed(given)
    ids = [run.id for run in runs]
    if len(runs) > PARENTS_MAX:
        raise HyperDriveConfigException(
            f"resume_from names {len(runs)} runs; it names {PARENTS_MAX} at most"
        )
    if len(set(ids)) < len(ids):
        raise HyperDriveConfigException("resume_from names a run twice")
    total = config._max_total_jobs if runs else 0
    for run in runs:
        status = run.get_status()
        if status not in ("Completed", "Canceled"):
            raise HyperDriveConfigException(
                f"run {run.id} of resume_from is {status}; it must be completed or canceled"
            )
        known = _described(run)
        if known.get("primary_metric_config") != config._primary_metric_config:
            raise HyperDriveConfigException(
                "run {} of resume_from searched by another primary metric: {}".format(
                    run.id, known.get("primary_metric_config")
                )
            )
        space = (known.get("generator_config") or {}).get("parameter_space")
        own = [[name, each] for name, each in config._generator_config["parameter_space"].items()]
        if config._sampling._METHOD == "bayesian" and space != json.loads(json.dumps(own)):
            raise HyperDriveConfigException(f"run {run.id} of resume_from searched another space")
        total += int(known.get("max_total_jobs") or 0)
    if total > TRIALS_MAX:
        raise HyperDriveConfigException(
            f"the searches of resume_from and this one have {total} trials together; "
            f"{TRIALS_MAX} are "
            "allowed"
        )
    return runs


def checked_children(given: Any, max_total_runs: int) -> List[Any]:
    """The trials that are gone on with.

    Raises:
        HyperDriveConfigException: There are too many, one is repeated or goes on, or they are of
            too many searches.
    """
    runs = _listed(given)
    ids = [run.id for run in runs]
    if len(runs) > max_total_runs:
        raise HyperDriveConfigException(
            f"resume_child_runs names {len(runs)} runs, more than max_total_runs"
        )
    if len(set(ids)) < len(ids):
        raise HyperDriveConfigException("resume_child_runs names a run twice")
    parents = set()
    for run in runs:
        if run.get_status() not in ENDED:
            raise HyperDriveConfigException(f"run {run.id} of resume_child_runs has not ended")
        parent = run.parent
        if parent is None:
            raise HyperDriveConfigException(
                f"run {run.id} of resume_child_runs is no trial of a search"
            )
        parents.add(parent.id)
    if len(parents) > PARENTS_MAX:
        raise HyperDriveConfigException(
            f"resume_child_runs are of {len(parents)} searches; {PARENTS_MAX} are allowed"
        )
    return runs


def _listed(given: Any) -> List[Any]:
    if given is None:
        return []
    return list(given) if isinstance(given, (list, tuple)) else [given]


def _described(run: Any) -> Dict[str, Any]:
    """What the tags of a search's run say of it."""
    made = {}
    for name in ("primary_metric_config", "generator_config", "max_total_jobs"):
        text = run.tags.get("_aml_system_" + name) or run.tags.get(name)
        if text:
            made[name] = json.loads(text)
    return made
