"""Compute targets of a workspace: what is asked of the server about them.

What a program created a target with is kept with it, except secrets: those never leave the
program. The access token of Databricks is kept by itself, as a secret of the workspace.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping

from azureml._suggest import did_you_mean
from azureml.core.compute._vm_sizes import of_stand_in
from azureml.exceptions import ComputeTargetException
from stepwell import errors

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,254}\Z")
_SECRET = re.compile(r"password|passphrase|token|secret|key|connection_string|private|pem", re.I)

Record = Dict[str, Any]


def find(workspace: Any, name: str) -> Record:
    """The record of a target that was created or attached.

    Raises:
        ComputeTargetException: There is none; programs catch this and create it.
    """
    try:
        record: Record = workspace._client.get(_path(name))
    except errors.NotFound:
        record = {}
    if not record.get("created"):
        known = [each["name"] for each in records(workspace)]
        raise ComputeTargetException(
            "ComputeTargetNotFound: the workspace has no compute target "
            f"`{name}`{did_you_mean(name, known)}; create it with "
            "ComputeTarget.create"
        )
    return record


def find_or_stand_in(workspace: Any, name: str, kind: str) -> Record:
    """The record of a target; on an embedded server, of a name that nobody created, this machine.

    There the steps of such a name run on this machine too, with the same notice.

    Raises:
        ComputeTargetException: A shared server has no target of that name, or nothing can be
            called so.
    """
    try:
        return find(workspace, name)
    except ComputeTargetException:
        if not _NAME.match(str(name)) or not workspace._client.get("/workspace")["embedded"]:
            raise
    from azureml.core.compute._notice import print_notice

    print_notice(name)
    return {"name": name, "kind": kind, "settings": of_stand_in(name), "created": False}


def records(workspace: Any) -> List[Record]:
    """The records of all targets that were created or attached."""
    return [each for each in workspace._client.get("/computes")["computes"] if each["created"]]


def put(workspace: Any, name: str, kind: str, settings: Mapping[str, Any]) -> Record:
    """Create a target, or change the one of that name, and return its record.

    Raises:
        ComputeTargetException: The name cannot be one.
    """
    if not isinstance(name, str) or not _NAME.match(name):
        raise ComputeTargetException(
            f"{name!r} cannot name a compute target: a name begins with a letter and holds "
            "letters, "
            "digits and dashes"
        )
    record: Record = workspace._client.put(
        _path(name), {"kind": kind, "settings": without_secrets(settings)}
    )
    return record


def remove(workspace: Any, name: str) -> None:
    """Forget a target; steps on it go on."""
    try:
        workspace._client.delete(_path(name))
    except errors.NotFound:
        raise ComputeTargetException(f"the workspace has no compute target `{name}`") from None


def without_secrets(settings: Mapping[str, Any]) -> Dict[str, Any]:
    """The settings that are not secret, as JSON can hold them."""
    return {
        name: _plain(value)
        for name, value in settings.items()
        if value is not None and not _SECRET.search(name)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_secrets(value)
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (bool, int, float, str)):
        return value
    return without_secrets(vars(value)) if hasattr(value, "__dict__") else str(value)


def _path(name: str) -> str:
    return f"/computes/{name}"
