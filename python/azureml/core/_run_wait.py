"""Waiting for a run of one program, with its output on the terminal if wanted.

The words follow v1's, so that people and programs that read them find their way. Interrupting
the wait does not stop the run.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Dict, NoReturn

from azureml.core._run_core import LOG_FILE, RunCore, sentence, short_sentence

if TYPE_CHECKING:
    from typing import Callable

    from stepwell import _wire

RULE = "=" * 32


def wait(run: RunCore, show_output: bool, deadline: float = float("inf")) -> _wire.Run:
    """The run's record once it is over, or as it is at `deadline`."""
    from stepwell import _follow

    if show_output:
        print(f"RunId: {run.id}\nWeb View: {run.get_portal_url()}")
        print_log(run, deadline)
    record = _follow.wait(run._client, run.id, deadline)
    run._known = record
    if show_output and record["status"] in _follow.OVER:
        print(f"\nExecution Summary\n{RULE}\nRunId: {run.id}")
        print("Web View: {}\nStatus: {}\n".format(run.get_portal_url(), record["status"]))
    return record


def print_log(run: RunCore, deadline: float) -> None:
    """Print what the program prints, as it does, until it ends."""
    from stepwell import _follow
    from stepwell._terminal import show

    heading = f"\nStreaming {LOG_FILE}\n{RULE}\n"
    for text, end in _follow.pieces(run._client, run.id, deadline):
        show(heading + "\n" + text if heading else text, end)
        heading = ""


def details_or_raise(
    run: RunCore, record: _wire.Run, raise_on_error: bool, printed: bool = False
) -> Dict[str, Any]:
    """The details of a run that is over; if it failed, the exception that says why.

    `printed` says that its output, and so the traceback, stands on the terminal already.
    """
    if record["status"] == "Failed" and raise_on_error:
        from azureml.exceptions import ActivityFailedException

        raise ActivityFailedException(failure_text(run, record, printed))
    return run.get_details()


def failure_text(run: RunCore, record: _wire.Run, printed: bool = False) -> str:
    """What went wrong in a run, and where to read more; no traceback that is `printed` already.

    The page's address is left out: it holds the token, and exceptions end up in logs.
    """
    name = record["display_name"] or run.id
    reason = (short_sentence(record) if printed else sentence(record)) or "no reason is known"
    return (
        f"`{name}` failed: {reason}\nrun: {run.id} (`stepwell logs {run.id}` shows all it printed)"
    )


def interrupted(run: RunCore) -> NoReturn:
    """What Ctrl-C means during a wait: the program stops looking, the run goes on."""
    from azureml.exceptions import ExperimentExecutionException

    raise ExperimentExecutionException(
        f"waiting was interrupted; run {run.id} goes on. Cancel it with `run.cancel()` or "
        f"`stepwell cancel {run.id}`"
    ) from None


def guarded(run: RunCore, work: Callable[[], Any]) -> Any:
    """Do what waits, with Ctrl-C turned into v1's exception."""
    try:
        return work()
    except KeyboardInterrupt:
        interrupted(run)


def deadline_after(seconds: float) -> float:
    """The moment, of `time.monotonic`, so many seconds from now."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(
            f"timeout_seconds is {seconds!r}, which is no number; give seconds, such as 600"
        )
    return time.monotonic() + seconds
