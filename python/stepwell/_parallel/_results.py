"""From what `run` returns to lines of text and a number of results."""

from __future__ import annotations

from typing import Any, Tuple

_NO_LISTS = (str, bytes, bytearray, dict)


def rows(result: Any, wanted: bool) -> Tuple[int, bytes]:
    """How many results there are, and their lines if they are wanted.

    The rows of a data frame are separated by spaces and have no header; an element of a list is
    its text.

    Raises:
        TypeError: It is neither a list, or what can be gone through like one, nor a data frame.
    """
    if hasattr(result, "to_csv") and hasattr(result, "columns"):
        count = len(result)
        if not wanted or not count:
            return count, b""
        text: str = result.to_csv(sep=" ", header=False, index=False)
        return count, text.encode()
    if isinstance(result, _NO_LISTS) or not hasattr(result, "__iter__"):
        raise TypeError(
            "run returned {}; it must return a list with a result for each item that succeeded, "
            "or a pandas DataFrame".format("None" if result is None else type(result).__name__)
        )
    elements = list(result)
    if not wanted or not elements:
        return len(elements), b""
    return len(elements), "".join([f"{each}\n" for each in elements]).encode()
