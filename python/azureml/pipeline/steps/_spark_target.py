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
            f"the compute target of step `{step}` is a {type(target).__name__}; pass a "
            "name or a compute target"
        )
    return name
