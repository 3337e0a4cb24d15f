"""The parts of an `Environment`: Python, Docker, Spark and R.

On this machine steps run in Python environments that Stepwell builds. What is said about
containers, Spark and R is recorded, registered and written to files, and used where steps run on
compute that has them. Programs import these classes from `azureml.core.environment`.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar, Dict, List, Mapping, Optional, Tuple

from azureml._fields import OpenField
from azureml.core._element import Element
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.container_registry import ContainerRegistry
from azureml.exceptions import UserErrorException

# Names of images that programs pass on; no image is pulled for a step on this machine.
DEFAULT_CPU_IMAGE = "azureml/openmpi4.1.0-ubuntu22.04"
DEFAULT_GPU_IMAGE = "azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04"
DEFAULT_SHM_SIZE = "2g"


class PythonSection(Element):
    """Which Python runs the script, and with which packages."""

    FIELDS: ClassVar[Tuple[str, ...]] = (
        "user_managed_dependencies",
        "interpreter_path",
        "conda_dependencies",
    )
    SHAPES: ClassVar[Dict[str, Any]] = {"conda_dependencies": CondaDependencies}

    def __init__(self, **kwargs: Any) -> None:
        self.user_managed_dependencies = False
        self.interpreter_path: Optional[str] = "python"
        self.conda_dependencies: CondaDependencies = CondaDependencies()
        self._conda_dependencies_file: Optional[str] = None
        self._python_asked: Optional[bool] = None  # as a file says; the packages know otherwise

    @property
    def conda_dependencies_file(self) -> Optional[str]:
        """A conda environment file that holds the packages, instead of `conda_dependencies`."""
        return self._conda_dependencies_file

    @conda_dependencies_file.setter
    def conda_dependencies_file(self, path: Optional[str]) -> None:
        self._conda_dependencies_file = path

    def _packages(self) -> CondaDependencies:
        """The packages, read from the file when one is named."""
        if not self._conda_dependencies_file:
            return self.conda_dependencies or CondaDependencies()
        packages = CondaDependencies(self._conda_dependencies_file)
        packages._python_asked = self._python_asked is not False
        return packages

    def _to_dict(self) -> Dict[str, Any]:
        file = self._conda_dependencies_file
        if file and not os.path.isfile(file):
            return {**super()._to_dict(), "condaDependenciesFile": file}
        packages = self._packages()
        return {
            "userManagedDependencies": self.user_managed_dependencies,
            "interpreterPath": self.interpreter_path,
            "condaDependencies": packages.as_dict(),
            # Whether the version of Python among them is more than v1's default.
            "pythonAsked": packages._python_asked,
        }

    def _update(self, values: Mapping[str, Any]) -> None:
        super()._update(values)
        file = values.get("condaDependenciesFile", values.get("conda_dependencies_file"))
        self._conda_dependencies_file = file
        self._python_asked = values.get("pythonAsked")
        if self._python_asked is not None:
            self.conda_dependencies._python_asked = self._python_asked


class PythonEnvironment(PythonSection):
    """The older name of `PythonSection`."""

    def __init__(self) -> None:
        super().__init__()


class DockerImagePlatform(Element):
    """The operating system and the processor of an image."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("os", "architecture")

    def __init__(self) -> None:
        self.os = "Linux"
        self.architecture = "amd64"


class DockerBuildContext(Element):
    """A folder with a Dockerfile from which an image is built."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("location_type", "location", "dockerfile_path")

    def __init__(
        self,
        location_type: Optional[str] = None,
        location: Optional[str] = None,
        dockerfile_path: str = "Dockerfile",
    ) -> None:
        self.location_type = location_type
        self.location = location
        self.dockerfile_path = dockerfile_path

    @staticmethod
    def from_local_directory(
        workspace: Any, path: str, dockerfile_path: str = "Dockerfile"
    ) -> DockerBuildContext:
        """The context that a folder of this machine is.

        Raises:
            UserErrorException: There is no such Dockerfile in the folder.
        """
        dockerfile = os.path.join(path, dockerfile_path)
        if not os.path.isfile(dockerfile):
            raise UserErrorException(f"there is no Dockerfile {dockerfile}")
        return DockerBuildContext("local", os.path.abspath(path), dockerfile_path)


def open_field(name: str, sentence: str) -> Any:
    """A property that reads and sets a private attribute."""

    def read(self: Any) -> Any:
        return getattr(self, name)

    def write(self: Any, value: Any) -> None:
        setattr(self, name, value)

    return property(read, write, doc=sentence)


class DockerSection(Element):
    """The image an environment is based on."""

    FIELDS: ClassVar[Tuple[str, ...]] = (
        "enabled",
        "base_image",
        "platform",
        "base_dockerfile",
        "build_context",
        "base_image_registry",
        "gpu_support",
        "shared_volumes",
        "arguments",
        "shm_size",
    )
    SHAPES: ClassVar[Dict[str, Any]] = {
        "platform": DockerImagePlatform,
        "build_context": DockerBuildContext,
        "base_image_registry": ContainerRegistry,
    }

    def __init__(self, **kwargs: Any) -> None:
        self._enabled = False
        self._base_image: Optional[str] = DEFAULT_CPU_IMAGE
        self._base_dockerfile: Optional[str] = None
        self._build_context: Optional[DockerBuildContext] = None
        self._gpu_support: Optional[bool] = None
        self._shared_volumes = True
        self._arguments: List[str] = []
        self._shm_size: Optional[str] = None
        self.platform: DockerImagePlatform = DockerImagePlatform()
        self.base_image_registry: ContainerRegistry = ContainerRegistry()

    base_image: OpenField[Optional[str]] = open_field(
        "_base_image", "The image that is taken as it is."
    )
    base_dockerfile: OpenField[Optional[str]] = open_field(
        "_base_dockerfile", "The text of a Dockerfile, or the path of one."
    )
    build_context: OpenField[Optional[DockerBuildContext]] = open_field(
        "_build_context", "A folder from which the image is built."
    )
    gpu_support: OpenField[Optional[bool]] = open_field(
        "_gpu_support", "Deprecated in v1: whether GPUs are passed on."
    )
    enabled: OpenField[bool] = open_field(
        "_enabled", "Deprecated in v1: whether the script runs in a container."
    )
    shared_volumes: OpenField[bool] = open_field(
        "_shared_volumes", "Deprecated in v1: whether folders are shared."
    )
    arguments: OpenField[List[str]] = open_field(
        "_arguments", "Deprecated in v1: extra arguments of `docker run`."
    )
    shm_size: OpenField[Optional[str]] = open_field(
        "_shm_size", "Deprecated in v1: the size of the shared memory."
    )


class DockerEnvironment(DockerSection):
    """The older name of `DockerSection`."""

    def __init__(self) -> None:
        super().__init__()


class SparkPackage(Element):
    """A Spark package by its Maven coordinates."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("group", "artifact", "version")

    def __init__(
        self,
        group: Optional[str] = None,
        artifact: Optional[str] = None,
        version: Optional[str] = None,
    ) -> None:
        self.group = group
        self.artifact = artifact
        self.version = version


class SparkSection(Element):
    """Packages of a Spark environment."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("repositories", "packages", "precache_packages")
    SHAPES: ClassVar[Dict[str, Any]] = {"packages": [SparkPackage]}

    def __init__(self, **kwargs: Any) -> None:
        self.repositories: List[str] = []
        self.packages: List[SparkPackage] = []
        self.precache_packages = True


class SparkEnvironment(SparkSection):
    """The older name of `SparkSection`."""

    def __init__(self) -> None:
        super().__init__()


class RCranPackage(Element):
    """An R package from a repository."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("name", "version", "repository")

    def __init__(self) -> None:
        self.name: Optional[str] = None
        self.version: Optional[str] = None
        self.repository: Optional[str] = None


class RGitHubPackage(Element):
    """An R package from a source repository."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("repository", "auth_token")

    def __init__(self) -> None:
        self.repository: Optional[str] = None
        self.auth_token: Optional[str] = None


class RSection(Element):
    """R and its packages."""

    FIELDS: ClassVar[Tuple[str, ...]] = (
        "r_version",
        "user_managed",
        "rscript_path",
        "snapshot_date",
        "cran_packages",
        "github_packages",
        "custom_url_packages",
        "bioconductor_packages",
    )
    SHAPES: ClassVar[Dict[str, Any]] = {
        "cran_packages": [RCranPackage],
        "github_packages": [RGitHubPackage],
    }

    def __init__(self) -> None:
        self.r_version: Optional[str] = None
        self.user_managed = False
        self.rscript_path: Optional[str] = None
        self.snapshot_date: Optional[str] = None
        self.cran_packages: Optional[List[RCranPackage]] = None
        self.github_packages: Optional[List[RGitHubPackage]] = None
        self.custom_url_packages: Optional[List[str]] = None
        self.bioconductor_packages: Optional[List[str]] = None
