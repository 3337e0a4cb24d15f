"""What a graph is built for: the workspace, the experiment and the folder of the scripts."""

from __future__ import annotations

import os
from typing import Any, Optional


class _GraphContext(object):
    """The surroundings of a graph."""

    def __init__(
        self,
        experiment_name: str,
        workspace: Any = None,
        default_source_directory: Optional[str] = None,
        service_endpoint: Optional[str] = None,
        workflow_provider: Any = None,
    ) -> None:
        """Surroundings; the folder of the scripts is the working directory unless given."""
        self.experiment_name = experiment_name
        self._workspace = workspace
        self._default_source_directory = default_source_directory or os.getcwd()
        self._service_endpoint = service_endpoint

    @property
    def default_source_directory(self) -> str:
        """Where a step's script is looked for when the step names no folder."""
        return self._default_source_directory
