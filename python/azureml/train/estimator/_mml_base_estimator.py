"""The base of all estimators: a folder and a run configuration that can be submitted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, List, Mapping, Optional

from azureml.core.runconfig import RunConfiguration
from azureml.exceptions import TrainingException
from azureml.train import _estimator_settings as settings_

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment
    from azureml.core.run import Run
    from azureml.core.script_run_config import ScriptRunConfig

_LOGGER = logging.getLogger(__name__)
# What a submission may choose anew.
OVERRIDES = ("script_params", "inputs", "source_directory_data_store")


class MMLBaseEstimator(object):
    """A script with its environment, in the form v1 had before `ScriptRunConfig`."""

    _BACKENDS: Any = ("mpi",)
    # Workers and parameter servers, which only TensorFlow has.
    _task_counts = (1, 1)

    def __init__(
        self, source_directory: str, *, compute_target: Any, estimator_config: Any = None
    ) -> None:
        """An estimator.

        Args:
            source_directory: The folder whose files the script finds around it.
            compute_target: Where it runs.
            estimator_config: How it runs.
        """
        _LOGGER.warning(
            "'%s' is deprecated. Please use 'ScriptRunConfig' from 'azureml.core.script_run_config'"
            " with your own defined environment.",
            type(self).__name__,
        )
        self._source_directory = source_directory if source_directory else "."
        self._compute_target = compute_target
        self._estimator_config = estimator_config or RunConfiguration()
        if estimator_config is None:
            self._estimator_config.target = compute_target
        self._inputs: List[Any] = []
        self._script_params: Optional[Mapping[str, Any]] = None

    @property
    def source_directory(self) -> str:
        """The folder of the script."""
        return self._source_directory

    @property
    def run_config(self) -> RunConfiguration:
        """How the script runs."""
        made: RunConfiguration = self._estimator_config
        return made

    @property
    def conda_dependencies(self) -> Any:
        """The packages of the environment."""
        return self.run_config.environment.python.conda_dependencies

    def _configure(self, settings: settings_.Settings) -> None:
        """Check and take what a program passed."""
        workers, servers = self._task_counts
        settings = settings._replace(worker_count=workers, parameter_server_count=servers)
        self._inputs = settings_.checked_inputs(settings.inputs)
        self._script_params = settings.script_params
        self._estimator_config = settings_.run_configuration(
            type(self).__name__, self._source_directory, settings, self._BACKENDS
        )

    def _script_run_config(self, overrides: Mapping[str, Any]) -> ScriptRunConfig:
        """The same as a `ScriptRunConfig`, with what a submission chooses anew.

        Raises:
            TrainingException: A keyword cannot be chosen by a submission.
        """
        from azureml.core.script_run_config import ScriptRunConfig

        unknown = sorted(set(overrides) - set(OVERRIDES))
        if unknown:
            raise TrainingException(
                "a submission of an estimator takes {}, not {}".format(
                    ", ".join(OVERRIDES), ", ".join(unknown)
                )
            )
        config = self.run_config
        arguments = list(config.arguments or [])
        if "script_params" in overrides:
            arguments = settings_.flattened(overrides["script_params"])
        inputs = self._inputs
        if "inputs" in overrides:
            inputs = settings_.checked_inputs(overrides["inputs"])
        made = ScriptRunConfig(
            self._source_directory, script=config.script, arguments=arguments, run_config=config
        )
        made._inputs = inputs
        return made

    def _submit(
        self, experiment: Experiment, keywords: Mapping[str, Any], parent: Optional[str]
    ) -> Run:
        """Start it; `Experiment.submit` calls this."""
        from azureml.core._run_submission import submit

        return submit(experiment, self._script_run_config(keywords), {}, parent)


class MMLBaseEstimatorRunConfig(RunConfiguration):
    """The run configuration of an estimator under a name of its own."""

    def __init__(
        self,
        compute_target: Any,
        vm_size: Optional[str] = None,
        vm_priority: Optional[str] = None,
        entry_script: Optional[str] = None,
        script_params: Optional[Mapping[str, Any]] = None,
        node_count: Optional[int] = None,
        process_count_per_node: Optional[int] = None,
        distributed_backend: Optional[str] = None,
        use_gpu: Optional[bool] = None,
        use_docker: Optional[bool] = None,
        custom_docker_base_image: Optional[str] = None,
        custom_docker_image: Optional[str] = None,
        image_registry_details: Any = None,
        user_managed: bool = False,
        conda_packages: Optional[List[str]] = None,
        pip_packages: Optional[List[str]] = None,
        environment_definition: Any = None,
        inputs: Optional[List[Any]] = None,
        source_directory_data_store: Any = None,
        shm_size: Optional[str] = None,
    ) -> None:
        """A run configuration made of an estimator's keywords."""
        super().__init__()
        made = settings_.run_configuration(
            "MMLBaseEstimator",
            ".",
            settings_.Settings(
                compute_target=compute_target,
                vm_size=vm_size,
                vm_priority=vm_priority,
                entry_script=entry_script,
                script_params=script_params,
                node_count=node_count or 1,
                process_count_per_node=process_count_per_node or 1,
                distributed_backend=distributed_backend,
                use_gpu=bool(use_gpu),
                use_docker=use_docker is not False,
                custom_docker_image=custom_docker_image or custom_docker_base_image,
                image_registry_details=image_registry_details,
                user_managed=user_managed,
                conda_packages=conda_packages,
                pip_packages=pip_packages,
                environment_definition=environment_definition,
                inputs=inputs,
                shm_size=shm_size,
            ),
            ("mpi", "ps"),
        )
        self.__dict__.update(made.__dict__)
