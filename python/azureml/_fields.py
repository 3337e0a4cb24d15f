"""Properties in one line each, with the type of their value.

name: Field[str] = field("_name", "Its name.")
"""

from __future__ import annotations

from typing import Any, Generic, Optional, TypeVar, overload

T = TypeVar("T")


class Field(Generic[T]):
    """What a type checker sees of a property that cannot be set."""

    @overload
    def __get__(self, instance: None, owner: type) -> Field[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: Optional[object], owner: type) -> Any:
        """The value, of an instance."""


class OpenField(Field[T]):
    """What a type checker sees of a property that can be set."""

    def __set__(self, instance: object, value: T) -> None:
        """Set the value."""


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
