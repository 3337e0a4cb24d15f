"""Runs of the steps of pipelines, and what they left in their outputs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Union

from azureml.core.run import Run

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment
    from azureml.pipeline.core.graph import PortDataReference
    from stepwell import _wire


# What the steps are called that search for hyperparameters.
SEARCHES = ("HyperDriveStep", "HyperDrive")


class StepRun(Run):
    """A run of one step of a pipeline."""

    def __init__(
        self,
        experiment: Experiment,
        step_run_id: str,
        pipeline_run_id: str,
        node_id: str,
        _service_endpoint: Any = None,
        _is_reused: bool = False,
        _current_node_id: Optional[str] = None,
        _reused_run_id: Optional[str] = None,
        _reused_node_id: Optional[str] = None,
        _reused_pipeline_run_id: Optional[str] = None,
        **kwargs: Any,
    ) -> None:
        """The step run `step_run_id`; the server is not asked whether it exists."""
        super().__init__(experiment, step_run_id, **kwargs)
        self._pipeline_run_id = pipeline_run_id
        self._node_id = node_id
        self._is_reused = _is_reused

    @property
    def pipeline_run_id(self) -> str:
        """The id of the pipeline's run."""
        return self._pipeline_run_id

    def why(self) -> List[str]:
        """Why the step ran, or why it was reused: one line a reason.

        An addition to v1; `stepwell why` prints the same.
        """
        answer = self._client.get(f"/runs/{self.id}/why")["steps"][0]
        return ["{}: {}".format(answer["outcome"], reason) for reason in answer["reasons"]]

    def get_status(self) -> str:
        """`NotStarted`, `Queued`, `Running`, `Finished`, `Failed` or `Canceled`."""
        from azureml.pipeline.core._run_output import status_of

        return status_of(self.status)

    def wait_for_completion(  # type: ignore[override]
        self,
        show_output: bool = True,
        timeout_seconds: float = sys.maxsize,
        raise_on_error: bool = True,
    ) -> str:
        """Wait until it is over; returns its status.

        Args:
            show_output: Print what the step prints.
            timeout_seconds: Return after this time even if it is not over; it goes on.
            raise_on_error: Raise `ActivityFailedException` when it failed.
        """
        from azureml.core import _run_wait

        deadline = _run_wait.deadline_after(timeout_seconds)
        work = lambda: _run_wait.wait(self, show_output, deadline)  # noqa: E731
        record = _run_wait.guarded(self, work)
        if record["status"] == "Failed" and raise_on_error:
            from azureml.exceptions import ActivityFailedException

            raise ActivityFailedException(
                "step " + _run_wait.failure_text(self, record, show_output)
            )
        return self.get_status()

    def get_children(
        self,
        recursive: bool = False,
        tags: Union[str, Dict[str, str], None] = None,
        properties: Union[str, Dict[str, str], None] = None,
        type: Optional[str] = None,
        status: Optional[str] = None,
        _rehydrate_runs: bool = True,
    ) -> Iterator[Run]:
        """The runs that its script opened; of a search, as in v1, the search, which has the trials.

        Args:
            recursive: Whether their children are meant too.
            tags: Only those with these tags.
            properties: Only those with these properties.
            type: Only those of this type.
            status: Only those with this status.

        Yields:
            The children, each of the class of its kind.
        """
        narrowed = recursive or tags or properties or type or status
        if not narrowed and self.properties.get("StepType") in SEARCHES:
            from azureml.train.hyperdrive.run import HyperDriveRun

            yield HyperDriveRun(self.experiment, self.id, _record=self._record)
            return
        yield from super().get_children(recursive, tags, properties, type, status, _rehydrate_runs)

    # Output and logs.

    def get_outputs(self) -> Dict[str, StepRunOutput]:
        """The step's outputs, by name."""
        outputs = self._fresh()["outputs"]
        return {output["name"]: self._output(output) for output in outputs}

    def get_output(self, name: str) -> StepRunOutput:
        """One output."""
        outputs = self.get_outputs()
        if name not in outputs:
            raise ValueError(
                "step `{}` has no output `{}`; it has: {}".format(
                    self.display_name, name, ", ".join(outputs) or "none"
                )
            )
        return outputs[name]

    def get_output_data(self, name: str) -> PortDataReference:
        """The data of one output."""
        return self.get_output(name).get_port_data_reference()

    def _output(self, output: _wire.OutputInfo) -> StepRunOutput:
        return StepRunOutput(self, self._pipeline_run_id, self, output["name"], output)

    def get_job_log(self) -> str:
        """What the step printed so far."""
        return self._log_text()

    def get_stdout_log(self) -> str:
        """What the step printed so far; both streams are kept in one file, in their order."""
        return self._log_text()

    def get_stderr_log(self) -> str:
        """What the step printed so far; both streams are kept in one file, in their order."""
        return self._log_text()

    def get_details_with_logs(self) -> Dict[str, Any]:
        """The details, with the text of each log in place of its address."""
        return super().get_details_with_logs()

    # What steps do not do.

    def complete(self) -> None:  # type: ignore[override]
        """Not possible: a step ends with its program."""
        raise NotImplementedError("a step run ends by itself, with its program")

    def fail(self) -> None:  # type: ignore[override]
        """Not possible: a step ends with its program."""
        raise NotImplementedError("a step run ends by itself; stop it with cancel()")

    def child_run(
        self, name: Optional[str] = None, run_id: Optional[str] = None, outputs: Any = None
    ) -> Run:
        """Not possible from outside; the step's script may open children."""
        raise NotImplementedError(
            "children of a step run are opened in its script: Run.get_context().child_run()"
        )


class StepRunOutput(object):
    """An output of a step, in one run."""

    def __init__(
        self, context: Any, pipeline_run_id: str, step_run: StepRun, name: str, step_output: Any
    ) -> None:
        """The output `name` of a step run."""
        self.context = context
        self.pipeline_run_id = pipeline_run_id
        self.step_run = step_run
        self.name = name
        self.step_output = step_output

    def get_port_data_reference(self) -> PortDataReference:
        """Its data, to be downloaded or passed on."""
        return port_data(self.context, self.pipeline_run_id, self.step_output, self.step_run)

    def __repr__(self) -> str:
        """The name and the step."""
        return f"StepRunOutput(name={self.name!r}, step_run_id={self.step_run.id!r})"


def port_data(
    run: Run, pipeline_run_id: str, output: _wire.OutputInfo, step_run: Optional[StepRun]
) -> PortDataReference:
    """The place of an output, as a reference that can be downloaded."""
    from azureml.core.datastore import Datastore
    from azureml.data.data_reference import DataReference
    from azureml.pipeline.core.graph import PortDataReference

    workspace = run.experiment.workspace
    reference = DataReference(
        Datastore.get(workspace, output["datastore"]),
        data_reference_name=output["name"],
        path_on_datastore=output["path"],
    )
    return PortDataReference(workspace, pipeline_run_id, reference, step_run)
