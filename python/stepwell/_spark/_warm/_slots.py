"""The places of keepers: who may use one, and how a step comes to it.

A slot is a folder with a lock, which a step holds as long as it uses the slot's keeper. The kernel
drops the lock when the step's worker ends, however it does. The socket on which the keeper listens
is outside of the data folder, as the server's is, so that tools that cannot copy sockets can copy
a project.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
from typing import Iterator, Optional

from stepwell._spark._warm._protocol import Channel, Gone

SLOTS = 2
"""JVMs of one data folder that are kept at a time: what they hold of memory is bounded."""
_SOCKETS = "/tmp"
"""Where the folders of sockets are, one for each user."""
_ANSWER_S = 20.0


class Unsafe(Exception):
    """Others can read or write the folder of the slots."""


def folder(data: str) -> str:
    """The folder of the slots of a data folder."""
    return os.path.join(data, "spark")


def make_private(path: str) -> None:
    """Make a folder that is its owner's alone.

    Raises:
        Unsafe: It is there and is not.
    """
    os.makedirs(path, mode=0o700, exist_ok=True)
    found = os.lstat(path)
    mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    if not mine or found.st_mode & 0o077:
        raise Unsafe(f"`{path}` can be used by others: chmod 700 it")


class Lock(object):
    """A file that one process at a time holds."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self, wait: bool) -> bool:
        """Whether it is held from here on."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        os.close(self._file)


class Slot(object):
    """A slot that this process holds."""

    def __init__(self, path: str, lock: Lock) -> None:
        self.path = path
        self._lock = lock

    @property
    def key(self) -> Optional[str]:
        """Which JVM the slot's keeper was started for, if it ever had one."""
        try:
            with open(os.path.join(self.path, "key"), encoding="ascii") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def write_key(self, key: str) -> None:
        """Say which JVM the next keeper is for."""
        with open(os.path.join(self.path, "key"), "w", encoding="ascii") as file:
            file.write(key)

    def connect(self) -> Optional[Channel]:
        """Speak to the keeper; `None` if there is none."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(socket_of(self.path))
        except (FileNotFoundError, ConnectionError):
            connection.close()
            return None
        channel = Channel(connection)
        if channel.is_of_this_user():
            return channel
        channel.close()
        return None

    def clear(self) -> None:
        """End the slot's keeper, if there is one, and wait until it has ended."""
        channel = self.connect()
        if channel is None:
            return
        try:
            channel.send(ask="leave")
            channel.receive(_ANSWER_S)
        except Gone:
            pass
        finally:
            channel.close()

    def close(self) -> None:
        """Let others have it."""
        self._lock.close()


def socket_of(path: str) -> str:
    """Where the keeper of a slot listens: by the device and inode of the slot's folder.

    Raises:
        Unsafe: Others can use the folder of sockets.
        OSError: The slot is gone.
    """
    sockets = os.path.join(_SOCKETS, f"stepwell-{os.geteuid()}")
    make_private(sockets)
    slot = os.stat(path)
    return os.path.join(sockets, f"{slot.st_dev}-{slot.st_ino}.sock")


def take(root: str, key: str) -> Optional[Slot]:
    """A slot that nobody uses: one whose keeper fits, else one without a keeper, else any.

    Raises:
        Unsafe: Others can use the folder.
        OSError: It cannot be written.
    """
    make_private(root)
    choosing = Lock(os.path.join(root, "lock"))
    try:
        choosing.take(wait=True)
        free = list(_free(root))
        free.sort(key=lambda slot: (slot.key != key, _is_kept(slot)))
        for slot in free[1:]:
            slot.close()
        return free[0] if free else None
    finally:
        choosing.close()


def _free(root: str) -> Iterator[Slot]:
    for number in range(SLOTS):
        path = os.path.join(root, f"warm-{number}")
        make_private(path)
        lock = Lock(os.path.join(path, "lock"))
        if lock.take(wait=False):
            yield Slot(path, lock)
        else:
            lock.close()


def _is_kept(slot: Slot) -> bool:
    channel = slot.connect()
    if channel is None:
        return False
    channel.close()
    return True
