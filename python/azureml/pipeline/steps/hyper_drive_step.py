"""`HyperDriveStep`: a step that searches hyperparameters, and the search of its run."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from azureml._not_yet import not_yet
from azureml.core._command import SHELL, command_parts
from azureml.pipeline.core._bindings import OutputPortBinding, TrainingOutput
from azureml.pipeline.core._program_work import ProgramWork
from azureml.pipeline.core._step_data import output_binding
from azureml.pipeline.core._step_run import SEARCHES
from azureml.pipeline.core._targets import TUNING_TARGET
from azureml.pipeline.core._task_context import TaskContext
from azureml.pipeline.core._work import ModuleBuilder
from azureml.pipeline.core.builder import PipelineStep
from azureml.train.hyperdrive.run import HyperDriveRun
from azureml.train.hyperdrive.runconfig import HyperDriveConfig


class TuneWork(NamedTuple):
    """A search whose trials run a program."""

    config: HyperDriveConfig
    trial: ProgramWork
    metrics_output: Optional[str]
    """The port that gets the metrics of all trials."""
    model_outputs: List[Dict[str, str]]
    """The ports that get a file of the best trial."""

    @property
    def target(self) -> str:
        """The target of the search itself; its trials run on the one the program names."""
        return TUNING_TARGET

    @property
    def trial_target(self) -> str:
        """The target of the trials."""
        return self.trial.target

    def wire(self, context: TaskContext) -> Dict[str, Any]:
        """The task as the server takes it."""
        from azureml.train.hyperdrive._search import task

        return task(
            self.config,
            self.trial.wire(context),
            self.trial.target,
            self.trial.resources().get("resources", {}),
            self.metrics_output,
            self.model_outputs,
        )


class HyperDriveStep(PipelineStep):
    """A step that searches hyperparameters.

    Example:
        >>> config = HyperDriveConfig(
        ...     run_config=ScriptRunConfig("src", "train.py", compute_target="cpu-cluster"),
        ...     hyperparameter_sampling=GridParameterSampling({"--rate": choice(0.1, 0.5)}),
        ...     primary_metric_name="accuracy",
        ...     primary_metric_goal=PrimaryMetricGoal.MAXIMIZE,
        ...     max_total_runs=2,
        ... )
        >>> metrics = PipelineData("metrics", pipeline_output_name="metrics")
        >>> model = PipelineData(
        ...     "model", training_output=TrainingOutput("Model", model_file="outputs/model.pkl")
        ... )
        >>> search = HyperDriveStep("search", config, metrics_output=metrics, outputs=[model])
        >>> search.name
        'search'
    """

    def __init__(
        self,
        name: str,
        hyperdrive_config: HyperDriveConfig,
        estimator_entry_script_arguments: Optional[List[Any]] = None,
        inputs: Optional[List[Any]] = None,
        outputs: Optional[List[Any]] = None,
        metrics_output: Any = None,
        allow_reuse: bool = True,
        version: Optional[str] = None,
    ) -> None:
        """A step that does the search of `hyperdrive_config`.

        Args:
            name: The step's name.
            hyperdrive_config: The search; its trials run a script or an estimator.
            estimator_entry_script_arguments: The arguments of an estimator's script.
            inputs: What each trial reads.
            outputs: `PipelineData` with a `TrainingOutput`: a file of the best trial.
            metrics_output: Gets the metrics of all trials as one JSON file.
            allow_reuse: Whether outputs of an equal earlier step may be used instead.
            version: The user's own mark of the step's version.

        Raises:
            ValueError: Something is missing or given twice.
        """
        if not isinstance(hyperdrive_config, HyperDriveConfig):
            raise ValueError("a HyperDriveStep needs a HyperDriveConfig")
        if hyperdrive_config.pipeline is not None:
            raise ValueError("the trials of a HyperDriveStep run a script, not a pipeline")
        arguments = _arguments(hyperdrive_config, estimator_entry_script_arguments)
        self._config = hyperdrive_config
        self._allow_reuse = allow_reuse
        self._version = version
        listed = [output_binding(each) for each in outputs or []]
        if metrics_output is not None:
            listed.append(_metrics_binding(metrics_output))
        for output in listed:
            if output.training_output is None:
                not_yet(
                    f"output `{output.name}` of step `{name}` would be written by every "
                    "trial; take a file of the "
                    "best one with TrainingOutput('Model', model_file='outputs/...')"
                )
        super().__init__(name, inputs, listed, arguments)

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node.

        Raises:
            ValueError: The script or its folder does not exist.
        """
        from azureml.train.hyperdrive._search import trial

        script = trial(self._config)
        program, name = _program(script)
        folder = self.get_source_directory(context, script.source_directory, name)
        inputs, outputs = self.create_input_output_bindings(
            self._inputs, self._outputs, default_datastore
        )
        parameters = {each.name: each for each in self._implicit_parameters}
        arguments = self.resolve_input_arguments(self._arguments, inputs, outputs, parameters)
        definition = self.create_module_def(
            "HyperDriveCloud",
            inputs,
            outputs,
            _param_defs(parameters),
            allow_reuse=self._allow_reuse,
            version=self._version,
            arguments=arguments,
        )
        node = graph.add_module_node(
            self.name,
            inputs,
            outputs,
            parameters,
            module_builder=ModuleBuilder(definition, folder),
            runconfig=script.run_config,
        )
        work = ProgramWork(
            program, arguments, folder, script.run_config, _target(script.run_config)
        )
        metrics = [each.name for each in outputs if _kind(each) == "metrics"]
        node._work = TuneWork(
            self._config,
            work,
            metrics[0] if metrics else None,
            [
                {"output": each.name, "file": _model_file(each)}
                for each in outputs
                if _kind(each) == "model"
            ],
        )
        return node


class HyperDriveStepRun(HyperDriveRun):
    """The search of a step's run."""

    def __init__(self, step_run: Any) -> None:
        """The search that the run of a HyperDriveStep is.

        Raises:
            ValueError: The step is of another kind.
        """
        kind = step_run.properties.get("StepType", "Unknown")
        if kind not in SEARCHES:
            raise ValueError(
                f"step run {step_run.id} is of a {kind}; a HyperDriveStepRun is of a HyperDriveStep"
            )
        super().__init__(step_run.experiment, step_run.id, _record=step_run._record)


def _arguments(config: HyperDriveConfig, given: Optional[List[Any]]) -> List[Any]:
    """The arguments of the trials' script, which stand in one place only."""
    if config.estimator is not None:
        if given is None:
            raise ValueError(
                "the script of an estimator needs estimator_entry_script_arguments; pass [] for "
                "none"
            )
        if not isinstance(given, list):
            raise ValueError("estimator_entry_script_arguments is a list")
        if config.estimator._script_params:
            raise ValueError(
                "the estimator of a HyperDriveStep has script_params; pass them as "
                "estimator_entry_script_arguments"
            )
        return given
    if config.run_config is not None and config.run_config.data_references:
        raise ValueError("data_references of the run config are not read; pass inputs")
    own = config._run_config.arguments
    if own is not None and given is not None:
        raise ValueError(
            "the ScriptRunConfig has arguments and so has the step; keep one of the two"
        )
    # The parts of a command are the text that a shell is given; what is added follows them.
    command = config._run_config.command if config._run_config is not None else None
    parts = command_parts(command) if command else []
    return [*parts, *([own] if isinstance(own, str) else own or given or [])]


def _metrics_binding(given: Any) -> OutputPortBinding:
    """The output for the metrics, marked as such."""
    binding = output_binding(given)
    binding._training_output = TrainingOutput("Metrics")
    return binding


def _kind(output: OutputPortBinding) -> str:
    training = output.training_output
    return str(training.type).lower() if training is not None else ""


def _model_file(output: OutputPortBinding) -> str:
    training = output.training_output
    file = training.model_file if training is not None else None
    if not file:
        raise ValueError(
            f"output `{output.name}` is a model of the best trial; name its file, as in "
            "TrainingOutput('Model', model_file='outputs/model.pkl')"
        )
    return str(file)


def _program(script: Any) -> Any:
    """What each trial starts, and the name of its script if it is one."""
    if script.command:
        return {"shell": SHELL}, None
    name = script.script or script.run_config.script
    return {"script": str(name).replace("\\", "/")}, name


def _target(run_config: Any) -> str:
    target = getattr(run_config, "target", None) or "local"
    return str(getattr(target, "name", target))


def _param_defs(parameters: Dict[str, Any]) -> List[Any]:
    from azureml.pipeline.core._node_params import ParamDef

    return [
        ParamDef(name, value.default_value, set_env_var=True) for name, value in parameters.items()
    ]
