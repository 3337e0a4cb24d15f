"""Environments that a workspace keeps: what is asked of the server about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional

from azureml._not_yet import not_yet
from azureml.exceptions import UserErrorException
from stepwell import errors

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace
    from stepwell import _wire

# What v1's refusal begins with; programs that make an environment which is not there look for it.
_NOT_RETRIEVED = "Error retrieving the environment definition. Code: 404: "

# Facts about a registration, not about the environment; equal descriptions have one version.
_NOT_DESCRIBED = ("name", "version", "assetId")


def register(
    workspace: Workspace, name: Optional[str], description: Dict[str, Any]
) -> _wire.EnvironmentRecord:
    """Keep a description and return its record."""
    if not name:
        raise UserErrorException("an environment needs a name to be registered")
    definition = {key: each for key, each in description.items() if key not in _NOT_DESCRIBED}
    record: _wire.EnvironmentRecord = workspace._client.put(_path(name), {"definition": definition})
    return record


def find(
    workspace: Workspace, name: str, version: Optional[str], label: Optional[str]
) -> _wire.EnvironmentRecord:
    """The record of a version, the newest when none is named.

    Raises:
        UserErrorException: There is no such environment.
    """
    if label is not None and label.lower() != "latest":
        not_yet("environments have no labels yet; get one by its version")
    try:
        number = _number(name, version)
        record: _wire.EnvironmentRecord = workspace._client.get(_path(name), version=number)
        return record
    except errors.NotFound:
        raise UserErrorException(_missing(name, version)) from None


def named(workspace: Workspace, environment: Any) -> Any:
    """An environment; one that a run configuration gives by its name is the registered one.

    Raises:
        UserErrorException: There is no such environment.
    """
    if not isinstance(environment, str):
        return environment
    from azureml.core.environment import Environment

    name, _, version = environment.partition(":")
    return Environment.get(workspace, name, version or None)


def records(workspace: Workspace) -> List[_wire.EnvironmentRecord]:
    """The newest version of each environment."""
    found: _wire.EnvironmentList = workspace._client.get("/environments")
    return found["environments"]


def _path(name: str) -> str:
    return f"/environments/{name}"


def _number(name: str, version: Optional[str]) -> Optional[int]:
    if version is None:
        return None
    if str(version).isdigit():
        return int(version)
    raise UserErrorException(_missing(name, version))


def _missing(name: str, version: Optional[str]) -> str:
    of = "" if version is None else f" version {version}"
    sentence = f"{_NOT_RETRIEVED}the workspace has no environment `{name}`{of}"
    if name.startswith("AzureML-"):
        return sentence + (
            "; no packages are known that this curated one had: describe it with "
            "Environment.from_conda_specification or from_pip_requirements"
        )
    return sentence + "; register it first"
