"""Objects that a program wrote into a text, such as `"--out={}".format(output)`.

The text holds no object any more, only what its `str` gave. When a step finds such a text among its
arguments, the object is looked up here, so that its place can be filled in when the step starts.

Invariant: for one text, the object that was written last.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

_objects: Dict[str, Any] = {}

# What the `str` of each kind of object begins with.
MARKS = (
    "$AZUREML_DATAREFERENCE_",
    "DatasetConsumptionConfig:",
    "DatasetOutputConfig:",
    "PipelineParameter_Name:",
)
_MARK = re.compile("|".join(re.escape(mark) + r"(?=\w)" for mark in MARKS))


def written(text: str, value: Any) -> str:
    """`text`, which stands for `value` from now on."""
    _objects[text] = value
    return text


def marks(text: str) -> List[int]:
    """Where in a text objects may have been written."""
    return [match.start() for match in _MARK.finditer(text)]


def objects_in(text: str) -> List[Any]:
    """The objects that were written into a text."""
    found: List[Any] = []
    for start in marks(text):
        known = [each for each in _objects if text.startswith(each, start)]
        if known:
            found.append(_objects[max(known, key=len)])
    return found


def split(text: str) -> Optional[List[Any]]:
    """The parts of a text, with the objects written into it; `None` if one is not known."""
    parts: List[Any] = []
    end = 0
    for start in marks(text):
        if start < end:
            continue
        known = [each for each in _objects if text.startswith(each, start)]
        if not known:
            return None
        found = max(known, key=len)
        if start > end:
            parts.append(text[end:start])
        parts.append(_objects[found])
        end = start + len(found)
    if end < len(text) or not parts:
        parts.append(text[end:])
    return parts
