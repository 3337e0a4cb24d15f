"""What a view of a run shows: the run, a row for each step, and the picture of the graph."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, List, NamedTuple, Optional

if TYPE_CHECKING:
    from azureml.core.run import Run
    from stepwell import _wire

OVER = ("Completed", "Failed", "Canceled")
ROWS_MAX = 200


class Row(NamedTuple):
    """A run below the one that is shown."""

    name: str
    status: str
    seconds: Optional[float]
    page: str
    reason: str


class View(NamedTuple):
    """A run at one moment."""

    title: str
    run_id: str
    status: str
    seconds: Optional[float]
    page: str
    reason: str
    rows: List[Row]
    hidden: int
    picture: Optional[str]

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in OVER


def look(run: Run, picture: bool = False) -> View:
    """Read the run and its children; of a pipeline the picture too, if wanted."""
    from azureml.core._run_links import run_page

    client = run._client
    record = run._fresh()
    children = list(client.pages("/runs", "runs", parent=run.id))
    rows = [
        Row(
            child["display_name"] or child["id"],
            child["status"],
            _seconds(child),
            run_page(client, child["id"]),
            _reason(child),
        )
        for child in children[:ROWS_MAX]
    ]
    return View(
        record["display_name"] or record["experiment"],
        run.id,
        record["status"],
        _seconds(record),
        run_page(client, run.id),
        _reason(record),
        rows,
        max(0, len(children) - ROWS_MAX),
        _picture(run) if picture and record["kind"] == "pipeline" else None,
    )


def _picture(run: Run) -> str:
    return run._client.read(f"/runs/{run.id}/graph.svg").body.decode("utf-8")


def _reason(record: _wire.Run) -> str:
    return record["error"]["message"] if record["error"] else ""


def _seconds(record: _wire.Run) -> Optional[float]:
    """How long it ran, up to now if it still does."""
    if not record["started_at"]:
        return None
    end = _moment(record["ended_at"]) if record["ended_at"] else datetime.now(timezone.utc)
    return max(0.0, (end - _moment(record["started_at"])).total_seconds())


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def elapsed(seconds: Optional[float]) -> str:
    """A time for people: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, whole = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole} s" if minutes else f"{whole} s"
