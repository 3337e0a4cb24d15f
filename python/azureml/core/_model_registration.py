"""Registering models: from files of this machine, or from files of a run.

Files of this machine travel as a snapshot, so what the server has already is not sent again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, Mapping, NamedTuple, Optional, Sequence

from azureml.core._run_core import texts
from azureml.exceptions import UserErrorException
from stepwell import errors

if TYPE_CHECKING:
    from azureml.core.model import Model
    from azureml.core.run import Run
    from azureml.core.workspace import Workspace


class Facts(NamedTuple):
    """What is said about a model when it is registered."""

    name: str
    tags: Optional[Mapping[str, Any]]
    properties: Optional[Mapping[str, Any]]
    description: Optional[str]
    framework: Optional[str]
    framework_version: Optional[str]

    def body(self, **source: Any) -> Dict[str, Any]:
        """The request, with where the files come from."""
        return {
            "name": self.name,
            "tags": texts(self.tags or {}),
            "properties": texts(self.properties or {}),
            "description": self.description or "",
            "framework": self.framework,
            "framework_version": self.framework_version,
            **source,
        }


def register_from_run(run: Run, facts: Facts, path: str) -> Model:
    """Register a file or folder of a run.

    A script may register what it has just written to its `outputs` folder: what the run does not
    have yet is uploaded first.
    """
    path = path.replace(os.sep, "/").strip("/")
    body = facts.body(run=run.id, path=path)
    try:
        record = run._client.post("/models", body)
    except errors.ApiError as refused:
        if refused.status != 404 or not _upload_if_local(run, path):
            raise _as_user_error(refused) from None
        record = run._client.post("/models", body)
    return _made(run.experiment.workspace, record)


def _upload_if_local(run: Run, path: str) -> bool:
    mine = run.id == os.environ.get("AZUREML_RUN_ID")
    if mine and os.path.isfile(path):
        run.upload_file(path, path)
    elif mine and os.path.isdir(path):
        run.upload_folder(path, path)
    else:
        return False
    return True


def register_local(
    workspace: Workspace, facts: Facts, path: str, inner: Optional[Sequence[str]] = None
) -> Model:
    """Register a file or folder of this machine; of a folder, perhaps only some paths in it."""
    client = workspace._client
    if not os.path.exists(path):
        raise _missing(path)
    client.forget_snapshots()
    if os.path.isdir(path) and not inner:
        digest = client.push_snapshot(path)
    else:
        digest = _push_copies(client, path, inner)
    return _made(workspace, client.post("/models", facts.body(snapshot=digest)))


def _push_copies(client: Any, path: str, inner: Optional[Sequence[str]]) -> str:
    """Push a folder that holds just the wanted files; hard links where they can be made."""
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="stepwell-model-") as folder:
        wanted = [os.path.join(path, each) for each in inner] if inner else [path]
        base = path if inner else os.path.dirname(os.path.abspath(path))
        for source in wanted:
            target = os.path.join(folder, os.path.relpath(source, base))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.isdir(source):
                shutil.copytree(source, target, copy_function=_link_or_copy)
            elif os.path.isfile(source):
                _link_or_copy(source, target)
            else:
                raise _missing(source)
        return str(client.push_snapshot(folder))


def _link_or_copy(source: str, target: str) -> None:
    import shutil

    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copy2(source, target)


def _missing(path: str) -> Exception:
    from azureml.exceptions import ModelPathNotFoundException

    return ModelPathNotFoundException(
        "there is no file or folder `{}` to register as a model".format(os.path.abspath(path))
    )


def _made(workspace: Workspace, record: Dict[str, Any]) -> Model:
    from azureml.core.model import Model

    print("Registering model {}".format(record["name"]))
    return Model._of_record(workspace, record)


def _as_user_error(refused: errors.ApiError) -> Exception:
    if refused.status >= 500:
        return refused
    return UserErrorException(str(refused))
