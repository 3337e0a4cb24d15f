"""Finding registered models, and their files on this machine.

What `get_model_path` fetches lies below `azureml-models/<name>/<version>`. Such a folder is there
whole or not at all, so any number of processes may ask for one model at once.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, Iterator, NamedTuple, Optional, Sequence, Union

from azureml.core import _run_filter
from stepwell import errors

if TYPE_CHECKING:
    from azureml.core.model import Model
    from azureml.core.workspace import Workspace
    from stepwell import _wire

PAGE_MAX = 100


class Wanted(NamedTuple):
    """Which models are meant."""

    name: Optional[str] = None
    tags: Optional[Sequence[Any]] = None
    properties: Optional[Sequence[Any]] = None
    run_id: Optional[str] = None
    framework: Optional[str] = None
    latest: bool = False
    dataset_id: Optional[str] = None

    def fits(self, record: _wire.Model) -> bool:
        """Whether a model is meant, as far as the server has not decided that."""
        return (
            _fits(record["tags"], self.tags)
            and _fits(record["properties"], self.properties)
            and self.name in (None, record["name"])
            and self.run_id in (None, record["run"])
            and self.framework in (None, record["framework"])
        )


def find(workspace: Workspace, wanted: Wanted, version: Optional[int]) -> _wire.Model:
    """The version, or the newest that fits; `WebserviceException` when none does, as in v1."""
    from azureml.exceptions import WebserviceException

    name = wanted.name or "any model"
    if version is not None:
        path = f"/models/{name}/versions/{int(version)}"
        name = f"{name}:{version}"
        try:
            record: _wire.Model = workspace._client.get(path)
            if wanted.fits(record):
                return record
        except errors.NotFound:
            pass
    else:
        page = PAGE_MAX if wanted.tags or wanted.properties else 1
        for record in records(workspace, wanted, page):
            return record
    raise WebserviceException(
        f"ModelNotFound: workspace `{workspace.name}` has no model {name} that "
        f"fits{_suggestion(workspace, wanted.name)}. "
        "`Model.list(workspace)` lists those there are",
        status_code=404,
    )


def _suggestion(workspace: Workspace, name: Optional[str]) -> str:
    """The name that was probably meant; nothing if the name is right and the rest does not fit."""
    if not name:
        return ""
    from azureml._suggest import did_you_mean

    pages = workspace._client.pages("/models", "models", latest=True)
    known = [record["name"] for record in pages]
    return "" if name in known else did_you_mean(name, known)


def records(workspace: Workspace, wanted: Wanted, page: int = PAGE_MAX) -> Iterator[_wire.Model]:
    """All versions that fit, newest first, asked for as they are needed."""
    found = workspace._client.pages(
        "/models",
        "models",
        name=wanted.name,
        run=wanted.run_id,
        framework=wanted.framework,
        dataset=wanted.dataset_id,
        latest=True if wanted.latest else None,
        limit=max(1, min(page, 1000)),
    )
    return (record for record in found if wanted.fits(record))


def _fits(values: Dict[str, str], wanted: Union[Sequence[Any], Dict[str, str], None]) -> bool:
    """v1 takes keys and pairs in one list here, beside a dictionary."""
    if isinstance(wanted, (str, dict)):
        return _run_filter.has(values, wanted)
    for each in wanted or ():
        pair = each if isinstance(each, (str, dict)) else dict([tuple(each)])
        if not _run_filter.has(values, pair):
            return False
    return True


def download(model: Model, folder: str, exist_ok: bool) -> str:
    """Fetch the files; gives the path of the file or folder they are."""
    from stepwell._names import below

    names = [file["name"] for file in model._record["files"]]
    # Every name is seen before anything is written.
    targets = [below(folder, name) for name in names]
    for target in targets:
        if os.path.exists(target) and not exist_ok:
            from azureml.exceptions import WebserviceException

            raise WebserviceException(
                f"`{os.path.abspath(target)}` exists; give exist_ok=True to replace it"
            )
    for name, target in zip(names, targets):
        model.workspace._client.save(f"{model._path}/files/{name}", target)
    return only_entry(folder, {name.split("/")[0] for name in names})


def only_entry(folder: str, names: Any) -> str:
    """The one file or folder in a folder; the folder itself when there are several."""
    listed = list(names)
    return os.path.join(folder, listed[0]) if len(listed) == 1 else folder


def cached(models: str, name: str, version: Optional[int]) -> Optional[str]:
    """Where a version lies on this machine, or the newest that is here; `None` for none."""
    if version is None:
        known = [each for each in _listed(os.path.join(models, name)) if each.isdigit()]
        if not known:
            return None
        version = max(int(each) for each in known)
    folder = os.path.join(models, name, str(version))
    entries = _listed(folder)
    return only_entry(folder, entries) if entries else None


def _listed(folder: str) -> Sequence[str]:
    return os.listdir(folder) if os.path.isdir(folder) else ()


def fetched(model: Model, models: str) -> str:
    """Where a version lies on this machine; it is fetched if it is not there yet."""
    import shutil
    import tempfile

    known = cached(models, model.name, model.version)
    if known is not None:
        return known
    parent = os.path.join(models, model.name)
    os.makedirs(parent, exist_ok=True)
    aside = tempfile.mkdtemp(prefix=f".{model.version}-", dir=parent)
    try:
        download(model, aside, exist_ok=False)
        os.chmod(aside, 0o777 & ~_umask())
        os.rename(aside, os.path.join(parent, str(model.version)))
    except OSError:
        if cached(models, model.name, model.version) is None:  # else another was faster
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    found = cached(models, model.name, model.version)
    assert found is not None, "a model has files"
    return found


def _umask() -> int:
    """What new files of this process are not allowed."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
