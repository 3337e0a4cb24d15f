"""The details of parallel steps: refused, as these steps are."""

from __future__ import annotations

from typing import Any, Optional

from azureml._not_yet import not_yet


class ParallelRunStepDetails(object):
    """A view of the mini-batches of a parallel step."""

    def __init__(
        self,
        run_instance: Any = None,
        step_name: Optional[str] = None,
        workspace: Any = None,
        run_id: Optional[str] = None,
        step_run_id: Optional[str] = None,
    ) -> None:
        """Not there yet."""
        not_yet("there are no details of parallel steps yet; use RunDetails(run).show()")

    def show(self) -> None:
        """Not there yet."""
