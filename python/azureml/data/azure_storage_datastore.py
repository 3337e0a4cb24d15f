"""Datastores of blobs and files.

The two of every workspace are folders of the server's machine under the names that v1 had.
"""

from __future__ import annotations

from typing import Any, Optional

from azureml.data._file_store import FileStore
from azureml.data.constants import ACCOUNT_KEY, AZURE_BLOB, AZURE_FILE, NONE, SAS


class AbstractAzureStorageDatastore(FileStore):
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
        self.protocol: str = protocol or "https"
        self.endpoint: str = endpoint or "core.windows.net"
        self._root: Optional[str] = None

    @property
    def is_sas(self) -> bool:
        """Whether a shared access signature opens it."""
        return self.credential_type == SAS


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
