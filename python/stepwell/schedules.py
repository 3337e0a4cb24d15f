"""What schedules can do beyond v1: cron expressions, policies, previews and the ledger.

from stepwell.schedules import Cron, set_policy

schedule = Schedule.create(ws, "nightly", published.id, "nightly",
                           recurrence=Cron("30 2 * * 1-5", time_zone="Europe/Berlin"))
set_policy(schedule, catch_up="all", overlap="queue")
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional

CATCH_UP = ("skip", "last", "all")
OVERLAP = ("allow", "skip", "queue", "cancel_previous")


class Cron(object):
    """A cron expression, where v1 takes a `ScheduleRecurrence`.

    Args:
        expression: Five fields: minute, hour, day of the month, month, day of the week; or
            `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
        time_zone: An IANA name or a `TimeZone`; UTC otherwise.
        start_time: Nothing before this time, as `2026-01-31T09:30:00`.
    """

    def __init__(
        self, expression: str, time_zone: Any = None, start_time: Optional[str] = None
    ) -> None:
        self.expression = expression
        self.time_zone = time_zone
        self.start_time = start_time

    def validate(self) -> None:
        """Check what can be checked without the server."""
        if not isinstance(self.expression, str) or not self.expression.strip():
            raise ValueError("a cron expression is a text such as `30 2 * * 1-5`")

    def _trigger(self) -> Dict[str, Any]:
        return {
            "kind": "cron",
            "expression": self.expression,
            "time_zone": getattr(self.time_zone, "value", self.time_zone),
            "start_time": self.start_time,
        }

    @classmethod
    def _of(cls, trigger: Mapping[str, Any]) -> Cron:
        return cls(trigger["expression"], trigger["time_zone"], trigger["start_time"])

    def _said(self) -> str:
        zone = getattr(self.time_zone, "value", self.time_zone) or "UTC"
        return f"cron {self.expression} ({zone})"

    def __repr__(self) -> str:
        return f"Cron({self.expression!r}, time_zone={self.time_zone!r})"


def set_policy(
    schedule: Any, *, catch_up: Optional[str] = None, overlap: Optional[str] = None
) -> None:
    """Say what becomes of missed times and of overlapping runs; what is not given stays.

    Args:
        schedule: A `Schedule`.
        catch_up: Of times that passed while no server ran: `skip` fires none, `last` the last one
            (the default), `all` each, up to the last thousand.
        overlap: When a time comes while a run of the schedule is not over: `allow` both (the
            default), `skip` the new one, `queue` it until the old one is over, or
            `cancel_previous`.
    """
    for name, given, known in (("catch_up", catch_up, CATCH_UP), ("overlap", overlap, OVERLAP)):
        if given is not None and given not in known:
            raise ValueError(f"{name} is {given!r}; it must be one of {known}")
    change = {"catch_up": catch_up, "overlap": overlap}
    schedule._change({name: value for name, value in change.items() if value is not None})


def get_policy(schedule: Any) -> Dict[str, str]:
    """What becomes of missed times and of overlapping runs."""
    record = schedule._client.get(schedule._path())
    return {"catch_up": record["catch_up"], "overlap": record["overlap"]}


def preview(schedule: Any, count: int = 10) -> List[Dict[str, Any]]:
    """The next times of a schedule.

    Each has `at` (UTC), `local` (what the clock shows then), `wall` (what the schedule says) and
    `clock`: `plain`, or `gap`, `first`, `second` where the clock jumps.
    """
    found: Dict[str, Any] = schedule._client.get(schedule._path("/preview"), count=count)
    return list(found["times"])


def ledger(schedule: Any) -> Iterator[Dict[str, Any]]:
    """What became of each time of a schedule, newest first; `message` has it in a sentence."""
    return iter(schedule._client.pages(schedule._path("/ledger"), "lines"))


def delete(schedule: Any) -> None:
    """Remove a schedule and its ledger; its runs stay."""
    schedule._client.delete(schedule._path())
