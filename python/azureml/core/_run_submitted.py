"""The run a script belongs to, as the script sees it.

Which run that is, the environment says. The script may write to it but not end it: the run ends
with the process, and its status is the process's own, unless the script said that it fails.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Dict, Optional

from azureml._not_yet import not_yet
from azureml.core.run import Run

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

NEEDED = (
    "AZUREML_RUN_ID",
    "AZUREML_ARM_SUBSCRIPTION",
    "AZUREML_ARM_RESOURCEGROUP",
    "AZUREML_ARM_WORKSPACE_NAME",
    "AZUREML_ARM_PROJECT_NAME",
)

_context: Optional[Any] = None


def context(allow_offline: bool) -> Any:
    """The run of this process; the same object each time."""
    global _context
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if not missing:
        run_id = os.environ["AZUREML_RUN_ID"]
        if not isinstance(_context, _SubmittedRun) or _context.id != run_id:
            _context = _of_environment(run_id)
        return _context
    if not allow_offline:
        from azureml.exceptions import RunEnvironmentException

        raise RunEnvironmentException(
            exception_message="this process belongs to no run: {} not set".format(
                ", ".join(missing) + (" is" if len(missing) == 1 else " are")
            )
        )
    if _context is None or isinstance(_context, _SubmittedRun):
        from azureml.core._run_offline import _OfflineRun

        _context = _OfflineRun()
    return _context


def _of_environment(run_id: str) -> _SubmittedRun:
    from azureml.core.experiment import Experiment
    from azureml.core.workspace import Workspace

    workspace = Workspace(
        os.environ["AZUREML_ARM_SUBSCRIPTION"],
        os.environ["AZUREML_ARM_RESOURCEGROUP"],
        os.environ["AZUREML_ARM_WORKSPACE_NAME"],
        _workspace_id=os.environ.get("AZUREML_WORKSPACE_ID"),
    )
    name = os.environ["AZUREML_ARM_PROJECT_NAME"]
    experiment = Experiment(workspace, name, _skip_name_validation=True, _create_in_cloud=False)
    return _SubmittedRun(experiment, run_id)


class _SubmittedRun(Run):
    """A run that the server started and whose script this is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._inputs: Optional[InputDatasets] = None
        self._output_places: Optional[OutputDatasets] = None

    @property
    def input_datasets(self) -> InputDatasets:
        """The data the step reads, by name."""
        if self._inputs is None:
            self._inputs = InputDatasets(self._experiment.workspace)
        return self._inputs

    @property
    def output_datasets(self) -> OutputDatasets:
        """The places the step writes to, by name."""
        if self._output_places is None:
            self._output_places = OutputDatasets(self._experiment.workspace)
        return self._output_places

    def complete(self) -> None:  # type: ignore[override]
        """Send what was logged; the run completes when the script ends well."""
        self.flush()

    def fail(  # type: ignore[override]
        self, error_details: Any = None, error_code: Optional[str] = None
    ) -> None:
        """Say that it went wrong, and why: the run fails when the script ends, however it ends."""
        super().fail(error_details, error_code)

    def cancel(self) -> None:
        """Not possible from within."""
        sys.stderr.write(
            "warning: a script cannot cancel its own run; end it, or cancel the run from outside\n"
        )

    def __enter__(self) -> _SubmittedRun:
        return self

    def __exit__(self, *args: Any) -> None:
        self.complete()


class InputDatasets(Dict[str, Any]):
    """The data a step reads: a path for what is mounted or downloaded, else the dataset."""

    def __init__(self, workspace: Workspace) -> None:
        """Read the environment, which names each input and how it comes."""
        super().__init__()
        named = os.environ.get("AZUREML_DATASET_ENVIRONMENT_VARS", "")
        for entry in filter(None, named.split(",")):
            name, _, mode = entry.partition(":")
            place = os.environ.get("AZUREML_DATAREFERENCE_" + name)
            value = os.environ.get(name, os.environ.get(name.upper()))
            if mode != "direct" and place is not None:
                value = place
            if mode == "direct" and value is not None:
                from azureml.core.dataset import Dataset

                self[name] = Dataset.get_by_id(workspace, value)
            else:
                self[name] = value


class OutputDatasets(Dict[str, Any]):
    """The places a step writes to, by the name of the output."""

    def __init__(self, workspace: Workspace) -> None:
        """Read the environment, which names each output."""
        super().__init__()
        self.workspace = workspace
        for name in filter(None, os.environ.get("AZUREML_DATASET_FILE_OUTPUTS", "").split(";")):
            value = os.environ.get(name, os.environ.get(name.upper()))
            self[name] = os.environ.get("AZUREML_DATAREFERENCE_" + name, value)
        for name in filter(None, os.environ.get("AZUREML_LINK_DATASET_OUTPUTS", "").split(";")):
            self[name] = LinkOutput(workspace, name)


class LinkOutput(object):
    """An output that a script fills by naming a dataset."""

    def __init__(self, workspace: Workspace, name: Optional[str] = None) -> None:
        """The output `name`."""
        self.workspace = workspace
        self.name = name

    def link(self, dataset: Any, run: Any = None) -> None:
        """Not there yet."""
        not_yet("outputs cannot be linked to datasets yet; write the files to an output instead")
