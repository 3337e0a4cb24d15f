"""`NotebookRunnerStep`: a step that runs a notebook."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from azureml.contrib.notebook._run_config import PROGRAM, NotebookRunConfig
from azureml.pipeline.core._parameter import PipelineParameter
from azureml.pipeline.core._pipeline_data import PipelineData
from azureml.pipeline.core._python_script_step_base import _PythonScriptStepBase
from azureml.pipeline.core._step_data import input_binding, output_binding


class NotebookRunnerStep(_PythonScriptStepBase):
    """A step that runs a notebook.

    The notebook finds the places of the inputs and outputs, and the values of `params`, as
    parameters of their names.
    """

    def __init__(
        self,
        name: Optional[str] = None,
        notebook_run_config: Optional[NotebookRunConfig] = None,
        runconfig_pipeline_params: Optional[Mapping[str, PipelineParameter]] = None,
        compute_target: Any = None,
        params: Optional[Mapping[str, Any]] = None,
        inputs: Optional[List[Any]] = None,
        outputs: Optional[List[Any]] = None,
        allow_reuse: bool = True,
        version: Optional[str] = None,
        output_notebook_pipeline_data_name: Optional[str] = None,
    ) -> None:
        """A step that runs the notebook of a configuration.

        Args:
            name: The step's name; that of the notebook when `None`.
            notebook_run_config: The notebook with all it needs.
            runconfig_pipeline_params: Settings of the run configuration that are parameters.
            compute_target: Where it runs: a name or an object.
            params: Values by name beside those of the configuration; pipeline parameters may be
                among them.
            inputs: What it reads.
            outputs: What it writes.
            allow_reuse: Whether it may reuse the outputs of an identical earlier step.
            version: The user's own mark of the step's version.
            output_notebook_pipeline_data_name: The name of an output that is the executed
                notebook.

        Raises:
            ValueError: There is no configuration, or it is no `NotebookRunConfig`.
        """
        if not isinstance(notebook_run_config, NotebookRunConfig):
            raise ValueError(
                f"notebook_run_config is a {type(notebook_run_config).__name__}; pass a "
                "NotebookRunConfig"
            )
        places = _by_name(inputs or [], outputs or [])
        outputs, executed = list(outputs or []), None
        if output_notebook_pipeline_data_name:
            executed = PipelineData(output_notebook_pipeline_data_name, is_directory=False)
            outputs.append(executed)
        super().__init__(
            name=name or notebook_run_config.notebook,
            arguments=notebook_run_config._words(places, params, executed),
            compute_target=compute_target,
            runconfig=notebook_run_config.run_config,
            runconfig_pipeline_params=runconfig_pipeline_params,
            inputs=inputs,
            outputs=outputs,
            params=params,
            source_directory=notebook_run_config.source_directory,
            allow_reuse=allow_reuse,
            version=version,
            command="python",
        )

    def _program(self) -> Dict[str, str]:
        """What is started, as the server takes it."""
        return PROGRAM


def _by_name(inputs: List[Any], outputs: List[Any]) -> Dict[str, Any]:
    """The data of a step by the names of its ports."""
    read = {input_binding(each).name: each for each in inputs}
    return {**read, **{output_binding(each).name: each for each in outputs}}
