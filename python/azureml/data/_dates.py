"""Which columns of text hold dates, and in which format they are written.

A format is taken when every value has it; it is found by the first rows. Where these do not tell
days from months, since no number is above twelve, the column stays text.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, List, Optional, Sequence

# As many rows as v1 looks at.
ROWS = 200

_CLEAR = ("%Y-%m-%d", "%Y/%m/%d")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y")
_DAY_FIRST = ("%d/%m/%Y", "%d-%m-%Y")
_TIMES = (
    "",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S.%f",
    "T%H:%M",
    "T%H:%M:%S",
    "T%H:%M:%S.%f",
    "T%H:%M:%SZ",
    "T%H:%M:%S.%fZ",
    " %I:%M %p",
    " %I:%M:%S %p",
)


def told_apart(pd: Any, frame: Any, known: Sequence[str]) -> Any:
    """The frame with its columns of dates as such; those that are `known` stay as they are."""
    for column in [each for each in frame.columns if each not in known]:
        if not pd.api.types.is_string_dtype(frame[column].dtype):
            continue
        values = frame[column].dropna()
        first = values.head(ROWS).tolist()
        written = format_of(first) if all(isinstance(each, str) for each in first) else None
        if written is None:
            continue
        made = pd.to_datetime(frame[column], errors="coerce", format=written)
        if made.count() == len(values):  # else a later value is no date, and would be lost
            frame[column] = made
    return frame


def format_of(values: List[str]) -> Optional[str]:
    """The one format that all values have; `None` if there is none, or more than one."""
    if not values or not values[0][:1].isdigit():
        return None
    for time in _TIMES:
        for date in _CLEAR:
            if _fits(date + time, values):
                return date + time
        for month_first, day_first in zip(_MONTH_FIRST, _DAY_FIRST):
            fits = [each for each in (month_first, day_first) if _fits(each + time, values)]
            if fits:
                return fits[0] + time if len(fits) == 1 else None
    return None


def _fits(form: str, values: List[str]) -> bool:
    try:
        for each in values:
            datetime.strptime(each, form)
    except ValueError:
        return False
    return True
