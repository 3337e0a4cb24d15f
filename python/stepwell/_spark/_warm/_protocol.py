"""What a step and a keeper say to each other: lines of JSON over a socket of the file system.

With its first line a step passes two open files, in which the JVM writes while it serves the
step: the step's log. Both sides refuse a process of another user.
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
from typing import Any, Dict, List, Optional, Tuple

LINE_MAX = 1 << 20


class Gone(Exception):
    """The other side has closed the connection, or never spoke this language."""


class Channel(object):
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._read = b""
        self._files: List[int] = []

    def fileno(self) -> int:
        """For `select`."""
        return self._connection.fileno()

    def is_of_this_user(self) -> bool:
        """Whether the other process has this one's user."""
        size = struct.calcsize("3i")
        found = self._connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return bool(struct.unpack("3i", found)[1] == os.geteuid())

    def send(self, files: Optional[List[int]] = None, **line: Any) -> None:
        """Send a line.

        Raises:
            Gone: Nobody reads it.
        """
        passed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))] if files else []
        text = json.dumps(line).encode("utf-8") + b"\n"
        try:
            sent = self._connection.sendmsg([text], passed)
            self._connection.sendall(text[sent:])
        except OSError as error:
            raise Gone(str(error)) from None

    def receive(self, timeout_s: float) -> Optional[Dict[str, Any]]:
        """The next line; `None` if it has not come in time.

        Raises:
            Gone: None will come.
        """
        self._connection.settimeout(timeout_s)
        while b"\n" not in self._read:
            try:
                more, passed, _, _ = self._connection.recvmsg(
                    65536, socket.CMSG_SPACE(2 * array.array("i").itemsize)
                )
            except socket.timeout:
                return None
            except OSError as error:
                raise Gone(str(error)) from None
            self._take(passed)
            if not more or len(self._read) > LINE_MAX:
                raise Gone("it has closed the connection")
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        try:
            value = json.loads(line.decode("utf-8"))
        except ValueError:
            raise Gone("it speaks another language") from None
        if not isinstance(value, dict):
            raise Gone("it speaks another language")
        return value

    def take_files(self) -> List[int]:
        """The files that were passed so far; from now on they are the caller's."""
        files, self._files = self._files, []
        return files

    def close(self) -> None:
        """End the connection."""
        for file in self.take_files():
            os.close(file)
        self._connection.close()

    def _take(self, passed: List[Tuple[int, int, bytes]]) -> None:
        for level, kind, data in passed:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                files = array.array("i")
                files.frombytes(data[: len(data) - len(data) % files.itemsize])
                self._files += files
