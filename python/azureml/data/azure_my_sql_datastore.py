"""Datastores in MySQL, as the workspace knows them; passwords stay at the server."""

from __future__ import annotations

from typing import Any, Optional

from azureml.data.abstract_datastore import AbstractDatastore
from azureml.data.constants import AZURE_MYSQL


class AzureMySqlDatastore(AbstractDatastore):
    """A MySQL database."""

    def __init__(
        self,
        workspace: Any,
        name: str,
        server_name: str,
        database_name: str,
        user_id: str,
        user_password: str,
        port_number: Optional[str] = None,
    ) -> None:
        super().__init__(workspace, name, AZURE_MYSQL)
        self.server_name = server_name
        self.database_name = database_name
        self.user_id = user_id
        self.user_password = user_password
        self.port_number = port_number
