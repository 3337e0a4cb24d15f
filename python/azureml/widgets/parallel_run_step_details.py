"""`ParallelRunStepDetails`: a view of a parallel step."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Dict, Optional

from azureml.exceptions import UserErrorException
from azureml.widgets import _parallel
from stepwell import errors

if TYPE_CHECKING:
    from azureml.core.run import Run
    from azureml.core.workspace import Workspace

REFRESH_S = 1.0
_OVER = ("Finished", "Completed", "Failed", "Canceled")


class ParallelRunStepDetails(object):
    """A view of a parallel step, named in one of several ways."""

    def __init__(
        self,
        run_instance: Optional[Run] = None,
        step_name: Optional[str] = None,
        workspace: Optional[Workspace] = None,
        run_id: Optional[str] = None,
        step_run_id: Optional[str] = None,
    ) -> None:
        """A view of a step.

        Args:
            run_instance: The step's run, or that of its pipeline.
            step_name: The step's name, when the pipeline has several of this kind.
            workspace: The workspace, beside one of the ids.
            run_id: The id of the pipeline's run.
            step_run_id: The id of the step's run.
        """
        if run_instance is None:
            identifier = step_run_id or run_id
            if workspace is None or identifier is None:
                raise UserErrorException(
                    "name a run: pass run_instance, or workspace with run_id or step_run_id"
                )
            run_instance = workspace.get_run(identifier)
        self.step_run: Any = _step_run(run_instance, step_name)

    def show(self) -> None:
        """Show how far the step is; where output goes to a terminal, until it is over."""
        painted = 0
        while True:
            status = self.step_run.get_status()
            lines = [f"step {self.step_run.display_name}: {status}"]
            lines += ["  " + line for line in _parallel.lines(self._progress())]
            # Go back over what stands there, and clear what is below.
            sys.stdout.write(f"\x1b[{painted}F\x1b[J" if painted else "")
            print("\n".join(lines), flush=True)
            if status in _OVER or not sys.stdout.isatty():
                return
            painted = len(lines)
            time.sleep(REFRESH_S)

    def _progress(self) -> Optional[Dict[str, Any]]:
        """What the server knows of the mini-batches; `None` before there are any."""
        record = self.step_run._record
        shown = record.get("reused_from") or record["id"]
        try:
            progress: Dict[str, Any] = self.step_run._client.get(f"/runs/{shown}/parallel")
        except errors.NotFound:
            return None
        return progress


def _step_run(run: Any, step_name: Optional[str]) -> Any:
    """The parallel step that is `run`, or is one of its steps."""
    if not hasattr(run, "get_steps"):
        return run
    steps = [
        each
        for each in run.get_steps()
        if each._record["step_kind"] == "ParallelRunStep" and step_name in (None, each.display_name)
    ]
    if len(steps) != 1:
        raise UserErrorException(
            "run {} has {} parallel steps{}; pass step_name".format(
                run.id, len(steps) or "no", f" named {step_name}" if step_name else ""
            )
        )
    return steps[0]
