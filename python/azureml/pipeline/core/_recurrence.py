"""`ScheduleRecurrence`: the times of a schedule; and what makes it fire, as it is sent and read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from azureml.pipeline.core._time_zones import TimeZone

FREQUENCIES = ("Minute", "Hour", "Day", "Week", "Month")
WEEK_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
START_FORMAT = "%Y-%m-%dT%H:%M:%S"


class ScheduleRecurrence(object):
    """Again and again: every so many minutes, hours, days, weeks or months.

    Args:
        frequency: `Minute`, `Hour`, `Day`, `Week` or `Month`.
        interval: How many of them lie between two times, from 1.
        start_time: The first time, as a `datetime` without a zone or as `2026-01-31T09:30:00`.
            Without it the first run starts at once, unless hours, minutes or week days are named.
        time_zone: A `TimeZone`, or an IANA name; UTC when there is a start and no zone.
        hours: Hours of the day, for `Day` and `Week`.
        minutes: Minutes of the hour, for `Day` and `Week`.
        week_days: Days of the week in full, for `Week`.
        time_of_day: One time as `9:30`, instead of `hours` and `minutes`.

    Raises:
        ValueError: `start_time` has a zone, or `time_of_day` is not a time; what else does not fit
            is found by `validate`, which `Schedule.create` calls.

    Example:
        >>> ScheduleRecurrence("Week", interval=1, week_days=["Monday"], time_of_day="9:30")
        ScheduleRecurrence(every week on Monday at hour 9 and minute 30)
    """

    def __init__(
        self,
        frequency: str,
        interval: int,
        start_time: Optional[Union[datetime, str]] = None,
        time_zone: Optional[Union[TimeZone, str]] = None,
        hours: Optional[List[int]] = None,
        minutes: Optional[List[int]] = None,
        week_days: Optional[List[str]] = None,
        time_of_day: Optional[str] = None,
    ) -> None:
        self.frequency = frequency
        self.interval = interval
        self.start_time: Optional[str] = _start(start_time)
        if time_zone is None and start_time is not None:
            time_zone = TimeZone.UTC
        self.time_zone = time_zone
        self.hours = hours
        self.minutes = minutes
        self.week_days = week_days
        if time_of_day is not None:
            if hours is not None or minutes is not None:
                raise ValueError("give either time_of_day, or hours and minutes")
            self.hours, self.minutes = _time_of_day(time_of_day)

    def validate(self) -> None:
        """Check that the parts fit together.

        Raises:
            ValueError: One does not; the text says which.
        """
        if self.frequency not in FREQUENCIES:
            raise ValueError(
                "frequency is {!r}; it must be one of {}".format(
                    self.frequency, ", ".join(FREQUENCIES)
                )
            )
        if not _is_number(self.interval) or self.interval < 1:
            raise ValueError(f"interval is {self.interval!r}; it must be a number from 1")
        if self.time_zone is not None and not isinstance(self.time_zone, (TimeZone, str)):
            raise ValueError(
                f"time_zone is {self.time_zone!r}; it must be a TimeZone or an IANA name"
            )
        if self.frequency not in ("Day", "Week"):
            for name, given in (("hours", self.hours), ("minutes", self.minutes)):
                if given is not None:
                    raise ValueError(f"{name} need the frequency Day or Week")
        if self.frequency != "Week" and self.week_days is not None:
            raise ValueError("week_days need the frequency Week")
        _numbers("hours", self.hours, 23)
        _numbers("minutes", self.minutes, 59)
        for day in self.week_days or ():
            if day not in WEEK_DAYS:
                raise ValueError(
                    "week_days has {!r}; it takes {}".format(day, ", ".join(WEEK_DAYS))
                )

    def _trigger(self) -> Dict[str, Any]:
        """What the server is sent."""
        return {
            "kind": "recurrence",
            "frequency": self.frequency,
            "interval": self.interval,
            "start_time": self.start_time,
            "time_zone": zone_name(self.time_zone),
            # An empty list names nothing.
            "hours": self.hours or None,
            "minutes": self.minutes or None,
            "week_days": self.week_days or None,
        }

    @classmethod
    def _of(cls, trigger: Mapping[str, Any]) -> ScheduleRecurrence:
        return cls(
            trigger["frequency"],
            trigger["interval"],
            trigger["start_time"],
            _zone(trigger["time_zone"]),
            trigger["hours"],
            trigger["minutes"],
            trigger["week_days"],
        )

    def _said(self) -> str:
        """In words, for people."""
        said = f"every {self.frequency.lower()}"
        if self.interval != 1:
            said = f"every {self.interval} {self.frequency.lower()}s"
        if self.week_days:
            said += " on {}".format(", ".join(self.week_days))
        if self.hours or self.minutes:
            hours = ", ".join(str(hour) for hour in self.hours or ("the start's",))
            minutes = ", ".join(f"{minute:02}" for minute in self.minutes or (0,))
            said += f" at hour {hours} and minute {minutes}"
        zone = zone_name(self.time_zone)
        return f"{said} ({zone})" if zone else said

    def __repr__(self) -> str:
        return f"ScheduleRecurrence({self._said()})"


def trigger_of(
    recurrence: Any,
    datastore: Any,
    polling_interval: int,
    parameter: Optional[str],
    path: Optional[str],
) -> Dict[str, Any]:
    """What makes a schedule fire, as the server is sent it: times, or data that changes.

    Raises:
        ValueError: What is given does not fit together.
    """
    if recurrence is not None:
        if datastore is not None or parameter is not None or path is not None:
            raise ValueError(
                "a schedule has either a recurrence, or a datastore with its "
                "data_path_parameter_name and path_on_datastore"
            )
        if not hasattr(recurrence, "_trigger"):
            raise ValueError("recurrence must be a ScheduleRecurrence or a stepwell.schedules.Cron")
        recurrence.validate()
        return dict(recurrence._trigger())
    if datastore is None:
        raise ValueError("a schedule needs a recurrence or a datastore")
    return {
        "kind": "data",
        "datastore": getattr(datastore, "name", datastore),
        "path": path or "",
        "polling_interval": polling_interval,
        "data_path_parameter": parameter,
    }


def zone_name(zone: Optional[Union[TimeZone, str]]) -> Optional[str]:
    """The name that the server knows."""
    return str(zone.value) if isinstance(zone, TimeZone) else zone


def _zone(name: Optional[str]) -> Optional[Union[TimeZone, str]]:
    try:
        return None if name is None else TimeZone(name)
    except ValueError:
        return name


def _start(start_time: Optional[Union[datetime, str]]) -> Optional[str]:
    if not isinstance(start_time, datetime):
        return start_time
    if start_time.tzinfo is not None:
        raise ValueError("start_time must not have a tzinfo; give time_zone instead")
    return start_time.strftime(START_FORMAT)


def _time_of_day(text: str) -> Sequence[List[int]]:
    hour, colon, minute = text.partition(":")
    if not colon or not hour.strip().isdigit() or not minute.strip().isdigit():
        raise ValueError(f"time_of_day is {text!r}; write it as hh:mm")
    return [int(hour)], [int(minute)]


def _numbers(name: str, given: Optional[List[int]], highest: int) -> None:
    for number in given or ():
        if not _is_number(number) or not 0 <= number <= highest:
            raise ValueError(f"{name} has {number!r}; it takes 0 to {highest}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
