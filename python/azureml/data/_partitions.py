"""What the path of a file says about it: `partition_format`.

`{column}` stands for text without a slash, `{column:yyyy/MM/dd}` for a time, `*` for anything
within a folder. The format describes the end of the path.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Optional, Tuple

from azureml.data.dataset_error_handling import DatasetValidationError

# The parts of a time in a format: what they look like, and what Python calls them.
_TIME = (
    ("yyyy", r"\d{4}", "%Y"),
    ("MM", r"\d{2}", "%m"),
    ("dd", r"\d{2}", "%d"),
    ("HH", r"\d{2}", "%H"),
    ("mm", r"\d{2}", "%M"),
    ("ss", r"\d{2}", "%S"),
)
_PART = re.compile(r"\{([^{}:]+)(?::([^{}]+))?\}|\*+|[^{}*]+|[{}]")


def parser(partition_format: Optional[str]) -> Callable[[str], Dict[str, Any]]:
    """A function from the path of a file to its columns.

    Raises:
        DatasetValidationError: By the function: a path is not of the format.
    """
    if not partition_format:
        return lambda path: {}
    expression, times = _expression(partition_format)

    def parse(path: str) -> Dict[str, Any]:
        match = expression.search("/" + path)
        if match is None:
            raise DatasetValidationError(
                f"the path {path} does not end as partition_format {partition_format!r} says"
            )
        return {
            column: _value(match.group(f"c{number}"), time)
            for number, (column, time) in enumerate(times)
        }

    return parse


def keys(partition_format: Optional[str]) -> List[str]:
    """The columns that a format names."""
    return [column for column, _ in _expression(partition_format)[1]] if partition_format else []


def _expression(partition_format: str) -> Tuple[Any, List[Tuple[str, Optional[str]]]]:
    """The expression, and each column with the format of its time."""
    made = ""
    columns: List[Tuple[str, Optional[str]]] = []
    for part in _PART.finditer(partition_format):
        column, time = part.groups()
        if column is not None:
            looks, code = _time(time) if time else ("[^/]+", None)
            made += f"(?P<c{len(columns)}>{looks})"
            columns.append((column, code))
        elif part.group().startswith("*"):
            made += ".*" if part.group() == "**" else "[^/]*"
        else:
            made += re.escape(part.group())
    if not columns:
        raise DatasetValidationError(
            f"partition_format {partition_format!r} names no column, such as {{country}}"
        )
    return re.compile(made + r"\Z"), columns


def _time(text: str) -> Tuple[str, str]:
    looks, code = re.escape(text), text
    for word, digits, python in _TIME:
        looks = looks.replace(word, digits)
        code = code.replace(word, python)
    return looks, code


def _value(text: str, time: Optional[str]) -> Any:
    if time is None:
        return text
    from datetime import datetime

    return datetime.strptime(text, time)
