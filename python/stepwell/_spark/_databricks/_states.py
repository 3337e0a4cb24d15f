"""What the state of a run of Databricks means for a step. Pure.

Runs have a `status` since version 2.2 and a `state` since the first one; the newer is read when it
is there.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Optional

from stepwell._worker import Failure

_V1_ENDED = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
_V1_SUCCESS = ("SUCCESS", "SUCCESS_WITH_FAILURES")
_HINTS = {
    "LIBRARY_INSTALLATION_ERROR": "see which library failed on the page of the run",
    "INVALID_CLUSTER_REQUEST": "see the version, node type and workers that the step asks for",
    "CLUSTER_ERROR": "see the cluster's event log on the page of the run",
    "CLUSTER_REQUEST_LIMIT_EXCEEDED": "start fewer clusters at once, or use an existing one",
    "WORKSPACE_RUN_LIMIT_EXCEEDED": "let fewer steps run there at once",
    "UNAUTHORIZED_ERROR": "the owner of the token may not do this",
    "RESOURCE_NOT_FOUND": "see the path of the notebook or file in the step",
    "DRIVER_ERROR": "the driver may have had too little memory; see its log on the page",
}


class Ended(NamedTuple):
    """How a run has ended."""

    success: bool
    code: str
    """`SUCCESS`, or the cause by Databricks' name."""
    message: str


def word(run: Mapping[str, Any]) -> str:
    """The state of a run, as people see it."""
    status, state = run.get("status") or {}, run.get("state") or {}
    return str(status.get("state") or state.get("life_cycle_state") or "UNKNOWN")


def ended(run: Mapping[str, Any]) -> Optional[Ended]:
    """How a run has ended; `None` while it goes on."""
    status, state = run.get("status") or {}, run.get("state") or {}
    if status.get("state"):
        if status["state"] != "TERMINATED":
            return None
        details = status.get("termination_details") or {}
        code = str(details.get("code") or details.get("type") or "UNKNOWN")
        success = details.get("type") == "SUCCESS" or code in _V1_SUCCESS
        return Ended(success, code, str(details.get("message") or state.get("state_message") or ""))
    if state.get("life_cycle_state") not in _V1_ENDED:
        return None
    result = state.get("result_state")
    if state["life_cycle_state"] == "SKIPPED" and result is None:
        result = "SKIPPED"
    code = str(result or state["life_cycle_state"])
    return Ended(code in _V1_SUCCESS, code, str(state.get("state_message") or ""))


def failure(end: Ended, output: Mapping[str, Any], page: str) -> Failure:
    """The failure of a step whose run has ended without success."""
    error = str(output.get("error") or "").strip()
    trace = str(output.get("error_trace") or "").strip()
    message = (error or end.message).split("\n", 1)[0]
    if end.code in ("TIMEDOUT", "RUN_TIMED_OUT"):
        kind, what = "timeout", "took longer than the step's timeout"
    elif end.code in ("CANCELED", "USER_CANCELED", "UPSTREAM_CANCELED"):
        kind, what = "user_code", "was cancelled in the workspace"
    elif error or end.code in ("FAILED", "RUN_EXECUTION_ERROR", "CLIENT_ERROR"):
        kind, what = "user_code", "failed"
    else:
        kind, what = "environment", f"ended with {end.code}"
    summary = "the run on Databricks {}{}".format(what, ": " + message if message else "")
    hint = _HINTS.get(end.code, "")
    where = f"the run's page is {page}" if page else ""
    return Failure(
        kind, summary, hint="; ".join(each for each in (hint, where) if each), detail=trace
    )


def progress(run: Mapping[str, Any]) -> Dict[str, Any]:
    """What is shown of a run while it goes on."""
    state = run.get("state") or {}
    return {
        "databricks": {
            "run_id": run.get("run_id"),
            "state": word(run),
            "page": run.get("run_page_url"),
            "message": state.get("state_message") or "",
        }
    }
