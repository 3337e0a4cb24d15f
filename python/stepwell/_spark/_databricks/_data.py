"""How the data of a step reaches a workspace and comes back.

Data of a cloud store is named by the URI that Databricks reads; the workspace needs its own right
to it. Data of this machine goes through DBFS.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from stepwell._spark._databricks import _files
from stepwell._spark._databricks._api import Api, Refused
from stepwell._spark._request import Request
from stepwell._worker import Failure, Port, Worker


class Data(object):
    """The data of one step."""

    def __init__(self, worker: Worker, request: Request, api: Api) -> None:
        self._request = request
        self._api = api
        self._remote: Dict[str, Optional[str]] = {}
        for name, port in {**request.inputs, **request.outputs}.items():
            self._remote[name] = None if port.local else _remote_uri(worker, port)

    def uris(self) -> Dict[str, str]:
        """The URI of each port, as Databricks reads or writes it."""
        return {
            name: uri or f"{folder(self._request)}/{name}" for name, uri in self._remote.items()
        }

    def send(self) -> None:
        """Copy inputs of this machine to DBFS."""
        for name, port in self._request.inputs.items():
            if port.local and self._remote[name] is None:
                count = _files.upload(self._api, port.local, self.uris()[name])
                print(f"{name}: {count} files are at {self.uris()[name]}")

    def bring_back(self) -> None:
        """Copy outputs from DBFS to this machine."""
        for name, port in self._request.outputs.items():
            if port.local and self._remote[name] is None:
                try:
                    count = _files.download(self._api, self.uris()[name], port.local)
                except Refused as refused:
                    raise Failure(
                        "user_code",
                        f"the job wrote no output `{name}`: {refused.message}",
                        hint=f"it is to be written to {self.uris()[name]}",
                    ) from None
                print(f"{name}: {count} files came back")

    def clean_up(self) -> None:
        """Remove what was copied to DBFS."""
        _files.remove(self._api, folder(self._request))


def folder(request: Request) -> str:
    """The folder of a step on DBFS."""
    return "dbfs:/stepwell/" + request.run


def _remote_uri(worker: Worker, port: Port) -> str:
    """The URI of data on a datastore; of the datastore no credential is used."""
    definition = worker.connection(port.datastore).definition
    uri = uri_of(definition, port.path)
    if uri is None:
        raise Failure(
            "storage",
            "Databricks cannot read the datastore `{}` of the kind `{}`".format(
                port.datastore, definition.get("kind")
            ),
            hint="copy the data to a blob container, a data lake, S3 or GCS",
        )
    return uri


def uri_of(definition: Mapping[str, Any], path: str) -> Optional[str]:
    """The URI of a path on a datastore, as Spark on Databricks reads it; `None`: it cannot.

    >>> uri_of({"kind": "azure_blob", "account": "a", "container": "c"}, "x/y")
    'wasbs://c@a.blob.core.windows.net/x/y'
    """
    kind = str(definition.get("kind") or "")
    path = path.strip("/")
    if kind == "azure_blob":
        return "wasbs://{container}@{account}.blob.core.windows.net/".format(**definition) + path
    if kind == "azure_data_lake_gen2":
        return "abfss://{container}@{account}.dfs.core.windows.net/".format(**definition) + path
    if kind == "s3":
        return "s3://{bucket}/".format(**definition) + path
    if kind == "gcs":
        return "gs://{bucket}/".format(**definition) + path
    if kind == "dbfs":
        return "dbfs:/" + path
    return None
