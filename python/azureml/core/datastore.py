"""Finding the datastores of a workspace. Registering others comes with a later release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, NoReturn, Optional

from azureml._not_yet import not_yet
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.data.abstract_datastore import AbstractDatastore


class Datastore:
    """Finds datastores: `Datastore(workspace, name)` is the datastore itself, of its own class."""

    def __new__(cls, workspace: Any, name: Optional[str] = None) -> Any:
        """The datastore of a name, or the default one."""
        return Datastore.get(workspace, name) if name else Datastore.get_default(workspace)

    def __init__(self, workspace: Any, name: Optional[str] = None) -> None:
        """Find a datastore.

        Args:
            workspace: The workspace.
            name: Its name; the default datastore when `None`.
        """
        raise AssertionError("`__new__` gives an object of another class")

    # What a datastore does, for programs that look it up on this class.

    def set_as_default(self: Any) -> None:
        """Make it the datastore that outputs go to unless they name another."""
        self.workspace.set_default_datastore(self.name)

    def unregister(self: Any) -> None:
        """Refuse: the datastores of a server are its own folders."""
        not_yet("datastore `{}` is a folder of the server and stays".format(self.name))

    @staticmethod
    def get(workspace: Any, datastore_name: str) -> AbstractDatastore:
        """The datastore of a name.

        Raises:
            UserErrorException: There is none; the error names those there are.
        """
        from azureml.data.azure_storage_datastore import of_record

        records = _records(workspace)
        for record in records:
            if record["name"] == datastore_name:
                return of_record(workspace, record)
        raise UserErrorException(
            "the workspace has no datastore `{}`; it has {}".format(
                datastore_name, ", ".join("`{}`".format(each["name"]) for each in records)
            )
        )

    @staticmethod
    def get_default(workspace: Any) -> AbstractDatastore:
        """The datastore that outputs go to unless they name another."""
        from azureml.data.azure_storage_datastore import of_record

        for record in _records(workspace):
            if record["is_default"]:
                return of_record(workspace, record)
        raise UserErrorException("the workspace has no default datastore")

    @staticmethod
    def register_azure_blob_container(
        workspace: Any,
        datastore_name: str,
        container_name: str,
        account_name: str,
        sas_token: Optional[str] = None,
        account_key: Optional[str] = None,
        protocol: Optional[str] = None,
        endpoint: Optional[str] = None,
        overwrite: bool = False,
        create_if_not_exists: bool = False,
        skip_validation: bool = False,
        blob_cache_timeout: Optional[int] = None,
        grant_workspace_access: bool = False,
        subscription_id: Optional[str] = None,
        resource_group: Optional[str] = None,
    ) -> NoReturn:
        """Refuse: storage elsewhere is not there yet."""
        _refuse(datastore_name)

    @staticmethod
    def register_azure_file_share(
        workspace: Any,
        datastore_name: str,
        file_share_name: str,
        account_name: str,
        sas_token: Optional[str] = None,
        account_key: Optional[str] = None,
        protocol: Optional[str] = None,
        endpoint: Optional[str] = None,
        overwrite: bool = False,
        create_if_not_exists: bool = False,
        skip_validation: bool = False,
    ) -> NoReturn:
        """Refuse: storage elsewhere is not there yet."""
        _refuse(datastore_name)

    @staticmethod
    def register_azure_data_lake(
        workspace: Any,
        datastore_name: str,
        store_name: str,
        tenant_id: Optional[str] = None,
        client_id: Optional[str] = None,
        client_secret: Optional[str] = None,
        resource_url: Optional[str] = None,
        authority_url: Optional[str] = None,
        subscription_id: Optional[str] = None,
        resource_group: Optional[str] = None,
        overwrite: bool = False,
        grant_workspace_access: bool = False,
    ) -> NoReturn:
        """Refuse: storage elsewhere is not there yet."""
        _refuse(datastore_name)

    @staticmethod
    def register_azure_data_lake_gen2(
        workspace: Any,
        datastore_name: str,
        filesystem: str,
        account_name: str,
        tenant_id: Optional[str] = None,
        client_id: Optional[str] = None,
        client_secret: Optional[str] = None,
        resource_url: Optional[str] = None,
        authority_url: Optional[str] = None,
        protocol: Optional[str] = None,
        endpoint: Optional[str] = None,
        overwrite: bool = False,
        subscription_id: Optional[str] = None,
        resource_group: Optional[str] = None,
        grant_workspace_access: bool = False,
    ) -> NoReturn:
        """Refuse: storage elsewhere is not there yet."""
        _refuse(datastore_name)

    @staticmethod
    def register_azure_sql_database(
        workspace: Any,
        datastore_name: str,
        server_name: str,
        database_name: str,
        tenant_id: Optional[str] = None,
        client_id: Optional[str] = None,
        client_secret: Optional[str] = None,
        resource_url: Optional[str] = None,
        authority_url: Optional[str] = None,
        endpoint: Optional[str] = None,
        overwrite: bool = False,
        username: Optional[str] = None,
        password: Optional[str] = None,
        subscription_id: Optional[str] = None,
        resource_group: Optional[str] = None,
        grant_workspace_access: bool = False,
        **kwargs: Any,
    ) -> NoReturn:
        """Refuse: storage elsewhere is not there yet."""
        _refuse(datastore_name)

    @staticmethod
    def register_azure_postgre_sql(
        workspace: Any,
        datastore_name: str,
        server_name: str,
        database_name: str,
        user_id: str,
        user_password: str,
        port_number: Optional[str] = None,
        endpoint: Optional[str] = None,
        overwrite: bool = False,
        enforce_ssl: bool = True,
        **kwargs: Any,
    ) -> NoReturn:
        """Refuse: storage elsewhere is not there yet."""
        _refuse(datastore_name)

    @staticmethod
    def register_azure_my_sql(
        workspace: Any,
        datastore_name: str,
        server_name: str,
        database_name: str,
        user_id: str,
        user_password: str,
        port_number: Optional[str] = None,
        endpoint: Optional[str] = None,
        overwrite: bool = False,
        **kwargs: Any,
    ) -> NoReturn:
        """Refuse: storage elsewhere is not there yet."""
        _refuse(datastore_name)

    @staticmethod
    def register_dbfs(workspace: Any, datastore_name: str) -> NoReturn:
        """Refuse: storage elsewhere is not there yet."""
        _refuse(datastore_name)

    @staticmethod
    def register_hdfs(
        workspace: Any,
        datastore_name: str,
        protocol: str,
        namenode_address: str,
        hdfs_server_certificate: Optional[str],
        kerberos_realm: str,
        kerberos_kdc_address: str,
        kerberos_principal: str,
        kerberos_keytab: Optional[str] = None,
        kerberos_password: Optional[str] = None,
        overwrite: bool = False,
    ) -> NoReturn:
        """Refuse: storage elsewhere is not there yet."""
        _refuse(datastore_name)


def _records(workspace: Any) -> List[Dict[str, Any]]:
    datastores: List[Dict[str, Any]] = workspace._client.get("/datastores")["datastores"]
    return datastores


def _refuse(name: str) -> NoReturn:
    not_yet(
        "datastore `{}` cannot be registered: storage elsewhere is not there yet; put the data on "
        "the workspace's default datastore with its `upload`".format(name)
    )
