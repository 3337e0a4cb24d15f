"""Names of ports and parameters, and the texts that stand for them."""

from __future__ import annotations

import re
from typing import Any

_WORD = re.compile(r"\w+\Z")
_NO_WORD = re.compile(r"\W")


def is_port_name(name: Any) -> bool:
    """Whether `name` holds letters, digits and underscores only."""
    return isinstance(name, str) and _WORD.match(name) is not None


def variable_name(parameter: str) -> str:
    """The environment variable in which a script finds a parameter."""
    return "AML_PARAMETER_" + _NO_WORD.sub("_", parameter)


def reference_token(port: str) -> str:
    """The text that stands for a port in an argument list."""
    return "$AZUREML_DATAREFERENCE_" + port
