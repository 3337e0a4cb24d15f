"""Where clients sign in before they reach a store: a token endpoint, and a door.

Azurite judges the tokens of Azure's directory itself, but speaks only TLS then; moto does not know
Google's tokens, so the door before it checks them as Google documents for self-signed ones.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Mapping, Optional
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
CLIENT_SECRET = "s~cret.of-a-principal-that-nobody-has"
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}

Headers = Mapping[str, str]


class Refused(Exception):
    """The answer to a client that is not let in."""


class Busy(Exception):
    """A request that is to be made again in a second."""


class Server:
    """An HTTP server of this process; `answer` is called with each request's handler and body."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler, bytes], None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                size = int(self.headers.get("Content-Length") or 0)
                answer(self, self.rfile.read(size))
                self.wfile.flush()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Take no more connections."""
        self._server.shutdown()
        self._server.server_close()


def send(handler: BaseHTTPRequestHandler, status: int, headers: Headers, body: bytes) -> None:
    """Answer a request."""
    handler.send_response_only(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    if "Content-Length" not in headers:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


def relay(
    target: str,
    admit: Optional[Callable[[Headers], str]] = None,
    answered: Callable[[], None] = lambda: None,
) -> Server:
    """A way to a server, which may speak TLS; with `admit`, a door.

    What that does not refuse goes on with the authorization that it gives for the one it saw.
    `answered` is called before an answer is passed on.
    """
    place = urlsplit(target)

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        try:
            if admit:
                given = admit(handler.headers)
                handler.headers.replace_header("Authorization", given)
        except Refused as refused:
            send(handler, 401, {"Content-Type": "text/plain"}, str(refused).encode())
            return
        except Busy:
            send(handler, 503, {"Retry-After": "1"}, b"")
            return
        connection = (
            http.client.HTTPSConnection(
                place.netloc, context=ssl._create_unverified_context(), timeout=60
            )
            if place.scheme == "https"
            else http.client.HTTPConnection(place.netloc, timeout=60)
        )
        connection.putrequest(handler.command, handler.path, True, True)
        for name, value in handler.headers.items():
            if name.lower() != "connection":
                connection.putheader(name, value)
        connection.endheaders(body)
        came = connection.getresponse()
        content = came.read()
        headers = {name: value for name, value in came.getheaders() if not _is_of_the_hop(name)}
        if handler.command == "HEAD":
            headers["Content-Length"] = came.getheader("Content-Length") or "0"
        answered()
        send(handler, came.status, headers, content)
        connection.close()

    return Server(answer)


def _is_of_the_hop(name: str) -> bool:
    return name.lower() in HOP_BY_HOP


def directory(
    scope: str = "https://storage.azure.com/.default",
    token: Optional[str] = None,
    lifetime_s: int = 3599,
) -> Server:
    """Gives tokens to one service principal, as Azure's directory does.

    https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
    """
    expected = {
        "grant_type": "client_credentials",
        "scope": scope,
        "client_id": CLIENT,
        "client_secret": CLIENT_SECRET,
    }

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        is_known = handler.path == f"/{TENANT}/oauth2/v2.0/token"
        if is_known and handler.command == "POST" and asked == expected:
            status, reply = 200, {"token_type": "Bearer", "expires_in": lifetime_s}
            reply["access_token"] = token or _azure_token(lifetime_s)
        else:
            status, reply = 401, {"error": "invalid_client", "error_description": "AADSTS7000215"}
        headers = {"Content-Type": "application/json"}
        send(handler, status, headers, json.dumps(reply).encode())

    return Server(answer)


def _azure_token(lifetime_s: int) -> str:
    now = int(time.time())
    claims = {
        "aud": "https://storage.azure.com",
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": now - 60,
        "nbf": now - 60,
        "exp": now + lifetime_s,
        "appid": CLIENT,
    }
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    # Azurite looks at what a token says, and cannot know who has signed it.
    return ".".join([*(_text(part) for part in parts), "c2lnbmF0dXJl"])


def _text(part: Dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


class ServiceAccount:
    """A made-up service account of Google's, and a check of the tokens that it signs itself.

    https://google.aip.dev/auth/4111
    """

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.email = "scorer@project.iam.gserviceaccount.com"

    @property
    def private_key(self) -> str:
        """The key as its owner has it."""
        encoded = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return encoded.decode()

    @property
    def file(self) -> str:
        """What Google gives for download as the key."""
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "project",
                "private_key_id": "key-1",
                "private_key": self.private_key,
                "client_email": self.email,
                "client_id": "1",
                "token_uri": "https://oauth2.googleapis.com/token",
            }
        )

    def check(self, headers: Headers) -> None:
        """Refuse a request without a token of this account."""
        scheme, _, token = (headers.get("Authorization") or "").partition(" ")
        parts = token.split(".")
        if scheme != "Bearer" or len(parts) != 3:
            raise Refused("no token")
        header, claims = (json.loads(_bytes(part)) for part in parts[:2])
        signed = ".".join(parts[:2]).encode()
        try:
            self._key.public_key().verify(
                _bytes(parts[2]), signed, padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            raise Refused("signed by another key") from None
        now = time.time()
        if (header["alg"], header["kid"]) != ("RS256", "key-1"):
            raise Refused("an unexpected header")
        if claims["iss"] != self.email or claims["sub"] != self.email:
            raise Refused("another account")
        if "https://www.googleapis.com/auth/cloud-platform" not in claims["scope"].split():
            raise Refused("another scope")
        if not claims["iat"] <= now + 60 <= now + 120 <= claims["exp"] <= claims["iat"] + 3600:
            raise Refused("another time")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
