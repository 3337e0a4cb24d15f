"""Reads the bodies of answers that are too long, or too slow, to be read at once.

A body that ends before its time is `Lost`, never a shorter body.
"""

from __future__ import annotations

from typing import Any, Iterator, List, Optional, Tuple

from stepwell._transport import Lost, breaks

PIECE_BYTES = 1 << 20


def pieces(response: Any) -> Iterator[bytes]:
    """The body, a piece at a time, to its known end."""
    while True:
        try:
            piece = response.read(PIECE_BYTES)
        except breaks() as broken:
            raise Lost(str(broken)) from broken
        if not piece:
            break
        yield piece
    # With a known length, `http.client` takes an early end for the end.
    if response.length:
        raise Lost(f"the connection ended {response.length} bytes early")


def server_sent(response: Any) -> Iterator[Tuple[Optional[int], str]]:
    """Read server-sent events: blocks of `field: value` lines that end with an empty line."""
    number: Optional[int] = None
    data: List[str] = []
    while True:
        try:
            line = response.readline().decode()
        except breaks() as broken:
            raise Lost(str(broken)) from broken
        field, _, value = line.rstrip("\r\n").partition(":")
        if field == "id":
            number = int(value)
        elif field == "data":
            data.append(value[1:] if value.startswith(" ") else value)
        elif not field and data:
            yield number, "\n".join(data)
            number, data = None, []
        if not line:
            return
