"""Registering datastores at the server, and what it says of them as objects.

Credentials go to the server and never come back: an object of a registered datastore has none.
A credential that is written `env:NAME` is kept as that reference, and the server takes it from
its own environment when it needs it.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Mapping, Optional

from azureml.data._file_store import FileStore
from azureml.data.constants import CUSTOM, WORKSPACE_BLOB_DATASTORE
from azureml.exceptions import UserErrorException
from stepwell import errors

BLOB_SUFFIX = "core.windows.net"
# The account of the workspace's own datastores, whose containers are folders of the server.
OWN_ACCOUNT = "local"
# https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
_CONTAINER = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*")


class OtherDatastore(FileStore):
    """A datastore of a kind that v1 did not have: S3, Google Cloud Storage, a folder, SQLite."""

    def __init__(self, workspace: Any, name: str, kind: str, place: Mapping[str, Any]) -> None:
        """Describe a datastore.

        Args:
            workspace: The workspace.
            name: Its name.
            kind: `s3`, `gcs`, `local` or `sqlite`.
            place: What the server says of it.
        """
        super().__init__(workspace, name, CUSTOM)
        self.kind = kind
        self.bucket: Optional[str] = place.get("bucket")
        self.endpoint: Optional[str] = place.get("endpoint")
        self._root = place.get("root")


def register(
    workspace: Any,
    name: str,
    place: Mapping[str, Any],
    credentials: Mapping[str, Optional[str]],
    overwrite: bool = False,
    create_if_not_exists: bool = False,
    skip_validation: bool = False,
) -> Any:
    """Register a datastore and return it.

    Raises:
        UserErrorException: The server refuses; the error says why, without the credentials.
    """
    body: Dict[str, Any] = {key: value for key, value in place.items() if value is not None}
    body["credentials"] = {key: value for key, value in credentials.items() if value}
    body["overwrite"] = bool(overwrite)
    body["create_if_not_exists"] = bool(create_if_not_exists)
    body["skip_validation"] = bool(skip_validation)
    try:
        record = workspace._client.put("/datastores/" + _checked(name), body)
    except errors.ApiError as refused:
        raise UserErrorException(str(refused)) from refused
    return of_record(workspace, record)


def register_beside(workspace: Any, name: str, container: str, overwrite: bool) -> Any:
    """Register a container of the workspace's own account: a folder beside its own datastore.

    Raises:
        UserErrorException: No container can be called so, or there is another datastore of that
            name.
    """
    if not isinstance(container, str) or not _CONTAINER.fullmatch(container):
        raise UserErrorException(
            f"{container!r} cannot name a container: 3 to 63 small letters, digits and "
            "single dashes"
        )
    roots = {each["name"]: each.get("root") for each in records(workspace)}
    root = os.path.join(os.path.dirname(str(roots[WORKSPACE_BLOB_DATASTORE])), container)
    place = {"kind": "local", "root": root}
    return register(workspace, name, place, {}, overwrite, create_if_not_exists=True)


def _is_beside(workspace: Any, root: str) -> bool:
    """Whether a folder is a container of the workspace's own account."""
    data = workspace._client.data_folder
    return bool(data) and os.path.dirname(root) == os.path.join(data, "data")


def unregister(workspace: Any, name: str) -> None:
    """Forget a datastore; its files stay where they are.

    Raises:
        UserErrorException: It is the workspace's own, or its default, or is not there.
    """
    try:
        workspace._client.delete("/datastores/" + _checked(name))
    except errors.ApiError as refused:
        raise UserErrorException(str(refused)) from refused


def set_default(workspace: Any, name: str) -> None:
    """Make a datastore the default.

    Raises:
        UserErrorException: There is none of that name.
    """
    try:
        workspace._client.put("/workspace/default-datastore", {"name": name})
    except errors.ApiError as refused:
        raise UserErrorException(str(refused)) from refused


def records(workspace: Any) -> List[Dict[str, Any]]:
    """What the server says of each datastore."""
    datastores: List[Dict[str, Any]] = workspace._client.get("/datastores")["datastores"]
    return datastores


def of_record(workspace: Any, record: Mapping[str, Any]) -> Any:
    """The datastore that the server describes, of the class that v1 has for its kind."""
    from azureml.data.azure_data_lake_datastore import AzureDataLakeGen2Datastore
    from azureml.data.azure_storage_datastore import AzureBlobDatastore, AzureFileDatastore
    from azureml.data.constants import ACCOUNT_KEY, NONE, SAS

    name, kind = record["name"], record["kind"]
    credentials = record.get("credentials", {})
    made: Any
    if kind == "azure_blob":
        made = AzureBlobDatastore(workspace, name, record["container"], record["account"])
        made.credential_type = (
            ACCOUNT_KEY if "account_key" in credentials else SAS if credentials else NONE
        )
        _set_endpoint(made, record.get("endpoint"))
    elif kind == "azure_data_lake_gen2":
        made = AzureDataLakeGen2Datastore(
            workspace,
            name,
            record["container"],
            record["account"],
            record.get("tenant_id"),
            record.get("client_id"),
            authority_url=record.get("authority_url"),
        )
        _set_endpoint(made, record.get("endpoint"))
    elif kind == "local" and name == "workspacefilestore":
        made = AzureFileDatastore(workspace, name, name, OWN_ACCOUNT)
        made._root = record["root"]
    elif kind == "local" and name == "workspaceblobstore":
        made = AzureBlobDatastore(workspace, name, name, OWN_ACCOUNT)
        made._root = record["root"]
    elif kind == "local" and _is_beside(workspace, record["root"]):
        container = os.path.basename(record["root"])
        made = AzureBlobDatastore(workspace, name, container, OWN_ACCOUNT)
        made._root = record["root"]
    elif kind in ("postgresql", "mysql", "azure_sql"):
        made = _database(workspace, record)
    else:
        made = OtherDatastore(workspace, name, kind, record)
    return made


def _database(workspace: Any, record: Mapping[str, Any]) -> Any:
    """A database of a kind that v1 has; its password stays at the server."""
    from azureml.data.azure_my_sql_datastore import AzureMySqlDatastore
    from azureml.data.azure_postgre_sql_datastore import AzurePostgreSqlDatastore
    from azureml.data.azure_sql_database_datastore import AzureSqlDatabaseDatastore

    name, server, database = record["name"], record["server"], record["database"]
    if record["kind"] == "azure_sql":
        return AzureSqlDatabaseDatastore(
            workspace,
            name,
            server,
            database,
            record.get("tenant_id"),
            record.get("client_id"),
            username=record.get("user"),
        )
    port = str(record["port"]) if record.get("port") else None
    user = record.get("user") or ""
    if record["kind"] == "mysql":
        return AzureMySqlDatastore(workspace, name, server, database, user, "", port)
    return AzurePostgreSqlDatastore(
        workspace, name, server, database, user, "", port, not record.get("is_plain", False)
    )


def account_url(
    account: str, service: str, protocol: Optional[str], endpoint: Optional[str]
) -> Optional[str]:
    """The URL of a storage account; `None` for the one that it has anyway.

    v1 takes the last part of the host name as `endpoint`. A whole URL is taken as it is, which is
    how an emulator is named.
    """
    if endpoint and "://" in endpoint:
        return endpoint
    if not endpoint and (protocol or "https") == "https":
        return None
    return "{}://{}.{}.{}".format(protocol or "https", account, service, endpoint or BLOB_SUFFIX)


def _set_endpoint(datastore: Any, url: Optional[str]) -> None:
    if url:
        datastore.protocol = url.partition("://")[0]
        datastore.endpoint = url


def _checked(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise UserErrorException(f"{name!r} cannot name a datastore")
    return name
