"""`CommandStep`: a step that runs a command."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional, Union

from azureml.core._command import SHELL, command_parts, first_words
from azureml.pipeline.core._data_kinds import is_a
from azureml.pipeline.core._parameter import PipelineParameter
from azureml.pipeline.core._python_script_step_base import (
    _PythonScriptStepBase,
    checked_run_config,
)
from stepwell._windows_paths import here


class CommandStep(_PythonScriptStepBase):
    """A step that runs a command, such as `python train.py --rate 0.1`.

    A shell runs it, so it may have several parts and lines, variables and redirections.

    Example:
        >>> train = CommandStep(
        ...     command="python train.py --rate 0.1 > log.txt",
        ...     source_directory="src",
        ...     compute_target="cpu-cluster",
        ... )
        >>> train.name
        'CommandStep_python'
    """

    def __init__(
        self,
        command: Union[str, List[Any], None] = None,
        name: Optional[str] = None,
        compute_target: Any = None,
        runconfig: Any = None,
        runconfig_pipeline_params: Optional[Mapping[str, PipelineParameter]] = None,
        inputs: Optional[List[Any]] = None,
        outputs: Optional[List[Any]] = None,
        params: Optional[Mapping[str, Any]] = None,
        source_directory: Optional[str] = None,
        allow_reuse: bool = True,
        version: Optional[str] = None,
    ) -> None:
        """A step that runs `command`.

        Args:
            command: The command as text, or a list of parts that are joined by blanks; among
                them may be data objects and parameters. The text of a part is the shell's to
                read; the place of data and the value of a parameter are one word each.
            name: The step's name; `CommandStep_` and the command's first word when `None`.
            compute_target: Where it runs: a name or an object.
            runconfig: A `RunConfiguration`, or a `ScriptRunConfig` with a command.
            runconfig_pipeline_params: Settings of the run configuration that are parameters.
            inputs: What it reads.
            outputs: What it writes.
            params: Values the command finds in variables `AML_PARAMETER_<name>`.
            source_directory: The folder that becomes the working directory.
            allow_reuse: Whether it may reuse the outputs of an identical earlier step.
            version: The user's own mark of the step's version.

        Raises:
            ValueError: There is no command, or no such source directory.
        """
        if is_a(runconfig, "ScriptRunConfig"):
            command = command or runconfig.command
            source_directory = source_directory or runconfig.source_directory
            runconfig = runconfig.run_config
        parts = command_parts(command)
        words = first_words(parts)
        source_directory = here(source_directory)
        if source_directory is not None and not os.path.isdir(source_directory):
            raise ValueError(
                "the source directory of a CommandStep does not exist: "
                f"{os.path.abspath(source_directory)}"
            )
        super().__init__(
            name=name or "CommandStep_" + words[0],
            arguments=parts,
            compute_target=compute_target,
            runconfig=checked_run_config(runconfig),
            runconfig_pipeline_params=runconfig_pipeline_params,
            inputs=inputs,
            outputs=outputs,
            params=params,
            source_directory=source_directory or os.getcwd(),
            allow_reuse=allow_reuse,
            version=version,
            command=words[0],
        )
        # What the shell is given; v1 shows a command as its words.
        self._parts = self._arguments
        self._arguments = [*words[1:], *self._parts[1:]]

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

    def _command_line(self) -> List[Any]:
        """The parts of the command, which the shell reads as one text."""
        return self._parts

    def _program(self) -> Dict[str, str]:
        """The shell, as the server takes it."""
        return {"shell": SHELL}
