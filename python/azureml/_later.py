"""Classes whose names are there before they work.

A program imports a name at its top and may never use it, so every public name imports. Making an
object of such a class, or asking the class for a method, ends in one sentence that says that it
is not there yet and what to do meanwhile.
"""

from __future__ import annotations

from typing import Any

from azureml._not_yet import not_yet


class LaterType(type):
    """Metaclass of classes that do not work yet: every public attribute refuses."""

    sentence: str

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_") or name == "sentence":
            raise AttributeError(name)
        not_yet(cls.sentence)


class Later(metaclass=LaterType):
    """Base of classes that do not work yet; `sentence` is what using one says."""

    sentence = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Refuse, whatever the arguments."""
        not_yet(type(self).sentence)
