"""The one notice about compute targets that nobody created."""

from __future__ import annotations

from typing import Set

_named: Set[str] = set()


def print_notice(name: str) -> None:
    """Print, once in a process for each name, that it means this machine."""
    if name not in _named:
        _named.add(name)
        print(f"Compute target {name} is not defined; its steps run on this machine.")


def is_named(name: str) -> bool:
    """Whether the notice about `name` has been printed."""
    return name in _named
