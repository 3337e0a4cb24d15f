"""The compute target of a step on Spark."""

from __future__ import annotations

from typing import Any


def target_name(step: str, target: Any) -> str:
    """The name of a compute target.

    Raises:
        ValueError: It is neither a name nor a compute target.
    """
    name = getattr(target, "name", target)
    if not isinstance(name, str) or not name:
        raise ValueError(
            "the compute target of step `{}` is a {}; pass a name or a compute target".format(
                step, type(target).__name__
            )
        )
    return name
