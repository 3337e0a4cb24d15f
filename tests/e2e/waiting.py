"""Waiting for what must come, instead of sleeping: every wait ends with what was seen last."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

T = TypeVar("T")

PAUSE_S = 0.005


def until(
    look: Callable[[], T],
    holds: Callable[[T], object],
    what: str,
    timeout_s: float = 20.0,
) -> T:
    """Looks again and again until what is seen `holds`, and gives it back."""
    deadline = time.monotonic() + timeout_s
    while True:
        seen = look()
        if holds(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s} s until {what}; last seen: {seen!r}")
        time.sleep(PAUSE_S)
