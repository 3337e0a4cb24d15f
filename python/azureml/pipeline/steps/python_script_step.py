"""`PythonScriptStep`: a step that runs a Python script of the user's."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional

from azureml.pipeline.core._parameter import PipelineParameter
from azureml.pipeline.core._python_script_step_base import (
    _PythonScriptStepBase,
    checked_run_config,
)


class PythonScriptStep(_PythonScriptStepBase):
    """A step that runs a Python script.

    Example:
        >>> clean = PipelineData("clean")
        >>> prepare = PythonScriptStep(
        ...     script_name="prepare.py",
        ...     source_directory="src",
        ...     arguments=["--to", clean],
        ...     outputs=[clean],
        ...     compute_target="cpu-cluster",
        ... )
        >>> prepare.name
        'prepare.py'
    """

    def __init__(
        self,
        script_name: str,
        name: Optional[str] = None,
        arguments: Optional[List[Any]] = None,
        compute_target: Any = None,
        runconfig: Any = None,
        runconfig_pipeline_params: Optional[Mapping[str, PipelineParameter]] = None,
        inputs: Optional[List[Any]] = None,
        outputs: Optional[List[Any]] = None,
        params: Optional[Mapping[str, Any]] = None,
        source_directory: Optional[str] = None,
        allow_reuse: bool = True,
        version: Optional[str] = None,
        hash_paths: Optional[List[str]] = None,
    ) -> None:
        """A step that runs `script_name`.

        Args:
            script_name: The script, relative to the source directory.
            name: The step's name; the script's when `None`.
            arguments: The script's arguments; data objects stand for their places, pipeline
                parameters for their values.
            compute_target: Where it runs: a name or an object.
            runconfig: The environment and how it is run; the submitting interpreter when `None`.
            runconfig_pipeline_params: Settings of the run configuration that are parameters.
            inputs: What it reads.
            outputs: What it writes.
            params: Values the script finds in variables `AML_PARAMETER_<name>`.
            source_directory: The folder that becomes the working directory of the script.
            allow_reuse: Whether it may reuse the outputs of an identical earlier step.
            version: The user's own mark of the step's version.
            hash_paths: Without effect.

        Raises:
            ValueError: There is no script, or it is no text.
        """
        if script_name is None:
            raise ValueError("a PythonScriptStep needs a script_name")
        if not isinstance(script_name, str):
            raise ValueError(
                f"script_name is a {type(script_name).__name__}; pass the path of the "
                "script as a str"
            )
        super().__init__(
            script_name,
            name,
            arguments,
            compute_target,
            checked_run_config(runconfig),
            runconfig_pipeline_params,
            inputs,
            outputs,
            params,
            source_directory,
            allow_reuse,
            version,
            hash_paths,
        )

    def create_node(self, graph: Any, default_datastore: Any, context: Any) -> Any:
        """Add this step to a graph and return its node.

        Args:
            graph: The graph.
            default_datastore: The datastore of outputs that name none.
            context: The context of the graph.

        Returns:
            The node.
        """
        return super().create_node(graph, default_datastore, context)
