"""Stepwell: an engine for machine-learning pipelines that runs where you are.

`connect()` finds or starts the server of a folder and gives a `Client` for it. Programs written
for the Azure ML SDK v1 need neither: their names (`azureml.core`, `azureml.pipeline`, …) come
with this package and use it underneath.

Importing this package loads nothing else; each name is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List

if TYPE_CHECKING:
    from stepwell._connect import connect as connect
    from stepwell.client import Client as Client

__all__ = ["Client", "connect", "errors"]

_CHECKOUT = "0.1.0"
_PLACES = {"Client": "stepwell.client", "connect": "stepwell._connect"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "errors":
        return import_module("stepwell.errors")
    if name == "__version__":
        return _version()
    if name in _PLACES:
        value = getattr(import_module(_PLACES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'stepwell' has no attribute {name!r}")


def __dir__() -> List[str]:
    return sorted(__all__ + ["__version__"])


def _version() -> str:
    """The installed version, or that of a checkout which is not installed.

    It is in the name of the folder that an installation leaves beside this package; to look for it
    with `importlib.metadata` takes longer than all else that a submission imports.
    """
    import os

    beside = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    begin, end = "stepwell-", ".dist-info"
    names = [each for each in os.listdir(beside) if each.startswith(begin) and each.endswith(end)]
    if len(names) == 1:
        return names[0][len(begin) : -len(end)]
    if os.path.exists(os.path.join(os.path.dirname(beside), "pyproject.toml")):
        return _CHECKOUT
    try:
        from importlib import metadata

        return metadata.version("stepwell")
    except ImportError:  # not installed, or a Python before 3.8, which some steps have
        return _CHECKOUT
