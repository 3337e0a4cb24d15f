"""The parts of a `RunConfiguration` that are about how the script runs.

What cannot be done yet is recorded here and refused when a step or a script run is submitted.
Programs import these classes from `azureml.core.runconfig`.
"""

from __future__ import annotations

from typing import Any, ClassVar, Dict, List, Optional, Tuple

from azureml.core._element import Element
from azureml.core._environment_sections import DEFAULT_SHM_SIZE
from azureml.exceptions import RunConfigurationException

SUPPORTED_PYTORCH_BACKENDS = ["nccl", "gloo"]


class HdiConfiguration(Element):
    """How a script runs on HDInsight."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("yarn_deploy_mode",)

    def __init__(self) -> None:
        self.yarn_deploy_mode = "cluster"


class TensorflowConfiguration(Element):
    """Workers and parameter servers of TensorFlow."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("worker_count", "parameter_server_count")

    def __init__(self, worker_count: int = 1, parameter_server_count: int = 1) -> None:
        self.worker_count = worker_count
        self.parameter_server_count = parameter_server_count


class MpiConfiguration(Element):
    """Processes and nodes of an MPI job."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("process_count_per_node", "node_count")

    def __init__(self, process_count_per_node: int = 1, node_count: int = 1) -> None:
        self.process_count_per_node = process_count_per_node
        self.node_count = node_count


class PyTorchConfiguration(Element):
    """Processes and nodes of a PyTorch job."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("communication_backend", "process_count", "node_count")

    def __init__(
        self,
        communication_backend: str = "Nccl",
        process_count: Optional[int] = None,
        node_count: int = 1,
    ) -> None:
        if communication_backend.lower() not in SUPPORTED_PYTORCH_BACKENDS:
            raise RunConfigurationException(
                f"communication_backend is `Nccl` or `Gloo`, not `{communication_backend}`"
            )
        self.communication_backend = communication_backend
        self.process_count = process_count
        self.node_count = node_count


class ApplicationEndpointConfiguration(Element):
    """A service, such as a notebook, that is reachable while the script runs."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("type", "port", "properties")

    def __init__(
        self,
        type: Optional[str] = None,
        port: Optional[int] = None,
        properties: Optional[Dict[str, str]] = None,
    ) -> None:
        self.type = type
        self.port = port
        self.properties = properties


class ParallelTaskConfiguration(Element):
    """Workers that share a list of tasks."""

    FIELDS: ClassVar[Tuple[str, ...]] = (
        "max_retries_per_worker",
        "worker_count_per_node",
        "terminal_exit_codes",
    )

    def __init__(self) -> None:
        self.max_retries_per_worker = 0
        self.worker_count_per_node = 1
        self.terminal_exit_codes: Optional[List[int]] = None


class AmlComputeConfiguration(Element):
    """A cluster that v1 made for one run."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("vm_size", "vm_priority")

    def __init__(self) -> None:
        self.vm_size: Optional[str] = None
        self.vm_priority: Optional[str] = None


class KubernetesComputeConfiguration(Element):
    """The kind of instance on Kubernetes."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("instance_type",)

    def __init__(self) -> None:
        self.instance_type: Optional[str] = None


class SparkConfiguration(Element):
    """Settings of Spark."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("configuration",)

    def __init__(self) -> None:
        self.configuration: Dict[str, Any] = {
            "spark.app.name": "Azure ML Experiment",
            "spark.yarn.maxAppAttempts": 1,
        }


class HistoryConfiguration(Element):
    """What of a run is kept."""

    FIELDS: ClassVar[Tuple[str, ...]] = (
        "output_collection",
        "snapshot_project",
        "directories_to_watch",
    )

    def __init__(self) -> None:
        self.output_collection = True
        self.snapshot_project = True
        self.directories_to_watch: List[str] = ["logs"]


class DockerConfiguration(Element):
    """Whether and how the script runs in a container."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("use_docker", "shared_volumes", "arguments", "shm_size")

    def __init__(
        self,
        use_docker: bool = False,
        shared_volumes: bool = True,
        arguments: List[str] = [],  # noqa: B006 v1's own default; it is copied
        shm_size: str = DEFAULT_SHM_SIZE,
    ) -> None:
        self.use_docker = use_docker
        self.shared_volumes = shared_volumes
        self.arguments: List[str] = list(arguments)
        self.shm_size = shm_size
