"""Runs of pipelines; those of their steps are in `_step_run` and have their names here too.

Their `get_status` speaks of `Finished` where run history, and so `get_details()["status"]`, says
`Completed`: both are v1's words. A pipeline run can be waited for with the output of all its
steps on the terminal; interrupting the wait does not stop the run.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional

from azureml.core.run import Run
from azureml.pipeline.core._step_run import StepRun as StepRun
from azureml.pipeline.core._step_run import StepRunOutput as StepRunOutput
from azureml.pipeline.core._step_run import port_data

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment
    from azureml.core.workspace import Workspace
    from azureml.pipeline.core.graph import PortDataReference
    from stepwell import _wire

RUNNING_STATES = ["NotStarted", "Running", "Queued", "Unknown"]


class PipelineRun(Run):
    """A run of a pipeline.

    Example:
        >>> run = experiment.submit(pipeline)
        >>> run.wait_for_completion(show_output=False)
        'Finished'
        >>> (train,) = run.find_step_run("train")
        >>> train.get_status(), train.get_metrics()
        ('Finished', {'accuracy': 0.9})
    """

    def __init__(
        self, experiment: Experiment, run_id: str, _service_endpoint: Any = None, **kwags: Any
    ) -> None:
        """The pipeline run `run_id`; the server is not asked whether it exists.

        Args:
            experiment: The experiment it belongs to.
            run_id: Its id.
        """
        super().__init__(experiment, run_id, **kwags)

    # Where it comes from.

    @staticmethod
    def get(workspace: Workspace, run_id: str, _service_endpoint: Any = None) -> PipelineRun:
        """The pipeline run with an id.

        Args:
            workspace: The workspace.
            run_id: The id.

        Returns:
            The run.

        Raises:
            UserErrorException: There is none, or it is no run of a pipeline.
        """
        run = Run.get(workspace, run_id)
        if not isinstance(run, PipelineRun):
            from azureml.exceptions import UserErrorException

            raise UserErrorException(f"run {run_id} is not the run of a pipeline")
        return run

    @staticmethod
    def get_pipeline_runs(
        workspace: Workspace, pipeline_id: str, _service_endpoint: Any = None
    ) -> List[PipelineRun]:
        """The runs of a published pipeline, newest first.

        Args:
            workspace: The workspace.
            pipeline_id: The id of the published pipeline.

        Returns:
            The runs.
        """
        from azureml.core.experiment import Experiment
        from azureml.pipeline.core._published import refusals

        path = f"/published/{pipeline_id}/runs"
        with refusals():
            records = list(workspace._client.pages(path, "runs"))
        return [
            PipelineRun(Experiment(workspace, each["experiment"]), each["id"], _record=each)
            for each in records
        ]

    # Status.

    def get_status(self) -> str:
        """`NotStarted`, `Running`, `Finished`, `Failed` or `Canceled`.

        Returns:
            One of these words.
        """
        from azureml.pipeline.core._run_output import status_of

        status = status_of(self.status)
        return "NotStarted" if status == "Queued" else status

    def wait_for_completion(  # type: ignore[override]
        self,
        show_output: bool = True,
        timeout_seconds: float = sys.maxsize,
        raise_on_error: bool = True,
    ) -> str:
        """Wait until it is over.

        Args:
            show_output: Print the steps as they go, and what they print.
            timeout_seconds: Return after this time even if it is not over; it goes on.
            raise_on_error: Raise `ActivityFailedException` when it failed.

        Returns:
            The status, as of `get_status`.

        Raises:
            ActivityFailedException: It failed, and `raise_on_error` is set.
        """
        from azureml.core import _run_wait

        deadline = _run_wait.deadline_after(timeout_seconds)
        record = _run_wait.guarded(self, lambda: self._wait(show_output, deadline))
        if record["status"] == "Failed" and raise_on_error:
            from azureml.exceptions import ActivityFailedException

            raise ActivityFailedException(self._failure_text(record, show_output))
        return self.get_status()

    def _wait(self, show_output: bool, deadline: float) -> _wire.Run:
        from stepwell import _follow

        if show_output:
            from azureml.pipeline.core._run_output import Narrator

            over = self.status in _follow.OVER
            narrator = Narrator(self._client, self._run_id, over)
            narrator.begin()
            for news in _follow.follow(self._client, self._run_id, deadline):
                narrator.tell(news)
        record = _follow.wait(self._client, self._run_id, deadline)
        if record["status"] not in _follow.OVER:
            print(f"Timed out of waiting; run {self._run_id} goes on")
        elif show_output:
            narrator.end(self.get_status(), _brief(self.get_details(), record))
        return record

    def _failure_text(self, record: _wire.Run, printed: bool) -> str:
        """The sentence of the pipeline, and of the first steps that failed, with their ends."""
        from azureml.core._run_wait import failure_text
        from stepwell import _follow

        steps = _follow.failures(self._client, self._run_id)
        failures = []
        for step in steps:
            run = StepRun(
                self._experiment, step["id"], self._run_id, str(step["step"]), _record=step
            )
            failures.append("step " + failure_text(run, step, printed))
        return "\n\n".join(failures) or "the pipeline " + failure_text(self, record)

    # Steps, outputs and the graph.

    def get_steps(self) -> Iterator[StepRun]:
        """The runs of the steps, the newest first.

        Yields:
            The runs.
        """
        return self.get_children()  # type: ignore[return-value]

    def find_step_run(self, name: str) -> List[StepRun]:
        """The runs of all steps of a name; several steps may share one.

        Args:
            name: The name that the step has in the pipeline, whatever its run is called by now.

        Returns:
            The runs, the newest first; an empty list when there is none.
        """
        names = [str(step["name"]) for step in self._pipeline()["steps"]]
        return [run for run in self.get_steps() if names[run._record["step"] or 0] == name]

    def get_pipeline_output(self, pipeline_output_name: str) -> PortDataReference:
        """The data of an output that the pipeline itself names.

        Args:
            pipeline_output_name: The name: a `pipeline_output_name` of a `PipelineData`.

        Returns:
            The data, to be downloaded.

        Raises:
            ValueError: It names no such output; the text has those it names.
        """
        for output in self._fresh()["outputs"]:
            if output["name"] == pipeline_output_name:
                return port_data(self, self._run_id, output, None)
        named = ", ".join(output["name"] for output in self._record["outputs"])
        raise ValueError(
            "the pipeline names no output `{}`; it names: {}".format(
                pipeline_output_name, named or "none"
            )
        )

    def get_graph(self) -> Any:
        """The graph of its pipeline, to look at.

        Returns:
            The graph.
        """
        from azureml.pipeline.core._graph_of_template import graph_of

        return graph_of(self._experiment.workspace, self._pipeline())

    # What only pipelines do, or do not.

    def get_tags(self) -> Dict[str, Optional[str]]:
        """Its tags now.

        Returns:
            Texts by name.
        """
        return super().get_tags()

    def cancel(self) -> None:
        """Stop the steps that run; the others will not start."""
        self._client.post(self._path + "/cancel", repeatable=True)

    def complete(self) -> None:  # type: ignore[override]
        """Not possible: a pipeline ends with its steps."""
        raise NotImplementedError("a pipeline run ends by itself, with its last step")

    def fail(self) -> None:  # type: ignore[override]
        """Not possible: a pipeline ends with its steps."""
        raise NotImplementedError("a pipeline run ends by itself; stop it with cancel()")

    def child_run(
        self, name: Optional[str] = None, run_id: Optional[str] = None, outputs: Any = None
    ) -> Run:
        """Not possible: the children of a pipeline are its steps."""
        raise NotImplementedError("the children of a pipeline run are its steps, and no others")

    def publish_pipeline(
        self,
        name: str,
        description: str,
        version: str,
        continue_on_step_failure: Optional[bool] = None,
        **kwargs: Any,
    ) -> Any:
        """Publish its pipeline; the values of its parameters become the defaults.

        Args:
            name: Its name; several published pipelines may share one.
            description: What it does, for people.
            version: Its version, for people.
            continue_on_step_failure: Whether steps that do not depend on a failed step run.

        Returns:
            The published pipeline.
        """
        from azureml.pipeline.core._published import publish_run

        return publish_run(self, name, description, version, continue_on_step_failure)

    def save(self, path: Optional[str] = None) -> None:
        """Write its pipeline as YAML, to `path`: a file, or a folder that gets one.

        Args:
            path: The file or the folder; the working directory when `None`.
        """
        from azureml.pipeline.core._template_file import save as save_template

        save_template(path, self._run_id, self.description, self._pipeline())

    def _pipeline(self) -> Dict[str, Any]:
        pipeline: Dict[str, Any] = self._client.get(self._path + "/pipeline")
        return pipeline


def _brief(details: Dict[str, Any], record: _wire.Run) -> Dict[str, Any]:
    """The details without the traceback, which the lines of the step have shown."""
    from azureml.core._run_core import short_sentence

    if "error" not in details:
        return details
    error = {**details["error"]["error"], "message": short_sentence(record)}
    return {**details, "error": {**details["error"], "error": error}}
