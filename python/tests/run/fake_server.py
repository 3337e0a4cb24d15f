"""A little HTTP server whose answers a test writes down beforehand, for faults of transport only.

What the real server does is tested with the real server.
"""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Iterator, List, Tuple

Answer = Tuple[int, Any]


class FakeServer(ThreadingHTTPServer):
    """Answers each request by calling `answer(method, path, body)`; `None` drops the connection."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer: Callable[[str, str, Any], Any], port: int = 0) -> None:
        self.answer = answer
        self.seen: List[Tuple[str, str, Any]] = []
        self.headers_seen: List[Dict[str, str]] = []
        self.connections = 0
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeServer

    def _handle(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(data) if data[:1] in (b"{", b"[") else data
        self.server.seen.append((self.command, self.path, body))
        self.server.headers_seen.append({k.lower(): v for k, v in self.headers.items()})
        answer = self.server.answer(self.command, self.path, body)
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, reply = answer
        content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(answer: Callable[[str, str, Any], Any], port: int = 0) -> Iterator[FakeServer]:
    """A server that runs for a `with` block."""
    server = FakeServer(answer, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
