"""Runs that a program opens itself, from `start_logging` to their end.

Such a run is over when the program says so. If it says nothing, the run is ended with the
interpreter: completed, or failed when an exception ended it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Union

from stepwell import errors

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment
    from azureml.core.run import Run

OUTPUTS = "outputs"
# A program that is asked to stop is killed after ten seconds.
STOP_SECONDS = 15

_open: Dict[str, Run] = {}
_uncaught: Optional[BaseException] = None


def login_name() -> str:
    """Who runs this program."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""


def open_run(
    experiment: Experiment,
    outputs: Union[str, bool, None] = None,
    snapshot_directory: Optional[str] = None,
    display_name: Optional[str] = None,
    **_ignored: Any,
) -> Run:
    """Open a run and watch over its end."""
    from azureml.core.run import Run

    client = experiment.workspace._client
    body: Dict[str, Any] = {"experiment": experiment.name, "user": login_name()}
    if display_name is not None:
        body["display_name"] = display_name
    if snapshot_directory is not None:
        client.forget_snapshots()
        body["snapshot"] = client.push_snapshot(snapshot_directory)
    record = client.post("/runs/interactive", body)
    run = Run(experiment, record["id"], _OutputsFolder(outputs), _record=record)
    _watch(run)
    return run


class _OutputsFolder(object):
    """A folder of which the files written since now belong to a run.

    As in v1, it is there from the beginning: programs write to it without making it.
    """

    def __init__(self, outputs: Union[str, bool, None]) -> None:
        self._path = OUTPUTS if outputs in (None, True) else outputs
        if self._path:
            # Where it cannot be made, a program that writes to it is told so.
            with contextlib.suppress(OSError):
                os.makedirs(str(self._path), exist_ok=True)
        # File systems stamp files a little behind the clock.
        self._since = time.time() - 2.0

    def upload_to(self, run: Run) -> None:
        """Store the new files with the run, those that it does not have yet."""
        if not self._path or not os.path.isdir(str(self._path)):
            return
        from stepwell._walk import files_below, writable

        known = set(run.get_file_names())
        for file in files_below(str(self._path)):
            relative = writable(os.path.relpath(file, str(self._path))).replace(os.sep, "/")
            name = f"{OUTPUTS}/{relative}"
            if name not in known and os.path.getmtime(file) >= self._since:
                run.upload_file(name, file)


def end(run: Run, status: str, error: Optional[Dict[str, str]] = None) -> None:
    """Send what is left of a run and tell the server how it ended."""
    _open.pop(run.id, None)
    run.flush()
    if isinstance(run._outputs, _OutputsFolder):
        run._outputs.upload_to(run)
    body = {"status": status, "error": error}
    try:
        record = run._client.post(f"/runs/{run.id}/end", body)
        run._known = _seen_to_end(run, record)
    except errors.Conflict:
        record = run._fresh()
        if record["kind"] == "interactive":
            raise
        _end_submitted(run, record, status)


def _end_submitted(run: Run, record: Mapping[str, Any], status: str) -> None:
    """A run that the server started has the status of what it runs, whatever its submitter says.

    One that is over stays as it is; one that goes on can be completed by nobody else, and is
    stopped when it is said to have failed.
    """
    if record["ended_at"] is not None:
        return
    if status == "Failed":
        run.cancel()
        said = "is stopped, and will be Canceled"
    else:
        said = "goes on, and will be Completed when it has ended well"
    sys.stderr.write(f"warning: run {run.id} {said}\n")


def _seen_to_end(run: Run, record: Any) -> Any:
    """Wait a little for a run that was asked to stop, unless this program is part of it."""
    if record["ended_at"] is not None or os.environ.get("AZUREML_RUN_ID") == run.id:
        return record
    return run._client.get(f"/runs/{run.id}/wait", timeout_s=STOP_SECONDS)


def failure(message: str, detail: str = "") -> Dict[str, str]:
    """Why a run failed, as the server keeps it."""
    return {"kind": "user_code", "message": message, "detail": detail, "hint": ""}


def _watch(run: Run) -> None:
    if not _open:
        _remember_uncaught()
        atexit.register(_end_all)
    _open[run.id] = run


def _remember_uncaught() -> None:
    """Note the exception that ends the program: `atexit` cannot see it."""
    before = sys.excepthook
    if getattr(before, "_stepwell", False):
        return

    def note(kind: Any, value: BaseException, traceback: Any) -> None:
        global _uncaught
        _uncaught = value
        before(kind, value, traceback)

    note._stepwell = True  # type: ignore[attr-defined]
    sys.excepthook = note


def _end_all() -> None:
    for run in list(_open.values()):
        try:
            if _uncaught is None:
                end(run, "Completed")
            else:
                end(run, "Failed", failure(f"{type(_uncaught).__name__}: {_uncaught}"))
        except Exception as trouble:
            sys.stderr.write(f"warning: run {run.id} could not be ended: {trouble}\n")


def _forget_after_fork() -> None:
    """The runs are the parent's to end."""
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
