"""`EstimatorStep`: a step that runs the script of an estimator."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional

from azureml.pipeline.core._parameter import PipelineParameter
from azureml.pipeline.steps.python_script_step import PythonScriptStep
from azureml.train.estimator import MMLBaseEstimator


class EstimatorStep(PythonScriptStep):
    """A step that runs the script of an estimator in its environment."""

    def __init__(
        self,
        name: Optional[str] = None,
        estimator: Optional[MMLBaseEstimator] = None,
        estimator_entry_script_arguments: Optional[List[Any]] = None,
        runconfig_pipeline_params: Optional[Mapping[str, PipelineParameter]] = None,
        inputs: Optional[List[Any]] = None,
        outputs: Optional[List[Any]] = None,
        compute_target: Any = None,
        allow_reuse: bool = True,
        version: Optional[str] = None,
    ) -> None:
        """A step that runs the script of `estimator`.

        Args:
            name: The step's name; that of the script when `None`.
            estimator: The estimator; it has neither `script_params` nor `inputs`.
            estimator_entry_script_arguments: The arguments of the script; may be empty.
            runconfig_pipeline_params: Settings of the run configuration that are parameters.
            inputs: What it reads.
            outputs: What it writes.
            compute_target: Where it runs: a name or an object.
            allow_reuse: Whether outputs of an equal earlier step may be used instead.
            version: The user's own mark of the step's version.

        Raises:
            ValueError: Something is missing, or stands in the estimator and not in the step.
        """
        if estimator is None:
            raise ValueError("an EstimatorStep needs an estimator")
        if compute_target is None:
            raise ValueError("an EstimatorStep needs a compute_target")
        if estimator._script_params or estimator._inputs:
            raise ValueError(
                "the estimator of an EstimatorStep has script_params or inputs; pass them to the "
                "step as estimator_entry_script_arguments and inputs"
            )
        if estimator_entry_script_arguments is None:
            raise ValueError(
                "an EstimatorStep needs estimator_entry_script_arguments; pass [] for none"
            )
        config = estimator.run_config
        # v1 leaves the estimator's own configuration without these, too.
        config.arguments, config.data_references = [], {}
        super().__init__(
            script_name=str(config.script),
            name=name or config.script,
            arguments=estimator_entry_script_arguments,
            compute_target=compute_target,
            runconfig=config,
            runconfig_pipeline_params=runconfig_pipeline_params,
            inputs=inputs,
            outputs=outputs,
            source_directory=estimator.source_directory,
            allow_reuse=allow_reuse,
            version=version,
        )

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node."""
        return super().create_node(graph, default_datastore, context)
