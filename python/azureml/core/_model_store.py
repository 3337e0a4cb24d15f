"""Finding registered models and fetching their files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Union

from azureml.core import _run_filter
from stepwell import errors

if TYPE_CHECKING:
    from azureml.core.model import Model
    from azureml.core.workspace import Workspace


def find(
    workspace: Workspace,
    name: Optional[str],
    version: Optional[int],
    tags: Optional[Sequence[Any]],
    properties: Optional[Sequence[Any]],
    run_id: Optional[str],
    framework: Optional[str],
) -> Dict[str, Any]:
    """The newest version that fits; `WebserviceException` when none does, as in v1."""
    from azureml.exceptions import WebserviceException

    wanted = name or "any model"
    if version is not None:
        wanted = "{}:{}".format(name, version)
        try:
            path = "/models/{}/versions/{}".format(name, int(version))
            record: Dict[str, Any] = workspace._client.get(path)
            return record
        except errors.NotFound:
            pass
    else:
        for record in records(workspace, name, tags, properties, run_id, framework, False):
            return record
    raise WebserviceException(
        "ModelNotFound: workspace `{}` has no model {} that fits".format(workspace.name, wanted),
        status_code=404,
    )


def records(
    workspace: Workspace,
    name: Optional[str],
    tags: Optional[Sequence[Any]],
    properties: Optional[Sequence[Any]],
    run_id: Optional[str],
    framework: Optional[str],
    latest: bool,
) -> List[Dict[str, Any]]:
    """All versions that fit, newest first."""
    query = {"name": name, "run": run_id, "latest": True if latest else None}
    models = workspace._client.get("/models", **query)["models"]
    return [
        record
        for record in models
        if _fits(record["tags"], tags)
        and _fits(record["properties"], properties)
        and framework in (None, record["framework"])
    ]


def _fits(values: Dict[str, str], wanted: Union[Sequence[Any], Dict[str, str], None]) -> bool:
    """v1 takes keys and pairs in one list here, beside a dictionary."""
    if isinstance(wanted, (str, dict)):
        return _run_filter.has(values, wanted)
    for each in wanted or ():
        pair = each if isinstance(each, str) else dict([tuple(each)])
        if not _run_filter.has(values, pair):
            return False
    return True


def download(model: Model, folder: str, exist_ok: Optional[bool]) -> str:
    """Fetch the files; `exist_ok` of `None` leaves files that are there as they are."""
    files = [file["name"] for file in model._record["files"]]
    for name in files:
        target = os.path.join(folder, *name.split("/"))
        if os.path.exists(target):
            if exist_ok is None:
                continue
            if not exist_ok:
                from azureml.exceptions import WebserviceException

                raise WebserviceException(
                    "`{}` exists; give exist_ok=True to replace it".format(os.path.abspath(target))
                )
        model.workspace._client.save("{}/files/{}".format(model._path, name), target)
    tops = sorted({name.split("/")[0] for name in files})
    return os.path.join(folder, tops[0]) if len(tops) == 1 else folder
