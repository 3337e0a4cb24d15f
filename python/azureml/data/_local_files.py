"""A program's files that are about to go to a datastore, and their paths there.

Nothing goes outside the datastore.
"""

from __future__ import annotations

import os
import posixpath
import re
from typing import Any, Iterator, List, NamedTuple, Optional

from azureml.exceptions import UserErrorException
from stepwell._walk import files_below, writable
from stepwell._windows_paths import here

_LEADING = re.compile(r"^(\.*[/\\])*")


class Copy(NamedTuple):
    """A file and where it goes."""

    source: str
    target: str


def text(path: Any) -> Any:
    """A path as text: programs pass those of `pathlib` too. Anything else is left as it is."""
    return os.fspath(path) if isinstance(path, os.PathLike) else path


def relative(path: Optional[str]) -> str:
    """A path on a datastore, without what would make it absolute.

    Raises:
        UserErrorException: It leaves the datastore.
    """
    plain = _LEADING.sub("", (text(path) or "").replace("\\", "/"))
    normal = posixpath.normpath(plain) if plain else ""
    if normal == ".." or normal.startswith("../"):
        raise UserErrorException(f"{path!r} leaves the datastore")
    return "" if normal == "." else normal


def of_folder(folder: str, target: str) -> List[Copy]:
    """Each file below a folder and where it goes below `target`.

    Raises:
        UserErrorException: There is no such folder.
    """
    folder = here(folder)
    if not os.path.isdir(folder):
        raise UserErrorException(f"there is no folder {folder} to upload")
    return [_copy(path, folder, target) for path in files(folder)]


def of_files(paths: List[str], root: Optional[str], target: str) -> List[Copy]:
    """Each file and where it goes below `target`; paths are kept from `root` on.

    Raises:
        UserErrorException: A file is missing, or is not below `root`.
    """
    whole = [os.path.abspath(here(path)) for path in paths]
    for path in whole:
        if not os.path.isfile(path):
            raise UserErrorException(f"there is no file {path} to upload")
    folders = [os.path.dirname(path) for path in whole]
    base = os.path.abspath(here(root)) if root else os.path.commonpath(folders)
    for path in whole:
        if os.path.commonpath([path, base]) != base:
            raise UserErrorException(f"{path} is not below relative_root {base}")
    return [_copy(path, base, target) for path in whole]


def files(folder: str) -> Iterator[str]:
    """All files below a folder, in order."""
    return files_below(folder)


def _copy(path: str, base: str, target: str) -> Copy:
    """A name that is not UTF-8, which no datastore takes, is written so that it is."""
    return Copy(path, os.path.join(target, writable(os.path.relpath(path, base))))
