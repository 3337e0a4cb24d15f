"""Conda's environment files: reading, checking and writing their content.

The content is kept as it is in the file; what it means is the business of `CondaDependencies`.
"""

from __future__ import annotations

import copy
import os
from typing import Any, Dict, List, Mapping

from azureml.core import _yaml_text
from azureml.core._packages import anchored
from azureml.exceptions import UserErrorException

CHANNELS = "channels"
PACKAGES = "dependencies"
PIP = "pip"

_KEYS = ("name", CHANNELS, PACKAGES, "prefix", "variables")
_HEADER = (
    "# Conda environment specification. The packages that scripts of this project need;\n"
    "# Stepwell builds the environment with uv and leaves out azureml-*.\n"
)


def defaults(python_version: str) -> Dict[str, Any]:
    """What a program begins with, as v1 did."""
    return {
        "name": "project_environment",
        CHANNELS: ["anaconda", "conda-forge"],
        PACKAGES: [f"python={python_version}", {PIP: ["azureml-defaults"]}],
    }


def read(path: str) -> Dict[str, Any]:
    """The content of a file; paths in its pip section are made to hold anywhere.

    Raises:
        UserErrorException: The file is missing or is not a conda environment file.
    """
    import yaml

    try:
        content = _yaml_text.load_file(path)
    except OSError as error:
        raise UserErrorException(
            f"the conda environment file {path} cannot be read: {error.strerror}"
        ) from error
    except yaml.YAMLError as error:
        raise UserErrorException(f"{path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise UserErrorException(f"{path} is not a conda environment file")
    made = checked(content)
    for entry in made[PACKAGES]:
        if isinstance(entry, dict):
            entry[PIP] = [anchored(line, os.path.dirname(path)) for line in entry[PIP]]
    return made


def checked(content: Mapping[str, Any]) -> Dict[str, Any]:
    """A copy of `content` in which both lists are there and an empty pip section is a list.

    Raises:
        UserErrorException: Naming what has no place in such a file.
    """
    made: Dict[str, Any] = copy.deepcopy(dict(content))
    unknown = [key for key in made if key not in _KEYS]
    if unknown:
        raise UserErrorException(
            "a conda environment file has no key `{}`; it has {}".format(
                unknown[0], ", ".join(_KEYS)
            )
        )
    for key in (CHANNELS, PACKAGES):
        made[key] = _list(key, made.get(key))
    made[PACKAGES] = [_entry(entry) for entry in made[PACKAGES]]
    return made


def _list(key: str, value: Any) -> List[Any]:
    if value is not None and not isinstance(value, list):
        raise UserErrorException(f"`{key}` of a conda environment is a list")
    return value or []


def _entry(entry: Any) -> Any:
    if isinstance(entry, dict) and list(entry) == [PIP]:
        return {PIP: [str(line) for line in _list(PIP, entry[PIP])]}
    if not isinstance(entry, str):
        raise UserErrorException(
            f"{entry!r} among the conda dependencies is neither a package nor a pip section"
        )
    return entry


def text(content: Mapping[str, Any]) -> str:
    """The file's text."""
    import yaml

    body: str = yaml.safe_dump(dict(content), default_flow_style=False, sort_keys=False)
    return _HEADER + body


def write(path: str, written: str) -> None:
    """Write a text to a file; its folder is made."""
    os.makedirs(os.path.dirname(path) or os.curdir, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(written)
