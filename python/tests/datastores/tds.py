"""A server of the protocol of SQL Server (TDS 7.4), for these tests: no other can be had here.

It is ours, so what it shows is that our side keeps to the protocol as we read it
(https://learn.microsoft.com/openspecs/windows_protocols/ms-tds), that rows come and go unchanged,
and what happens when something breaks. That SQL Server takes our statements it cannot show.
FreeTDS, which is not ours, reads from it in the same tests, so that at least two readings of the
protocol agree.
"""

from __future__ import annotations

import socket
import socketserver
import ssl
import struct
import threading
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import tds_sql
import tds_types

HEADER = 8
SIZE = 4096
BATCH, RPC, RESULT, TRANSACTION, LOGIN, PRELOGIN = 1, 3, 4, 14, 16, 18
NO_ENCRYPTION, ENCRYPTED = 2, 1
DESCRIPTOR = b"stepwell"


class Login(NamedTuple):
    """Who has signed in."""

    user: str
    password: str
    database: str
    token: str


class Gone(Exception):
    """The client has closed its connection."""


class Server:
    """The server, on a loopback port, with one database that is a SQLite file."""

    def __init__(self, folder: Path, user: str, password: str, certificate: Path) -> None:
        self.file = str(folder / "tds.db")
        self.users = {user: password}
        self.tokens: List[str] = []
        self.certificate = certificate
        self.statements: List[str] = []
        self.logins: List[Login] = []
        self.transactions: List[str] = []
        # Where the next login is sent instead, as a gateway of Azure's does.
        self.redirect: Optional[Tuple[str, int]] = None
        # After so many rows a connection is cut.
        self.cut_after: Optional[int] = None
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    _Session(outer, self.request).run()
                except (Gone, OSError):
                    pass

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._listener = Listener(("127.0.0.1", 0), Handler)
        self.port: int = self._listener.server_address[1]
        threading.Thread(target=self._listener.serve_forever, daemon=True).start()

    def run(self, sql: str) -> List[Tuple[Any, ...]]:
        """Runs statements in the database itself, and gives the rows of the last."""
        return tds_sql.Database(self.file).rows(sql)

    def stop(self) -> None:
        """End it."""
        self._listener.shutdown()
        self._listener.server_close()


class _Session:
    """One connection."""

    def __init__(self, server: Server, connection: socket.socket) -> None:
        self._server = server
        self._socket: Any = connection
        self._database = tds_sql.Database(server.file)
        self._sent = 0

    def run(self) -> None:
        self._prelogin()
        if not self._login():
            return
        try:
            while True:
                kind, message = self._message()
                self._answer(kind, message[struct.unpack_from("<I", message)[0] :])
        finally:
            self._database.close()

    # Packets

    def _exactly(self, count: int) -> bytes:
        parts = b""
        while len(parts) < count:
            part = self._socket.recv(count - len(parts))
            if not part:
                raise Gone
            parts += part
        return parts

    def _message(self) -> Tuple[int, bytes]:
        message = b""
        while True:
            kind, status, length = struct.unpack(">BBH4x", self._exactly(HEADER))
            message += self._exactly(length - HEADER)
            if status & 1:
                return kind, message

    def _send(self, message: bytes, kind: int = RESULT) -> None:
        room = SIZE - HEADER
        parts = [message[at : at + room] for at in range(0, len(message), room)] or [b""]
        for number, part in enumerate(parts):
            is_last = number == len(parts) - 1
            header = (kind, int(is_last), len(part) + HEADER, 0, (number + 1) % 256, 0)
            self._socket.sendall(struct.pack(">BBHHBB", *header) + part)

    # Sign-in

    def _prelogin(self) -> None:
        kind, asked = self._message()
        assert kind == PRELOGIN, kind
        options = _options(asked)
        wanted = options[1][0]
        said = NO_ENCRYPTION if wanted == NO_ENCRYPTION else ENCRYPTED
        answer = {0: bytes([16, 0, 0, 0, 0, 0]), 1: bytes([said]), 2: b"\0", 3: b"", 4: b"\0"}
        if 6 in options:
            answer[6] = b"\1"
        self._send(_table(answer))
        if said == ENCRYPTED:
            self._encrypt()

    def _encrypt(self) -> None:
        """A TLS handshake in prelogin packets; what follows is not wrapped."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(str(self._server.certificate))
        self._socket = _Encrypted(self._socket, context, self)

    def _login(self) -> bool:
        kind, message = self._message()
        assert kind == LOGIN, kind
        login = _login(message)
        self._server.logins.append(login)
        known = self._server.users.get(login.user) == login.password
        if not (login.token in self._server.tokens if login.token else known):
            text = f"Login failed for user '{login.user}'."
            self._send(_error(18456, text) + _done(0xFD, 2))
            return False
        name = "stepwell's tests".encode("utf-16-le")
        ack = b"\1" + struct.pack(">I", 0x74000004) + bytes([len(name) // 2]) + name + bytes(4)
        answer = b"\xad" + struct.pack("<H", len(ack)) + ack
        if self._server.redirect is not None:
            (host, port), self._server.redirect = self._server.redirect, None
            place = struct.pack("<BHH", 0, port, len(host)) + host.encode("utf-16-le")
            answer += _change(20, struct.pack("<H", len(place)) + place, b"\0\0")
        if login.token:
            answer += b"\xae\x02" + bytes(4) + b"\xff"
        self._send(answer + _done(0xFD, 0))
        return True

    # Requests

    def _answer(self, kind: int, request: bytes) -> None:
        try:
            if kind == BATCH:
                text = request.decode("utf-16-le")
                self._server.statements.append(text)
                self._result(self._database.batch(text), 0xFD)
            elif kind == RPC:
                text, parameters = _call(request)
                self._server.statements.append(text)
                self._result(self._database.batch(text, parameters), 0xFE)
            elif kind == TRANSACTION:
                self._transaction(struct.unpack_from("<H", request)[0])
            else:
                raise AssertionError(f"a request of kind {kind}")
        except tds_sql.Refused as refused:
            if refused.ends_transaction:
                self._database.rollback()
            self._send(_error(refused.number, str(refused)) + _done(0xFD, 2))

    def _transaction(self, kind: int) -> None:
        word = {5: "begin", 7: "commit", 8: "rollback"}[kind]
        self._server.transactions.append(word)
        if kind == 5:
            self._database.begin()
            change = _change(8, bytes([8]) + DESCRIPTOR, b"\0")
        elif kind == 7:
            self._database.commit()
            change = _change(9, b"\0", bytes([8]) + DESCRIPTOR)
        else:
            self._database.rollback()
            change = _change(10, b"\0", bytes([8]) + DESCRIPTOR)
        self._send(change + _done(0xFD, 0))

    def _result(self, result: tds_sql.Result, done: int) -> None:
        if result.columns is None:
            self._send(_done(done, 0x10, result.count))
            return
        out = b"\x81" + struct.pack("<H", len(result.columns))
        types = [tds_types.of(declared) for _, declared in result.columns]
        for (name, _), kind in zip(result.columns, types):
            text = name.encode("utf-16-le")
            out += struct.pack("<IH", 0, 1) + kind.info + bytes([len(name)]) + text
        parts = [out]
        for row in result.rows:
            parts.append(b"\xd1" + b"".join(kind.write(each) for kind, each in zip(types, row)))
            self._sent += 1
            if self._server.cut_after is not None and self._sent > self._server.cut_after:
                self._send(b"".join(parts)[: -(len(parts[-1]) // 2)])
                raise Gone
        self._send(b"".join(parts) + _done(done, 0x10, len(result.rows)))


class _Encrypted:
    """A socket whose bytes are encrypted; the handshake is in packets."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, session: _Session) -> None:
        self._plain = plain
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._leave(session)
                kind, message = session._message()
                assert kind == PRELOGIN, kind
                self._in.write(message)
                continue
            except ssl.SSLError as refused:
                raise Gone from refused
            self._leave(session)
            return

    def _leave(self, session: _Session) -> None:
        waiting = self._out.read()
        if waiting:
            session._send(waiting, PRELOGIN)

    def recv(self, count: int) -> bytes:
        while True:
            try:
                return self._tls.read(count)
            except ssl.SSLWantReadError:
                more = self._plain.recv(1 << 16)
                if not more:
                    return b""
                self._in.write(more)
            except ssl.SSLError:
                return b""

    def sendall(self, content: bytes) -> None:
        self._tls.write(content)
        self._plain.sendall(self._out.read())


def _options(message: bytes) -> Dict[int, bytes]:
    found, at = {}, 0
    while message[at] != 0xFF:
        name, begin, length = struct.unpack_from(">BHH", message, at)
        found[name] = message[begin : begin + length]
        at += 5
    return found


def _table(options: Dict[int, bytes]) -> bytes:
    table, values, begin = b"", b"", len(options) * 5 + 1
    for name, value in options.items():
        table += struct.pack(">BHH", name, begin + len(values), len(value))
        values += value
    return table + b"\xff" + values


def _login(message: bytes) -> Login:
    def text(at: int) -> bytes:
        begin, length = struct.unpack_from("<HH", message, at)
        return message[begin : begin + length * 2]

    hidden = (((each ^ 0xA5) << 4 & 0xF0) | ((each ^ 0xA5) >> 4) for each in text(44))
    password = bytes(hidden).decode("utf-16-le")
    token = ""
    if message[27] & 0x10:
        (place,) = struct.unpack_from("<H", message, 56)
        (at,) = struct.unpack_from("<I", message, place)
        while message[at] != 0xFF:
            feature, length = struct.unpack_from("<BI", message, at)
            if feature == 2:
                (size,) = struct.unpack_from("<I", message, at + 6)
                token = message[at + 10 : at + 10 + size].decode("utf-16-le")
            at += 5 + length
    return Login(text(40).decode("utf-16-le"), password, text(68).decode("utf-16-le"), token)


def _call(request: bytes) -> Tuple[str, List[Any]]:
    """The statement and the parameters of a call of sp_executesql, which is procedure 10."""
    marker, procedure, _ = struct.unpack_from("<HHH", request)
    assert (marker, procedure) == (0xFFFF, 10), (marker, procedure)
    values, at = [], 6
    while at < len(request):
        at += 1 + request[at] * 2 + 1
        value, at = tds_types.read(request, at)
        values.append(value)
    return values[0], values[2:]


def _error(number: int, text: str) -> bytes:
    said = text.encode("utf-16-le")
    body = struct.pack("<IBBH", number, 1, 16, len(text)) + said + b"\0\0" + struct.pack("<I", 1)
    return b"\xaa" + struct.pack("<H", len(body)) + body


def _change(kind: int, new: bytes, old: bytes) -> bytes:
    body = bytes([kind]) + new + old
    return b"\xe3" + struct.pack("<H", len(body)) + body


def _done(token: int, status: int, count: int = 0) -> bytes:
    return struct.pack("<BHHQ", token, status, 0, count)
