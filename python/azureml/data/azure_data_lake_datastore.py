"""Datastores in data lakes. Those of the first generation are descriptions only."""

from __future__ import annotations

from typing import Any, Optional

from azureml.data._file_store import FileStore
from azureml.data.abstract_datastore import AbstractDatastore
from azureml.data.constants import AZURE_DATA_LAKE, AZURE_DATA_LAKE_GEN2


class AbstractADLSDatastore(AbstractDatastore):
    """Base of both generations."""

    def __init__(
        self,
        workspace: Any,
        name: str,
        datastore_type: str,
        tenant_id: Optional[str],
        client_id: Optional[str],
        client_secret: Optional[str],
        resource_url: Optional[str],
        authority_url: Optional[str],
        service_data_access_auth_identity: Any,
    ) -> None:
        super().__init__(workspace, name, datastore_type)
        self.tenant_id = tenant_id
        self.client_id = client_id
        self.client_secret = client_secret
        self.resource_url = resource_url
        self.authority_url = authority_url
        self.service_data_access_auth_identity = service_data_access_auth_identity


class AzureDataLakeDatastore(AbstractADLSDatastore):
    """A data lake of the first generation."""

    def __init__(
        self,
        workspace: Any,
        name: str,
        store_name: str,
        tenant_id: Optional[str],
        client_id: Optional[str],
        client_secret: Optional[str],
        resource_url: Optional[str] = None,
        authority_url: Optional[str] = None,
        subscription_id: Optional[str] = None,
        resource_group: Optional[str] = None,
        service_data_access_auth_identity: Any = None,
    ) -> None:
        super().__init__(
            workspace,
            name,
            AZURE_DATA_LAKE,
            tenant_id,
            client_id,
            client_secret,
            resource_url,
            authority_url,
            service_data_access_auth_identity,
        )
        self.store_name = store_name
        self._subscription_id = subscription_id
        self._resource_group = resource_group

    @property
    def subscription_id(self) -> Optional[str]:
        """The subscription the store belongs to."""
        return self._subscription_id

    @subscription_id.setter
    def subscription_id(self, subscription_id: Optional[str]) -> None:
        self._subscription_id = subscription_id

    @property
    def resource_group(self) -> Optional[str]:
        """The resource group the store belongs to."""
        return self._resource_group

    @resource_group.setter
    def resource_group(self, resource_group: Optional[str]) -> None:
        self._resource_group = resource_group


class AzureDataLakeGen2Datastore(AbstractADLSDatastore, FileStore):
    """A data lake of the second generation."""

    def __init__(
        self,
        workspace: Any,
        name: str,
        container_name: str,
        account_name: str,
        tenant_id: Optional[str] = None,
        client_id: Optional[str] = None,
        client_secret: Optional[str] = None,
        resource_url: Optional[str] = None,
        authority_url: Optional[str] = None,
        protocol: Optional[str] = None,
        endpoint: Optional[str] = None,
        service_data_access_auth_identity: Any = None,
    ) -> None:
        super().__init__(
            workspace,
            name,
            AZURE_DATA_LAKE_GEN2,
            tenant_id,
            client_id,
            client_secret,
            resource_url,
            authority_url,
            service_data_access_auth_identity,
        )
        self.container_name = container_name
        self.account_name = account_name
        self.protocol = protocol
        self.endpoint = endpoint
