"""Run configurations: how a script runs, and in which environment.

A `RunConfiguration` describes and is passed on; the environment it holds is what counts on this
machine. What it asks for and Stepwell cannot do is refused when something is submitted with it,
never ignored.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar, Dict, List, Mapping, Optional, Tuple

from azureml.core import _runconfig_files
from azureml.core._element import Element
from azureml.core._runconfig_data import (
    SUPPORTED_DATAREF_MODES,
    SUPPORTED_DELIVERY_MECHANISM,
    Data,
    DatacacheConfiguration,
    DataLocation,
    DataPath,
    DataReferenceConfiguration,
    Dataset,
    DatasetRegistrationOptions,
    GlobsOptions,
    MountOptions,
    OutputData,
    OutputOptions,
    RegistrationOptions,
    UploadOptions,
    Uri,
)
from azureml.core._runconfig_sections import (
    SUPPORTED_PYTORCH_BACKENDS,
    AmlComputeConfiguration,
    ApplicationEndpointConfiguration,
    DockerConfiguration,
    HdiConfiguration,
    HistoryConfiguration,
    KubernetesComputeConfiguration,
    MpiConfiguration,
    ParallelTaskConfiguration,
    PyTorchConfiguration,
    SparkConfiguration,
    TensorflowConfiguration,
)
from azureml.core._warm_choices import WarmChoices
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.container_registry import ContainerRegistry as _Registry
from azureml.core.databricks import EggLibrary as EggLibrary
from azureml.core.databricks import JarLibrary as JarLibrary
from azureml.core.databricks import MavenLibrary as MavenLibrary
from azureml.core.databricks import PyPiLibrary as PyPiLibrary
from azureml.core.databricks import RCranLibrary as RCranLibrary
from azureml.core.environment import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE, Environment
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.exceptions import UserErrorException

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "LOCAL_RUNCONFIG_NAME",
    "MPI_CPU_IMAGE",
    "MPI_GPU_IMAGE",
    "SUPPORTED_DATAREF_MODES",
    "SUPPORTED_DELIVERY_MECHANISM",
    "SUPPORTED_PYTORCH_BACKENDS",
    "AmlComputeConfiguration",
    "ApplicationEndpointConfiguration",
    "AzureContainerRegistry",
    "ContainerRegistry",
    "Data",
    "DataLocation",
    "DataPath",
    "DataReferenceConfiguration",
    "DatacacheConfiguration",
    "Dataset",
    "DatasetRegistrationOptions",
    "DockerConfiguration",
    "EnvironmentDefinition",
    "GlobsOptions",
    "HdiConfiguration",
    "HistoryConfiguration",
    "KubernetesComputeConfiguration",
    "MountOptions",
    "MpiConfiguration",
    "OutputData",
    "OutputOptions",
    "ParallelTaskConfiguration",
    "PyTorchConfiguration",
    "RegistrationOptions",
    "RunConfiguration",
    "SparkConfiguration",
    "TensorflowConfiguration",
    "UploadOptions",
    "Uri",
]

MPI_CPU_IMAGE = DEFAULT_CPU_IMAGE
MPI_GPU_IMAGE = DEFAULT_GPU_IMAGE
LOCAL_RUNCONFIG_NAME = "local"


class ContainerRegistry(_Registry):
    """A registry of container images, under the name it has in this module."""


class AzureContainerRegistry(ContainerRegistry):
    """The older name of `ContainerRegistry`."""


class EnvironmentDefinition(Environment):
    """The older name of `Environment`."""

    def __init__(self, name: Optional[str] = None) -> None:
        super().__init__(name)


class RunConfiguration(Element, WarmChoices):
    """The target, the environment and the way in which a script runs.

    Example:
        >>> settings = RunConfiguration(conda_dependencies=CondaDependencies("environment.yml"))
        >>> settings.target = "cpu-cluster"
        >>> settings.environment_variables = {"MODE": "full"}
        >>> train = PythonScriptStep("train.py", source_directory="src", runconfig=settings)
        >>> settings.save("settings.yml")
        >>> RunConfiguration.load("settings.yml").target
        'cpu-cluster'
    """

    FIELDS: ClassVar[Tuple[str, ...]] = (
        "script",
        "command",
        "arguments",
        "target",
        "framework",
        "communicator",
        "auto_prepare_environment",
        "max_run_duration_seconds",
        "node_count",
        "priority",
        "credential_passthrough",
        "environment",
        "history",
        "spark",
        "docker",
        "hdi",
        "tensorflow",
        "mpi",
        "pytorch",
        "paralleltask",
        "data_references",
        "data",
        "datacaches",
        "output_data",
        "source_directory_data_store",
        "amlcompute",
        "kubernetescompute",
        "services",
        "auto_cluster_compute_specification",
    )
    SHAPES: ClassVar[Dict[str, Any]] = {
        "environment": Environment,
        "history": HistoryConfiguration,
        "spark": SparkConfiguration,
        "docker": DockerConfiguration,
        "hdi": HdiConfiguration,
        "tensorflow": TensorflowConfiguration,
        "mpi": MpiConfiguration,
        "pytorch": PyTorchConfiguration,
        "paralleltask": ParallelTaskConfiguration,
        "data_references": {str: DataReferenceConfiguration},
        "data": {str: Data},
        "datacaches": [DatacacheConfiguration],
        "output_data": {str: OutputData},
        "amlcompute": AmlComputeConfiguration,
        "kubernetescompute": KubernetesComputeConfiguration,
        "services": {str: ApplicationEndpointConfiguration},
    }

    def __init__(
        self,
        script: Optional[str] = None,
        arguments: Optional[List[Any]] = None,
        framework: Optional[str] = None,
        communicator: Optional[str] = None,
        conda_dependencies: Optional[CondaDependencies] = None,
        _history_enabled: Optional[bool] = None,
        _path: Optional[str] = None,
        _name: Optional[str] = None,
        command: Any = None,
    ) -> None:
        """Begin a configuration that runs on this machine with the submitting interpreter.

        Args:
            script: The script, relative to the source directory.
            arguments: Its arguments.
            framework: `Python`, or what else starts the script.
            communicator: How the processes of a distributed job speak to each other.
            conda_dependencies: The packages of the environment.
            command: A command that is run instead of a script.
        """
        self._path = _path
        self._name = _name
        self._target: str = LOCAL_RUNCONFIG_NAME
        self._auto_prepare_environment = True
        self._resources: Optional[ResourceConfiguration] = None
        self.script = script
        self.command = command
        self.arguments: List[Any] = list(arguments or [])
        self.framework: str = framework or "Python"
        self.communicator: str = communicator or "None"
        self.max_run_duration_seconds: Optional[int] = None
        self.node_count: Optional[int] = 1
        self.priority: Optional[int] = None
        self.credential_passthrough = False
        self.environment: Environment = Environment(None)
        if conda_dependencies is not None:
            self.environment.python.conda_dependencies = conda_dependencies
        self._set_parts()
        if _history_enabled is not None:
            self.history.output_collection = _history_enabled

    def _set_parts(self) -> None:
        """Begin with every part at its defaults."""
        self.history: HistoryConfiguration = HistoryConfiguration()
        self.spark: SparkConfiguration = SparkConfiguration()
        self.docker: DockerConfiguration = DockerConfiguration()
        self.hdi: HdiConfiguration = HdiConfiguration()
        self.tensorflow: TensorflowConfiguration = TensorflowConfiguration()
        self.mpi: MpiConfiguration = MpiConfiguration()
        self.pytorch: PyTorchConfiguration = PyTorchConfiguration()
        self.paralleltask: ParallelTaskConfiguration = ParallelTaskConfiguration()
        self.data_references: Dict[str, DataReferenceConfiguration] = {}
        self.data: Dict[str, Data] = {}
        self.datacaches: List[DatacacheConfiguration] = []
        self.output_data: Dict[str, OutputData] = {}
        self.source_directory_data_store: Optional[str] = None
        self.amlcompute: AmlComputeConfiguration = AmlComputeConfiguration()
        self.kubernetescompute: KubernetesComputeConfiguration = KubernetesComputeConfiguration()
        self.services: Dict[str, ApplicationEndpointConfiguration] = {}
        self.auto_cluster_compute_specification: Any = None

    @property
    def target(self) -> str:
        """The name of the compute target; set by its name or by the target itself."""
        return self._target

    @target.setter
    def target(self, target: Any) -> None:
        self._target = target if isinstance(target, str) else _target_name(target)

    @property
    def resources(self) -> Optional[ResourceConfiguration]:
        """Stepwell's own: the cores, the memory and the GPUs that the script needs of each node.

        A target that cannot give them refuses the step when it is submitted; on a cluster, the
        step gets so much. `None` is what the target gives unless asked.
        """
        return self._resources

    @resources.setter
    def resources(self, resources: Optional[ResourceConfiguration]) -> None:
        if resources is not None and not isinstance(resources, ResourceConfiguration):
            raise UserErrorException(
                f"resources is a {type(resources).__name__}; pass a "
                "ResourceConfiguration(cpu=4, memory_in_gb=16)"
            )
        self._resources = resources

    @property
    def auto_prepare_environment(self) -> bool:
        """Deprecated in v1: whether the environment is prepared; it always is."""
        return self._auto_prepare_environment

    @auto_prepare_environment.setter
    def auto_prepare_environment(self, value: bool) -> None:
        self._auto_prepare_environment = value

    def _to_dict(self) -> Dict[str, Any]:
        """The fields as YAML holds them; resources only if they are asked for."""
        made = super()._to_dict()
        if self._resources is not None:
            made["resources"] = self._resources.serialize()
        return made

    def _update(self, values: Mapping[str, Any]) -> None:
        """Set the fields that `values` names."""
        super()._update(values)
        if values.get("resources") is not None:
            self.resources = ResourceConfiguration.deserialize(values["resources"])

    @property
    def environment_variables(self) -> Dict[str, str]:
        """Variables of the environment."""
        return self.environment.environment_variables

    @environment_variables.setter
    def environment_variables(self, variables: Mapping[str, Any]) -> None:
        self.environment.environment_variables = dict(variables)

    def save(
        self,
        path: Optional[str] = None,
        name: Optional[str] = None,
        separate_environment_yaml: bool = False,
    ) -> None:
        """Write the configuration to a file, or below a project folder under a name.

        Args:
            path: The project folder, or the file.
            name: The name of the configuration in the folder.
            separate_environment_yaml: Whether the packages go into `environment.yml` beside it.
        """
        file = _runconfig_files.target(path or self._path, name or self._name)
        _runconfig_files.write(file, self._to_dict(), separate_environment_yaml)

    @staticmethod
    def load(path: str, name: Optional[str] = None) -> RunConfiguration:
        """The configuration in a file, or that of a name below a project folder.

        Args:
            path: The file, or the project folder.
            name: The name of the configuration in the folder.

        Returns:
            The configuration.

        Raises:
            UserErrorException: There is none; the text names the places that were looked at.
        """
        file = _runconfig_files.find(path, name)
        configuration = RunConfiguration._from_dict(_runconfig_files.read(file))
        configuration._path, configuration._name = path, name
        return configuration

    @staticmethod
    def delete(path: str, name: str) -> None:
        """Remove the configuration of a name below a project folder.

        Args:
            path: The project folder.
            name: The name of the configuration in the folder.
        """
        os.remove(_runconfig_files.find(path, name))

    def __repr__(self) -> str:
        """The fields that are set."""
        return super().__repr__()


def _target_name(target: Any) -> str:
    """The name of a compute target, or of this machine when there is none."""
    return str(getattr(target, "name", None) or LOCAL_RUNCONFIG_NAME)
