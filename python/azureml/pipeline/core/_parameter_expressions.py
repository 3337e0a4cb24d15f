"""Expressions as values of a schedule's parameters, such as `@utcNow()`. Pure.

Azure ML put in their place what they mean when the schedule fires; a text that is no such
expression stayed as it was. Here they are not resolved yet.
"""

from __future__ import annotations

import re
from typing import Any, List, Mapping, Optional

_FUNCTIONS = (
    "addDays addHours addMinutes addSeconds addToTime convertFromUtc convertTimeZone convertToUtc "
    "createdBy dayOfMonth dayOfWeek dayOfYear formatDateTime runId startOfDay startOfHour "
    "startOfMonth subtractFromTime trigger utcNow"
)
_EXPRESSION = re.compile(r"@({})\(".format(_FUNCTIONS.replace(" ", "|")))


def unresolved(parameters: Optional[Mapping[str, Any]]) -> List[str]:
    """The names of the parameters whose values are expressions.

    Example:
        >>> unresolved({"day": "@utcNow('yyyy-MM-dd')", "rate": 7, "mail": "@anna"})
        ['day']
    """
    values = (parameters or {}).items()
    return [name for name, value in values if isinstance(value, str) and _EXPRESSION.match(value)]


def warning(parameters: Optional[Mapping[str, Any]]) -> str:
    """What to say of them; empty where there are none."""
    names = ", ".join(f"`{each}`" for each in unresolved(parameters))
    return names and (
        "warning: expressions are not resolved yet; the steps of the schedule's runs get the text "
        f"itself for {names}\n"
    )
