"""What a wait for a pipeline prints: its steps as they start and end, and the lines they print.

Lines that follow the heading of their own step stand as they are; where steps run in parallel each
line begins with the name of its step. The words of headings and endings are v1's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Set

from azureml.core._run_links import run_page
from stepwell._terminal import show

if TYPE_CHECKING:
    from stepwell._follow import Change, Line
    from stepwell.client import Client

RULE = "=" * 30


def status_of(status: str) -> str:
    """A status of run history in the words of pipelines and steps."""
    words = {"Completed": "Finished", "Preparing": "Running", "CancelRequested": "Running"}
    return words.get(status, status)


class Narrator(object):
    """Tells on the terminal what happens in a pipeline."""

    def __init__(self, client: Client, pipeline_run_id: str, over: bool = False) -> None:
        """Nothing is printed before the first news; of a run that is `over` nothing runs."""
        self._over = over
        self._client = client
        self._pipeline = pipeline_run_id
        self._names: Dict[str, str] = {}
        self._running: Set[str] = set()
        self._said: Dict[str, str] = {}
        self._speaker: Optional[str] = None

    def begin(self) -> None:
        """Say which run is waited for."""
        print(f"PipelineRunId: {self._pipeline}")
        print(f"Link to Stepwell: {run_page(self._client, self._pipeline)}", flush=True)

    def tell(self, news: Any) -> None:
        """Print a change of status or a line."""
        if hasattr(news, "text"):
            self._line(news)
        elif news.run == self._pipeline:
            self._pipeline_status(status_of(news.status))
        else:
            self._step_status(news)

    def end(self, status: str, details: Dict[str, Any]) -> None:
        """Sum the run up."""
        print(f"\n\nPipelineRun Execution Summary\n{RULE}")
        print(f"PipelineRun Status: {status}\n{details}\n", flush=True)

    def _line(self, line: Line) -> None:
        follows = line.run == self._speaker and len(self._running) == 1
        prefix = "" if follows else f"[{self._name(line.run)}] "
        show(prefix + line.text, line.end)

    def _pipeline_status(self, status: str) -> None:
        if self._said.get(self._pipeline) != status and status == "Running" and not self._over:
            self._said[self._pipeline] = status
            print(f"PipelineRun Status: {status}", flush=True)

    def _step_status(self, change: Change) -> None:
        step, status = change.run, change.status
        if status in ("NotStarted", "Queued") or self._said.get(step) == status:
            return
        self._said[step] = status
        name = self._name(step)
        if status in ("Preparing", "Running"):
            self._pipeline_status("Running")  # a pipeline runs when its first step does
            heading = "" if step in self._running else f"\nStepRunId: {step}\n"
            self._running.add(step)
            self._speaker = step
            said = "Running" if status == "Running" else "Preparing its environment"
            print(heading, end="")
            if not self._over:
                print(f"StepRun( {name} ) Status: {said}", flush=True)
            return
        self._running.discard(step)
        self._speaker = None
        words = f"StepRun( {name} ) Status: {status_of(status)}"
        if change.message:
            words += f" ({change.message})"
        show(words)

    def _name(self, step: str) -> str:
        if step not in self._names:
            record = self._client.get("/runs/" + step)
            self._names[step] = record["display_name"]
        return self._names[step]
