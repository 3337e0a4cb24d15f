"""Makes values of scripts into what JSON can hold, without importing the libraries they are of.

NaN and the infinities become the texts the wire has for them, and are made numbers again when
they are read.
"""

from __future__ import annotations

import math
from typing import Any, Callable, List, Optional

_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def number(value: float) -> Any:
    """A float as the wire has it."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def scalar(value: Any) -> Optional[Any]:
    """A number, text or truth value as JSON can hold it; `None` when `value` is none of these."""
    if isinstance(value, (bool, str)):
        return value if type(value) in (bool, str) else str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return number(float(value))
    item: Optional[Callable[[], Any]] = getattr(value, "item", None)
    if callable(item):  # numpy, pandas, torch and their like, when they hold exactly one value
        try:
            single = item()
        except (TypeError, ValueError, RuntimeError):
            return None
        return None if single is value else scalar(single)
    if hasattr(value, "__float__"):  # Decimal, Fraction
        return number(float(value))
    return None


def tree(value: Any) -> Any:
    """Lists and dictionaries with every leaf made plain; what nothing fits becomes text."""
    if value is None:
        return None
    single = scalar(value)
    if single is not None:
        return single
    if isinstance(value, dict):
        return {str(key): tree(inner) for key, inner in value.items()}
    as_list: Optional[Callable[[], List[Any]]] = getattr(value, "tolist", None)
    if callable(as_list):
        return tree(as_list())
    if hasattr(value, "__iter__"):
        return [tree(inner) for inner in value]
    return str(value)


def restored(value: Any) -> Any:
    """The inverse of the words for numbers that JSON has not."""
    if isinstance(value, str):
        return _WORDS.get(value, value)
    if isinstance(value, list):
        return [restored(inner) for inner in value]
    if isinstance(value, dict):
        return {key: restored(inner) for key, inner in value.items()}
    return value
