"""What is done to the files of a dataset, step by step."""

from __future__ import annotations

import functools
import os
import random
from datetime import datetime, timezone
from typing import Any, Dict, List

from azureml.data import _expressions
from azureml.data._definition import Definition, Step
from azureml.data._files import Found
from azureml.data.dataset_error_handling import DatasetExecutionError
from azureml.exceptions import UserErrorException

FACTS = ("Size", "CreatedTime", "ModifiedTime")


def known_fact(name: str) -> _expressions.Expression:
    """A fact about each file, to be compared with a value.

    Raises:
        UserErrorException: Nothing of that name is known of files.
    """
    if name not in FACTS:
        raise UserErrorException(
            "nothing named {!r} is known of files; these are: {}".format(name, ", ".join(FACTS))
        )
    return _expressions.fact(name)


def apply(files: List[Found], definition: Definition) -> List[Found]:
    """The files after all steps of a definition."""
    for step in definition.steps:
        files = _STEPS[step["do"]](files, step)
    return files


def _take(files: List[Found], step: Step) -> List[Found]:
    return files[: step["count"]]


def _skip(files: List[Found], step: Step) -> List[Found]:
    return files[step["count"] :]


def _sample(files: List[Found], step: Step) -> List[Found]:
    draw = random.Random(step["seed"])
    return [each for each in files if draw.random() < step["probability"]]


def _split(files: List[Found], step: Step) -> List[Found]:
    draw = random.Random(step["seed"])
    first = step["part"] == 1
    return [each for each in files if (draw.random() < step["percentage"]) == first]


def _filter(files: List[Found], step: Step) -> List[Found]:
    return [
        each
        for each in files
        if _expressions.evaluate(step["condition"], functools.partial(_look_up, each))
    ]


def _look_up(file: Found, kind: str, name: str) -> Any:
    if kind == "column":
        if name not in file.values:
            raise DatasetExecutionError(
                "the files have no column `{}`; those that partition_format names are {}".format(
                    name, ", ".join(f"`{each}`" for each in file.values) or "none"
                ),
                None,
            )
        return file.values[name]
    if file.store is not None:
        return _listed(file, name)
    if file.is_url:
        raise DatasetExecutionError(f"nothing is known of {file.location} before it is read", None)
    about = os.stat(file.location)
    if name == "Size":
        return about.st_size
    seconds = about.st_ctime if name == "CreatedTime" else about.st_mtime
    return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)


def _listed(file: Found, name: str) -> Any:
    """A fact that a datastore elsewhere says of a file; it knows one time only."""
    if name == "Size":
        return file.listed.size
    moment = datetime.fromisoformat(file.listed.modified.replace("Z", "+00:00"))
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


_STEPS: Dict[str, Any] = {
    "take": _take,
    "skip": _skip,
    "sample": _sample,
    "split": _split,
    "filter": _filter,
}
