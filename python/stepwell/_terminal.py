"""Printing what may hold characters that the terminal cannot show."""

from __future__ import annotations

import sys


def show(text: str, end: str = "\n") -> None:
    """Print a text at once; a character that cannot be shown is written as its escape."""
    try:
        print(text, end=end, flush=True)
    except UnicodeEncodeError:
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        print(text.encode(encoding, "backslashreplace").decode(encoding), end=end, flush=True)
