"""Runs of one script, as `Experiment.submit(ScriptRunConfig(...))` makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from azureml.core.run import Run

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment


class ScriptRun(Run):
    """A script that the server runs."""

    RUN_TYPE = "azureml.scriptrun"

    def __init__(
        self,
        experiment: Experiment,
        run_id: str,
        directory: Optional[str] = None,
        _run_config: Any = None,
        **kwargs: Any,
    ) -> None:
        """The run `run_id`, of a script in the folder `directory`."""
        super().__init__(experiment, run_id, **kwargs)
        self._directory = directory
        self._run_config_object = _run_config

    def cancel(self) -> None:
        """Ask the server to stop the script and everything it started."""
        self._client.post(self._path + "/cancel", repeatable=True)
