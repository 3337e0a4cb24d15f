"""Names that were made up, in a form that is the same for every submission of a program.

An input or output that was given no name has a random one. It means nothing to the script, but
its step would never be reused: its name is part of what makes two steps equal.
"""

from __future__ import annotations

import re
from typing import Any, Dict

from azureml.data._names import RANDOM_PARTS

_RANDOM = re.compile("[0-9a-f]{32}|[0-9a-f]{8}")


class StableNames(object):
    """The names of one submission: the n-th random part that occurs becomes the number n."""

    def __init__(self) -> None:
        """Nothing has occurred."""
        self._numbers: Dict[str, str] = {}

    def of(self, text: str) -> str:
        """A text with every random part replaced."""
        return _RANDOM.sub(self._replace, text)

    def within(self, value: Any) -> Any:
        """The same for all texts of a value that is sent, and for the keys of its objects."""
        if not RANDOM_PARTS:
            return value
        if isinstance(value, str):
            return self.of(value)
        if isinstance(value, dict):
            return {self.within(name): self.within(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.within(each) for each in value]
        return value

    def _replace(self, match: Any) -> str:
        part: str = match.group()
        if part not in RANDOM_PARTS:
            return part
        return self._numbers.setdefault(part, f"{len(self._numbers) + 1:08x}")
