"""Commands that are run instead of a script.

v1 joins the parts of a command by blanks and has a shell run the text, so a command may be
`export MODE=full && python train.py > outputs/log.txt`.
"""

from __future__ import annotations

import shlex
from typing import Any, List

SHELL = "bash"


def command_parts(command: Any) -> List[Any]:
    """The parts of a command, which are joined by blanks: texts, data objects, parameters.

    Raises:
        ValueError: There is no command in it, or it is neither a text nor a list.
    """
    if not isinstance(command, (str, list, tuple)) or not command:
        raise ValueError(
            f"{command!r} is not a command; write one such as 'python train.py', as a text "
            "or as a list of "
            "its parts"
        )
    parts = [command] if isinstance(command, str) else list(command)
    if not any(not isinstance(part, str) or part.strip() for part in parts):
        raise ValueError("the command is empty; write one such as 'python train.py'")
    return parts


def first_words(parts: List[Any]) -> List[str]:
    """The words of the first part of a command, at least one, for people to read."""
    first = parts[0] if isinstance(parts[0], str) else ""
    try:
        words = shlex.split(first)
    except ValueError:  # quotes that another part closes
        words = first.split()
    return words or [SHELL]
