"""Paths as programs written on Windows have them: `scripts\\train.py`.

A path with backslashes is read as one of Windows where nothing has that very name here, and
something has the other; any other path stays as it is.
"""

from __future__ import annotations

import os
from typing import Any


def here(path: Any, folder: str = "") -> Any:
    """The path as this system has it.

    Args:
        path: A path, relative to `folder` unless it is absolute.
        folder: The folder; the working directory when it is empty.
    """
    if not isinstance(path, str) or "\\" not in path or os.sep == "\\":
        return path
    slashed = path.replace("\\", "/")
    if os.path.lexists(os.path.join(folder, path)):
        return path
    return slashed if os.path.exists(os.path.join(folder, slashed)) else path
