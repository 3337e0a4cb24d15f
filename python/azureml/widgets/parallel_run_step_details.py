"""`ParallelRunStepDetails`: a view of a parallel step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.run import Run
    from azureml.core.workspace import Workspace


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
        self.step_run = _step_run(run_instance, step_name)

    def show(self) -> None:
        """Show the step, until it is over where output goes to a terminal."""
        from azureml.widgets.run_details import RunDetails

        RunDetails(self.step_run).show()


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
                run.id, len(steps) or "no", " named {}".format(step_name) if step_name else ""
            )
        )
    return steps[0]
