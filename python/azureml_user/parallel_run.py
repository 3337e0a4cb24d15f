"""The helper of entry scripts: `from azureml_user.parallel_run import EntryScript`."""

from __future__ import annotations

import logging
from typing import Optional

from stepwell._parallel import _place

__all__ = ["EntryScript"]


class EntryScript(object):
    """Where the worker that runs this script stands."""

    @property
    def logger(self) -> logging.Logger:
        """A logger into `logs/user/entry_script_log/<node>/`, at the step's `logging_level`."""
        return _place.here().logger

    @property
    def log_dir(self) -> str:
        """The folder `logs/user` of the step's run."""
        return _place.here().log_dir

    @property
    def output_dir(self) -> Optional[str]:
        """The folder of the step's output; `None` if it has none."""
        return _place.here().output_dir

    @property
    def agent_name(self) -> str:
        """The name of this worker."""
        return _place.here().agent_name

    @property
    def working_dir(self) -> str:
        """The folder with the files of the step's source directory."""
        return _place.here().working_dir
