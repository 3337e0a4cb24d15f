"""The base of estimators for one framework: `SKLearn`, `PyTorch`, `TensorFlow`, `Chainer`.

A `framework_version` brings the packages that it brought in Azure ML, which need a Python of their
time. Without one the framework is not pinned: it is that of the submitting interpreter when there
is one and no other packages are asked for, else the newest that fits the environment.
"""

from __future__ import annotations

from typing import Any, ClassVar, List, Mapping, Optional

from azureml.exceptions import TrainingException
from azureml.train._estimator_settings import Settings, settings_of
from azureml.train._framework_versions import brought_by
from azureml.train.estimator._mml_base_estimator import MMLBaseEstimator


class _FrameworkBaseEstimator(MMLBaseEstimator):
    """A script in an environment that has a framework."""

    FRAMEWORK_NAME: ClassVar[Optional[str]] = None
    DEFAULT_VERSION: ClassVar[Optional[str]] = None
    _SUPPORTED_FRAMEWORK_VERSIONS: ClassVar[List[str]] = []
    _PACKAGE: ClassVar[Optional[str]] = None
    _MODULE: ClassVar[Optional[str]] = None
    _BESIDE: ClassVar[List[str]] = []

    def __init__(
        self,
        source_directory: str,
        *,
        compute_target: Any = None,
        vm_size: Optional[str] = None,
        vm_priority: Optional[str] = None,
        entry_script: Optional[str] = None,
        script_params: Optional[Mapping[str, Any]] = None,
        node_count: int = 1,
        process_count_per_node: int = 1,
        distributed_backend: Any = None,
        distributed_training: Any = None,
        use_gpu: bool = False,
        use_docker: bool = True,
        custom_docker_base_image: Optional[str] = None,
        custom_docker_image: Optional[str] = None,
        image_registry_details: Any = None,
        user_managed: bool = False,
        conda_packages: Optional[List[str]] = None,
        pip_packages: Optional[List[str]] = None,
        conda_dependencies_file_path: Optional[str] = None,
        pip_requirements_file_path: Optional[str] = None,
        conda_dependencies_file: Optional[str] = None,
        pip_requirements_file: Optional[str] = None,
        environment_variables: Optional[Mapping[str, str]] = None,
        environment_definition: Any = None,
        inputs: Optional[List[Any]] = None,
        source_directory_data_store: Any = None,
        shm_size: Optional[str] = None,
        resume_from: Any = None,
        max_run_duration_seconds: Optional[int] = None,
        framework_name: Optional[str] = None,
        framework_version: Optional[str] = None,
        _enable_optimized_mode: bool = False,
        _disable_validation: bool = False,
        _show_lint_warnings: bool = False,
        _show_package_warnings: bool = False,
    ) -> None:
        """An estimator.

        Args:
            source_directory: The folder whose files the script finds around it.
            compute_target: Where it runs: a name or a target.
            vm_size: Recorded; the size of a machine that v1 would have made.
            vm_priority: Recorded, as the size is.
            entry_script: The script, relative to the folder.
            script_params: Its arguments by name; `_estimator_settings.flattened` says how.
            node_count: On how many nodes it runs.
            process_count_per_node: How many processes run on each.
            distributed_backend: The older form of `distributed_training`.
            distributed_training: How the processes find each other: `Mpi()` and its kin.
            use_gpu: Whether the environment is one for GPUs; the same packages here.
            use_docker: Recorded; steps on this machine run without containers.
            custom_docker_base_image: The older name of `custom_docker_image`.
            custom_docker_image: Recorded in the environment.
            image_registry_details: Where the image lies.
            user_managed: Whether the submitting interpreter is the environment.
            conda_packages: Packages in conda's syntax.
            pip_packages: Packages in pip's syntax.
            conda_dependencies_file_path: The older name of `conda_dependencies_file`.
            pip_requirements_file_path: The older name of `pip_requirements_file`.
            conda_dependencies_file: A conda environment file.
            pip_requirements_file: A requirements file.
            environment_variables: Variables the script finds.
            environment_definition: The environment, instead of the packages.
            inputs: Named datasets and data references that the script reads.
            source_directory_data_store: Recorded; files go to the server's own store.
            shm_size: Recorded; the shared memory of a container.
            resume_from: A `DataPath` whose place is the argument `--resume-from`.
            max_run_duration_seconds: When it is stopped.
            framework_name: The framework, for messages.
            framework_version: A version that Azure ML had; its packages are installed. Without
                one the framework that is installed counts.
        """
        settings = settings_of(locals())
        super().__init__(source_directory, compute_target=compute_target)
        self._check_version(framework_name, framework_version)
        self._framework_version = framework_version or self.DEFAULT_VERSION
        self._configure(settings)
        self._add_framework(settings, framework_version)

    @property
    def framework_version(self) -> Optional[str]:
        """The version of Azure ML's that was asked for."""
        return self._framework_version

    @classmethod
    def get_supported_versions(cls) -> List[str]:
        """The versions that Azure ML had.

        Returns:
            The versions.
        """
        return list(cls._SUPPORTED_FRAMEWORK_VERSIONS)

    def _check_version(self, name: Optional[str], version: Optional[str]) -> None:
        known = self._SUPPORTED_FRAMEWORK_VERSIONS
        if version is not None and known and version not in known:
            raise TrainingException(
                "{} of version {} was never an estimator of Azure ML; these were: {}".format(
                    name or self.FRAMEWORK_NAME, version, ", ".join(known)
                )
            )

    def _add_framework(self, settings: Settings, version: Optional[str]) -> None:
        """Add the framework: that of a version, or any beside packages or where there is none."""
        if self._PACKAGE is None or self._MODULE is None or settings.user_managed:
            return
        if settings.environment_definition is not None:
            return
        packages = self.conda_dependencies
        named = {_base_name(each) for each in (*packages.pip_packages, *packages.conda_packages)}
        if self._PACKAGE in named:
            return
        asked = settings.pip_packages or settings.conda_packages
        files = settings.conda_dependencies_file or settings.pip_requirements_file
        pinned = brought_by(self.FRAMEWORK_NAME, version)
        if pinned or asked or files or not _is_installed(self._MODULE):
            for package in pinned or [self._PACKAGE, *self._BESIDE]:
                if _base_name(package) not in named:
                    packages.add_pip_package(package)


def _base_name(package: str) -> str:
    from azureml.core._packages import package_name

    return package_name(package).replace("_", "-").lower()


def _is_installed(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None
