"""Copying between a program's files and a datastore that is a folder of this machine.

Nothing is written outside the folder, and a file is either there whole or not there: it is copied
aside and renamed into its place.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
from typing import Iterator, List, NamedTuple, Optional

from azureml.exceptions import UserErrorException

_LEADING = re.compile(r"^(\.*[/\\])*")


class Copy(NamedTuple):
    """A file and where it goes."""

    source: str
    target: str


def relative(path: Optional[str]) -> str:
    """A path on a datastore, without what would make it absolute.

    Raises:
        UserErrorException: It leaves the datastore.
    """
    plain = _LEADING.sub("", (path or "").replace("\\", "/"))
    normal = posixpath.normpath(plain) if plain else ""
    if normal == ".." or normal.startswith("../"):
        raise UserErrorException("{!r} leaves the datastore".format(path))
    return "" if normal == "." else normal


def of_folder(folder: str, target: str) -> List[Copy]:
    """Each file below a folder and where it goes below `target`.

    Raises:
        UserErrorException: There is no such folder.
    """
    if not os.path.isdir(folder):
        raise UserErrorException("there is no folder {} to upload".format(folder))
    return [
        Copy(path, os.path.join(target, os.path.relpath(path, folder))) for path in files(folder)
    ]


def of_files(paths: List[str], root: Optional[str], target: str) -> List[Copy]:
    """Each file and where it goes below `target`; paths are kept from `root` on.

    Raises:
        UserErrorException: A file is missing, or is not below `root`.
    """
    whole = [os.path.abspath(path) for path in paths]
    for path in whole:
        if not os.path.isfile(path):
            raise UserErrorException("there is no file {} to upload".format(path))
    folders = [os.path.dirname(path) for path in whole]
    base = os.path.abspath(root) if root else os.path.commonpath(folders)
    for path in whole:
        if os.path.commonpath([path, base]) != base:
            raise UserErrorException("{} is not below relative_root {}".format(path, base))
    return [Copy(path, os.path.join(target, os.path.relpath(path, base))) for path in whole]


def below(root: str, prefix: str, target: str) -> List[Copy]:
    """The file, or each file below the folder, `prefix` of a datastore, and where it goes.

    Whole names count: `model` is not the beginning of `model2`.
    """
    start = os.path.join(root, prefix)
    found = [start] if os.path.isfile(start) else files(start)
    return [Copy(path, os.path.join(target, os.path.relpath(path, root))) for path in found]


def files(folder: str) -> Iterator[str]:
    """All files below a folder, in order."""
    for base, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield os.path.join(base, name)


def run(copies: List[Copy], overwrite: bool, show_progress: bool, verb: str) -> int:
    """Copy, and say so; return how many files were copied.

    A file that is there already is left alone unless `overwrite` is set.
    """
    done = 0
    for number, each in enumerate(copies, 1):
        if os.path.exists(each.target) and not overwrite:
            _say(show_progress, "{} is there already; left alone".format(each.target))
            continue
        _copy(each)
        done += 1
        _say(show_progress, "{} {} ({} of {})".format(verb, each.source, number, len(copies)))
    _say(show_progress, "{} {} of {} files".format(verb, done, len(copies)))
    return done


def _copy(each: Copy) -> None:
    os.makedirs(os.path.dirname(each.target), exist_ok=True)
    aside = "{}.{}.part".format(each.target, os.getpid())
    try:
        shutil.copyfile(each.source, aside)
        os.replace(aside, each.target)
    finally:
        if os.path.exists(aside):
            os.remove(aside)


def _say(show_progress: bool, sentence: str) -> None:
    if show_progress:
        print(sentence)
