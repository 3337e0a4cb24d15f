"""Datasets at the server: kept, registered, found, and compared with what they were."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional
from urllib.parse import quote

from azureml._edge import not_found
from azureml._suggest import did_you_mean
from azureml.data._definition import FILES, Definition
from azureml.data._files import Found
from azureml.data.dataset_error_handling import DatasetChangedWarning
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from stepwell import _wire

FILES_NAMED_MAX = 5


def save(workspace: Any, definition: Definition) -> _wire.Dataset:
    """Keep a definition; an equal one has the same id."""
    body = {"kind": definition.kind, "definition": definition.to_json()}
    record: _wire.Dataset = workspace._client.post("/datasets", body, repeatable=True)
    return record


def register(
    workspace: Any,
    definition: Definition,
    files: List[Found],
    name: str,
    description: Optional[str],
    tags: Optional[Mapping[str, Any]],
    create_new_version: bool,
) -> _wire.Dataset:
    """Make a version of a name; the state of `files` is recorded with it.

    Raises:
        UserErrorException: The name is known, and there is to be no new version.
    """
    from stepwell.errors import Conflict, InvalidRequest

    body = {
        "name": name,
        "kind": definition.kind,
        "definition": definition.to_json(),
        "files": places(files),
        "description": description or "",
        "tags": texts(tags),
        "create_new_version": bool(create_new_version),
    }
    try:
        record: _wire.Dataset = workspace._client.post("/datasets", body)
    except (Conflict, InvalidRequest) as error:
        raise UserErrorException(str(error)) from error
    return record


def places(files: List[Found]) -> List[Dict[str, Any]]:
    """Those of the files that are on datastores, as the server takes them, each once."""
    made = {(each.datastore, each.source): None for each in files if each.datastore}
    return [{"datastore": datastore, "path": path} for datastore, path in made]


def by_id(workspace: Any, identifier: str) -> _wire.Dataset:
    """The record of a dataset."""
    return _found(workspace, "/datasets/{}".format(quote(str(identifier), "")))


def by_name(workspace: Any, name: str, version: Any = "latest") -> _wire.Dataset:
    """The record of a version of a name."""
    number = None
    if version not in (None, "latest"):
        try:
            number = int(version)
        except (TypeError, ValueError):
            raise UserErrorException(
                f"a version is a number or `latest`, not {version!r}"
            ) from None
    # The client quotes the path, so a name that holds any characters goes as it is.
    return _found(workspace, f"/datasets/named/{name}", name, version=number)


def _found(workspace: Any, path: str, name: str = "", **query: Any) -> _wire.Dataset:
    from stepwell.errors import NotFound

    try:
        record: _wire.Dataset = workspace._client.get(path, **query)
    except NotFound as error:
        known = [str(each["name"]) for each in every(workspace)] if name else []
        hint = "\nhint: " + error.hint if error.hint else ""
        message = _as_v1_begins(name, query.get("version")) + error.message
        message += did_you_mean(name, known) + hint
        raise not_found(UserErrorException, message) from None
    return record


def _as_v1_begins(name: str, version: Optional[int]) -> str:
    """The words by which programs know that a name is not there yet."""
    if not name:
        return ""
    of_version = "" if version is None else f" (version: {version})"
    return f'Cannot find dataset registered with name "{name}"{of_version} in the workspace: '


def every(workspace: Any) -> List[_wire.Dataset]:
    """The newest version of each name, without its files."""
    found: _wire.DatasetList = workspace._client.get("/datasets")
    return found["datasets"]


def change(workspace: Any, identifier: str, **what: Any) -> _wire.Dataset:
    """Change the tags or the description of a version."""
    record: _wire.Dataset = workspace._client.patch("/datasets/" + identifier, what)
    return record


def unregister(workspace: Any, name: str) -> None:
    """Take the name away from all its versions."""
    workspace._client.delete("/datasets/named/" + name)


def texts(tags: Optional[Mapping[str, Any]]) -> Dict[str, str]:
    """Tags as texts."""
    return {str(name): str(value) for name, value in (tags or {}).items()}


def warn_of_changes(workspace: Any, identifier: str, files: List[Found]) -> None:
    """Say which files of a registered version are not what they were, if any.

    A table is still read, because v1 reads what is there now; a program that wants an error makes
    one of `DatasetChangedWarning`.
    """
    record = by_id(workspace, identifier)
    recorded = {(each["datastore"], each["path"]) for each in record["files"]}
    if not recorded:
        return
    answer = workspace._client.get(f"/datasets/{identifier}/changes")
    said = ["{} is {}".format(each["path"], each["change"]) for each in answer["changes"]]
    new = [each for each in places(files) if (each["datastore"], each["path"]) not in recorded]
    said += ["{} is new".format(each["path"]) for each in new]
    if said:
        more = len(said) - FILES_NAMED_MAX
        warnings.warn(
            "dataset `{}` version {} is not what was registered: {}{}; register it again with "
            "create_new_version=True".format(
                record["name"] or identifier,
                record["version"] or "(unregistered)",
                ", ".join(said[:FILES_NAMED_MAX]),
                f" and {more} more" if more > 0 else "",
            ),
            DatasetChangedWarning,
            stacklevel=2,
        )


def dataset_of(workspace: Any, record: _wire.Dataset) -> Any:
    """The dataset that a record describes."""
    from azureml.data.file_dataset import FileDataset
    from azureml.data.tabular_dataset import TabularDataset

    kind = FileDataset if record["kind"] == FILES else TabularDataset
    definition = Definition.from_json(record["kind"], record["definition"])
    return kind._make(definition, workspace, record=record)
