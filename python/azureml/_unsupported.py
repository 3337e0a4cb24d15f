"""Names that a program may import before, or without that, they work.

A program imports a name at its top and may never use it, so every public name imports. Making an
object of such a class, asking the class for a method, or calling such a function ends in one
sentence that says what is not there and what to do.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping

from azureml._lazy import VERSION_NAMES, version
from azureml._lazy import Getattr as Getattr
from azureml._not_yet import not_yet


class UnsupportedType(type):
    """Metaclass of classes that do not work yet: every public attribute refuses."""

    sentence: str

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_") or name == "sentence":
            raise AttributeError(name)
        not_yet(cls.sentence)


class Unsupported(metaclass=UnsupportedType):
    """Base of classes that do not work yet; `sentence` is what using one says."""

    sentence = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Refuse, whatever the arguments."""
        not_yet(type(self).sentence)


def unsupported_names(namespace: Dict[str, Any], sentences: Mapping[str, str]) -> Getattr:
    """A module's `__getattr__` for names that do not work.

    A name that begins with a small letter is a function, any other a class.

    Args:
        namespace: The module's `globals()`.
        sentences: What using each name says.
    """

    def load(name: str) -> Any:
        if name in VERSION_NAMES:
            return version()
        if name not in sentences:
            raise AttributeError(
                "module {!r} has no attribute {!r}".format(namespace["__name__"], name)
            )
        make = _function if name[0].islower() else _class
        value = namespace[name] = make(namespace["__name__"], name, sentences[name])
        return value

    return load


def _class(module: str, name: str, sentence: str) -> Any:
    body = {"sentence": sentence, "__module__": module, "__doc__": sentence + "."}
    return UnsupportedType(name, (Unsupported,), body)


def _function(module: str, name: str, sentence: str) -> Any:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        not_yet(sentence)

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__module__, refuse.__doc__ = module, sentence + "."
    # `stepwell doctor` recognises the function by it, as it does a class by its base.
    refuse.sentence = sentence  # type: ignore[attr-defined]
    return refuse
