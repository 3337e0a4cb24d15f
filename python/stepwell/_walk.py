"""The files below a folder, by the rule that holds for source directories and outputs too.

Links are followed. What cannot be read as a file (links that lead nowhere or back to a folder they
lie in, pipes, sockets, devices) is left out with a warning.
"""

from __future__ import annotations

import os
import stat
import sys
from typing import Iterator, Tuple


def files_below(folder: str) -> Iterator[str]:
    """The paths of all files below a folder, in order."""
    yield from _walk(folder, (_identity(os.stat(folder)),) if os.path.isdir(folder) else ())


def _walk(folder: str, above: Tuple[Tuple[int, int], ...]) -> Iterator[str]:
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        path = os.path.join(folder, name)
        try:
            about = os.stat(path)
        except OSError as error:
            if os.path.islink(path):
                _warn(path, "is a link that leads nowhere")
            elif os.path.lexists(path):
                _warn(path, f"cannot be read ({error.strerror})")
            continue
        if stat.S_ISREG(about.st_mode):
            yield path
        elif not stat.S_ISDIR(about.st_mode):
            _warn(path, "is a pipe, a socket or a device")
        elif _identity(about) in above:
            _warn(path, "is a link to a folder that it lies in")
        else:
            yield from _walk(path, (*above, _identity(about)))


def writable(path: str) -> str:
    """A path whose bytes are UTF-8: others are written as `%` and their number."""
    return "".join(
        f"%{ord(each) - 0xDC00:02X}" if "\udc80" <= each <= "\udcff" else each for each in path
    )


def _identity(about: os.stat_result) -> Tuple[int, int]:
    return about.st_dev, about.st_ino


def _warn(path: str, fault: str) -> None:
    sys.stderr.write(f"warning: {writable(path)} {fault} and is left out\n")
