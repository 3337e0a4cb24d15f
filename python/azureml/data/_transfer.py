"""Files of a dataset on this machine: downloaded, or linked into a folder.

Whatever appears under its final name is whole.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

from azureml.data._files import Found
from azureml.exceptions import UserErrorException
from stepwell._names import below
from stepwell.errors import NotFound

URL_SILENCE_S = 60.0
LANES = 8

# What was fetched to be read, for as long as this process lives.
_READ: Dict[Tuple[str, str], str] = {}
_READ_LOCK = threading.Lock()
_READ_FOLDER: List[Any] = []


def readable(file: Found) -> str:
    """Where the content of a file can be read: its path, its URL, or a copy of this process."""
    if file.store is None:
        return file.location
    key = (file.location, file.listed.etag)
    with _READ_LOCK:
        if not _READ_FOLDER:
            _READ_FOLDER.append(tempfile.TemporaryDirectory(prefix="stepwell-read-"))
        # The end of the name says how a file is compressed.
        place = _READ.setdefault(
            key,
            os.path.join(_READ_FOLDER[0].name, f"{len(_READ)}-{os.path.basename(file.source)}"),
        )
    if not os.path.exists(place):
        fetch(file, place)
    return place


def brought(files: List[Found], folder: str) -> List[Found]:
    """The files, of which those on datastores elsewhere have been copied below `folder`."""

    def bring(numbered: Tuple[int, Found]) -> Found:
        number, file = numbered
        if file.store is None:
            return file
        target = os.path.join(folder, str(number), os.path.basename(file.source))
        fetch(file, target)
        return file._replace(location=target, store=None)

    if all(file.store is None for file in files):
        return files
    with ThreadPoolExecutor(LANES) as lanes:
        return list(lanes.map(bring, enumerate(files)))


def make_readable(files: Iterable[Found]) -> None:
    """Fetch what `readable` will be asked for, many files at once."""
    _each([file for file in files if file.store is not None], readable)


def download(
    files: Iterable[Found], target_path: Optional[str], overwrite: bool, ignore_not_found: bool
) -> List[str]:
    """Copy files below a folder and return their paths.

    Raises:
        UserErrorException: A file is there already, or one has vanished.
    """
    folder = os.path.abspath(target_path or tempfile.mkdtemp(prefix="dataset-"))

    def copy(file: Found) -> Optional[str]:
        target = below(folder, file.name)
        if os.path.exists(target) and not overwrite:
            raise UserErrorException(
                f"{target} is there already; pass overwrite=True to replace it"
            )
        try:
            fetch(file, target)
        except (FileNotFoundError, NotFound) as error:
            if not ignore_not_found:
                raise UserErrorException(f"{file.location} has vanished") from error
            return None
        return target

    return [target for target in _each(list(files), copy) if target is not None]


def _each(files: List[Found], work: Callable[[Found], Optional[str]]) -> List[Optional[str]]:
    """`work` on each file, many at once where they come from other machines."""
    if not any(file.is_remote for file in files):
        return [work(file) for file in files]
    with ThreadPoolExecutor(LANES) as lanes:
        return list(lanes.map(work, files))


def fetch(file: Found, target: str) -> None:
    """Copy one file to `target`."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    aside = f"{target}.{os.getpid()}-{threading.get_ident()}.part"
    try:
        if file.store is not None:
            file.store._fetch(file.source, aside, file.listed.size)
        elif file.is_url:
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
                raise UserErrorException(f"{url} broke off; try again")
    except (OSError, HTTPException) as error:
        raise UserErrorException(f"{url} cannot be fetched: {error}") from error


def link(files: Iterable[Found], folder: str) -> None:
    """Make each file appear below a folder; those of other machines are fetched."""
    listed = list(files)

    def bring(file: Found) -> Optional[str]:
        fetch(file, below(folder, file.name))
        return None

    _each([file for file in listed if file.is_remote], bring)
    for file in listed:
        target = below(folder, file.name)
        if file.is_remote:
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
            raise UserErrorException(f"{self.mount_point} is not empty; mount into an empty folder")
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
