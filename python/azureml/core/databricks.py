"""Libraries and cluster of a Databricks job, as an environment records them.

Nothing here speaks to Databricks; the steps that do read these sections.
"""

from __future__ import annotations

from typing import Any, ClassVar, Dict, List, Optional, Tuple

from azureml.core._element import Element
from azureml.exceptions import UserErrorException


class MavenLibrary(Element):
    """A library by its Maven coordinates."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("coordinates", "repo", "exclusions")

    def __init__(
        self,
        coordinates: Optional[str] = None,
        repo: Optional[str] = None,
        exclusions: Optional[List[str]] = None,
    ) -> None:
        self.coordinates = coordinates
        self.repo = repo
        self.exclusions: List[str] = exclusions if exclusions is not None else []


class PyPiLibrary(Element):
    """A Python package."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("package", "repo")

    def __init__(self, package: Optional[str] = None, repo: Optional[str] = None) -> None:
        self.package = package
        self.repo = repo


class RCranLibrary(Element):
    """An R package."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("package", "repo")

    def __init__(self, package: Optional[str] = None, repo: Optional[str] = None) -> None:
        self.package = package
        self.repo = repo


class JarLibrary(Element):
    """A jar by its URI."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("library",)

    def __init__(self, library: Optional[str] = None) -> None:
        self.library = library


class EggLibrary(Element):
    """An egg by its URI."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("library",)

    def __init__(self, library: Optional[str] = None) -> None:
        self.library = library


class DatabricksCluster(Element):
    """A cluster that exists, or the size of one to be made for the job."""

    FIELDS: ClassVar[Tuple[str, ...]] = (
        "existing_cluster_id",
        "spark_version",
        "node_type",
        "instance_pool_id",
        "num_workers",
        "min_workers",
        "max_workers",
        "spark_env_variables",
        "spark_conf",
        "init_scripts",
        "cluster_log_dbfs_path",
        "permit_cluster_restart",
    )

    def __init__(
        self,
        existing_cluster_id: Optional[str] = None,
        spark_version: Optional[str] = None,
        node_type: Optional[str] = None,
        instance_pool_id: Optional[str] = None,
        num_workers: Optional[int] = None,
        min_workers: Optional[int] = None,
        max_workers: Optional[int] = None,
        spark_env_variables: Optional[Dict[str, str]] = None,
        spark_conf: Optional[Dict[str, str]] = None,
        init_scripts: Optional[List[str]] = None,
        cluster_log_dbfs_path: Optional[str] = None,
        permit_cluster_restart: Optional[bool] = None,
    ) -> None:
        self.existing_cluster_id = existing_cluster_id
        self.spark_version = spark_version
        self.node_type = node_type
        self.instance_pool_id = instance_pool_id
        self.num_workers = num_workers
        self.min_workers = min_workers
        self.max_workers = max_workers
        self.spark_env_variables = spark_env_variables
        self.spark_conf = spark_conf
        self.init_scripts = init_scripts
        self.cluster_log_dbfs_path = cluster_log_dbfs_path
        self.permit_cluster_restart = permit_cluster_restart

    def validate(self) -> None:
        """Refuse a cluster that both exists and is to be made, or whose size is unclear.

        Raises:
            UserErrorException: Saying which settings exclude each other.
        """
        if self.existing_cluster_id is not None:
            if self.num_workers is not None or self.min_workers is not None:
                raise UserErrorException(
                    "existing_cluster_id names a cluster that has its size; leave out the workers"
                )
            return
        if self.permit_cluster_restart is not None:
            raise UserErrorException(
                "permit_cluster_restart is for an existing cluster; set existing_cluster_id"
            )
        scales = self.min_workers is not None and self.max_workers is not None
        if (self.num_workers is not None) == scales:
            raise UserErrorException("set either num_workers or both min_workers and max_workers")
        if self.node_type is not None and self.instance_pool_id is not None:
            raise UserErrorException("set either node_type or instance_pool_id")


class DatabricksSection(Element):
    """The Databricks part of an environment."""

    FIELDS: ClassVar[Tuple[str, ...]] = (
        "maven_libraries",
        "pypi_libraries",
        "rcran_libraries",
        "jar_libraries",
        "egg_libraries",
        "cluster",
    )
    SHAPES: ClassVar[Dict[str, Any]] = {
        "maven_libraries": [MavenLibrary],
        "pypi_libraries": [PyPiLibrary],
        "rcran_libraries": [RCranLibrary],
        "jar_libraries": [JarLibrary],
        "egg_libraries": [EggLibrary],
        "cluster": DatabricksCluster,
    }

    def __init__(self, _skip_defaults: bool = False) -> None:
        self.maven_libraries: List[MavenLibrary] = []
        self.pypi_libraries: List[PyPiLibrary] = []
        self.rcran_libraries: List[RCranLibrary] = []
        self.jar_libraries: List[JarLibrary] = []
        self.egg_libraries: List[EggLibrary] = []
        self._cluster: Optional[DatabricksCluster] = None

    @property
    def cluster(self) -> Optional[DatabricksCluster]:
        """The cluster the job runs on."""
        return self._cluster

    @cluster.setter
    def cluster(self, cluster: Optional[DatabricksCluster]) -> None:
        if cluster is not None and not isinstance(cluster, DatabricksCluster):
            raise UserErrorException(
                f"cluster is a {type(cluster).__name__}; pass a DatabricksCluster"
            )
        self._cluster = cluster


class DatabricksEnvironment(DatabricksSection):
    """The older name of `DatabricksSection`."""

    def __init__(self) -> None:
        super().__init__()
