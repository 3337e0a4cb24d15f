"""The plain HTTP client, beside `http.client` at one server that answers in every form."""

from __future__ import annotations

import http.client
import io
import re
import socket
import threading
from typing import Any, Iterator, Tuple

import pytest

from stepwell._http import Broken, Connection

BODY = b"".join(b"line %d\n" % number for number in range(3000))
PIECES = b"".join(
    b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY[:7], BODY[7:9000], BODY[9000:])
)
GOOD = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-A: b\r\n\r\n%b" % (len(BODY), BODY),
    "pieces": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % PIECES,
    "named pieces": b"HTTP/1.1 201 OK\r\ntransfer-encoding: Chunked\r\n\r\n"
    b"3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n",
    "until the end": b"HTTP/1.1 200 OK\r\n\r\n" + BODY,
    "old": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "nothing": b"HTTP/1.1 204 No Content\r\n\r\n",
    "empty": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "goes on": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Large\r\nConnection: close\r\n\r\nno",
}
BAD = {
    "none": b"",
    "short": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
    "short piece": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
    "no last piece": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "long piece": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
    "no number": b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    "other": b"SSH-2.0-x\r\n\r\n",
    "endless line": b"HTTP/1.1 200 " + b"x" * 70_000,
    "endless head": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200,
}


def _is_complete(request: bytes) -> bool:
    """Whether a request is there with its body: what is left unread would reset the connection."""
    head, ends, body = request.partition(b"\r\n\r\n")
    if b"chunked" in head:
        return body.endswith(b"\r\n0\r\n\r\n")
    lengths = re.findall(rb"(?i)\r\ncontent-length: (\d+)", head)
    return bool(ends) and len(body) >= max(map(int, lengths), default=0)


@pytest.fixture
def server() -> Iterator[Any]:
    """Answers one connection with fixed bytes, and keeps what it was asked."""
    listening = socket.create_server(("127.0.0.1", 0))
    asked = []

    def answer(text: bytes) -> Tuple[str, int]:
        def serve() -> None:
            stream, _ = listening.accept()
            with stream:
                seen = b""
                while not _is_complete(seen):
                    more = stream.recv(1 << 16)
                    if not more:
                        return
                    seen += more
                asked.append(seen)
                stream.sendall(text)

        threading.Thread(target=serve, daemon=True).start()
        return listening.getsockname()[:2]

    answer.asked = asked  # type: ignore[attr-defined]
    answer.place = listening.getsockname()[:2]  # type: ignore[attr-defined]
    yield answer
    listening.close()


def _plain(place: Tuple[str, int]) -> Connection:
    connection = Connection("host", lambda: socket.create_connection(place, 10))
    connection.connect()
    return connection


@pytest.mark.parametrize("name", GOOD)
def test_an_answer_is_what_the_library_reads(server: Any, name: str) -> None:
    library = http.client.HTTPConnection(*server(GOOD[name]), timeout=10)
    library.request("GET", "/")
    theirs = library.getresponse()
    wanted = (theirs.status, theirs.getheaders(), theirs.read(), theirs.will_close)
    connection = _plain(server(GOOD[name]))
    connection.request("GET", "/", None, {})
    ours = connection.getresponse()
    assert (ours.status, ours.getheaders(), ours.read(), ours.will_close) == wanted
    assert ours.isclosed() and ours.read() == b""


@pytest.mark.parametrize("name", ["length", "pieces", "until the end"])
def test_a_body_is_read_in_lines_and_pieces(server: Any, name: str) -> None:
    connection = _plain(server(GOOD[name]))
    connection.request("GET", "/", None, {})
    answer = connection.getresponse()
    lines = [answer.readline() for _ in range(10)]
    assert b"".join(lines) == BODY[: sum(map(len, lines))] and lines[9] == b"line 9\n"
    pieces = [answer.read(1000)]
    assert len(pieces[0]) == 1000 and not answer.isclosed()
    while pieces[-1]:
        pieces.append(answer.read(777))
    assert b"".join(lines + pieces) == BODY and answer.readline() == b""


@pytest.mark.parametrize("name", BAD)
def test_what_is_cut_short_or_no_http_is_broken(server: Any, name: str) -> None:
    connection = _plain(server(BAD[name]))
    connection.request("GET", "/", None, {})
    with pytest.raises(Broken):
        connection.getresponse().read()


def test_a_request_has_its_body_and_no_line_break_in_its_head(server: Any) -> None:
    connection = _plain(server(GOOD["empty"]))
    connection.request("PUT", "/a?b=c", io.BytesIO(b"x" * 70_000), {"Authorization": "Bearer t"})
    assert connection.getresponse().status == 200
    (asked,) = server.asked
    head, body = asked.split(b"\r\n\r\n", 1)
    assert head.startswith(b"PUT /a?b=c HTTP/1.1\r\nHost: host\r\n")
    assert b"Transfer-Encoding: chunked\r\nAuthorization: Bearer t" in head
    measured = _plain(server(GOOD["empty"]))
    measured.request("PUT", "/", io.BytesIO(b"four"), {"content-length": "4"})
    assert measured.getresponse().status == 200 and b"chunked" not in server.asked[1]
    assert server.asked[1].lower().count(b"content-length") == 1, server.asked[1]
    assert server.asked[1].endswith(b"\r\n\r\nfour")
    assert body.count(b"x") == 70_000 and body.endswith(b"\r\n0\r\n\r\n")
    for target, headers in (("/\r\nX: y", {}), ("/", {"A": "b\nC: d"})):
        with pytest.raises(ValueError, match="line break"):
            _plain(server.place).request("GET", target, None, headers)
