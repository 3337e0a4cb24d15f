"""Plain records that turn into dictionaries and back, as the status of a target does.

A class names its attributes in `NAMES`, each with the key it has in a dictionary.
"""

from __future__ import annotations

from typing import Any, ClassVar, Dict, Mapping, Optional, Type, TypeVar

T = TypeVar("T", bound="WireRecord")


class WireRecord:
    """Attributes that have other names in dictionaries."""

    NAMES: ClassVar[Dict[str, str]] = {}

    def serialize(self) -> Dict[str, Any]:
        """The attributes as a dictionary."""
        return {key: _plain(getattr(self, name)) for name, key in self.NAMES.items()}

    def __repr__(self) -> str:
        """The attributes."""
        return f"{type(self).__name__}({self.serialize()!r})"


def made(kind: Type[T], values: Optional[Mapping[str, Any]]) -> Optional[T]:
    """The record that a dictionary describes; `None` for none."""
    if not values:
        return None
    return kind(**{name: values.get(key) for name, key in kind.NAMES.items()})


def _plain(value: Any) -> Any:
    return value.serialize() if isinstance(value, WireRecord) else value
