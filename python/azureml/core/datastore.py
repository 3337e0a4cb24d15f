"""Finding and registering the datastores of a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, NoReturn, Optional

from azureml._edge import not_found
from azureml._not_yet import not_yet
from azureml._suggest import did_you_mean, listed
from azureml.core import _datastore_registration
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.data.abstract_datastore import AbstractDatastore
    from azureml.data.azure_data_lake_datastore import AzureDataLakeGen2Datastore
    from azureml.data.azure_my_sql_datastore import AzureMySqlDatastore
    from azureml.data.azure_postgre_sql_datastore import AzurePostgreSqlDatastore
    from azureml.data.azure_sql_database_datastore import AzureSqlDatabaseDatastore
    from azureml.data.azure_storage_datastore import AzureBlobDatastore


class Datastore:
    """Finds datastores: `Datastore(workspace, name)` is the datastore itself, of its own class.

    Example:
        >>> datastore = Datastore.get(workspace, "workspaceblobstore")
        >>> data = datastore.upload(src_dir="data", target_path="raw", show_progress=False)
        >>> datastore.download("copies", prefix="raw", show_progress=False)
        1
    """

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
        """Forget it in the workspace; its files stay where they are."""
        _datastore_registration.unregister(self.workspace, self.name)

    @staticmethod
    def get(workspace: Any, datastore_name: str) -> AbstractDatastore:
        """The datastore of a name.

        Args:
            workspace: The workspace.
            datastore_name: The name.

        Returns:
            The datastore, of the class of its kind.

        Raises:
            UserErrorException: There is none; the error names those there are.
        """
        records = _datastore_registration.records(workspace)
        for record in records:
            if record["name"] == datastore_name:
                found: AbstractDatastore = _datastore_registration.of_record(workspace, record)
                return found
        known = [each["name"] for each in records]
        raise not_found(
            UserErrorException,
            f"the workspace has no datastore `{datastore_name}`; it has "
            f"{listed(known)}{did_you_mean(datastore_name, known)}",
        )

    @staticmethod
    def get_default(workspace: Any) -> AbstractDatastore:
        """The datastore that outputs go to unless they name another.

        Args:
            workspace: The workspace.

        Returns:
            The datastore, of the class of its kind.

        Raises:
            UserErrorException: There is none.
        """
        for record in _datastore_registration.records(workspace):
            if record["is_default"]:
                found: AbstractDatastore = _datastore_registration.of_record(workspace, record)
                return found
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
    ) -> AzureBlobDatastore:
        """Register a container of Azure Blob storage.

        Args:
            workspace: The workspace.
            datastore_name: The name it gets: letters, digits, `-` and `_`.
            container_name: The container.
            account_name: The storage account.
            sas_token: A shared access signature that opens it, or `env:NAME`.
            account_key: A key of the account, or `env:NAME`.
            protocol: `https` unless given.
            endpoint: The last part of the account's host name, or a whole URL.
            overwrite: Whether a different datastore of that name is replaced.
            create_if_not_exists: Whether the container is made if it is not there.
            skip_validation: Whether it is registered without trying to open it.
            blob_cache_timeout: Nothing is cached by time.
            grant_workspace_access: There is no identity of a workspace.
            subscription_id: Kept by v1 for the identity.
            resource_group: Kept by v1 for the identity.

        Returns:
            The datastore.

        Raises:
            UserErrorException: It cannot be opened, or there is another of that name.
        """
        if account_name == _datastore_registration.OWN_ACCOUNT and not endpoint:
            own: AzureBlobDatastore = _datastore_registration.register_beside(
                workspace, datastore_name, container_name, overwrite
            )
            return own
        place = {
            "kind": "azure_blob",
            "account": account_name,
            "container": container_name,
            "endpoint": _datastore_registration.account_url(
                account_name, "blob", protocol, endpoint
            ),
        }
        made: AzureBlobDatastore = _datastore_registration.register(
            workspace,
            datastore_name,
            place,
            {"account_key": account_key, "sas_token": sas_token if not account_key else None},
            overwrite,
            create_if_not_exists,
            skip_validation,
        )
        return made

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
        """Refuse: no client for file shares is there that Stepwell could use."""
        not_yet(
            f"datastore `{datastore_name}` cannot be registered: Stepwell has no client "
            "for Azure file shares; "
            "mount the share and register its folder with "
            "stepwell.datastores.register_local_folder"
        )

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
        """Refuse: not there yet."""
        _refuse(datastore_name, "data lakes of the first generation, which Azure has closed,")

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
    ) -> AzureDataLakeGen2Datastore:
        """Register a file system of Azure Data Lake Storage, second generation.

        It is spoken to as a blob container, which every such account also is, and is not opened
        before it is used.

        Args:
            workspace: The workspace.
            datastore_name: The name it gets: letters, digits, `-` and `_`.
            filesystem: The file system.
            account_name: The storage account.
            tenant_id: The directory of the service principal.
            client_id: The service principal.
            client_secret: Its secret, or `env:NAME`.
            resource_url: Tokens are asked for Azure Storage, whatever is named here.
            authority_url: Who gives out tokens, for other clouds.
            protocol: `https` unless given.
            endpoint: The last part of the account's host name, or a whole URL.
            overwrite: Whether a different datastore of that name is replaced.
            subscription_id: Kept by v1 for the identity.
            resource_group: Kept by v1 for the identity.
            grant_workspace_access: There is no identity of a workspace.

        Returns:
            The datastore.
        """
        place = {
            "kind": "azure_data_lake_gen2",
            "account": account_name,
            "container": filesystem,
            "endpoint": _datastore_registration.account_url(
                account_name, "blob", protocol, endpoint
            ),
            "tenant_id": tenant_id,
            "client_id": client_id,
            "authority_url": authority_url,
        }
        made: AzureDataLakeGen2Datastore = _datastore_registration.register(
            workspace,
            datastore_name,
            place,
            {"client_secret": client_secret},
            overwrite,
            skip_validation=True,
        )
        return made

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
    ) -> AzureSqlDatabaseDatastore:
        """Register an Azure SQL database. It is not opened before it is used.

        Args:
            workspace: The workspace.
            datastore_name: The name it gets: letters, digits, `-` and `_`.
            server_name: The server, with or without its domain.
            database_name: The database.
            tenant_id: The directory of a service principal.
            client_id: The service principal.
            client_secret: Its secret, or `env:NAME`.
            resource_url: Tokens are asked for Azure SQL, whatever is named here.
            authority_url: Who gives out tokens, for other clouds.
            endpoint: The domain of the server; `database.windows.net` unless given.
            overwrite: Whether a different datastore of that name is replaced.
            username: Who signs in.
            password: The password, or `env:NAME`.
            subscription_id: Kept by v1 for the identity.
            resource_group: Kept by v1 for the identity.
            grant_workspace_access: There is no identity of a workspace.
            **kwargs: Without effect.

        Returns:
            The datastore.

        Raises:
            UserErrorException: There is another of that name.
        """
        place = _database("azure_sql", server_name, database_name, username, endpoint)
        place.update(tenant_id=tenant_id, client_id=client_id, authority_url=authority_url)
        credentials = {"password": password, "client_secret": client_secret}
        made: AzureSqlDatabaseDatastore = _datastore_registration.register(
            workspace, datastore_name, place, credentials, overwrite
        )
        return made

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
    ) -> AzurePostgreSqlDatastore:
        """Register a PostgreSQL database. It is not opened before it is used.

        Args:
            workspace: The workspace.
            datastore_name: The name it gets: letters, digits, `-` and `_`.
            server_name: The host; a name without a dot is a server of Azure.
            database_name: The database.
            user_id: Who signs in.
            user_password: The password, or `env:NAME`.
            port_number: The port; 5432 unless given.
            endpoint: The domain of a server of Azure; `postgres.database.azure.com` unless given.
            overwrite: Whether a different datastore of that name is replaced.
            enforce_ssl: Whether the connection must be encrypted; without it, it is not.
            **kwargs: Without effect.

        Returns:
            The datastore.

        Raises:
            UserErrorException: There is another of that name.
        """
        place = _database("postgresql", server_name, database_name, user_id, endpoint, port_number)
        place["is_plain"] = not enforce_ssl
        made: AzurePostgreSqlDatastore = _datastore_registration.register(
            workspace, datastore_name, place, {"password": user_password}, overwrite
        )
        return made

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
    ) -> AzureMySqlDatastore:
        """Register a MySQL or MariaDB database. It is not opened before it is used.

        Args:
            workspace: The workspace.
            datastore_name: The name it gets: letters, digits, `-` and `_`.
            server_name: The host; a name without a dot is a server of Azure.
            database_name: The database.
            user_id: Who signs in.
            user_password: The password, or `env:NAME`.
            port_number: The port; 3306 unless given.
            endpoint: The domain of a server of Azure; `mysql.database.azure.com` unless given.
            overwrite: Whether a different datastore of that name is replaced.
            **kwargs: `enforce_ssl=False` for a connection that is not encrypted, an addition.

        Returns:
            The datastore.

        Raises:
            UserErrorException: There is another of that name.
        """
        place = _database("mysql", server_name, database_name, user_id, endpoint, port_number)
        place["is_plain"] = not kwargs.get("enforce_ssl", True)
        made: AzureMySqlDatastore = _datastore_registration.register(
            workspace, datastore_name, place, {"password": user_password}, overwrite
        )
        return made

    @staticmethod
    def register_dbfs(workspace: Any, datastore_name: str) -> NoReturn:
        """Refuse: not there yet."""
        _refuse(datastore_name, "Databricks file systems")

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
        """Refuse: not there yet."""
        _refuse(datastore_name, "HDFS clusters")


DOMAINS = {
    "azure_sql": "database.windows.net",
    "postgresql": "postgres.database.azure.com",
    "mysql": "mysql.database.azure.com",
}


def _database(
    kind: str,
    server: str,
    database: str,
    user: Optional[str],
    domain: Optional[str],
    port: Any = None,
) -> Dict[str, Any]:
    """A database as the server takes it; a bare name is that of a server of Azure's."""
    is_whole = "." in server or server == "localhost"
    return {
        "kind": kind,
        "server": server if is_whole else f"{server}.{domain or DOMAINS[kind]}",
        "port": int(port) if port else None,
        "database": database,
        "user": user,
    }


def _refuse(name: str, kind: str) -> NoReturn:
    not_yet(
        f"datastore `{name}` cannot be registered: {kind} are not reached yet; blob "
        "containers, data lakes "
        "of the second generation, S3, Google Cloud Storage, databases and folders are"
    )
