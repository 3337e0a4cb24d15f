"""The work of a `ParallelRunStep`: one script over many mini-batches on many workers."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from azureml.pipeline.core._program_work import ProgramWork
from azureml.pipeline.core._task_context import TaskContext


class ParallelWork(NamedTuple):
    """How a script is called with one mini-batch after the other."""

    worker: ProgramWork
    """The program of each worker."""
    inputs: List[Tuple[str, str]]
    """The ports that are cut into mini-batches, and whether each is `files` or a `table`."""
    output: Optional[str]
    """The port that the file of rows goes to."""
    settings: Dict[str, Dict[str, str]]
    """Each as the server takes it."""

    @property
    def target(self) -> str:
        """The name of the compute target."""
        return self.worker.target

    def wire(self, context: TaskContext) -> Dict[str, Any]:
        """The task as the server takes it."""
        return {
            "type": "parallel",
            "entry_script": self.worker.program["script"],
            "inputs": [
                {
                    "port": port,
                    "form": form,
                    # What is cut by its meaning is read as a dataset; files are a folder.
                    "dataset": _identity(context.datasets[port]),
                }
                for port, form in self.inputs
            ],
            "output": self.output,
            "settings": self.settings,
            **self.worker.surroundings(context),
        }


def _identity(dataset: Any) -> Optional[str]:
    """The id of a dataset that is read as such."""
    identifier: Optional[str] = dataset.dataset_id if dataset.is_direct else None
    return identifier
