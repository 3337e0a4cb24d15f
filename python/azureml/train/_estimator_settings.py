"""From the keywords of an estimator to a run configuration, with every rule about them.

The rules are checked before anything is submitted. `Settings` holds what a program passed;
`run_configuration` is what becomes of it.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import Environment
from azureml.core.runconfig import RunConfiguration
from azureml.exceptions import TrainingException, UserErrorException
from stepwell._windows_paths import here

# The communicator and the framework of a run configuration for each way to distribute, and the
# same when it is given as text.
WAYS: Dict[str, Tuple[str, str]] = {
    "mpi": ("Mpi", "Python"),
    "ps": ("ParameterServer", "TensorFlow"),
    "gloo": ("Gloo", "pytorch"),
    "nccl": ("Nccl", "pytorch"),
}
WAYS_AS_TEXT: Dict[str, Tuple[str, str]] = {
    "mpi": ("IntelMpi", "Python"),
    "ps": ("ParameterServer", "TensorFlow"),
    "gloo": ("gloo", "PyTorch"),
    "nccl": ("nccl", "PyTorch"),
}
OLDER_NAMES = {
    "conda_dependencies_file_path": "conda_dependencies_file",
    "custom_docker_base_image": "custom_docker_image",
    "pip_requirements_file_path": "pip_requirements_file",
}
MANY_NODES = ("AmlCompute", "KubernetesCompute")


class Settings(NamedTuple):
    """What an estimator is given; the names are those of its keywords."""

    compute_target: Any = None
    vm_size: Optional[str] = None
    vm_priority: Optional[str] = None
    entry_script: Optional[str] = None
    script_params: Optional[Mapping[str, Any]] = None
    node_count: Any = 1
    process_count_per_node: Any = 1
    distributed_backend: Any = None
    distributed_training: Any = None
    use_gpu: bool = False
    use_docker: bool = True
    custom_docker_image: Optional[str] = None
    image_registry_details: Any = None
    user_managed: bool = False
    conda_packages: Optional[List[str]] = None
    pip_packages: Optional[List[str]] = None
    conda_dependencies_file: Optional[str] = None
    pip_requirements_file: Optional[str] = None
    environment_variables: Optional[Mapping[str, str]] = None
    environment_definition: Optional[Environment] = None
    inputs: Optional[List[Any]] = None
    shm_size: Optional[str] = None
    resume_from: Any = None
    max_run_duration_seconds: Optional[int] = None
    worker_count: Any = 1
    parameter_server_count: Any = 1


def settings_of(keywords: Mapping[str, Any]) -> Settings:
    """The settings among the keywords of an estimator; older names give way to newer ones."""
    given = {name: value for name, value in keywords.items() if name in Settings._fields}
    for older, newer in OLDER_NAMES.items():
        given[newer] = given.get(newer) or keywords.get(older)
    return Settings(**given)


def run_configuration(
    estimator: str, source_directory: str, settings: Settings, backends: Iterable[str]
) -> RunConfiguration:
    """The run configuration of an estimator.

    Args:
        estimator: The estimator's name, for messages.
        source_directory: The folder that relative names of dependency files are below.
        settings: What a program passed.
        backends: The ways to distribute that the estimator has.

    Raises:
        TrainingException: Settings that contradict each other.
        UserErrorException: A file that is missing, or a value of another kind.
    """
    _check_target(settings)
    _check_environment(settings)
    made = RunConfiguration()
    made.target = settings.compute_target if settings.compute_target is not None else "amlcompute"
    made.script = settings.entry_script
    made.arguments = flattened(settings.script_params)
    if settings.resume_from is not None:
        made.arguments += ["--resume-from", _resumed(settings.resume_from)]
    made.environment = _environment(source_directory, settings)
    made.docker.use_docker = settings.use_docker
    if settings.shm_size:
        made.docker.shm_size = settings.shm_size
    if settings.vm_size:
        made.amlcompute.vm_size = settings.vm_size
        made.amlcompute.vm_priority = settings.vm_priority
    if settings.max_run_duration_seconds:
        made.max_run_duration_seconds = settings.max_run_duration_seconds
    _distribute(estimator, made, settings, tuple(backends))
    return made


def flattened(script_params: Any) -> List[Any]:
    """The arguments that `script_params` means, in its order.

    An empty text or `None` leaves the name alone; the items of a list follow one another.

    Example:
        >>> flattened({"--a": 1, "--f": "", "--l": [1, 2], "--t": True})
        ['--a', 1, '--f', '--l', 1, 2, '--t', True]
    """
    arguments: List[Any] = []
    for name, value in (script_params or {}).items():
        arguments.append(name)
        if isinstance(value, list):
            arguments.extend(value)
        elif value is not None and not (isinstance(value, str) and value == ""):
            arguments.append(value)
    return arguments


def checked_inputs(inputs: Optional[List[Any]]) -> List[Any]:
    """The inputs of an estimator, which the script finds by their names.

    Raises:
        UserErrorException: One is neither a data reference nor a named dataset.
    """
    from azureml.data.data_reference import DataReference
    from azureml.data.dataset_consumption_config import DatasetConsumptionConfig

    for each in inputs or []:
        if not isinstance(each, (DataReference, DatasetConsumptionConfig)):
            raise UserErrorException(
                f"an input of the estimator is a {type(each).__name__}; pass "
                "`dataset.as_named_input('name')` or a "
                "DataReference"
            )
    return list(inputs or [])


def _check_target(settings: Settings) -> None:
    if settings.compute_target is None and not settings.vm_size:
        raise TrainingException("an estimator needs a compute_target or a vm_size")
    counts = {
        "node_count": settings.node_count,
        "process_count_per_node": settings.process_count_per_node,
        "worker_count": settings.worker_count,
    }
    for name, count in counts.items():
        if isinstance(count, int) and count < 1:
            raise TrainingException(f"{name} is {count}; it is at least 1")
    kind = type(settings.compute_target).__name__
    if isinstance(settings.node_count, int) and settings.node_count > 1 and kind not in MANY_NODES:
        raise TrainingException(
            f"node_count is {settings.node_count}, but the compute target is a {kind}; "
            "several nodes need an AmlCompute "
            "object"
        )


def _check_environment(settings: Settings) -> None:
    packages = settings.conda_packages or settings.pip_packages
    files = settings.conda_dependencies_file or settings.pip_requirements_file
    if settings.environment_definition is not None:
        beside = {
            "packages": packages or files,
            "custom_docker_image": settings.custom_docker_image,
            "use_gpu": settings.use_gpu,
            "user_managed": settings.user_managed,
            "environment_variables": settings.environment_variables,
        }
        given = [name for name, value in beside.items() if value]
        if given:
            raise TrainingException(
                "environment_definition stands beside {}; put them into the environment".format(
                    ", ".join(given)
                )
            )
    if not settings.use_docker and settings.custom_docker_image:
        raise TrainingException("use_docker is False, but custom_docker_image names an image")
    if settings.conda_dependencies_file and packages:
        raise TrainingException(
            "conda_dependencies_file stands beside packages; put them into the file"
        )
    if settings.user_managed and (packages or files):
        raise UserErrorException(
            "user_managed is True, so the packages of the estimator would not be installed; "
            "drop one of the two"
        )


def _environment(source_directory: str, settings: Settings) -> Environment:
    if settings.environment_definition is not None:
        return settings.environment_definition
    made = Environment(None)
    python = made.python
    python.user_managed_dependencies = settings.user_managed
    if settings.conda_dependencies_file:
        path = _existing(source_directory, settings.conda_dependencies_file)
        python.conda_dependencies = CondaDependencies(conda_dependencies_file_path=path)
    for package in settings.conda_packages or []:
        python.conda_dependencies.add_conda_package(package)
    for package in [*_required(source_directory, settings), *(settings.pip_packages or [])]:
        python.conda_dependencies.add_pip_package(package)
    if settings.custom_docker_image:
        made.docker.base_image = settings.custom_docker_image
        if settings.image_registry_details is not None:
            made.docker.base_image_registry = settings.image_registry_details
    made.environment_variables = {
        "EXAMPLE_ENV_VAR": "EXAMPLE_VALUE",
        **(settings.environment_variables or {}),
    }
    return made


def _required(source_directory: str, settings: Settings) -> List[str]:
    """The lines of the requirements file."""
    if not settings.pip_requirements_file:
        return []
    with open(_existing(source_directory, settings.pip_requirements_file)) as file:
        lines = [line.split(" #")[0].strip() for line in file]
    return [line for line in lines if line and not line.startswith("#")]


def _existing(source_directory: str, path: str) -> str:
    """A file by its path, or by its path below the source directory."""
    for candidate in (here(path), os.path.join(source_directory, here(path, source_directory))):
        if os.path.isfile(candidate):
            return candidate
    raise UserErrorException(
        f"there is no file `{path}`; it is looked for here and in {source_directory}"
    )


def _resumed(resume_from: Any) -> Any:
    from azureml.data.datapath import DataPath

    if not isinstance(resume_from, DataPath):
        raise UserErrorException(f"resume_from is a {type(resume_from).__name__}; pass a DataPath")
    return resume_from.create_data_reference("resume_from").as_mount()


def _distribute(
    estimator: str, made: RunConfiguration, settings: Settings, backends: Tuple[str, ...]
) -> None:
    """Write the way to distribute into a run configuration."""
    given = settings.distributed_training or settings.distributed_backend
    many = any(
        not isinstance(count, int) or count > 1
        for count in (settings.node_count, settings.process_count_per_node)
    )
    if given is None:
        if many:
            raise TrainingException(
                "several nodes or processes need a way to distribute; pass distributed_training"
            )
        return
    way = str(given).lower() if isinstance(given, str) else getattr(given, "name", None)
    if way is None and type(given).__name__ == "MpiConfiguration":
        way = "mpi"
    if way not in backends:
        raise TrainingException(
            "{} cannot be distributed by {}; it can by {}".format(
                estimator, way or type(given).__name__, ", ".join(backends) or "nothing"
            )
        )
    as_text = isinstance(given, str) or type(given).__name__ == "MpiConfiguration"
    made.communicator, made.framework = (WAYS_AS_TEXT if as_text else WAYS)[str(way)]
    made.node_count = settings.node_count
    processes = getattr(given, "process_count_per_node", settings.process_count_per_node)
    if way == "mpi":
        made.mpi.process_count_per_node = processes
        made.mpi.node_count = settings.node_count
    elif way == "ps":
        made.tensorflow.worker_count = getattr(given, "worker_count", settings.worker_count)
        made.tensorflow.parameter_server_count = getattr(
            given, "parameter_server_count", settings.parameter_server_count
        )
    else:
        made.pytorch.communication_backend = str(way)
        made.pytorch.node_count = settings.node_count
        made.pytorch.process_count = settings.node_count
