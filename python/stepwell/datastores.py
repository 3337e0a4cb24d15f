"""Datastores that the Azure ML SDK v1 has no call for: S3, Google Cloud Storage, folders, SQLite.

    from stepwell import datastores
    datastores.register_s3(ws, "lake", bucket="lake", access_key_id="AKIA...",
                           secret_access_key="env:LAKE_KEY")

Afterwards they are datastores like others: `Datastore.get(ws, "lake")`, datasets, outputs of
steps. A credential `env:NAME` is taken from the server's environment whenever it is needed;
others are stored encrypted, and nothing gives them back.
"""

from __future__ import annotations

import os
from typing import Any, Optional, Sequence


def register_s3(
    workspace: Any,
    datastore_name: str,
    bucket: str,
    access_key_id: Optional[str] = None,
    secret_access_key: Optional[str] = None,
    session_token: Optional[str] = None,
    region: Optional[str] = None,
    endpoint: Optional[str] = None,
    overwrite: bool = False,
    create_if_not_exists: bool = False,
    skip_validation: bool = False,
) -> Any:
    """Register a bucket of S3, or of a store that speaks like it.

    Args:
        workspace: The workspace.
        datastore_name: The name it gets: letters, digits, `-` and `_`.
        bucket: The bucket.
        access_key_id: The public half of the key; without a key only public data is read.
        secret_access_key: The other half, or `env:NAME`.
        session_token: For keys that expire, or `env:NAME`.
        region: `us-east-1` unless given.
        endpoint: The URL of a store that is not Amazon's, such as `http://127.0.0.1:9000`.
        overwrite: Whether a different datastore of that name is replaced.
        create_if_not_exists: Whether the bucket is made if it is not there.
        skip_validation: Whether it is registered without trying to open it.
    """
    place = {
        "kind": "s3",
        "bucket": bucket,
        "region": region,
        "endpoint": endpoint,
        "access_key_id": access_key_id,
    }
    credentials = {"secret_access_key": secret_access_key, "session_token": session_token}
    return _register(
        workspace,
        datastore_name,
        place,
        credentials,
        overwrite,
        create_if_not_exists,
        skip_validation,
    )


def register_gcs(
    workspace: Any,
    datastore_name: str,
    bucket: str,
    service_account_key: Optional[str] = None,
    endpoint: Optional[str] = None,
    overwrite: bool = False,
    skip_validation: bool = False,
) -> Any:
    """Register a bucket of Google Cloud Storage.

    Args:
        workspace: The workspace.
        datastore_name: The name it gets: letters, digits, `-` and `_`.
        bucket: The bucket.
        service_account_key: The JSON text of a service account's key, or `env:NAME`; without it
            only public data is read.
        endpoint: The URL of a store that is not Google's.
        overwrite: Whether a different datastore of that name is replaced.
        skip_validation: Whether it is registered without trying to open it.
    """
    place = {"kind": "gcs", "bucket": bucket, "endpoint": endpoint}
    credentials = {"service_account_key": service_account_key}
    return _register(
        workspace, datastore_name, place, credentials, overwrite, False, skip_validation
    )


def register_local_folder(
    workspace: Any,
    datastore_name: str,
    folder: str,
    overwrite: bool = False,
    create_if_not_exists: bool = False,
) -> Any:
    """Register a folder of the server's machine.

    Args:
        workspace: The workspace.
        datastore_name: The name it gets: letters, digits, `-` and `_`.
        folder: The folder; steps read and write it in place.
        overwrite: Whether a different datastore of that name is replaced.
        create_if_not_exists: Whether the folder is made if it is not there.
    """
    place = {"kind": "local", "root": os.path.abspath(os.path.expanduser(folder))}
    return _register(workspace, datastore_name, place, {}, overwrite, create_if_not_exists, False)


def register_sqlite(workspace: Any, datastore_name: str, file: str, overwrite: bool = False) -> Any:
    """Register a SQLite file of the server's machine.

    Args:
        workspace: The workspace.
        datastore_name: The name it gets: letters, digits, `-` and `_`.
        file: The file. It is not opened before it is used.
        overwrite: Whether a different datastore of that name is replaced.
    """
    place = {"kind": "sqlite", "file": os.path.abspath(os.path.expanduser(file))}
    return _register(workspace, datastore_name, place, {}, overwrite, False, True)


def register_mariadb(
    workspace: Any,
    datastore_name: str,
    server_name: str,
    database_name: str,
    user_id: str,
    user_password: str,
    port_number: Optional[int] = None,
    overwrite: bool = False,
    enforce_ssl: bool = True,
) -> Any:
    """Register a database of MariaDB, or of MySQL, on a server of any name.

    Args:
        workspace: The workspace.
        datastore_name: The name it gets: letters, digits, `-` and `_`.
        server_name: The host as it is; nothing of Azure is added to it.
        database_name: The database.
        user_id: Who signs in.
        user_password: The password, or `env:NAME`.
        port_number: The port; 3306 unless given.
        overwrite: Whether a different datastore of that name is replaced.
        enforce_ssl: Whether the connection must be encrypted; without it, it is not.
    """
    return _database(
        "mysql",
        workspace,
        datastore_name,
        server_name,
        database_name,
        user_id,
        user_password,
        port_number,
        overwrite,
        enforce_ssl,
    )


def register_postgresql(
    workspace: Any,
    datastore_name: str,
    server_name: str,
    database_name: str,
    user_id: str,
    user_password: str,
    port_number: Optional[int] = None,
    overwrite: bool = False,
    enforce_ssl: bool = True,
) -> Any:
    """Register a PostgreSQL database on a server of any name.

    Args:
        workspace: The workspace.
        datastore_name: The name it gets: letters, digits, `-` and `_`.
        server_name: The host as it is; nothing of Azure is added to it.
        database_name: The database.
        user_id: Who signs in.
        user_password: The password, or `env:NAME`.
        port_number: The port; 5432 unless given.
        overwrite: Whether a different datastore of that name is replaced.
        enforce_ssl: Whether the connection must be encrypted; without it, it is not.
    """
    return _database(
        "postgresql",
        workspace,
        datastore_name,
        server_name,
        database_name,
        user_id,
        user_password,
        port_number,
        overwrite,
        enforce_ssl,
    )


def register_sql_server(
    workspace: Any,
    datastore_name: str,
    server_name: str,
    database_name: str,
    user_id: str,
    user_password: str,
    port_number: Optional[int] = None,
    overwrite: bool = False,
    enforce_ssl: bool = True,
) -> Any:
    """Register a database of SQL Server on a server of any name.

    Args:
        workspace: The workspace.
        datastore_name: The name it gets: letters, digits, `-` and `_`.
        server_name: The host as it is; nothing of Azure is added to it.
        database_name: The database.
        user_id: Who signs in.
        user_password: The password, or `env:NAME`.
        port_number: The port; 1433 unless given.
        overwrite: Whether a different datastore of that name is replaced.
        enforce_ssl: Whether the connection must be encrypted; without it, it is not.
    """
    return _database(
        "azure_sql",
        workspace,
        datastore_name,
        server_name,
        database_name,
        user_id,
        user_password,
        port_number,
        overwrite,
        enforce_ssl,
    )


def table(
    datastore: Any,
    data_reference_name: str,
    sql_table: str,
    mode: str = "append",
    keys: Sequence[str] = (),
    create: bool = False,
) -> Any:
    """A table that a `DataTransferStep` writes to, and how.

    The table must have all columns of the source, which are matched by name. It is changed in one
    transaction: whoever reads it sees all of the new rows or none.

    Args:
        datastore: The database.
        data_reference_name: The name of the reference.
        sql_table: The table; `schema.table` for one of another schema.
        mode: `append` adds rows, `replace` removes all others, `upsert` updates those whose keys
            are there and adds the rest.
        keys: The columns that tell rows apart for `upsert`; the primary key when there are none.
        create: Whether the table is made if it is not there, with the columns and types of the
            source, and `keys` as its primary key; otherwise a missing table is an error.

    Raises:
        ValueError: The mode is none of these, or keys are given for another one than `upsert`.
    """
    from azureml.data._written_tables import WrittenTable

    return WrittenTable(datastore, data_reference_name, sql_table, mode, keys, create)


def _database(
    kind: str,
    workspace: Any,
    name: str,
    server: str,
    database: str,
    user: str,
    password: str,
    port: Optional[int],
    overwrite: bool,
    enforce_ssl: bool,
) -> Any:
    place = {
        "kind": kind,
        "server": server,
        "port": port,
        "database": database,
        "user": user,
        "is_plain": not enforce_ssl,
    }
    return _register(workspace, name, place, {"password": password}, overwrite, False, True)


def _register(*args: Any) -> Any:
    from azureml.core._datastore_registration import register

    return register(*args)
