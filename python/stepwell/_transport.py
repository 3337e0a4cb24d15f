"""HTTP to one server over connections that are kept open.

It sends one request and reads one answer, and tells two kinds of failure apart: `NotSent` (the
server cannot have seen the request, so sending it again is always right) and `Lost` (it may
have). Whether to try again, and errors in answers, are the client's business, not this module's.
A server whose certificate is not trusted is `Untrusted`, and never spoken to. Over https the
authorities of the system are trusted, or those in the file that `STEPWELL_CA_FILE` names. An
embedded server is reached by the socket file in its data folder, whose process must be this user's.
Safe to use from several threads and after a fork: a connection is used by one request at a time,
and only by the process that opened it.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
import time
from contextlib import contextmanager
from typing import (
    IO,
    TYPE_CHECKING,
    Dict,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Tuple,
    Type,
    Union,
)

if TYPE_CHECKING:
    import socket
    from http.client import HTTPConnection, HTTPResponse
    from ssl import SSLContext

    from stepwell._http import Answer, Connection

Body = Union[bytes, IO[bytes], None]

CONNECT_TIMEOUT_S = 5.0
IDLE_CONNECTIONS_MAX = 8
IDLE_S_MAX = 30.0  # less than the server's own patience, which would end in the middle of a request


class NotSent(Exception):
    """The request did not reach the server."""


class Lost(Exception):
    """The connection broke after the request was, at least in part, sent."""


class Untrusted(Exception):
    """The server's certificate does not show that it is the server that was asked for."""


class Request(NamedTuple):
    """One request."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: Body
    timeout_s: float


class Response(NamedTuple):
    """A whole answer; header names are in lower case."""

    status: int
    headers: Dict[str, str]
    body: bytes


class Transport:
    """The connections to one server."""

    def __init__(self, url: str, socket_path: Optional[str] = None) -> None:
        """Nothing is opened before the first request.

        Args:
            url: The server's URL.
            socket_path: The server's socket file, which is then used instead of the URL's address.
        """
        from urllib.parse import urlsplit

        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"`{url}` is not the URL of a server (http://host:port)")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port or (443 if self._secure else 80)
        self._prefix = parts.path.rstrip("/")
        self._socket_path = socket_path
        self._lock = threading.Lock()
        self._idle: List[Tuple[int, float, Union[Connection, HTTPConnection]]] = []
        self._context: Optional[SSLContext] = None

    def send(self, request: Request) -> Response:
        """Send a request and read the whole answer."""
        with self.open(request) as response:
            try:
                body = response.read()
            except breaks() as broken:
                raise Lost(_words(broken)) from broken
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Response(response.status, headers, body)

    @contextmanager
    def open(self, request: Request) -> Iterator[Union[Answer, HTTPResponse]]:
        """Send a request and hand out the answer to be read piece by piece."""
        connection = self._take(request.timeout_s)
        reusable = False
        try:
            response = self._exchange(connection, request)
            yield response
            reusable = response.isclosed() and not response.will_close
        finally:
            if reusable:
                self._give_back(connection)
            else:
                connection.close()

    def _exchange(
        self, connection: Union[Connection, HTTPConnection], request: Request
    ) -> Union[Answer, HTTPResponse]:
        try:
            try:
                connection.request(
                    request.method,
                    self._prefix + request.target,
                    body=request.body,
                    headers=dict(request.headers),
                )
            except BrokenPipeError:
                pass  # refused before the whole body was sent: why, is there to be read
            return connection.getresponse()
        except breaks() as broken:
            raise Lost(_words(broken)) from broken

    def _take(self, timeout_s: float) -> Union[Connection, HTTPConnection]:
        while True:
            with self._lock:
                if not self._idle:
                    break
                owner, since, connection = self._idle.pop()
            # A child after a fork shares the socket with its parent: it must not even close the
            # stream properly, only let go of its own descriptor.
            fresh = time.monotonic() - since < IDLE_S_MAX and connection.sock is not None
            if owner == os.getpid() and fresh and _is_quiet(connection):
                connection.sock.settimeout(timeout_s)
                return connection
            connection.close()
        return self._connect(timeout_s)

    def _connect(self, timeout_s: float) -> Union[Connection, HTTPConnection]:
        connection = self._new()
        try:
            connection.connect()
        except OSError as refused:
            connection.close()
            if self._secure and _is_distrust(refused):
                raise Untrusted(_words(refused)) from refused
            raise NotSent(_words(refused)) from refused
        connection.sock.settimeout(timeout_s)
        return connection

    def _new(self) -> Union[Connection, HTTPConnection]:
        if not self._secure or self._socket_path:
            return self._plain(self._socket_path)
        from http import client

        if self._context is None:
            import ssl

            authorities = os.environ.get("STEPWELL_CA_FILE") or None
            try:
                self._context = ssl.create_default_context(cafile=authorities)
            except OSError as unreadable:
                words = "`{}`, which STEPWELL_CA_FILE names, holds no certificates: {}"
                raise Untrusted(words.format(authorities, _words(unreadable))) from unreadable
        return client.HTTPSConnection(
            self._host, self._port, timeout=CONNECT_TIMEOUT_S, context=self._context
        )

    def _plain(self, path: Optional[str]) -> Connection:
        import socket

        from stepwell._http import Connection

        if path:
            place = path
            return Connection("localhost", lambda: _open_socket(place, CONNECT_TIMEOUT_S))
        host = f"[{self._host}]" if ":" in self._host else self._host

        def open_socket() -> socket.socket:
            opened = socket.create_connection((self._host, self._port), CONNECT_TIMEOUT_S)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return opened

        return Connection(f"{host}:{self._port}", open_socket)

    def _give_back(self, connection: Union[Connection, HTTPConnection]) -> None:
        with self._lock:
            if len(self._idle) < IDLE_CONNECTIONS_MAX:
                self._idle.append((os.getpid(), time.monotonic(), connection))
                return
        connection.close()

    def after_fork(self) -> None:
        """In a child: a lock another thread held at the fork would never be released."""
        self._lock = threading.Lock()


def breaks() -> Tuple[Type[Exception], ...]:
    """What is raised when a connection breaks; of `http.client` only if that is in use."""
    from stepwell._http import Broken

    library = sys.modules.get("http.client")
    return (OSError, Broken) if library is None else (OSError, Broken, library.HTTPException)


def _open_socket(path: str, timeout_s: float) -> socket.socket:
    import socket
    import struct

    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        opened.settimeout(timeout_s)
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise OSError(f"`{path}` is no socket")
        opened.connect(path)
        if hasattr(socket, "SO_PEERCRED"):
            size = struct.calcsize("3i")
            peer = opened.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
            if struct.unpack("3i", peer)[1] != os.geteuid():
                raise OSError(f"`{path}` is served by another user")
        return opened
    except BaseException:
        opened.close()
        raise


def _is_quiet(connection: Union[Connection, HTTPConnection]) -> bool:
    """Whether an idle connection is still open: a server that closed it left an end to read."""
    import select

    if hasattr(select, "poll"):  # unlike `select`, it has no limit on the number of files
        poll = select.poll()
        poll.register(connection.sock, select.POLLIN)
        return not poll.poll(0)
    return not select.select([connection.sock], [], [], 0)[0]


def _is_distrust(failure: OSError) -> bool:
    import ssl

    return isinstance(failure, ssl.SSLCertVerificationError)


def _words(failure: BaseException) -> str:
    return str(failure) or type(failure).__name__
