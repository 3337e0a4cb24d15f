"""What a node does when it runs, as far as it is known when the pipeline is built."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from azureml.pipeline.core._arguments import Token
from azureml.pipeline.core._definitions import ModuleDef


class ParallelWork(NamedTuple):
    """How a script is called with one mini-batch after the other."""

    inputs: List[Tuple[str, str]]
    """The ports that are cut into mini-batches, and whether each is `files` or a `table`."""
    output: Optional[str]
    """The port that the file of rows goes to."""
    settings: Dict[str, Dict[str, str]]
    """Each as the server takes it."""

    def wire(self, datasets: Mapping[str, Any]) -> Dict[str, Any]:
        """What the server is sent; `datasets` are the inputs that are read as such."""
        return {
            "inputs": [
                {
                    "port": port,
                    "form": form,
                    # What is cut by its meaning is read as a dataset; files are a folder.
                    "dataset": datasets[port].dataset_id if datasets[port].is_direct else None,
                }
                for port, form in self.inputs
            ],
            "output": self.output,
            "settings": self.settings,
        }


class Work(NamedTuple):
    """A program of the user's with everything it is given."""

    program: Dict[str, str]
    """`{"script": path}` or `{"command": name}`, as the server takes it."""
    arguments: List[Token]
    source_directory: str
    """The folder that becomes the working directory."""
    run_config: Any
    """The `RunConfiguration`, or `None` for the submitting interpreter."""
    target: str
    """The name of the compute target."""
    parallel: Optional[ParallelWork] = None
    """For a step that works in mini-batches, how."""
    variables: Mapping[str, str] = {}
    """Variables beside those of the run configuration."""
    run_config_parameters: Mapping[str, Any] = {}
    """Settings of the run configuration that are pipeline parameters, by their names."""


class ModuleBuilder(object):
    """A definition on its way to a node, with the folder its files come from."""

    def __init__(self, module_def: ModuleDef, snapshot_root: Optional[str] = None) -> None:
        """Keep a definition and its folder together."""
        self.module_def = module_def
        self.snapshot_root = snapshot_root
