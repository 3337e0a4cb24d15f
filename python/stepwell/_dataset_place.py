"""Finds, for the server, a place that holds the files of a dataset and nothing else.

The server calls this module when a program without the SDK gives a parameter a dataset whose files
are in no place of their own: a wildcard, several places, a URL, a part of a folder. It reads a JSON
object from standard input: `kind` and `definition` of the dataset, and `roots`, the folders of the
datastores that are folders of this machine. It prints the place as JSON. It needs no connection.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Dict


class _Workspace(object):
    """As much of a workspace as files are looked for with."""

    def __init__(self, roots: Dict[str, str]) -> None:
        from azureml.data.azure_storage_datastore import AzureBlobDatastore

        self.datastores: Dict[str, Any] = {}
        for name, root in roots.items():
            store = AzureBlobDatastore(None, name, name, "local")
            store._root = root
            self.datastores[name] = store


def place(request: Dict[str, Any]) -> Dict[str, str]:
    """The place of a dataset's files; a folder of links is made if there is none.

    Raises:
        UserErrorException: Files are on another machine, or are not there.
    """
    from azureml.data import _files, _step_inputs
    from azureml.data._definition import Definition
    from azureml.data.constants import MOUNT_MODE
    from azureml.data.file_dataset import FileDataset
    from azureml.exceptions import UserErrorException

    workspace = _Workspace(request["roots"])
    definition = Definition.from_json(request["kind"], request["definition"])
    for each in definition.places:
        if "datastore" in each and each["datastore"] not in workspace.datastores:
            raise UserErrorException(
                "its files are on datastore `{}`, which is no folder of the server's "
                "machine".format(each["datastore"])
            )
    dataset = FileDataset._make(definition, workspace, workspace.datastores)
    found = getattr(dataset, "_found", None)
    files = found() if found else _files.find(definition, dataset._store_of)
    made = _step_inputs._place(workspace, dataset, files, MOUNT_MODE)
    assert made is not None, "only tables that are read directly have no place"
    return made


def main() -> int:
    """Answer one request; gives the exit status."""
    from azureml._common.exceptions import AzureMLException

    try:
        print(json.dumps(place(json.load(sys.stdin))))
    except (AzureMLException, OSError) as error:
        sys.stderr.write(str(getattr(error, "message", error)))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
