"""Names of inputs and outputs that are datasets."""

from __future__ import annotations

import os
import re
from typing import Any, Set

from azureml.exceptions import UserErrorException

# The random parts of names that were made up in this process.
RANDOM_PARTS: Set[str] = set()

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def checked(kind: str, name: Any) -> str:
    """`name`, if an input or an output can have it.

    Raises:
        UserErrorException: It cannot.
    """
    if not isinstance(name, str) or not _NAME.match(name):
        raise UserErrorException(
            f"{name!r} cannot name an {kind}: a name holds letters, digits and underscores "
            "and does not "
            "begin with a digit"
        )
    return name


def made_up(prefix: str) -> str:
    """A name nobody else has."""
    return f"{prefix}_{random_part(4)}"


def random_part(size: int) -> str:
    """So many random bytes as text, remembered as a part of names that mean nothing."""
    part = os.urandom(size).hex()
    RANDOM_PARTS.add(part)
    return part
