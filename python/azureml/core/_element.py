"""Elements of a run configuration: plain attributes that are written to YAML and read back.

A class names its public attributes in `FIELDS`, in the order in which they are written, and the
shape of those that hold other elements in `SHAPES`: a class with `_to_dict` and `_from_dict`,
`[Class]` for a list of it, or `{str: Class}` for a dictionary. In a file a name is in camel case;
both spellings are read. An attribute that no field names cannot be set, since a misspelt one
would silently do nothing.
"""

from __future__ import annotations

from typing import Any, ClassVar, Dict, List, Mapping, Tuple, Type, TypeVar

T = TypeVar("T", bound="Element")
_ABSENT = object()


class Element:
    """Base of everything a run configuration is made of."""

    FIELDS: ClassVar[Tuple[str, ...]] = ()
    SHAPES: ClassVar[Dict[str, Any]] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a field; refuse what is none."""
        known = name in self.FIELDS or name.startswith("_") or hasattr(type(self), name)
        if not known:
            raise AttributeError(
                "{} has no attribute `{}`; it has {}".format(
                    type(self).__name__, name, ", ".join(self.FIELDS)
                )
            )
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        """The fields that are set."""
        values = ((name, getattr(self, name)) for name in self.FIELDS)
        said = (f"{name}={value!r}" for name, value in values if value is not None)
        return "{}({})".format(type(self).__name__, ", ".join(said))

    def _to_dict(self) -> Dict[str, Any]:
        """The fields as YAML and JSON hold them."""
        return {camel(name): _plain(getattr(self, name)) for name in self.FIELDS}

    def _update(self, values: Mapping[str, Any]) -> None:
        """Set the fields that `values` names; an element that is null there stays as it is."""
        for name in self.FIELDS:
            shape = self.SHAPES.get(name)
            value = values.get(camel(name), values.get(name, _ABSENT))
            if value is _ABSENT or (value is None and shape is not None):
                continue
            setattr(self, name, _shaped(shape, value))

    @classmethod
    def _blank(cls: Type[T]) -> T:
        """An element with every field at its default."""
        return cls()

    @classmethod
    def _from_dict(cls: Type[T], values: Mapping[str, Any]) -> T:
        """An element with the fields that `values` names."""
        element = cls._blank()
        element._update(values)
        return element


def camel(name: str) -> str:
    """A field's name as files spell it: `use_docker` is `useDocker`."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _plain(value: Any) -> Any:
    if hasattr(value, "_to_dict"):
        return value._to_dict()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _shaped(shape: Any, value: Any) -> Any:
    if shape is None:
        return value
    if isinstance(shape, list):
        return _each(shape[0], value)
    if isinstance(shape, dict):
        (kind,) = shape.values()
        return {key: _shaped(kind, each) for key, each in value.items()}
    return shape._from_dict(value)


def _each(kind: Type[Element], values: Any) -> List[Element]:
    return [kind._from_dict(value) for value in values]
