"""What a node does when it runs, as far as it is known when the pipeline is built."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from azureml.pipeline.core._arguments import Token
from azureml.pipeline.core._definitions import ModuleDef


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


class ModuleBuilder(object):
    """A definition on its way to a node, with the folder its files come from."""

    def __init__(self, module_def: ModuleDef, snapshot_root: Optional[str] = None) -> None:
        """Keep a definition and its folder together."""
        self.module_def = module_def
        self.snapshot_root = snapshot_root
