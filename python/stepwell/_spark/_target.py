"""The settings of the step's compute target, read from the server when the step starts."""

from __future__ import annotations

from typing import Any, Dict, Mapping
from urllib.parse import quote

from stepwell import errors
from stepwell._spark import _settings
from stepwell._spark._request import Request
from stepwell._worker import Failure


def settings(request: Request, environ: Mapping[str, str]) -> _settings.Settings:
    """The settings of the target; `settings` in the request itself go before them.

    Raises:
        Failure: They cannot work, or are not those that the step was submitted with.
    """
    target, raw = "of the step", request.task.get("settings")
    if raw is None and environ.get("STEPWELL_URL"):
        target, raw = _fetched(request.run)
    parsed = _settings.parse(target, raw or {})
    is_remote = bool(request.task.get("remote"))
    if is_remote != bool(parsed.workspace_url):
        raise Failure(
            "user_code",
            "compute target `{}` {} a workspace_url since the step was submitted".format(
                target, "has lost" if is_remote else "was given"
            ),
            hint="submit the pipeline again: where the code is found depends on it",
        )
    return parsed


def _fetched(run: str) -> Any:
    """The name of a run's target, and what the workspace keeps of it."""
    from stepwell import connect

    try:
        client = connect()
        target = str(client.get(f"/runs/{run}").get("target") or "local")
        try:
            kept: Dict[str, Any] = client.get("/computes/" + quote(target, safe=""))
        except errors.NotFound:  # nobody made it
            return target, {}
    except errors.StepwellError as error:
        summary = f"the settings of the compute target cannot be read: {error.message}"
        raise Failure("internal", summary, hint=error.hint) from None
    return target, kept.get("settings") or {}
