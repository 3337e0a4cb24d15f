"""How a notebook is executed: what a program may set of it."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from azureml.exceptions import UserErrorException


class NotebookExecutionHandler:
    """What executes a notebook; programs make one of its kinds."""

    dependencies: List[str] = []
    """The packages that the environment of the notebook needs for it."""

    def _settings(self) -> Dict[str, Any]:
        """What the program that executes the notebook is told."""
        return {}


class AzureMLNotebookHandler(NotebookExecutionHandler):
    """Executes a notebook with papermill.

    Example:
        >>> handler = AzureMLNotebookHandler(timeout=600, progress_bar=False, log_output=True)
        >>> handler.timeout
        600
    """

    supported_options = ["progress_bar", "log_output", "kernel_name", "cwd"]
    dependencies = ["papermill", "ipykernel"]

    def __init__(self, history: bool = True, timeout: Optional[int] = None, **kwargs: Any) -> None:
        """Say how a notebook is executed.

        Args:
            history: Whether values that the notebook records with scrapbook's `glue` become
                metrics of the run.
            timeout: The seconds that a cell may take; no limit when `None`.
            kwargs: Options of papermill: `progress_bar`, `log_output`, `kernel_name`, and `cwd`,
                the working directory of the notebook.

        Raises:
            UserErrorException: An option is none of these.
        """
        unknown = sorted(set(kwargs) - set(self.supported_options))
        if unknown:
            raise UserErrorException(
                "a notebook handler has no option `{}`; it has {}".format(
                    unknown[0], ", ".join(["history", "timeout", *self.supported_options])
                )
            )
        self.history = history
        self.timeout = timeout
        self.options = kwargs

    def _settings(self) -> Dict[str, Any]:
        """What the program that executes the notebook is told."""
        settings = {**self.options, "history": self.history, "execution_timeout": self.timeout}
        return {name: value for name, value in settings.items() if value is not None}


class PapermillExecutionHandler(AzureMLNotebookHandler):
    """The same under its older name."""
