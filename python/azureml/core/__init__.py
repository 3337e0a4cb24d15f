"""The names a v1 program begins with; each is loaded when it is first used."""

from typing import TYPE_CHECKING

from azureml._lazy import Getattr as _Getattr
from azureml._lazy import exports as _exports

if TYPE_CHECKING:
    from azureml.core._diagnostics import diagnostic_log
    from azureml.core.compute.compute import ComputeTarget
    from azureml.core.compute_target import (
        attach_legacy_compute_target,
        is_compute_target_prepared,
        prepare_compute_target,
        remove_legacy_compute_target,
    )
    from azureml.core.container_registry import ContainerRegistry
    from azureml.core.dataset import Dataset
    from azureml.core.datastore import Datastore
    from azureml.core.environment import Environment
    from azureml.core.experiment import Experiment
    from azureml.core.image import Image
    from azureml.core.keyvault import Keyvault
    from azureml.core.linked_service import (
        LinkedService,
        SynapseWorkspaceLinkedServiceConfiguration,
    )
    from azureml.core.model import Model
    from azureml.core.private_endpoint import PrivateEndPoint, PrivateEndPointConfig
    from azureml.core.run import Run, get_run
    from azureml.core.runconfig import RunConfiguration
    from azureml.core.script_run import ScriptRun
    from azureml.core.script_run_config import ScriptRunConfig
    from azureml.core.webservice import Webservice
    from azureml.core.workspace import Workspace

RUN_TYPE_PROVIDERS_ENTRYPOINT_KEY = "azureml_run_type_providers"
# The version of v1 whose names these are; Stepwell's own is `stepwell.__version__`.
VERSION = __version__ = "1.61.0"

__all__ = [
    "ComputeTarget",
    "ContainerRegistry",
    "Dataset",
    "Datastore",
    "Environment",
    "Experiment",
    "Image",
    "Keyvault",
    "LinkedService",
    "Model",
    "PrivateEndPoint",
    "PrivateEndPointConfig",
    "Run",
    "RunConfiguration",
    "ScriptRun",
    "ScriptRunConfig",
    "SynapseWorkspaceLinkedServiceConfiguration",
    "Webservice",
    "Workspace",
    "attach_legacy_compute_target",
    "diagnostic_log",
    "get_run",
    "is_compute_target_prepared",
    "prepare_compute_target",
    "remove_legacy_compute_target",
]

__getattr__: _Getattr = _exports(
    globals(),
    {
        "ComputeTarget": "azureml.core.compute.compute",
        "ContainerRegistry": "azureml.core.container_registry",
        "Dataset": "azureml.core.dataset",
        "Datastore": "azureml.core.datastore",
        "Environment": "azureml.core.environment",
        "Experiment": "azureml.core.experiment",
        "Image": "azureml.core.image",
        "Keyvault": "azureml.core.keyvault",
        "LinkedService": "azureml.core.linked_service",
        "Model": "azureml.core.model",
        "PrivateEndPoint": "azureml.core.private_endpoint",
        "PrivateEndPointConfig": "azureml.core.private_endpoint",
        "Run": "azureml.core.run",
        "RunConfiguration": "azureml.core.runconfig",
        "ScriptRun": "azureml.core.script_run",
        "ScriptRunConfig": "azureml.core.script_run_config",
        "SynapseWorkspaceLinkedServiceConfiguration": "azureml.core.linked_service",
        "Webservice": "azureml.core.webservice",
        "Workspace": "azureml.core.workspace",
        "attach_legacy_compute_target": "azureml.core.compute_target",
        "diagnostic_log": "azureml.core._diagnostics",
        "get_run": "azureml.core.run",
        "is_compute_target_prepared": "azureml.core.compute_target",
        "prepare_compute_target": "azureml.core.compute_target",
        "remove_legacy_compute_target": "azureml.core.compute_target",
    },
    modules=(
        "authentication",
        "compute",
        "compute_target",
        "conda_dependencies",
        "container_registry",
        "dataset",
        "datastore",
        "environment",
        "experiment",
        "keyvault",
        "model",
        "run",
        "runconfig",
        "script_run",
        "script_run_config",
        "webservice",
        "workspace",
    ),
)
