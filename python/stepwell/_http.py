"""HTTP/1.1 to a server without encryption: one request, one answer, on one kept connection.

`http.client` does the same and much more. To load it, with the parser of mail that it needs, takes
longer than all else that a short program does to submit a run, so it is left to https. A connection
here has the names of `http.client.HTTPConnection` that the transport uses, and no others.

What is no HTTP, or ends early, is `Broken`, never a shorter answer. Only what a server answers to a
request of this kind is understood: no upgrades and no trailers with a meaning.
"""

from __future__ import annotations

import socket
from typing import IO, Any, Callable, Dict, List, Mapping, Optional, Tuple, Union

LINE_MAX = 1 << 16
HEADERS_MAX = 100
PIECE_BYTES = 1 << 16


class Broken(Exception):
    """The server's answer is no HTTP, or is cut short."""


class Connection:
    """A connection to one server."""

    def __init__(self, host: str, open_socket: Callable[[], socket.socket]) -> None:
        """Nothing is opened before it is connected.

        Args:
            host: The server's name in the requests.
            open_socket: Opens a stream to it.
        """
        self.sock: Any = None
        self._host = host
        self._open = open_socket
        self._method = ""

    def connect(self) -> None:
        """Open the stream."""
        self.sock = self._open()

    def close(self) -> None:
        """Let go of the stream."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def request(
        self,
        method: str,
        target: str,
        body: Union[bytes, IO[bytes], None],
        headers: Mapping[str, str],
    ) -> None:
        """Send one request. Of a file whose length no header gives, pieces are sent."""
        self._method = method
        given: Dict[str, str] = {"Host": self._host, "Accept-Encoding": "identity"}
        measured = any(name.lower() == "content-length" for name in headers)
        if isinstance(body, bytes):
            given["Content-Length"] = str(len(body))
        elif body is not None and not measured:
            given["Transfer-Encoding"] = "chunked"
        elif body is None and method in ("POST", "PUT", "PATCH"):
            given["Content-Length"] = "0"
        given.update(headers)
        lines = [f"{method} {target} HTTP/1.1"]
        lines.extend(f"{name}: {value}" for name, value in given.items())
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a request has a line break in its head")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        if body is None or isinstance(body, bytes):
            self.sock.sendall(head + (body or b""))
            return
        self.sock.sendall(head)
        while True:
            piece = body.read(PIECE_BYTES)
            if not piece and measured:
                return
            self.sock.sendall(piece if measured else b"%x\r\n%b\r\n" % (len(piece), piece))
            if not piece:
                return

    def getresponse(self) -> Answer:
        """Read the head of the answer."""
        return Answer(self.sock, self._method)


class Answer:
    """An answer whose body is read piece by piece."""

    def __init__(self, stream: socket.socket, method: str) -> None:
        """Reads the head; answers that only announce another are passed over."""
        self._file: Any = stream.makefile("rb")
        try:
            self.status = 100
            while 100 <= self.status < 200:
                version, self.status = _status(self._line())
                self._headers = self._read_headers()
        except BaseException:
            self.close()
            raise
        kept = self._header("connection").lower()
        self.will_close = "close" in kept or (version == "HTTP/1.0" and "keep-alive" not in kept)
        self._chunked = self._header("transfer-encoding").lower() == "chunked"
        self._piece = 0
        self._ahead = b""  # read of the body and not asked for yet
        self.length: Optional[int] = None
        if method == "HEAD" or self.status in (204, 304):
            self.length, self._chunked = 0, False
        elif not self._chunked and self._header("content-length"):
            self.length = _number(self._header("content-length"), 10)
        elif not self._chunked:
            self.will_close = True
        if self.length == 0:
            self.close()

    def getheaders(self) -> List[Tuple[str, str]]:
        """The lines of the head, in order."""
        return list(self._headers)

    def isclosed(self) -> bool:
        """Whether the whole body is read."""
        return self._file is None and not self._ahead

    def close(self) -> None:
        """Read no more."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def read(self, size: int = -1) -> bytes:
        """So much of the body, or less at its end; all that is left if no size is given."""
        parts = []
        while size != 0:
            part = self._ahead or self._some(PIECE_BYTES if size < 0 else size)
            if not part:
                break
            part, self._ahead = (part, b"") if size < 0 else (part[:size], part[size:])
            parts.append(part)
            size -= len(part) if size > 0 else 0
        return b"".join(parts)

    def readline(self) -> bytes:
        """The next line of the body, with its end."""
        text = self._ahead
        while b"\n" not in text:
            more = self._some(PIECE_BYTES)
            if not more:
                break
            text += more
        end = text.find(b"\n") + 1 or len(text)
        self._ahead = text[end:]
        return text[:end]

    def _some(self, size: int) -> bytes:
        """At least a byte and at most `size` of the body; nothing at its end."""
        if self._file is None:
            return b""
        if self._chunked:
            return self._some_of_pieces(size)
        if self.length is not None:
            size = min(size, self.length)
        part: bytes = self._file.read1(size)
        if self.length is not None:
            self.length -= len(part)
            if not part:
                raise Broken(f"the connection ended {self.length} bytes early")
        if not part or self.length == 0:
            self.close()
        return part

    def _some_of_pieces(self, size: int) -> bytes:
        if self._piece == 0:
            self._piece = _number(self._line().split(b";")[0].decode("latin-1"), 16)
            if self._piece == 0:
                self._read_headers()
                self.close()
                return b""
        part: bytes = self._file.read1(min(size, self._piece))
        if not part:
            raise Broken("the connection ended within a piece")
        self._piece -= len(part)
        if self._piece == 0 and self._line().strip():
            raise Broken("a piece is longer than it says")
        return part

    def _line(self) -> bytes:
        line: bytes = self._file.readline(LINE_MAX + 1)
        if not line.endswith(b"\n"):
            raise Broken(
                "the connection ended early" if len(line) <= LINE_MAX else "a line is too long"
            )
        return line

    def _read_headers(self) -> List[Tuple[str, str]]:
        found: List[Tuple[str, str]] = []
        while len(found) <= HEADERS_MAX:
            line = self._line().decode("latin-1").rstrip("\r\n")
            if not line:
                return found
            name, _, value = line.partition(":")
            found.append((name.strip(), value.strip()))
        raise Broken("there are too many headers")

    def _header(self, wanted: str) -> str:
        for name, value in self._headers:
            if name.lower() == wanted:
                return value
        return ""


def _status(line: bytes) -> Tuple[str, int]:
    version, _, rest = line.decode("latin-1").rstrip("\r\n").partition(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise Broken("the answer is no HTTP/1.1")
    return version, _number(rest[:3], 10)


def _number(text: str, base: int) -> int:
    try:
        return int(text.strip(), base)
    except ValueError:
        raise Broken(f"`{text[:20]}` is no number") from None
