"""Registering models: from files of this machine, or from files of a run.

Files of this machine travel as a snapshot, so what the server has already is not sent again, and
no file is ever held in memory. Whatever a model is made from, its files keep the name of the file
or folder that was registered.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from azureml.core import _model_datasets
from azureml.core._run_core import texts
from azureml.core._run_interactive import login_name
from azureml.exceptions import UserErrorException
from stepwell import errors
from stepwell._windows_paths import here

if TYPE_CHECKING:
    from azureml.core.model import Model
    from azureml.core.run import Run
    from azureml.core.workspace import Workspace
    from stepwell import _wire


class Facts(NamedTuple):
    """What is said about a model when it is registered."""

    name: str
    tags: Optional[Mapping[str, Any]]
    properties: Optional[Mapping[str, Any]]
    description: Optional[str]
    framework: Optional[str]
    framework_version: Optional[str]
    datasets: Any = None
    sample_input_dataset: Any = None
    sample_output_dataset: Any = None
    resource_configuration: Any = None

    def body(self, workspace: Workspace, **source: Any) -> Dict[str, Any]:
        """The request, with where the files come from."""
        examples = [
            _model_datasets.saved_id(workspace, each)
            for each in (self.sample_input_dataset, self.sample_output_dataset)
        ]
        return {
            "name": self.name,
            "tags": texts(self.tags or {}),
            "properties": texts(self.properties or {}),
            "description": self.description or "",
            "framework": self.framework,
            "framework_version": self.framework_version,
            "datasets": _model_datasets.references(workspace, self.datasets),
            "sample_input_dataset": examples[0],
            "sample_output_dataset": examples[1],
            "resources": _model_datasets.resources(self.resource_configuration),
            "user": login_name(),
            **source,
        }


def register_from_run(run: Run, facts: Facts, path: str) -> Model:
    """Register a file or folder of a run.

    A script may register what it has just written to its `outputs` folder: what the run does not
    have yet is uploaded first.
    """
    path = path.replace(os.sep, "/").rstrip("/")
    workspace = run.experiment.workspace
    body = facts.body(workspace, run=run.id, path=os.path.normpath(path).replace(os.sep, "/"))
    try:
        record = run._client.post("/models", body)
    except errors.ApiError as refused:
        own = run.id == os.environ.get("AZUREML_RUN_ID")
        if own and refused.status in (400, 404) and os.path.exists(path):
            return register_local(workspace, facts, path)
        raise _as_user_error(refused) from None
    return _made(workspace, record)


def register_local(
    workspace: Workspace, facts: Facts, path: str, inner: Optional[Sequence[str]] = None
) -> Model:
    """Register a file or folder of this machine; of a folder, perhaps only some paths in it.

    What a script of a run registers is linked to that run.
    """
    path = os.path.abspath(here(path))
    base, name = os.path.split(path)
    wanted = _checked_paths(base, [os.path.join(name, each) for each in inner or [""]])
    body = facts.body(workspace, run=os.environ.get("AZUREML_RUN_ID"))
    try:
        body["snapshot"] = workspace._client.push_files(base, wanted)
        record = workspace._client.post("/models", body)
    except errors.ApiError as refused:
        raise _as_user_error(refused) from None
    except errors.CommandFailed as refused:
        raise UserErrorException(str(refused)) from None
    return _made(workspace, record)


def _checked_paths(base: str, paths: Sequence[str]) -> List[str]:
    """Paths below `base`, in the plainest form; each must be there and stay there."""
    checked = []
    for path in paths:
        # A path in the folder may be given as an absolute one.
        plain = os.path.relpath(os.path.join(base, path), base)
        if plain.split(os.sep)[0] == os.pardir or not os.path.exists(os.path.join(base, plain)):
            raise _missing(os.path.join(base, path))
        checked.append(plain.replace(os.sep, "/"))
    return checked


def _missing(path: str) -> Exception:
    from azureml.exceptions import ModelPathNotFoundException

    return ModelPathNotFoundException(
        f"there is no file or folder `{os.path.abspath(path)}` to register as a model"
    )


def _made(workspace: Workspace, record: _wire.Model) -> Model:
    from azureml.core.model import Model

    print("Registering model {}".format(record["name"]))
    return Model._of_record(workspace, record)


def _as_user_error(refused: errors.ApiError) -> Exception:
    if refused.status >= 500:
        return refused
    return UserErrorException(str(refused))
