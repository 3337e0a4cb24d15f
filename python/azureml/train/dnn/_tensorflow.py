"""`TensorFlow`: an estimator whose environment has TensorFlow."""

from __future__ import annotations

from typing import Any, ClassVar, List, Mapping, Optional

from azureml.train.estimator._framework_base_estimator import _FrameworkBaseEstimator


class TensorFlow(_FrameworkBaseEstimator):
    """A script in an environment that has TensorFlow."""

    FRAMEWORK_NAME: ClassVar[Optional[str]] = "TensorFlow"
    DEFAULT_VERSION: ClassVar[Optional[str]] = "1.13"
    _SUPPORTED_FRAMEWORK_VERSIONS: ClassVar[List[str]] = [
        "1.10",
        "1.12",
        "1.13",
        "2.0",
        "2.1",
        "2.2",
        "2.3",
    ]
    _PACKAGE: ClassVar[Optional[str]] = "tensorflow"
    _MODULE: ClassVar[Optional[str]] = "tensorflow"
    _BACKENDS: Any = ("mpi", "ps")

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
        worker_count: int = 1,
        parameter_server_count: int = 1,
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
            node_count: On how many nodes it runs.
            process_count_per_node: How many processes run on each.
            worker_count: How many workers of TensorFlow there are.
            parameter_server_count: How many parameter servers there are.
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
            framework_version: A version that Azure ML had; its packages are installed. Without
                one the framework that is installed counts.
        """
        self._task_counts = (worker_count, parameter_server_count)
        super().__init__(
            source_directory,
            compute_target=compute_target,
            vm_size=vm_size,
            vm_priority=vm_priority,
            entry_script=entry_script,
            script_params=script_params,
            node_count=node_count,
            process_count_per_node=process_count_per_node,
            distributed_backend=distributed_backend,
            distributed_training=distributed_training,
            use_gpu=use_gpu,
            use_docker=use_docker,
            custom_docker_base_image=custom_docker_base_image,
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
            source_directory_data_store=source_directory_data_store,
            shm_size=shm_size,
            resume_from=resume_from,
            max_run_duration_seconds=max_run_duration_seconds,
            framework_name=self.FRAMEWORK_NAME,
            framework_version=framework_version,
        )
