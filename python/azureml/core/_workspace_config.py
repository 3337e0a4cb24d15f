"""Finds and reads the `config.json` that names a workspace, as v1 programs keep it.

It is looked for in a folder and its parents, in each under `.azureml`, directly, and under
`aml_config`. Having none is no error: then the names are those of the server of this folder.
"""

from __future__ import annotations

import os
from typing import Dict, Iterator, NamedTuple, Optional

from azureml.exceptions import UserErrorException

FILE_NAME = "config.json"
FOLDERS = (".azureml", "", "aml_config")


class Names(NamedTuple):
    """What identifies a workspace in v1; `None` leaves it to the server."""

    subscription_id: Optional[str]
    resource_group: Optional[str]
    workspace_name: Optional[str]


def find(path: Optional[str], file_name: Optional[str]) -> Optional[str]:
    """The configuration file that `path` (a file, a folder or nothing) leads to, if any.

    As in v1 it is looked for from there upwards, also where the path itself is not: many
    programs say `.azureml/config` and mean the file of that folder.
    """
    start = os.path.abspath(path.replace("\\", "/") if path else os.getcwd())
    if os.path.isfile(start):
        return start
    found = _first(start, file_name or FILE_NAME)
    if found is None and path and not os.path.isdir(start):
        raise UserErrorException(
            f"the workspace configuration `{path}` does not exist; give the path of a "
            "config.json or "
            "of a folder that holds one, or none at all to use this folder's own workspace"
        )
    return found


def _first(start: str, file_name: str) -> Optional[str]:
    candidates = _candidates(start, file_name)
    return next((each for each in candidates if os.path.isfile(each)), None)


def _candidates(start: str, file_name: str) -> Iterator[str]:
    folder = start
    while True:
        for inner in FOLDERS:
            yield os.path.join(folder, inner, file_name)
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def read(file: str) -> Names:
    """The names in a configuration file."""
    import json

    try:
        with open(file, encoding="utf-8") as text:
            values = json.load(text)
    except ValueError as broken:
        raise UserErrorException(f"`{file}` is not valid JSON: {broken}") from None
    if not isinstance(values, dict):
        raise UserErrorException(f"`{file}` does not hold a JSON object")
    if "Scope" in values:
        return _of_scope(str(values["Scope"]))
    keys = ("subscription_id", "resource_group", "workspace_name")
    missing = [key for key in keys if not values.get(key)]
    if missing:
        raise UserErrorException("`{}` does not name {}".format(file, ", ".join(missing)))
    return Names(*(str(values[key]) for key in keys))


def _of_scope(scope: str) -> Names:
    """Read `/subscriptions/…/resourceGroups/…/…/workspaces/…`."""
    parts = scope.strip("/").split("/")
    named = {key.lower(): value for key, value in zip(parts[::2], parts[1::2])}
    return Names(named.get("subscriptions"), named.get("resourcegroups"), named.get("workspaces"))


def write(folder: str, file_name: Optional[str], names: Dict[str, str]) -> str:
    """Write the names below `folder` where `find` looks first, and return the file's path."""
    import json

    target = os.path.join(folder, FOLDERS[0], file_name or FILE_NAME)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "w", encoding="utf-8") as text:
        json.dump(names, text, indent=4)
        text.write("\n")
    return target
