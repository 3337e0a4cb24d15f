"""Environments: what a script needs around it.

An `Environment` is a description. Nothing is built when it is made or registered; Stepwell builds
the Python environment when the first step that needs it runs, or when `build` asks for it, and only
once for equal contents.
"""

from __future__ import annotations

import copy
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Dict,
    Iterable,
    Mapping,
    NoReturn,
    Optional,
    Set,
    Tuple,
)

from azureml._not_yet import not_yet
from azureml.core import (
    _curated_environments,
    _environment_files,
    _environment_registry,
    _image_details,
)
from azureml.core._element import Element
from azureml.core._environment_sections import (
    DEFAULT_CPU_IMAGE,
    DEFAULT_GPU_IMAGE,
    DockerBuildContext,
    DockerEnvironment,
    DockerImagePlatform,
    DockerSection,
    PythonEnvironment,
    PythonSection,
    RCranPackage,
    RGitHubPackage,
    RSection,
    SparkEnvironment,
    SparkPackage,
    SparkSection,
)
from azureml.core._image_details import DockerImageDetails, ImageBuildDetails
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.container_registry import ContainerRegistry
from azureml.core.databricks import DatabricksSection
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "DockerBuildContext",
    "DockerEnvironment",
    "DockerImageDetails",
    "DockerImagePlatform",
    "DockerSection",
    "Environment",
    "EnvironmentReference",
    "ImageBuildDetails",
    "PythonEnvironment",
    "PythonSection",
    "RCranPackage",
    "RGitHubPackage",
    "RSection",
    "SparkEnvironment",
    "SparkPackage",
    "SparkSection",
]


class Environment(Element):
    """The Python, the packages and the variables of a script, under a name.

    Example:
        >>> environment = Environment.from_conda_specification("churn", "environment.yml")
        >>> environment.environment_variables = {"MODE": "full"}
        >>> environment.register(workspace).version
        '1'
        >>> list(Environment.get(workspace, "churn").python.conda_dependencies.pip_packages)
        ['pandas']
    """

    FIELDS: ClassVar[Tuple[str, ...]] = (
        "name",
        "version",
        "asset_id",
        "environment_variables",
        "python",
        "docker",
        "spark",
        "databricks",
        "r",
        "inferencing_stack_version",
    )
    SHAPES: ClassVar[Dict[str, Any]] = {
        "python": PythonSection,
        "docker": DockerSection,
        "spark": SparkSection,
        "databricks": DatabricksSection,
        "r": RSection,
    }

    def __init__(self, name: Optional[str], **kwargs: Any) -> None:
        """Begin an environment with the packages of the submitting interpreter.

        Args:
            name: What it is called when it is registered.
            kwargs: Accepted for programs that pass v1's internal switches.

        Raises:
            UserErrorException: The name is an empty text, or no text.
        """
        if name is not None and not (isinstance(name, str) and name.strip()):
            raise UserErrorException(f"{name!r} is not a name for an environment")
        self.name = name
        self.version: Optional[str] = None
        self.asset_id: Optional[str] = None
        self._environment_variables: Dict[str, str] = {}
        self.python: PythonSection = PythonSection()
        self.docker: DockerSection = DockerSection()
        self.spark: SparkSection = SparkSection()
        self.databricks: DatabricksSection = DatabricksSection()
        self.r: Optional[RSection] = None
        self.inferencing_stack_version: Optional[str] = None

    @property
    def environment_variables(self) -> Dict[str, str]:
        """Variables that the script finds in its environment."""
        return self._environment_variables

    @environment_variables.setter
    def environment_variables(self, variables: Optional[Mapping[str, Any]]) -> None:
        self._environment_variables = dict(variables or {})

    @classmethod
    def _blank(cls) -> Environment:
        return Environment(None)

    def __str__(self) -> str:
        """The whole description, as JSON."""
        import json

        return json.dumps(self._to_dict(), indent=4)

    def __repr__(self) -> str:
        """The whole description, as JSON."""
        return str(self)

    def clone(self, new_name: str) -> Environment:
        """The same description under another name, not registered.

        Args:
            new_name: The name.

        Returns:
            The copy.
        """
        made = copy.deepcopy(self)
        made.name = new_name
        made.version = made.asset_id = None
        return made

    # Where an environment comes from.

    @staticmethod
    def from_conda_specification(name: str, file_path: str) -> Environment:
        """The environment that a conda environment file describes.

        Args:
            name: What it is called when it is registered.
            file_path: The file.

        Returns:
            The environment.

        Raises:
            UserErrorException: The file is missing or is not a conda environment file.
        """
        environment = Environment(name)
        environment.python.conda_dependencies = CondaDependencies(file_path)
        return environment

    @staticmethod
    def from_pip_requirements(
        name: str, file_path: str, pip_version: Optional[str] = None
    ) -> Environment:
        """The environment that a requirements file of pip describes.

        Args:
            name: What it is called when it is registered.
            file_path: The file.
            pip_version: The version of pip that is named among the packages.

        Returns:
            The environment.
        """
        lines = _environment_files.requirements(file_path)
        environment = Environment(name)
        dependencies = CondaDependencies()
        if pip_version:
            dependencies.add_conda_package(f"pip={pip_version}")
        dependencies.set_pip_requirements(lines)
        environment.python.conda_dependencies = dependencies
        return environment

    @staticmethod
    def from_existing_conda_environment(name: str, conda_environment_name: str) -> Environment:
        """The environment with the packages of one that conda has on this machine.

        Args:
            name: What it is called when it is registered.
            conda_environment_name: The name it has for conda.

        Returns:
            The environment.
        """
        environment = Environment(name)
        environment.python.conda_dependencies = CondaDependencies(
            _underlying_structure=_environment_files.exported_by_conda(conda_environment_name)
        )
        return environment

    @staticmethod
    def from_docker_image(
        name: str,
        image: str,
        container_registry: Optional[ContainerRegistry] = None,
        conda_specification: Optional[str] = None,
        pip_requirements: Optional[str] = None,
    ) -> Environment:
        """The environment of an image, with packages added if a file is named.

        Args:
            name: What it is called when it is registered.
            image: The image; kept.
            container_registry: Where the image lies; kept.
            conda_specification: A conda environment file with packages.
            pip_requirements: Instead of that, a requirements file of pip.

        Returns:
            The environment; without a file, with the submitting interpreter where steps run without
            containers.

        Raises:
            UserErrorException: Both files are named.
        """
        environment = _with_packages(name, conda_specification, pip_requirements)
        environment.docker.base_image = image
        if container_registry is not None:
            environment.docker.base_image_registry = container_registry
        return environment

    @staticmethod
    def from_dockerfile(
        name: str,
        dockerfile: str,
        conda_specification: Optional[str] = None,
        pip_requirements: Optional[str] = None,
    ) -> Environment:
        """The environment of the image that a Dockerfile, or its text, describes.

        Args:
            name: What it is called when it is registered.
            dockerfile: The file, or its text; kept.
            conda_specification: A conda environment file with packages.
            pip_requirements: Instead of that, a requirements file of pip.

        Returns:
            The environment; without a file of packages, with the submitting interpreter where steps
            run without containers.

        Raises:
            UserErrorException: Both files of packages are named.
        """
        environment = _with_packages(name, conda_specification, pip_requirements)
        environment.docker.base_image = None
        environment.docker.base_dockerfile = _environment_files.text_or_file(dockerfile)
        return environment

    @staticmethod
    def from_docker_build_context(
        name: str, docker_build_context: DockerBuildContext
    ) -> Environment:
        """The environment of the image that is built from a folder.

        Args:
            name: What it is called when it is registered.
            docker_build_context: The folder; kept.

        Returns:
            The environment, with the submitting interpreter where steps run without containers.
        """
        environment = _with_packages(name, None, None)
        environment.docker.base_image = None
        environment.docker.build_context = docker_build_context
        return environment

    @staticmethod
    def load_from_directory(path: str) -> Environment:
        """The environment that `save_to_directory` wrote.

        Args:
            path: The folder.

        Returns:
            The environment.
        """
        return Environment._from_dict(_environment_files.load(path))

    def save_to_directory(self, path: str, overwrite: bool = False) -> None:
        """Write the description into a folder, as files that are easily edited.

        Args:
            path: The folder; it is made if need be.
            overwrite: Whether a description that is there is replaced.

        Raises:
            UserErrorException: There is one, and it must not be replaced.
        """
        _environment_files.save(self._to_dict(), path, overwrite)

    # Environments of a workspace.

    def register(self, workspace: Workspace) -> Environment:
        """Keep the description in the workspace; an equal one gives the version there is.

        Args:
            workspace: The workspace.

        Returns:
            The registered version.

        Raises:
            UserErrorException: The environment has no name.
        """
        record = _environment_registry.register(workspace, self.name, self._to_dict())
        return _of_record(record)

    @staticmethod
    def get(
        workspace: Workspace,
        name: str,
        version: Optional[str] = None,
        label: Optional[str] = None,
    ) -> Environment:
        """A registered environment, the newest version unless one is named.

        One that Azure ML kept in every workspace, such as `AzureML-Tutorial`, is described by its
        name, whatever the version, unless one of that name is registered.

        Args:
            workspace: The workspace.
            name: Its name.
            version: Its version; the newest when `None`.
            label: `latest`, or `None`: there are no other labels.

        Returns:
            The environment.

        Raises:
            UserErrorException: There is none.
        """
        try:
            return _of_record(_environment_registry.find(workspace, name, version, label))
        except UserErrorException:
            described = _curated(name)
            if described is None:
                raise
            return described

    @staticmethod
    def list(workspace: Workspace) -> Dict[str, Environment]:
        """The newest version of each registered environment, by name.

        Args:
            workspace: The workspace.

        Returns:
            The environments by name. One that Azure ML kept in every workspace is found by its
            name and not listed.
        """
        from azureml.core._environments import Environments

        records = _environment_registry.records(workspace)
        return Environments(workspace, {each["name"]: _of_record(each) for each in records})

    @staticmethod
    def label(workspace: Workspace, name: str, version: str, labels: Iterable[str]) -> None:
        """Refuse: versions have no labels yet."""
        not_yet("environments have no labels yet; get one by its version")

    # Images.

    @staticmethod
    def add_private_pip_wheel(workspace: Workspace, file_path: str, exist_ok: bool = False) -> str:
        """Keep a wheel in the workspace and return the requirement that installs it.

        Args:
            workspace: The workspace, whose own datastore keeps it.
            file_path: The wheel.
            exist_ok: Whether a wheel of that name that is kept already is used as it is.

        Returns:
            The requirement, for `CondaDependencies.add_pip_package`.

        Raises:
            UserErrorException: There is no such file, or one of its name is kept already.
        """
        return _environment_files.keep_wheel(workspace, file_path, exist_ok)

    def get_image_details(self, workspace: Workspace) -> DockerImageDetails:
        """Refuse: there is no image."""
        _no_image()

    def build(
        self, workspace: Workspace, image_build_compute: Optional[str] = None
    ) -> ImageBuildDetails:
        """Have the packages installed now, instead of when the first step needs them.

        Args:
            workspace: The workspace whose server builds it.
            image_build_compute: Accepted; the server's machine builds it.

        Returns:
            How it goes; its `wait_for_completion` waits for the end.
        """
        return _image_details.build(workspace, self)

    def build_local(self, workspace: Workspace, platform: Any = None, **kwargs: Any) -> Any:
        """Refuse: an environment is built when a step needs it."""
        _no_image()


class EnvironmentReference(Element):
    """A registered environment by its name and version."""

    FIELDS: ClassVar[Tuple[str, ...]] = ("name", "version")

    def __init__(self, name: str, version: Optional[str] = None) -> None:
        self.name = name
        self.version = version

    @classmethod
    def _blank(cls) -> EnvironmentReference:
        return EnvironmentReference("")

    def get_environment(self, workspace: Workspace) -> Environment:
        """The environment."""
        return Environment.get(workspace, self.name, self.version)


def _with_packages(
    name: str, conda_specification: Optional[str], pip_requirements: Optional[str]
) -> Environment:
    """An environment with the packages of one file, or with those of its image."""
    if conda_specification and pip_requirements:
        raise UserErrorException("name either a conda_specification or pip_requirements, not both")
    if conda_specification:
        return Environment.from_conda_specification(name, conda_specification)
    if pip_requirements:
        return Environment.from_pip_requirements(name, pip_requirements)
    environment = Environment(name)
    environment.python.user_managed_dependencies = True
    return environment


def _curated(name: str) -> Optional[Environment]:
    """What the service's environment of that name had, said once; `None` if there is no telling."""
    known = _curated_environments.curated(name)
    if known is None:
        return None
    environment = Environment(name)
    environment.python.conda_dependencies = CondaDependencies.create(
        python_version=known.python, pip_packages=known.packages
    )
    if name not in _SAID:
        _SAID.add(name)
        print(
            "Environment {} is not registered; it is described by its name: Python {} with "
            "{}.".format(name, known.python, ", ".join(known.packages))
        )
    return environment


# The curated environments whose description was shown.
_SAID: Set[str] = set()


def _of_record(record: Mapping[str, Any]) -> Environment:
    environment = Environment._from_dict(record["definition"])
    environment.name = record["name"]
    environment.version = str(record["version"])
    return environment


def _no_image() -> NoReturn:
    not_yet(
        "images are not built; the packages of an environment are installed when the first step "
        "that needs them runs"
    )
