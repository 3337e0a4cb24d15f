"""The work of steps that start a program: a script or a command with its files and Python."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from azureml._not_yet import not_yet
from azureml.core._distribution import distribution
from azureml.core._step_resources import resources
from azureml.pipeline.core._arguments import Token
from azureml.pipeline.core._task_context import TaskContext


class ProgramWork(NamedTuple):
    """A program of the user's with everything it is given."""

    program: Dict[str, str]
    """`{"script": path}`, `{"command": name}` or `{"shell": name}`, as the server takes it."""
    arguments: List[Token]
    source_directory: Optional[str]
    """The folder that becomes the working directory; `None` if it is known by its digest."""
    run_config: Any
    """The `RunConfiguration`, or `None` for the submitting interpreter."""
    target: str
    """The name of the compute target."""
    own_variables: Mapping[str, str] = {}
    """Variables beside those of the run configuration."""
    run_config_parameters: Mapping[str, Any] = {}
    """Settings of the run configuration that are pipeline parameters, by their names."""
    digest: Optional[str] = None
    """The digest of files that the server has, where there is no folder of them."""

    def wire(self, context: TaskContext) -> Dict[str, Any]:
        """The task as the server takes it."""
        several = distribution(self.run_config, self.run_config_parameters)
        return {
            "type": "process",
            "program": self.program,
            **self.surroundings(context),
            **(several.task() if several else {}),
        }

    def surroundings(self, context: TaskContext) -> Dict[str, Any]:
        """What the program finds around it: arguments, files, environment, variables, a limit."""
        _check_run_config(self.run_config)
        environment, variables = context.environment(self.run_config)
        known, carried = context.variables()
        return {
            "arguments": context.arguments(self.arguments),
            "snapshot": self._snapshot(context),
            "environment": environment,
            "variables": {**variables, **self.own_variables, **known},
            "parameter_variables": carried,
            "timeout_seconds": _timeout(self.run_config),
        }

    def resources(self) -> Dict[str, Any]:
        """What it needs of the machines that it runs on."""
        return resources(self.run_config, self.run_config_parameters)

    def _snapshot(self, context: TaskContext) -> Optional[str]:
        if self.source_directory is None:
            return self.digest
        return context.snapshot(self.source_directory)


def _check_run_config(run_config: Any) -> None:
    """Refuse what a run configuration asks for and no step can have yet."""
    if run_config is None:
        return
    for attribute in ("data_references", "data", "output_data"):
        if getattr(run_config, attribute, None):
            not_yet(
                f"{attribute} of a run configuration are not read by steps; pass the data "
                "as inputs and "
                "outputs of the step"
            )


def _timeout(run_config: Any) -> Optional[int]:
    seconds = getattr(run_config, "max_run_duration_seconds", None)
    return int(seconds) if seconds else None
