"""The workspace: the door to experiments, runs, models, datastores and compute targets.

A `Workspace` is a set of names and a connection that is made when it is first needed. Without a
server named by `STEPWELL_URL` that is the embedded server of the working directory, which is
found or started then. What only an Azure subscription has, such as private endpoints, is
refused with a sentence.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from azureml._common.exceptions import AzureMLException
from azureml._lazy import Getattr, exports
from azureml.core import _workspace_config
from azureml.core._workspace_remainder import WorkspaceRemainder

if TYPE_CHECKING:
    from azureml._restclient.service_context import ServiceContext
    from azureml.core.compute import ComputeTarget
    from azureml.core.environment import Environment
    from azureml.core.experiment import Experiment
    from azureml.core.keyvault import Keyvault
    from azureml.core.model import Model
    from azureml.core.run import Run
    from azureml.data.abstract_datastore import AbstractDatastore
    from stepwell.client import Client

# Programs import these from here, as they could where this module used them.
__getattr__: Getattr = exports(
    globals(),
    {
        "ComputeTarget": "azureml.core.compute",
        "Datastore": "azureml.core.datastore",
        "Environment": "azureml.core.environment",
        "Experiment": "azureml.core.experiment",
        "Keyvault": "azureml.core.keyvault",
        "Model": "azureml.core.model",
        "ProjectSystemException": "azureml.exceptions",
        "Run": "azureml.core.run",
        "UserErrorException": "azureml.exceptions",
        "WorkspaceException": "azureml.exceptions",
    },
)

WORKSPACE_DEFAULT_BLOB_STORE_NAME = "workspaceblobstore"


class _Cluster(object):
    """A cluster's configuration as a class attribute that is only made when it is asked for."""

    def __init__(self, vm_size: str) -> None:
        self._vm_size = vm_size

    def __get__(self, instance: Any, owner: Any) -> Any:
        from azureml.core.compute import AmlCompute

        return AmlCompute.provisioning_configuration(
            vm_size=self._vm_size, vm_priority="dedicated", min_nodes=0, max_nodes=2
        )


class Workspace(WorkspaceRemainder):
    """A workspace of Stepwell under the names a v1 program gives it.

    Example:
        >>> workspace = Workspace.from_config()
        >>> workspace.get_default_datastore().name
        'workspaceblobstore'
        >>> workspace.datasets["sales"].version
        1
    """

    DEFAULT_CPU_CLUSTER_NAME = "cpu-cluster"
    DEFAULT_GPU_CLUSTER_NAME = "gpu-cluster"
    DEFAULT_CPU_CLUSTER_CONFIGURATION = _Cluster("STANDARD_DS2_V2")
    DEFAULT_GPU_CLUSTER_CONFIGURATION = _Cluster("STANDARD_NC6")

    def __init__(
        self,
        subscription_id: Optional[str],
        resource_group: Optional[str],
        workspace_name: Optional[str],
        auth: Any = None,
        _location: Optional[str] = None,
        _disable_service_check: bool = False,
        _workspace_id: Optional[str] = None,
        sku: str = "basic",
        tags: Optional[Dict[str, str]] = None,
        _cloud: str = "AzureCloud",
    ) -> None:
        """Name a workspace; nothing is asked of a server yet.

        Args:
            subscription_id: Kept for programs that ask for it.
            resource_group: Kept for programs that ask for it.
            workspace_name: The name programs see.
            auth: Accepted and kept; the server knows its clients by its own token.
            sku: Kept for programs that ask for it.
            tags: Kept for programs that ask for it.
        """
        self._subscription_id = subscription_id
        self._resource_group = resource_group
        self._workspace_name = workspace_name
        self._auth_object = auth
        self._location = _location or "local"
        self._sku = sku
        self._tags = dict(tags or {})
        self._connection: Optional[Client] = None
        self._facts: Optional[Dict[str, Any]] = None

    # Where a workspace comes from.

    @staticmethod
    def from_config(
        path: Optional[str] = None,
        auth: Any = None,
        _logger: Any = None,
        _file_name: Optional[str] = None,
    ) -> Workspace:
        """The workspace a `config.json` names, or this folder's own when there is none.

        Args:
            path: The file, or a folder from which on upwards one is looked for; the working
                directory when `None`.
            auth: Accepted and kept; the server knows its clients by its own token.

        Returns:
            The workspace; nothing is asked of a server yet.

        Raises:
            UserErrorException: The path does not exist, or the file is no configuration.
        """
        file = _workspace_config.find(path, _file_name)
        names = _workspace_config.read(file) if file else _workspace_config.Names(None, None, None)
        return Workspace(*names, auth=auth)

    @staticmethod
    def create(
        name: str,
        auth: Any = None,
        subscription_id: Optional[str] = None,
        resource_group: Optional[str] = None,
        location: Optional[str] = None,
        create_resource_group: bool = True,
        sku: str = "basic",
        tags: Optional[Dict[str, str]] = None,
        friendly_name: Optional[str] = None,
        storage_account: Optional[str] = None,
        key_vault: Optional[str] = None,
        app_insights: Optional[str] = None,
        container_registry: Optional[str] = None,
        adb_workspace: Optional[str] = None,
        primary_user_assigned_identity: Optional[str] = None,
        cmk_keyvault: Optional[str] = None,
        resource_cmk_uri: Optional[str] = None,
        hbi_workspace: bool = False,
        default_cpu_compute_target: Any = None,
        default_gpu_compute_target: Any = None,
        private_endpoint_config: Any = None,
        private_endpoint_auto_approval: bool = True,
        exist_ok: bool = False,
        show_output: bool = True,
        user_assigned_identity_for_cmk_encryption: Optional[str] = None,
        system_datastores_auth_mode: str = "accessKey",
        v1_legacy_mode: Optional[bool] = None,
    ) -> Workspace:
        """This folder's workspace under a new name: there is nothing to rent beforehand.

        The resources of Azure that v1 could attach have no meaning here and are not looked at.

        Args:
            name: The name programs see.
            auth: Accepted and kept; the server knows its clients by its own token.
            subscription_id: Kept for programs that ask for it.
            resource_group: Kept for programs that ask for it.
            location: Kept for programs that ask for it.
            create_resource_group, friendly_name, exist_ok, show_output, v1_legacy_mode: Without
                effect.
            sku: Kept for programs that ask for it.
            tags: Kept for programs that ask for it.
            storage_account, key_vault, app_insights, container_registry, adb_workspace: Without
                effect.
            primary_user_assigned_identity, cmk_keyvault, resource_cmk_uri, hbi_workspace: Without
                effect.
            default_cpu_compute_target, default_gpu_compute_target: Without effect.
            private_endpoint_config, private_endpoint_auto_approval: Without effect.
            user_assigned_identity_for_cmk_encryption, system_datastores_auth_mode: Without effect.

        Returns:
            The workspace.
        """
        return Workspace(subscription_id, resource_group, name, auth, location, sku=sku, tags=tags)

    @staticmethod
    def get(
        name: str,
        auth: Any = None,
        subscription_id: Optional[str] = None,
        resource_group: Optional[str] = None,
        location: Optional[str] = None,
        cloud: str = "AzureCloud",
        id: Optional[str] = None,
    ) -> Workspace:
        """This folder's workspace under the given names.

        Args:
            name: The name programs see.
            auth: Accepted and kept; the server knows its clients by its own token.
            subscription_id: Kept for programs that ask for it.
            resource_group: Kept for programs that ask for it.
            location: Kept for programs that ask for it.
            cloud, id: Without effect.

        Returns:
            The workspace.
        """
        return Workspace(subscription_id, resource_group, name, auth, location)

    @staticmethod
    def list(
        subscription_id: str, auth: Any = None, resource_group: Optional[str] = None
    ) -> Dict[str, List[Workspace]]:
        """The workspaces within reach, by name: a server serves exactly one.

        Args:
            subscription_id, resource_group: Without effect.
            auth: Accepted and kept; the server knows its clients by its own token.

        Returns:
            A list with the one workspace, by its name.
        """
        workspace = Workspace(None, None, None, auth)
        return {workspace.name: [workspace]}

    @staticmethod
    def setup() -> Workspace:
        """The workspace of this folder.

        Returns:
            What `from_config` gives.
        """
        return Workspace.from_config()

    def write_config(self, path: Optional[str] = None, file_name: Optional[str] = None) -> None:
        """Write the names to `.azureml/config.json` below `path`, for `from_config`.

        Args:
            path: The folder; the working directory when `None`.
            file_name: The file's name; `config.json` when `None`.
        """
        names = {
            "subscription_id": self.subscription_id,
            "resource_group": self.resource_group,
            "workspace_name": self.name,
        }
        _workspace_config.write(path or os.getcwd(), file_name, names)

    # The server behind it.

    @property
    def _client(self) -> Client:
        if self._connection is None:
            from azureml import _edge
            from stepwell import connect

            self._connection = _edge.translated(connect)
            self._connection.raised = _edge.as_v1
        return self._connection

    def _fact(self, name: str) -> str:
        if self._facts is None:
            self._facts = self._client.get("/workspace")
        return str(self._facts[name])

    # Who it is.

    @property
    def name(self) -> str:
        """The workspace's name."""
        return self._workspace_name or self._fact("name")

    @property
    def subscription_id(self) -> str:
        """The subscription id the program gave, or the server's."""
        return self._subscription_id or self._fact("subscription_id")

    @property
    def resource_group(self) -> str:
        """The resource group the program gave, or the server's."""
        return self._resource_group or self._fact("resource_group")

    @property
    def location(self) -> str:
        """The region the program gave, or `local`."""
        return self._location

    @property
    def sku(self) -> str:
        """The edition the program gave."""
        return self._sku

    @property
    def tags(self) -> Dict[str, str]:
        """The tags the program gave."""
        return dict(self._tags)

    @property
    def discovery_url(self) -> str:
        """The server's URL."""
        return self._client.url

    def get_details(self) -> Dict[str, Any]:
        """What there is to know about the workspace.

        Returns:
            Among others `name`, `workspaceid`, `creationTime`, `dataFolder` and `serverVersion`.
        """
        return {
            "id": f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}/"
            f"providers/Microsoft.MachineLearningServices/workspaces/{self.name}",
            "name": self.name,
            "location": self.location,
            "type": "Microsoft.MachineLearningServices/workspaces",
            "tags": self.tags,
            "sku": self.sku,
            "workspaceid": self._fact("id"),
            "friendlyName": self.name,
            "creationTime": self._fact("started_at"),
            "discoveryUrl": self.discovery_url,
            "dataFolder": self._fact("data_folder"),
            "serverVersion": self._fact("version"),
        }

    def __repr__(self) -> str:
        """The names; those the program did not give are the server's."""
        try:
            names = (self.name, self.subscription_id, self.resource_group)
        except AzureMLException:  # a text for people must not fail with the server
            names = (str(self._workspace_name), "", "")
        return "Workspace.create(name={!r}, subscription_id={!r}, resource_group={!r})".format(
            *names
        )

    @property
    def service_context(self) -> ServiceContext:
        """Names and authentication of the server, for clients that v1 calls internal."""
        from azureml._restclient.service_context import ServiceContext

        return ServiceContext._of(self)

    @property
    def _auth(self) -> Any:
        """What the workspace was opened with; programs that look inside ask it for a header."""
        if self._auth_object is None:
            from azureml.core.authentication import InteractiveLoginAuthentication

            self._auth_object = InteractiveLoginAuthentication()
        return self._auth_object

    # What it holds.

    @property
    def experiments(self) -> Dict[str, Experiment]:
        """All experiments, by name."""
        from azureml.core.experiment import Experiment

        return {each.name: each for each in Experiment.list(self)}

    @property
    def models(self) -> Dict[str, Model]:
        """The newest version of each model, by name."""
        from azureml.core.model import Model

        return {each.name: each for each in Model.list(self, latest=True)}

    @property
    def environments(self) -> Dict[str, Environment]:
        """The newest version of each environment, by name."""
        from azureml.core.environment import Environment

        return Environment.list(self)

    @property
    def datastores(self) -> Dict[str, AbstractDatastore]:
        """All datastores, by name."""
        from azureml.core.datastore import Datastore

        names = [each["name"] for each in self._client.get("/datastores")["datastores"]]
        return {name: Datastore.get(self, name) for name in names}

    @property
    def datasets(self) -> Dict[str, Any]:
        """The registered datasets, by name."""
        from azureml.core.dataset import Dataset

        return Dataset.get_all(self)

    @property
    def compute_targets(self) -> Dict[str, ComputeTarget]:
        """The compute targets, by name; on an embedded server any name is found."""
        from azureml.core.compute._targets import ComputeTargets

        return ComputeTargets(self)

    @property
    def webservices(self) -> Dict[str, Any]:
        """Deployed web services: there are none."""
        return {}

    @property
    def images(self) -> Dict[str, Any]:
        """Images of web services: there are none."""
        return {}

    @property
    def private_endpoints(self) -> Dict[str, Any]:
        """Private endpoints: there are none."""
        return {}

    @property
    def linked_services(self) -> List[Any]:
        """Linked services: there are none."""
        return []

    def get_run(self, run_id: str) -> Run:
        """The run with an id.

        Args:
            run_id: The id.

        Returns:
            The run, of the class of its kind.
        """
        from azureml.core.run import Run

        return Run.get(self, run_id)

    def get_default_datastore(self) -> AbstractDatastore:
        """The datastore that outputs go to unless they name another.

        Returns:
            The datastore, of the class of its kind.
        """
        from azureml.core.datastore import Datastore

        return Datastore.get_default(self)

    def set_default_datastore(self, name: str) -> None:
        """Make a datastore the one that outputs go to unless they name another.

        Args:
            name: The datastore's name.
        """
        from azureml.core._datastore_registration import set_default

        set_default(self, name)

    def get_mlflow_tracking_uri(self, _with_auth: bool = False) -> str:
        """Where MLflow's client finds this workspace: what `mlflow.set_tracking_uri` takes.

        It is good in every process that has this package, and holds no token.

        Returns:
            A URI that begins with `azureml:`.
        """
        from azureml.mlflow._address import tracking_uri

        names = (self.subscription_id, self.resource_group, self.name)
        return tracking_uri(self._client, *names)

    def get_default_keyvault(self) -> Keyvault:
        """The key vault of the workspace.

        Returns:
            The key vault.
        """
        from azureml.core.keyvault import Keyvault

        return Keyvault(self)
