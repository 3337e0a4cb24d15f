"""Files of a dataset on this machine: downloaded, or linked into a folder.

Whatever appears under its final name is whole.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Any, Callable, Iterable, List, Optional

from azureml.data._files import Found
from azureml.exceptions import UserErrorException

URL_SILENCE_S = 60.0


def download(
    files: Iterable[Found], target_path: Optional[str], overwrite: bool, ignore_not_found: bool
) -> List[str]:
    """Copy files below a folder and return their paths.

    Raises:
        UserErrorException: A file is there already, or one has vanished.
    """
    folder = os.path.abspath(target_path or tempfile.mkdtemp(prefix="dataset-"))
    done = []
    for file in files:
        target = os.path.join(folder, file.name)
        if os.path.exists(target) and not overwrite:
            raise UserErrorException(
                "{} is there already; pass overwrite=True to replace it".format(target)
            )
        try:
            fetch(file, target)
        except FileNotFoundError as error:
            if not ignore_not_found:
                raise UserErrorException("{} has vanished".format(file.location)) from error
        else:
            done.append(target)
    return done


def fetch(file: Found, target: str) -> None:
    """Copy one file to `target`."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    aside = "{}.{}.part".format(target, os.getpid())
    try:
        if file.is_remote:
            _fetch_url(file.location, aside)
        else:
            shutil.copyfile(file.location, aside)
        os.replace(aside, target)
    finally:
        if os.path.exists(aside):
            os.remove(aside)


def _fetch_url(url: str, target: str) -> None:
    from http.client import HTTPException
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=URL_SILENCE_S) as source, open(target, "wb") as sink:
            shutil.copyfileobj(source, sink)
            # The response gives what came, even if less than was announced.
            announced = source.headers.get("Content-Length")
            if announced is not None and int(announced) != sink.tell():
                raise UserErrorException("{} broke off; try again".format(url))
    except (OSError, HTTPException) as error:
        raise UserErrorException("{} cannot be fetched: {}".format(url, error)) from error


def link(files: Iterable[Found], folder: str) -> None:
    """Make each file appear below a folder; those behind URLs are fetched."""
    for file in files:
        target = os.path.join(folder, file.name)
        if file.is_remote:
            fetch(file, target)
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.lexists(target):  # a file that two places name
            os.symlink(file.location, target)


class MountContext(object):
    """A folder in which the files of a dataset appear for a while."""

    def __init__(self, find: Callable[[], List[Found]], mount_point: Optional[str]) -> None:
        """Remember what is to appear where; nothing is done before `start`."""
        self._find = find
        self._given = mount_point
        self._mount_point: Optional[str] = None if mount_point is None else _whole(mount_point)
        self._is_started = False

    @property
    def mount_point(self) -> str:
        """The folder."""
        if self._mount_point is None:
            self._mount_point = tempfile.mkdtemp(prefix="mount-")
        return self._mount_point

    def start(self) -> None:
        """Let the files appear.

        Raises:
            UserErrorException: The folder holds something else.
        """
        if self._is_started:
            return
        os.makedirs(self.mount_point, exist_ok=True)
        if os.listdir(self.mount_point):
            raise UserErrorException(
                "{} is not empty; mount into an empty folder".format(self.mount_point)
            )
        self._is_started = True
        link(self._find(), self.mount_point)

    def stop(self) -> None:
        """Let the files disappear; the originals stay."""
        if self._is_started:
            self._is_started = False
            shutil.rmtree(self.mount_point)
            if self._given is not None:
                os.makedirs(self.mount_point)
            self._mount_point = None if self._given is None else self._mount_point

    def __enter__(self) -> MountContext:
        self.start()
        return self

    def __exit__(self, *args: Any) -> None:
        self.stop()


def _whole(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))
