"""Diagnostics of the original SDK. Nothing is ever collected or sent here."""

from __future__ import annotations

from typing import Any

from azureml._lazy import Getattr as _Getattr
from azureml._lazy import exports as _exports

__getattr__: _Getattr = _exports(globals(), {})

__all__ = ["set_diagnostics_collection"]


def set_diagnostics_collection(
    send_diagnostics: bool = True, verbosity: Any = None, **kwargs: Any
) -> None:
    """Accept the choice; there are no diagnostics to send, whatever it is."""
