"""`SKLearn`: an estimator whose environment has scikit-learn."""

from __future__ import annotations

from typing import Any, ClassVar, List, Mapping, Optional

from azureml.train.estimator._framework_base_estimator import _FrameworkBaseEstimator


class SKLearn(_FrameworkBaseEstimator):
    """A script in an environment that has scikit-learn.

    Example:
        >>> estimator = SKLearn(
        ...     "src",
        ...     entry_script="train.py",
        ...     script_params={"--rate": 0.1},
        ...     compute_target="cpu-cluster",
        ... )
        >>> estimator.run_config.target
        'cpu-cluster'
    """

    FRAMEWORK_NAME: ClassVar[Optional[str]] = "SKLearn"
    DEFAULT_VERSION: ClassVar[Optional[str]] = "0.20.3"
    _SUPPORTED_FRAMEWORK_VERSIONS: ClassVar[List[str]] = ["0.20.3"]
    _PACKAGE: ClassVar[Optional[str]] = "scikit-learn"
    _MODULE: ClassVar[Optional[str]] = "sklearn"
    _BACKENDS: Any = ()

    def __init__(
        self,
        source_directory: str,
        *,
        compute_target: Any = None,
        vm_size: Optional[str] = None,
        vm_priority: Optional[str] = None,
        entry_script: Optional[str] = None,
        script_params: Optional[Mapping[str, Any]] = None,
        use_docker: bool = True,
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
        shm_size: Optional[str] = None,
        resume_from: Any = None,
        max_run_duration_seconds: Optional[int] = None,
        framework_version: Optional[str] = None,
    ) -> None:
        """An estimator.

        Args:
            source_directory: The folder whose files the script finds around it.
            compute_target: Where it runs: a name or a target.
            vm_size: Recorded; the size of a machine that v1 would have made.
            vm_priority: Recorded, as the size is.
            entry_script: The script, relative to the folder.
            script_params: Its arguments by name; `_estimator_settings.flattened` says how.
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
            shm_size: Recorded; the shared memory of a container.
            resume_from: A `DataPath` whose place is the argument `--resume-from`.
            max_run_duration_seconds: When it is stopped.
            framework_version: A version that Azure ML had; its packages are installed. Without
                one the framework that is installed counts.
        """
        super().__init__(
            source_directory,
            compute_target=compute_target,
            vm_size=vm_size,
            vm_priority=vm_priority,
            entry_script=entry_script,
            script_params=script_params,
            use_docker=use_docker,
            custom_docker_image=custom_docker_image,
            image_registry_details=image_registry_details,
            user_managed=user_managed,
            conda_packages=conda_packages,
            pip_packages=pip_packages,
            conda_dependencies_file_path=conda_dependencies_file_path,
            pip_requirements_file_path=pip_requirements_file_path,
            conda_dependencies_file=conda_dependencies_file,
            pip_requirements_file=pip_requirements_file,
            environment_variables=environment_variables,
            environment_definition=environment_definition,
            inputs=inputs,
            shm_size=shm_size,
            resume_from=resume_from,
            max_run_duration_seconds=max_run_duration_seconds,
            framework_name=self.FRAMEWORK_NAME,
            framework_version=framework_version,
        )
