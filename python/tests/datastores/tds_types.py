"""Values of SQL Server as its protocol has them: for the server in `tds`."""

from __future__ import annotations

import datetime
import re
import struct
import uuid
from decimal import Decimal
from typing import Any, Callable, NamedTuple, Optional, Tuple

COLLATION = bytes([0x09, 0x04, 0xD0, 0x00, 0x34])
NO_LENGTH = (1 << 64) - 1


class Type(NamedTuple):
    """How values of a type are written."""

    info: bytes
    write: Callable[[Any], bytes]


def _short(write: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """With a length of one byte before it, which is 0 for NULL."""

    def framed(value: Any) -> bytes:
        if value is None:
            return b"\0"
        content = write(value)
        return bytes([len(content)]) + content

    return framed


def _long(write: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """In pieces, of which the last is empty."""

    def framed(value: Any) -> bytes:
        if value is None:
            return struct.pack("<Q", NO_LENGTH)
        content = write(value)
        piece = struct.pack("<I", len(content)) + content if content else b""
        return struct.pack("<Q", len(content)) + piece + bytes(4)

    return framed


def _whole(size: int) -> Callable[[Any], bytes]:
    return _short(lambda value: int(value).to_bytes(size, "little", signed=size > 1))


def _decimal(digits: int, scale: int) -> Type:
    size = next(size for most, size in ((9, 4), (19, 8), (28, 12), (38, 16)) if digits <= most)

    def write(value: Any) -> bytes:
        number = int(Decimal(str(value)).scaleb(scale))
        return bytes([int(number >= 0)]) + abs(number).to_bytes(size, "little")

    return Type(bytes([0x6C, size + 1, digits, scale]), _short(write))


def _days(text: str) -> bytes:
    return (datetime.date.fromisoformat(text).toordinal() - 1).to_bytes(3, "little")


def _clock(text: str, scale: int) -> bytes:
    hours, minutes, seconds = text.split(":")
    whole, _, fraction = seconds.partition(".")
    count = (int(hours) * 60 + int(minutes)) * 60 + int(whole)
    digits = fraction.ljust(7, "0")[:scale]
    size = 3 if scale < 3 else 4 if scale < 5 else 5
    return (count * 10**scale + int(digits or 0)).to_bytes(size, "little")


def _both(text: str, scale: int) -> bytes:
    day, _, clock = text.partition(" ")
    return _clock(clock, scale) + _days(day)


def _datetime(text: str) -> bytes:
    day, _, clock = text.partition(" ")
    days = datetime.date.fromisoformat(day) - datetime.date(1900, 1, 1)
    count = int.from_bytes(_clock(clock, 6), "little")
    return struct.pack("<iI", days.days, (count * 3 + 5000) // 10000)


def of(declared: str) -> Type:
    """The type of a column that is declared so."""
    base, numbers = parse(declared)
    scale = min(numbers[0], 7) if numbers else 7
    plain = {
        "bit": Type(b"\x68\x01", _whole(1)),
        "tinyint": Type(b"\x26\x01", _whole(1)),
        "smallint": Type(b"\x26\x02", _whole(2)),
        "int": Type(b"\x26\x04", _whole(4)),
        "bigint": Type(b"\x26\x08", _whole(8)),
        "real": Type(b"\x6d\x04", _short(lambda value: struct.pack("<f", float(value)))),
        "float": Type(b"\x6d\x08", _short(lambda value: struct.pack("<d", float(value)))),
        "uniqueidentifier": Type(b"\x24\x10", _short(lambda value: uuid.UUID(value).bytes_le)),
        "varbinary": Type(b"\xa5\xff\xff", _long(bytes)),
        "date": Type(b"\x28", _short(_days)),
        "datetime": Type(b"\x6f\x08", _short(_datetime)),
        "time": Type(bytes([0x29, scale]), _short(lambda text: _clock(text, scale))),
        "datetime2": Type(bytes([0x2A, scale]), _short(lambda text: _both(text, scale))),
        # Values are kept as the time of UTC.
        "datetimeoffset": Type(
            bytes([0x2B, scale]), _short(lambda text: _both(text[:-6], scale) + b"\0\0")
        ),
    }
    if base in ("decimal", "numeric"):
        return _decimal(numbers[0], numbers[1] if len(numbers) > 1 else 0)
    if base in plain:
        return plain[base]
    return Type(b"\xe7\xff\xff" + COLLATION, _long(lambda value: str(value).encode("utf-16-le")))


def parse(declared: str) -> Tuple[str, Tuple[int, ...]]:
    """The name and the numbers of a type."""
    match = re.match(r"\s*(?:TEXT_)?(\w+)\s*(?:\(([^)]*)\))?", declared)
    assert match is not None, declared
    inner = match.group(2) or ""
    numbers = tuple(int(each) for each in inner.split(",") if each.strip().isdigit())
    return match.group(1).lower(), numbers


def read(message: bytes, at: int) -> Tuple[Optional[str], int]:
    """A text as a parameter has it, and where it ends."""
    kind, size = struct.unpack_from("<BH", message, at)
    assert kind == 0xE7, kind
    at += 3 + len(COLLATION)
    if size != 0xFFFF:
        (length,) = struct.unpack_from("<H", message, at)
        if length == 0xFFFF:
            return None, at + 2
        return message[at + 2 : at + 2 + length].decode("utf-16-le"), at + 2 + length
    (total,) = struct.unpack_from("<Q", message, at)
    at += 8
    if total == NO_LENGTH:
        return None, at
    parts = b""
    while True:
        (length,) = struct.unpack_from("<I", message, at)
        at += 4
        if length == 0:
            return parts.decode("utf-16-le"), at
        parts += message[at : at + length]
        at += length
