"""Waiting for a run of one program, with its output on the terminal if wanted.

The words follow v1's, so that people and programs that read them find their way. Interrupting
the wait does not stop the run.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Dict, NoReturn

from azureml.core._run_core import LOG_FILE, RunCore, sentence

if TYPE_CHECKING:
    from typing import Callable

RULE = "=" * 32


def wait(run: RunCore, show_output: bool, deadline: float = float("inf")) -> Dict[str, Any]:
    """The run's record once it is over, or as it is at `deadline`."""
    from stepwell import _follow

    if show_output:
        print("RunId: {}\nWeb View: {}".format(run.id, run.get_portal_url()))
        print_log(run, deadline)
    record = _follow.wait(run._client, run.id, deadline)
    run._known = record
    if show_output and record["status"] in _follow.OVER:
        print("\nExecution Summary\n{}\nRunId: {}".format(RULE, run.id))
        print("Web View: {}\nStatus: {}\n".format(run.get_portal_url(), record["status"]))
    return record


def print_log(run: RunCore, deadline: float) -> None:
    """Print what the program prints, as it does, until it ends."""
    from stepwell import _follow

    heading = "\nStreaming {}\n{}\n".format(LOG_FILE, RULE)
    for line in _follow.tail(run._client, run.id, deadline):
        print(heading + "\n" + line if heading else line, flush=True)
        heading = ""


def details_or_raise(run: RunCore, record: Dict[str, Any], raise_on_error: bool) -> Dict[str, Any]:
    """The details of a run that is over; if it failed, the exception that says why."""
    if record["status"] == "Failed" and raise_on_error:
        from azureml.exceptions import ActivityFailedException

        raise ActivityFailedException(failure_text(run, record))
    return run.get_details()


def failure_text(run: RunCore, record: Dict[str, Any]) -> str:
    """What went wrong in a run, and where to read more.

    The page's address is left out: it holds the token, and exceptions end up in logs.
    """
    name = record["display_name"] or run.id
    reason = sentence(record) or "no reason is known"
    return "`{0}` failed: {1}\nrun: {2} (`stepwell logs {2}` shows all it printed)".format(
        name, reason, run.id
    )


def interrupted(run: RunCore) -> NoReturn:
    """What Ctrl-C means during a wait: the program stops looking, the run goes on."""
    from azureml.exceptions import ExperimentExecutionException

    raise ExperimentExecutionException(
        "waiting was interrupted; run {0} goes on. Cancel it with `run.cancel()` or "
        "`stepwell cancel {0}`".format(run.id)
    ) from None


def guarded(run: RunCore, work: Callable[[], Any]) -> Any:
    """Do what waits, with Ctrl-C turned into v1's exception."""
    try:
        return work()
    except KeyboardInterrupt:
        interrupted(run)


def deadline_after(seconds: float) -> float:
    """The moment, of `time.monotonic`, so many seconds from now."""
    return time.monotonic() + seconds
