"""Read-only properties in one line each."""

from __future__ import annotations

from typing import Any


def field(attribute: str, meaning: str) -> Any:
    """A property that reads `attribute` and cannot be set."""

    def read(self: Any) -> Any:
        return getattr(self, attribute)

    return property(read, doc=meaning)


def open_field(attribute: str, meaning: str) -> Any:
    """A property that reads and sets `attribute`."""

    def read(self: Any) -> Any:
        return getattr(self, attribute)

    def write(self: Any, value: Any) -> None:
        setattr(self, attribute, value)

    return property(read, write, doc=meaning)
