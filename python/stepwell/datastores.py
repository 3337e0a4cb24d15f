"""Datastores that the Azure ML SDK v1 has no call for: S3, Google Cloud Storage, local folders.

    from stepwell import datastores
    datastores.register_s3(ws, "lake", bucket="lake", access_key_id="AKIA...",
                           secret_access_key="env:LAKE_KEY")

Afterwards they are datastores like others: `Datastore.get(ws, "lake")`, datasets, outputs of
steps. A credential `env:NAME` is taken from the server's environment whenever it is needed;
others are stored encrypted, and nothing gives them back.
"""

from __future__ import annotations

import os
from typing import Any, Optional


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


def _register(*args: Any) -> Any:
    from azureml.core._datastore_registration import register

    return register(*args)
