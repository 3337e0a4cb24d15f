"""Exports that are loaded when they are first used.

`from azureml.core import Workspace` then loads what a workspace needs and nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Callable, Dict, Iterable

Getattr = Callable[[str], Any]
"""A module's `__getattr__`."""


VERSION_NAMES = ("__version__", "VERSION")
"""What every package of v1 said its version by; the packages had one version."""


def version() -> str:
    """The version of v1 whose names these are."""
    return str(import_module("azureml.core").VERSION)


def exports(
    namespace: Dict[str, Any], places: Dict[str, str], modules: Iterable[str] = ()
) -> Getattr:
    """A module's `__getattr__`.

    Args:
        namespace: The module's `globals()`.
        places: The module that each exported name lives in.
        modules: Modules of a package that programs reach as its attributes.
    """
    known = frozenset(modules)

    def load(name: str) -> Any:
        if name in VERSION_NAMES:
            return version()
        if name in known:
            return import_module("{}.{}".format(namespace["__name__"], name))
        if name not in places:
            raise AttributeError(
                "module {!r} has no attribute {!r}".format(namespace["__name__"], name)
            )
        value = getattr(import_module(places[name]), name)
        namespace[name] = value
        return value

    return load
