"""What a misspelled name was probably meant to be."""

from __future__ import annotations

import difflib
from typing import Any, Iterable

NAMED_MAX = 20


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """A question that names the closest of `known`, to follow a sentence; empty if none is close.

    >>> did_you_mean("poeple", ["people", "places"])
    '; did you mean `people`?'
    >>> did_you_mean("x", ["people"])
    ''
    """
    by_folded = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(str(name).casefold(), list(by_folded), n=1, cutoff=0.6)
    return f"; did you mean `{by_folded[close[0]]}`?" if close else ""


def listed(names: Iterable[str]) -> str:
    """Names for a sentence, the first ones of many."""
    all_names = list(names)
    shown = ", ".join(f"`{each}`" for each in all_names[:NAMED_MAX])
    more = len(all_names) - NAMED_MAX
    return f"{shown} and {more} more" if more > 0 else shown or "none"
