"""Environments as files: a folder that is easily edited, requirements of pip, an export of conda.

The folder holds `azureml_environment.json`, `conda_dependencies.yml` and, when the environment
has one, `BaseDockerfile`; the last two are taken out of the first.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, Dict, Iterator, List, Tuple

from azureml.core import _conda_file, _yaml_text
from azureml.core._packages import anchored
from azureml.exceptions import UserErrorException
from stepwell._windows_paths import here

DESCRIPTION = "azureml_environment.json"
PACKAGES = "conda_dependencies.yml"
DOCKERFILE = "BaseDockerfile"
WHEEL_DATASTORE = "workspaceblobstore"
WHEELS = "azureml-private-packages"
_INNER = re.compile(r"(?:-r|--requirement)[\s=]*(.+)")


def save(description: Dict[str, Any], path: str, overwrite: bool) -> None:
    """Write a description into a folder.

    Raises:
        UserErrorException: The folder has one and must not be overwritten.
    """
    target = os.path.join(path, DESCRIPTION)
    if os.path.exists(target) and not overwrite:
        raise UserErrorException(
            f"{path} holds an environment already; pass overwrite=True to replace it"
        )
    python = dict(description["python"])
    docker = dict(description["docker"])
    packages = python.pop("condaDependencies", None)
    dockerfile = docker.pop("baseDockerfile", None)
    outer = {**description, "python": python, "docker": docker}
    _conda_file.write(target, json.dumps(outer, indent=4) + "\n")
    if packages:
        _conda_file.write(os.path.join(path, PACKAGES), _conda_file.text(packages))
    if dockerfile:
        _conda_file.write(os.path.join(path, DOCKERFILE), dockerfile)


def load(path: str) -> Dict[str, Any]:
    """The description in a folder.

    Raises:
        UserErrorException: The folder holds none, or it is not JSON.
    """
    source = os.path.join(path, DESCRIPTION)
    try:
        description: Dict[str, Any] = json.loads(_text(source))
    except ValueError as error:
        raise UserErrorException(f"{source} is not JSON: {error}") from error
    packages = os.path.join(path, PACKAGES)
    if os.path.isfile(packages):
        description.setdefault("python", {})["condaDependencies"] = _conda_file.read(packages)
    dockerfile = os.path.join(path, DOCKERFILE)
    if os.path.isfile(dockerfile):
        description.setdefault("docker", {})["baseDockerfile"] = _text(dockerfile)
    return description


def text_or_file(value: str) -> str:
    """The content of the file `value` names, or `value` itself when it is the content."""
    return _text(value) if "\n" not in value and os.path.isfile(value) else value


def requirements(path: str) -> List[str]:
    """The lines of a requirements file of pip; files it refers to are read in their places.

    Raises:
        UserErrorException: The file, or one it refers to, cannot be read.
    """
    return list(_requirements(os.path.abspath(path), ()))


def _requirements(path: str, reading: Tuple[str, ...]) -> Iterator[str]:
    if path in reading:
        return
    folder = os.path.dirname(path)
    for line in _text(path).replace("\\\n", " ").splitlines():
        line = _without_comment(line)
        inner = _INNER.match(line)
        if inner:
            named = os.path.join(folder, inner.group(1).strip())
            yield from _requirements(os.path.abspath(named), reading + (path,))
        elif line:
            yield anchored(line, folder)


def _without_comment(line: str) -> str:
    """A line without its comment; `#` within a word, as in a URL, begins none."""
    if line.lstrip().startswith("#"):
        return ""
    return line.split(" #", 1)[0].strip()


def exported_by_conda(environment: str) -> Dict[str, Any]:
    """The content of the environment file that conda writes for one of its environments.

    Raises:
        UserErrorException: There is no conda, or it has no such environment.
    """
    import subprocess

    command = ["conda", "env", "export", "--no-builds", "--name", environment]
    try:
        pipe = subprocess.PIPE
        answer = subprocess.run(command, stdout=pipe, stderr=pipe, universal_newlines=True)
    except OSError as error:
        raise UserErrorException(
            f"conda is not on the PATH, so `{environment}` cannot be read: {error}"
        ) from error
    if answer.returncode != 0:
        raise UserErrorException(f"conda cannot export `{environment}`: {answer.stderr.strip()}")
    content = _yaml_text.load(answer.stdout)
    content.pop("prefix", None)
    return _conda_file.checked(content)


def keep_wheel(workspace: Any, path: str, exist_ok: bool) -> str:
    """Put a wheel into the workspace's own datastore and return where it is there.

    Raises:
        UserErrorException: There is no such file, or one of its name is there already.
    """
    from azureml.core.datastore import Datastore

    if not os.path.isfile(path):
        raise UserErrorException(f"there is no wheel {path}")
    store: Any = Datastore.get(workspace, WHEEL_DATASTORE)
    kept = os.path.join(store._folder(), WHEELS, os.path.basename(path))
    if not os.path.exists(kept):
        store.upload_files([path], target_path=WHEELS, show_progress=False)
    elif not exist_ok:
        raise UserErrorException(
            f"the workspace keeps a wheel {os.path.basename(path)} already; give the new "
            "one another version, or pass "
            "exist_ok=True to use the one that is there"
        )
    return kept


def _text(path: str) -> str:
    try:
        with open(here(path), encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise UserErrorException(f"{path} cannot be read: {error.strerror}") from error
