"""Datastores of blobs and files.

The datastores of a server are folders. A program on the same machine reads and writes them
directly; data of other machines comes with a later release.
"""

from __future__ import annotations

import os
from typing import Any, List, Mapping, Optional

from azureml._not_yet import not_yet
from azureml.data import _local_files
from azureml.data.abstract_datastore import AbstractDatastore
from azureml.data.constants import ACCOUNT_KEY, AZURE_BLOB, AZURE_FILE, NONE, SAS
from azureml.data.data_reference import DataReference
from azureml.exceptions import UserErrorException


class AbstractAzureStorageDatastore(AbstractDatastore):
    """A datastore whose data are files with paths."""

    def __init__(
        self,
        workspace: Any,
        name: str,
        datastore_type: str,
        container_name: str,
        account_name: str,
        sas_token: Optional[str] = None,
        account_key: Optional[str] = None,
        protocol: Optional[str] = None,
        endpoint: Optional[str] = None,
    ) -> None:
        super().__init__(workspace, name, datastore_type)
        self.container_name = container_name
        self.account_name = account_name
        self.sas_token = sas_token
        self.account_key = account_key
        self.credential_type = SAS if sas_token else ACCOUNT_KEY if account_key else NONE
        self.protocol = protocol or "https"
        self.endpoint = endpoint or "core.windows.net"
        self._root: Optional[str] = None

    @property
    def is_sas(self) -> bool:
        """Whether a shared access signature opens it."""
        return self.credential_type == SAS

    # References.

    def path(
        self, path: Optional[str] = None, data_reference_name: Optional[str] = None
    ) -> DataReference:
        """A reference to a path on it."""
        return DataReference(self, data_reference_name, path)

    def as_download(self, path_on_compute: Optional[str] = None) -> DataReference:
        """A reference to all of it, copied to the script."""
        return self.path().as_download(path_on_compute)

    def as_upload(self, path_on_compute: Optional[str] = None) -> DataReference:
        """A reference to it, to which what the script wrote is copied."""
        return self.path().as_upload(path_on_compute)

    def as_mount(self) -> DataReference:
        """A reference to all of it, read and written in its place."""
        return self.path().as_mount()

    # Files.

    def download(
        self,
        target_path: str,
        prefix: Optional[str] = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> int:
        """Copy files to this program's machine and return how many were copied.

        Args:
            target_path: The folder they go to; their paths on the datastore are kept below it.
            prefix: The file or the folder to be copied; everything when `None`.
            overwrite: Whether files that are there are replaced.
            show_progress: Whether each file is named on standard output.
        """
        root = self._folder()
        copies = _local_files.below(root, _local_files.relative(prefix), target_path)
        return _local_files.run(copies, overwrite, show_progress, "Downloaded")

    def upload(
        self,
        src_dir: str,
        target_path: Optional[str] = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> DataReference:
        """Copy a folder to the datastore and return a reference to it there.

        Args:
            src_dir: The folder.
            target_path: The path it gets; the datastore's root when `None`.
            overwrite: Whether files that are there are replaced.
            show_progress: Whether each file is named on standard output.
        """
        target = _local_files.relative(target_path)
        copies = _local_files.of_folder(src_dir, os.path.join(self._folder(), target))
        _local_files.run(copies, overwrite, show_progress, "Uploaded")
        return self.path(target or None)

    def upload_files(
        self,
        files: List[str],
        relative_root: Optional[str] = None,
        target_path: Optional[str] = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> DataReference:
        """Copy files to the datastore and return a reference to the folder they are in there.

        Args:
            files: The files.
            relative_root: The folder from which on their paths are kept; the deepest that holds
                all of them when `None`.
            target_path: The path they get; the datastore's root when `None`.
            overwrite: Whether files that are there are replaced.
            show_progress: Whether each file is named on standard output.
        """
        if not files or isinstance(files, str):
            raise UserErrorException("files is a list of at least one path")
        target = _local_files.relative(target_path)
        copies = _local_files.of_files(
            list(files), relative_root, os.path.join(self._folder(), target)
        )
        _local_files.run(copies, overwrite, show_progress, "Uploaded")
        return self.path(target or None)

    def _folder(self) -> str:
        """The folder it is on this machine.

        Raises:
            UserErrorException: It is a folder of another machine.
        """
        if self._root is None:
            not_yet(
                "datastore `{}` is not a folder of the server, and others are not there yet; use "
                "the workspace's default datastore".format(self._name)
            )
        if not os.path.isdir(self._root):
            raise UserErrorException(
                "datastore `{}` is the folder {} of the server's machine; this program runs on "
                "another".format(self._name, self._root)
            )
        return self._root


class AzureBlobDatastore(AbstractAzureStorageDatastore):
    """A datastore of blobs."""

    def __init__(
        self,
        workspace: Any,
        name: str,
        container_name: str,
        account_name: str,
        sas_token: Optional[str] = None,
        account_key: Optional[str] = None,
        protocol: Optional[str] = None,
        endpoint: Optional[str] = None,
        request_session: Any = None,
        workspace_msi_has_access: bool = False,
        subscription_id: Optional[str] = None,
        resource_group: Optional[str] = None,
        service_data_access_auth_identity: Any = None,
    ) -> None:
        super().__init__(
            workspace,
            name,
            AZURE_BLOB,
            container_name,
            account_name,
            sas_token,
            account_key,
            protocol,
            endpoint,
        )
        self.workspace_msi_has_access = workspace_msi_has_access
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.service_data_access_auth_identity = service_data_access_auth_identity


class AzureFileDatastore(AbstractAzureStorageDatastore):
    """A datastore of files."""

    def __init__(
        self,
        workspace: Any,
        name: str,
        container_name: str,
        account_name: str,
        sas_token: Optional[str] = None,
        account_key: Optional[str] = None,
        protocol: Optional[str] = None,
        endpoint: str = "core.windows.net",
        request_session: Any = None,
    ) -> None:
        super().__init__(
            workspace,
            name,
            AZURE_FILE,
            container_name,
            account_name,
            sas_token,
            account_key,
            protocol,
            endpoint,
        )


# What the workspace's own datastores are, so that programs which ask find what v1 had.
_KINDS = {"workspacefilestore": AzureFileDatastore}


def of_record(workspace: Any, record: Mapping[str, Any]) -> AbstractAzureStorageDatastore:
    """The datastore that the server describes."""
    kind = _KINDS.get(record["name"], AzureBlobDatastore)
    datastore = kind(workspace, record["name"], record["name"], "local")
    datastore._root = record.get("root")
    return datastore
