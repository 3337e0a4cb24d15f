"""The names with which libraries make themselves known in requests."""

from __future__ import annotations

from typing import Dict, Optional

_added: Dict[str, Optional[str]] = {}


def append(key: str, value: Optional[str] = None) -> None:
    """Add the name of a library, and its version if there is one."""
    _added[str(key)] = value


def get_user_agent() -> str:
    """The SDK and all that was added, as a `User-Agent` header has it."""
    from azureml.core import VERSION

    named = {"azureml-sdk-core": VERSION, **_added}
    return " ".join("{}/{}".format(*each) if each[1] else each[0] for each in named.items())
