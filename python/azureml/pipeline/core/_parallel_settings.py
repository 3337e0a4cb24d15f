"""The settings of a `ParallelRunConfig`: what each may be, and what the server is sent.

Each check takes what a program passed and gives the value to keep, or says what it must be. A
setting that is a pipeline parameter is checked by its default.
"""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Dict, List, Optional

from azureml.pipeline.core._parameter import PipelineParameter

OUTPUT_ACTIONS = ("append_row", "summary_only")
# Of these a submission may choose the value.
PARAMETERS = (
    "mini_batch_size",
    "partition_keys",
    "node_count",
    "process_count_per_node",
    "logging_level",
    "run_invocation_timeout",
    "run_max_try",
)
_SIZE = r"^\d+([kKmMgG][bB])*$"
_UNITS = {"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}
_NOT_IN_FILE_NAMES = '~"#%&*:<>?/\\{|}'


def of_parameter(check: Callable[[str, Any], Any], name: str, value: Any) -> Any:
    """What `check` makes of a value; of a parameter its default is checked, and it stays one."""
    if isinstance(value, PipelineParameter):
        check(name, value.default_value)
        return value
    return check(name, value)


def size(name: str, value: Any) -> Optional[int]:
    """A number of files or bytes: `5`, `'5'`, `'10KB'`; the units are powers of 1024."""
    if value is None:
        return None
    text = str(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not re.match(_SIZE, text):
        raise ValueError(
            f"{name} is {value!r}; it is a whole number of files or bytes, or one with KB, "
            "MB or GB, "
            "such as '10KB'"
        )
    unit = _UNITS.get(text[-2:].lower())
    # What has two units does not read as a number; v1 refuses it in the same way.
    number = int(text[:-2]) * unit if unit else int(text)
    if number < 1:
        raise ValueError(f"{name} is {value!r}; a mini-batch has at least one item")
    return number


def threshold(name: str, value: Any) -> int:
    """How many may fail; -1 for any number."""
    if isinstance(value, bool) or not isinstance(value, int) or value < -1:
        raise ValueError(
            f"{name} is {value!r}; it is a whole number from 0 on, or -1 for any number"
        )
    return value


def optional_threshold(name: str, value: Any) -> Optional[int]:
    """The same, or nothing."""
    return None if value is None else threshold(name, value)


def percent(name: str, value: Any) -> Optional[float]:
    """A share of a hundred."""
    if value is None:
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= 100:
        raise ValueError(f"{name} is {value!r}; it is a number from 0 to 100")
    number: float = value
    return number


def at_least_one(name: str, value: Any) -> int:
    """A whole number from 1 on; a parameter may hold it as text."""
    number = int(value) if isinstance(value, str) and value.isdigit() else value
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ValueError(f"{name} is {value!r}; it is a whole number greater than 0")
    return number


def at_least_one_if_given(name: str, value: Any) -> Optional[int]:
    """The same, or nothing."""
    return None if value is None else at_least_one(name, value)


def output_action(name: str, value: Any) -> str:
    """What becomes of the rows; kept as it was written."""
    if not isinstance(value, str) or value.lower() not in OUTPUT_ACTIONS:
        raise ValueError(
            "{} is {!r}; it is one of {}".format(name, value, ", ".join(OUTPUT_ACTIONS))
        )
    return value


def file_name(name: str, value: Any) -> Optional[str]:
    """The name of a file in the output's folder."""
    if value is None:
        return None
    if not isinstance(value, str) or not value or any(each in value for each in _NOT_IN_FILE_NAMES):
        raise ValueError(
            "{} is {!r}; it is the name of a file, without any of {}".format(
                name, value, " ".join(_NOT_IN_FILE_NAMES)
            )
        )
    return value


def keys(name: str, value: Any) -> Optional[List[str]]:
    """The names of columns."""
    if value is None:
        return None
    is_list = isinstance(value, list) and all(isinstance(each, str) for each in value)
    if not is_list or not value:
        raise ValueError(
            f"{name} is {value!r}; it is a list of the names of columns, such as ['store', 'brand']"
        )
    return list(value)


def keys_in_text(name: str, value: Any) -> Optional[List[str]]:
    """The names of columns as a parameter holds them: a list in JSON."""
    try:
        listed = json.loads(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"the default of the parameter for {name} is {value!r}; it is a list in JSON, such as "
            '\'["store", "brand"]\''
        ) from None
    return keys(name, listed)


def wire(value: Any) -> Dict[str, str]:
    """A setting as the server takes it."""
    if isinstance(value, PipelineParameter):
        return {"parameter": value.name}
    return {"literal": json.dumps(value) if isinstance(value, list) else str(value)}
