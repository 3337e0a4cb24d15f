"""Datastores in SQL databases, as the workspace knows them; passwords stay at the server."""

from __future__ import annotations

from typing import Any, Optional

from azureml.data.abstract_datastore import AbstractDatastore
from azureml.data.constants import AZURE_SQL_DATABASE


class AzureSqlDatabaseDatastore(AbstractDatastore):
    """A SQL database."""

    def __init__(
        self,
        workspace: Any,
        name: str,
        server_name: str,
        database_name: str,
        tenant_id: Optional[str] = None,
        client_id: Optional[str] = None,
        client_secret: Optional[str] = None,
        resource_url: Optional[str] = None,
        authority_url: Optional[str] = None,
        username: Optional[str] = None,
        password: Optional[str] = None,
        auth_type: Optional[str] = None,
        service_data_access_auth_identity: Any = None,
    ) -> None:
        super().__init__(workspace, name, AZURE_SQL_DATABASE)
        self.server_name = server_name
        self.database_name = database_name
        self.tenant_id = tenant_id
        self.client_id = client_id
        self.client_secret = client_secret
        self.resource_url = resource_url
        self.authority_url = authority_url
        self.username = username
        self.password = password
        self.auth_type = auth_type
        self.service_data_access_auth_identity = service_data_access_auth_identity
