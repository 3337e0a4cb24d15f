"""`AutoMLStep`: a step that searches for a model, and the search of its run."""

from __future__ import annotations

import json
import tempfile
from typing import Any, Dict, List, NamedTuple, Optional

from azureml.pipeline.core._arguments import OutputToken, TextToken
from azureml.pipeline.core._bindings import OutputPortBinding, TrainingOutput
from azureml.pipeline.core._step_data import output_binding
from azureml.pipeline.core._task_context import TaskContext
from azureml.pipeline.core._work import ModuleBuilder
from azureml.pipeline.core.builder import PipelineStep
from azureml.train.automl import _settings
from azureml.train.automl.automlconfig import AutoMLConfig
from azureml.train.automl.exceptions import ConfigException
from azureml.train.automl.run import AutoMLRun

DATA = ("training_data", "validation_data")


class AutoMLWork(NamedTuple):
    """A search for a model."""

    settings: Dict[str, Any]
    files: Dict[str, Any]
    """The data frames that the step reads, by argument."""
    target: str
    metrics_output: Optional[str]
    model_output: Optional[str]

    def wire(self, context: TaskContext) -> Dict[str, Any]:
        """The task as the server takes it: a program of the SDK's own."""
        from azureml.train.automl._search import SETTINGS_VARIABLE, environment, write_frame

        known, carried = context.variables()
        words: List[Any] = [TextToken("-m"), TextToken("stepwell._automl")]
        for option, port in (("--metrics", self.metrics_output), ("--model", self.model_output)):
            if port is not None:
                words += [TextToken(option), OutputToken(port)]
        with tempfile.TemporaryDirectory() as folder:
            names = {name: write_frame(frame, folder, name) for name, frame in self.files.items()}
            snapshot = context.snapshot(folder)
        variables = {SETTINGS_VARIABLE: json.dumps({**self.settings, "files": names})}
        return {
            "type": "process",
            "program": {"command": "python"},
            "arguments": context.arguments(words),
            "snapshot": snapshot,
            "environment": environment(),
            "variables": {**known, **variables},
            "parameter_variables": carried,
        }


class AutoMLStep(PipelineStep):
    """A step that searches for a model.

    Example:
        >>> config = AutoMLConfig(
        ...     task="regression",
        ...     training_data=sales,
        ...     label_column_name="amount",
        ...     compute_target=ComputeTarget(workspace, "cpu-cluster"),
        ... )
        >>> model = PipelineData("model", training_output=TrainingOutput("Model"))
        >>> search = AutoMLStep("search", config, outputs=[model])
        >>> Pipeline(workspace, [search]).validate()
        Step search is ready to be created [...]
        []
    """

    DEFAULT_METRIC_PREFIX = "default_metrics_"
    DEFAULT_MODEL_PREFIX = "default_model_"

    def __init__(
        self,
        name: str,
        automl_config: AutoMLConfig,
        inputs: Optional[List[Any]] = None,
        outputs: Optional[List[Any]] = None,
        script_repl_params: Optional[Dict[str, Any]] = None,
        allow_reuse: bool = True,
        version: Optional[str] = None,
        hash_paths: Optional[List[str]] = None,
        enable_default_model_output: bool = True,
        enable_default_metrics_output: bool = True,
        **kwargs: Any,
    ) -> None:
        """A step that does the search of `automl_config`.

        Args:
            name: The step's name.
            automl_config: The search.
            inputs: More inputs; the data of the search needs not be among them.
            outputs: `PipelineData` with a `TrainingOutput`: the metrics, or the best model.
            script_repl_params: Recorded.
            allow_reuse: Whether outputs of an equal earlier step may be used instead.
            version: The user's own mark of the step's version.
            hash_paths: Deprecated in v1; has no effect.
            enable_default_model_output: Whether an output `default_model_<name>` is added.
            enable_default_metrics_output: Whether an output `default_metrics_<name>` is added.
            kwargs: Ignored, as in v1.

        Raises:
            ConfigException: The configuration is none, or names no compute target.
        """
        if not isinstance(automl_config, AutoMLConfig):
            raise ConfigException("an AutoMLStep needs an AutoMLConfig")
        target = automl_config.user_settings.get("compute_target")
        if target is None or isinstance(target, str):
            raise ConfigException(
                "the AutoMLConfig of a step needs a compute_target that is an object, not its name"
            )
        self._config = automl_config
        self._allow_reuse = allow_reuse
        self._version = version
        self._defaults = (enable_default_metrics_output, enable_default_model_output)
        consumed = []
        self._files: Dict[str, Any] = {}
        for argument in DATA:
            value: Any = automl_config.user_settings.get(argument)
            if hasattr(value, "as_named_input"):
                consumed.append(value.as_named_input(argument))
            elif value is not None and hasattr(value, "to_parquet"):
                self._files[argument] = value
            elif value is not None:
                consumed.append(value)
        listed = [_training(output_binding(each)) for each in outputs or []]
        super().__init__(name, [*(inputs or []), *consumed], listed)

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node.

        Args:
            graph: The graph.
            default_datastore: The datastore of outputs that name none.
            context: The context of the graph.

        Returns:
            The node.

        Raises:
            ConfigException: A setting cannot be.
        """
        from azureml.train.automl._search import print_settings

        settings = _settings.wire(self._config.user_settings)
        print_settings(self._config)
        added = [
            self._default(prefix, kind)
            for prefix, kind, is_wanted in zip(
                (self.DEFAULT_METRIC_PREFIX, self.DEFAULT_MODEL_PREFIX),
                ("Metrics", "Model"),
                self._defaults,
            )
            if is_wanted and kind.lower() not in [_kind(each) for each in self._outputs]
        ]
        inputs, outputs = self.create_input_output_bindings(
            self._inputs, [*self._outputs, *added], default_datastore
        )
        definition = self.create_module_def(
            "AutoMLCloud",
            inputs,
            outputs,
            [],
            allow_reuse=self._allow_reuse,
            version=self._version,
        )
        node = graph.add_module_node(
            self.name, inputs, outputs, {}, module_builder=ModuleBuilder(definition)
        )
        ports = {_kind(each): each.name for each in outputs}
        node._work = AutoMLWork(
            settings,
            self._files,
            str(self._config.user_settings["compute_target"].name),
            ports.get("metrics"),
            ports.get("model"),
        )
        return node

    def _default(self, prefix: str, kind: str) -> OutputPortBinding:
        name = prefix + self.name.replace(" ", "_")
        return OutputPortBinding(
            name, pipeline_output_name="_" + name, training_output=TrainingOutput(kind)
        )


class AutoMLStepRun(AutoMLRun):
    """The search of a step's run."""

    def __init__(self, step_run: Any) -> None:
        """The search that the run of an AutoMLStep is.

        Raises:
            ValueError: The step is of another kind.
        """
        kind = step_run.properties.get("StepType", "Unknown")
        if kind != "AutoMLStep":
            raise ValueError(
                f"step run {step_run.id} is of a {kind}; an AutoMLStepRun is of an AutoMLStep"
            )
        super().__init__(step_run.experiment, step_run.id, _record=step_run._record)
        self._step_run = step_run

    def get_default_metrics_output(self) -> Any:
        """The output that holds the metrics."""
        return self._default_output(AutoMLStep.DEFAULT_METRIC_PREFIX)

    def get_default_model_output(self) -> Any:
        """The output that holds the model."""
        return self._default_output(AutoMLStep.DEFAULT_MODEL_PREFIX)

    def _default_output(self, prefix: str) -> Any:
        return self._step_run.get_output(prefix + self._step_run.display_name.replace(" ", "_"))


def _training(binding: OutputPortBinding) -> OutputPortBinding:
    if binding.training_output is None:
        raise ConfigException(
            f"output `{binding.name}` of an AutoMLStep needs a training_output: the "
            "metrics or the model"
        )
    return binding


def _kind(output: Any) -> str:
    training = output.training_output
    return str(training.type).lower() if training is not None else ""
