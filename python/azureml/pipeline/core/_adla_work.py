"""The work of a step that runs a U-SQL script."""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Optional

from azureml.pipeline.core._task_context import TaskContext


class AdlaWork(NamedTuple):
    """A U-SQL script with the values that replace `@@name@@` in it."""

    script: str
    """The script, relative to the source directory."""
    source_directory: str
    params: Mapping[str, Any]
    """Texts, numbers or pipeline parameters, by name."""
    degree_of_parallelism: Optional[int]
    """How many cores it uses; all when `None`."""
    target: str
    """The name of the compute target."""

    def wire(self, context: TaskContext) -> Dict[str, Any]:
        """The task as the server takes it."""
        return {
            "type": "usql",
            "script": self.script,
            "snapshot": context.snapshot(self.source_directory),
            "parameters": {name: context.value(value) for name, value in self.params.items()},
            "degree_of_parallelism": self.degree_of_parallelism,
        }
