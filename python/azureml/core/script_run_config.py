"""What is needed to run one script or command: files, arguments, environment, target."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, List, Optional, Union

from azureml.core.runconfig import (
    DockerConfiguration,
    MpiConfiguration,
    PyTorchConfiguration,
    RunConfiguration,
    TensorflowConfiguration,
)
from azureml.exceptions import RunConfigurationException

if TYPE_CHECKING:
    from azureml.core.environment import Environment
    from azureml.core.run import Run
    from azureml.core.workspace import Workspace

MAX_DURATION_SECONDS_DEFAULT = 30 * 24 * 60 * 60


class ScriptRunConfig:
    """A script or a command with all it needs; `Experiment.submit` runs it.

    Example:
        >>> environment = Environment("churn")
        >>> config = ScriptRunConfig(
        ...     source_directory="src",
        ...     script="train.py",
        ...     arguments=["--rate", 0.1],
        ...     compute_target="cpu-cluster",
        ...     environment=environment,
        ... )
        >>> config.run_config.target, config.run_config.environment.name
        ('cpu-cluster', 'churn')
    """

    MAX_DURATION_SECONDS_DEFAULT = MAX_DURATION_SECONDS_DEFAULT

    def __init__(
        self,
        source_directory: Optional[str],
        script: Optional[str] = None,
        arguments: Optional[List[Any]] = None,
        run_config: Optional[RunConfiguration] = None,
        _telemetry_values: Any = None,
        compute_target: Any = None,
        environment: Optional[Environment] = None,
        distributed_job_config: Any = None,
        resume_from: Any = None,
        max_run_duration_seconds: Optional[int] = MAX_DURATION_SECONDS_DEFAULT,
        command: Union[str, List[Any], None] = None,
        docker_runtime_config: Optional[DockerConfiguration] = None,
    ) -> None:
        """Describe a run.

        Args:
            source_directory: The folder whose files the script finds around it.
            script: The script, relative to that folder.
            arguments: Its arguments.
            run_config: How it runs; copied when one of the following says more.
            compute_target: Where it runs: a name or a target.
            environment: What it needs around it.
            distributed_job_config: An `MpiConfiguration` or one of its kin.
            resume_from: Not there yet.
            max_run_duration_seconds: When it is stopped.
            command: A command that is run instead of a script.
            docker_runtime_config: Recorded; steps on this machine run without containers.
        """
        if resume_from is not None:
            from azureml._not_yet import not_yet

            not_yet("resume_from is not there yet; pass the folder to resume from as an argument")
        self.source_directory = source_directory
        self.script = script
        self.command = command
        self.arguments: Any = list(arguments) if isinstance(arguments, list) else arguments
        # Data that the script finds by its name without an argument; estimators have it.
        self._inputs: List[Any] = []
        says_more = (compute_target, environment, distributed_job_config, docker_runtime_config)
        limited = max_run_duration_seconds != MAX_DURATION_SECONDS_DEFAULT
        if run_config is None:
            run_config = RunConfiguration()
            run_config.max_run_duration_seconds = max_run_duration_seconds
        elif limited or any(each is not None for each in says_more):
            run_config = copy.deepcopy(run_config)
        self.run_config = run_config
        if compute_target is not None:
            run_config.target = compute_target
        if environment is not None:
            run_config.environment = environment
        if docker_runtime_config is not None:
            run_config.docker = docker_runtime_config
        if distributed_job_config is not None:
            _distribute(run_config, distributed_job_config)
        if limited:
            run_config.max_run_duration_seconds = max_run_duration_seconds

    @property
    def identity(self) -> str:
        """What this object is called in logs."""
        return type(self).__name__

    def __repr__(self) -> str:
        """The folder and what is run in it."""
        return (
            f"ScriptRunConfig(source_directory={self.source_directory!r}, "
            f"script={self.script!r}, command={self.command!r})"
        )


def _distribute(run_config: RunConfiguration, job: Any) -> None:
    """Write the processes of a distributed job into a run configuration, in v1's words."""
    nodes = getattr(job, "node_count", run_config.node_count)
    if isinstance(job, MpiConfiguration):
        run_config.communicator, run_config.mpi = "IntelMpi", job
    elif isinstance(job, PyTorchConfiguration):
        run_config.framework, run_config.pytorch = "PyTorch", job
        run_config.communicator = job.communication_backend.lower()
    elif isinstance(job, TensorflowConfiguration):
        run_config.framework, run_config.tensorflow = "TensorFlow", job
        run_config.communicator, nodes = "ParameterServer", job.worker_count
    else:
        raise RunConfigurationException(
            f"distributed_job_config is a {type(job).__name__}; pass an MpiConfiguration, "
            "a PyTorchConfiguration or "
            "a TensorflowConfiguration"
        )
    run_config.node_count = nodes


def submit(
    script_run_config: ScriptRunConfig,
    workspace: Workspace,
    experiment_name: str,
    run_id: Optional[str] = None,
    _parent_run_id: Optional[str] = None,
    credential_passthrough: bool = False,
) -> Run:
    """Run it in an experiment, as `Experiment.submit` does; the server gives the run its id."""
    from azureml.core.experiment import Experiment

    return Experiment(workspace, experiment_name).submit(script_run_config)


def get_run_config_from_script_run(script_run_config: ScriptRunConfig) -> RunConfiguration:
    """A copy of the run configuration that also holds the script, or the command, itself."""
    run_config = copy.deepcopy(script_run_config.run_config)
    run_config.script = script_run_config.script
    run_config.command = script_run_config.command
    run_config.arguments = copy.copy(script_run_config.arguments)
    return run_config
