"""Run configurations as files: `.azureml/<name>.runconfig` below a project folder, in YAML."""

from __future__ import annotations

import os
from typing import Any, Dict, Optional

from azureml.core import _yaml_text
from azureml.core._conda_file import write as write_text
from azureml.exceptions import UserErrorException

SUFFIX = ".runconfig"
CONDA_FILE = "environment.yml"
_FOLDERS = (".azureml", "aml_config")


def target(path: Optional[str], name: Optional[str]) -> str:
    """The file that a configuration is written to.

    Raises:
        UserErrorException: Neither a name nor a file is given.
    """
    path = path or os.getcwd()
    if name:
        return os.path.join(path, _FOLDERS[0], name + SUFFIX)
    if os.path.isdir(path):
        raise UserErrorException("a run configuration needs a name to be saved in a folder")
    return path


def find(path: str, name: Optional[str]) -> str:
    """The file that a configuration is read from.

    Raises:
        UserErrorException: There is none, naming the places that were looked at.
    """
    places = [path]
    if name:
        places = [os.path.join(path, folder, name + SUFFIX) for folder in _FOLDERS]
        places += [os.path.join(path, name + SUFFIX), os.path.join(path, name)]
    for place in places:
        if os.path.isfile(place):
            return place
    raise UserErrorException("there is no run configuration at {}".format(" or ".join(places)))


def write(file: str, content: Dict[str, Any], separate_packages: bool) -> None:
    """Write a configuration; its packages into a file beside it when asked."""
    import yaml

    from azureml.core import _conda_file

    python = content["environment"]["python"]
    if separate_packages and python.get("condaDependencies"):
        packages = os.path.join(os.path.dirname(file), CONDA_FILE)
        write_text(packages, _conda_file.text(python.pop("condaDependencies")))
        python["condaDependenciesFile"] = CONDA_FILE
    write_text(file, yaml.safe_dump(content, default_flow_style=False, sort_keys=False))


def read(file: str) -> Dict[str, Any]:
    """The content of a configuration; the path of its packages' file is made absolute.

    Raises:
        UserErrorException: The file is not YAML, or holds something else.
    """
    import yaml

    try:
        content = _yaml_text.load_file(file)
    except yaml.YAMLError as error:
        raise UserErrorException(f"{file} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise UserErrorException(f"{file} is not a run configuration")
    python = (content.get("environment") or {}).get("python") or {}
    packages = python.get("condaDependenciesFile")
    if packages:
        # Relative to the configuration, or, as v1 wrote it, to the project folder above it.
        folder = os.path.dirname(os.path.abspath(file))
        for base in (folder, os.path.dirname(folder)):
            if os.path.isfile(os.path.join(base, packages)):
                python["condaDependenciesFile"] = os.path.join(base, packages)
                break
    return content
