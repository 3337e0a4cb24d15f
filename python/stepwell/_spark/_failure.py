"""The failure of a step that its Spark application and its worker both may record.

The application knows the cell that failed and records it; the worker, which sees only that the
application has ended, records something only when nothing is there.
"""

from __future__ import annotations

import json
import os

from stepwell._worker import FAILURE, Failure


def record(failure: Failure, replace: bool = False) -> None:
    """Record a failure, unless one is recorded: the first is the cause.

    Args:
        failure: What is recorded.
        replace: Whether it is the cause of the one that may be recorded.
    """
    path = os.environ.get(FAILURE)
    if not path or (os.path.exists(path) and not replace):
        return
    fields = ("kind", "summary", "detail", "hint")
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump({name: getattr(failure, name) for name in fields}, file)
    os.replace(path + ".part", path)


def is_recorded() -> bool:
    """Whether a failure is recorded."""
    return os.path.exists(os.environ.get(FAILURE) or "")
