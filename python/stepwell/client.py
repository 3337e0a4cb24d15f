"""The client of one server: REST calls, files, live streams and snapshots.

It speaks JSON as plain Python values and raises `stepwell.errors`; it knows nothing of the
`azureml` names. A call that can be repeated without doing its work twice is repeated while the
server cannot be reached; when the server is an embedded one it is started again first, so a
server that was killed is a short pause and not an error. A call that cannot be repeated is sent
once.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import (
    IO,
    Any,
    Callable,
    Dict,
    Iterator,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)
from urllib.parse import quote, urlencode

from stepwell import errors
from stepwell._streams import pieces, server_sent
from stepwell._transport import Body, Lost, NotSent, Request, Response, Transport, Untrusted

API = "/api/v1"
TIMEOUT_S = 30.0
PATIENCE_S = 15.0
NOTICE_S = 1.0  # how long a wait for the server stays silent
PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)
EVENTS_SILENCE_S = 60.0
TICKET_AGE_S_MAX = 6 * 3600.0  # half of how long the server takes it


class Address(NamedTuple):
    """Where a server is and how to be let in."""

    url: str
    token: str
    data_folder: Optional[str]
    socket: Optional[str] = None


class Client:
    """A server, as a program sees it."""

    def __init__(
        self,
        address: Address,
        find_again: Optional[Callable[[], Address]] = None,
        folder: Optional[str] = None,
    ) -> None:
        """A client for the server at `address`.

        Args:
            address: Where the server is.
            find_again: For an embedded server: finds it, or starts it, when it is gone.
            folder: The project folder the embedded server belongs to.
        """
        self._address = address
        self._transport = Transport(address.url, address.socket)
        self._find_again = find_again
        self._folder = folder
        self._lock = threading.Lock()
        self._snapshots: Dict[str, str] = {}
        self._ticket: Optional[Tuple[float, str]] = None
        self.raised: Callable[[errors.StepwellError], Exception] = lambda error: error
        """What is raised for an error; the `azureml` names give it their own types here."""
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    @property
    def url(self) -> str:
        """The server's URL."""
        return self._address.url

    @property
    def token(self) -> str:
        """The token that lets this client in."""
        return self._address.token

    @property
    def data_folder(self) -> Optional[str]:
        """The server's data folder, when it is on this machine."""
        return self._address.data_folder

    @property
    def folder(self) -> Optional[str]:
        """The project's folder, when an embedded server serves it."""
        return self._folder

    def ensure(self) -> None:
        """Make sure that an embedded server is there, starting it again if it is not."""
        if self._find_again is not None:
            self.get("/health")

    @property
    def sdk_path(self) -> str:
        """The folder that holds the packages `stepwell` and `azureml` of this program."""
        return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

    def ticket(self) -> Optional[str]:
        """What a link to a page carries to let a browser in; `None` when the server says no.

        It allows to look at everything and to cancel runs, for some hours. The token allows more,
        and stays out of links.
        """
        if self._ticket is None or time.monotonic() - self._ticket[0] > TICKET_AGE_S_MAX:
            try:
                text = str(self.post("/tickets", repeatable=True)["ticket"])
            except errors.StepwellError:
                return None
            self._ticket = (time.monotonic(), text)
        return self._ticket[1]

    def __repr__(self) -> str:
        """The URL, without the token."""
        return f"Client({self.url!r})"

    # Calls that send and receive JSON.

    def get(self, path: str, **query: Any) -> Any:
        """Ask for something; parameters that are `None` are left out."""
        return self._json("GET", path, query=query)

    def post(
        self,
        path: str,
        body: Any = None,
        repeatable: bool = False,
        idempotency_key: Optional[str] = None,
        **query: Any,
    ) -> Any:
        """Send something new; sent once unless it is `repeatable` or has a key."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        repeatable = repeatable or bool(idempotency_key)
        return self._json("POST", path, body, repeatable, query=query, headers=headers)

    def put(self, path: str, body: Any = None, **query: Any) -> Any:
        """Make something be as `body` says."""
        return self._json("PUT", path, body, query=query)

    def patch(self, path: str, body: Any) -> Any:
        """Change a part of something."""
        return self._json("PATCH", path, body)

    def delete(self, path: str) -> Any:
        """Take something away."""
        return self._json("DELETE", path)

    def pages(self, path: str, key: str, **query: Any) -> Iterator[Any]:
        """All items of a list that comes in pages, each page asked for when it is needed."""
        cursor: Optional[str] = None
        while True:
            page = self.get(path, cursor=cursor, **query)
            for item in page[key]:
                yield item
            cursor = page.get("next")
            if not cursor:
                return

    def submit(self, body: Mapping[str, Any]) -> Dict[str, Any]:
        """Start a run and return it; sending again after a lost answer does not start two.

        `stepwell graph FILE.py` wants the request only: with `STEPWELL_CAPTURE` it is written to
        the file of that name, and the program ends there.
        """
        captured = os.environ.get("STEPWELL_CAPTURE")
        if captured:
            with open(captured, "w", encoding="utf-8") as file:
                json.dump(body, file)
            raise SystemExit(0)

        try:
            run: Dict[str, Any] = self.post("/runs", body, idempotency_key=os.urandom(16).hex())
            return run
        finally:
            self.forget_snapshots()

    # Files and streams.

    def read(
        self, path: str, query: Optional[Mapping[str, Any]] = None, timeout_s: float = TIMEOUT_S
    ) -> Response:
        """Ask for bytes; the answer's headers come with them."""
        return self._checked(self._request("GET", path, query=query, timeout_s=timeout_s))

    def save(self, path: str, target: str, timeout_s: float = TIMEOUT_S, **query: Any) -> None:
        """Write what is at `path` into the file `target`; a partial file is never left there.

        The server may take `timeout_s` until it begins to answer.
        """
        folder = os.path.dirname(os.path.abspath(target))
        os.makedirs(folder, exist_ok=True)
        partial = f"{target}.{os.getpid()}-{threading.get_ident()}.part"
        try:
            self._persist(lambda: self._save_once(path, partial, query, timeout_s), repeatable=True)
            os.replace(partial, target)
        finally:
            if os.path.exists(partial):
                os.remove(partial)

    def send_file(self, path: str, source: IO[bytes], overwrite: bool = False) -> Any:
        """Store what `source` holds from its current place on."""
        start = source.tell()
        size = source.seek(0, os.SEEK_END) - start

        def attempt() -> Response:
            source.seek(start)
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Length": str(size),
            }
            query = {"overwrite": True} if overwrite else {}
            return self._send(
                "PUT", path, query, source if size else b"", headers, max(TIMEOUT_S, size / 1e6)
            )

        return _parsed(self._checked(("PUT", path, self._persist(attempt, repeatable=True))))

    def events(self, path: str, after: int = 0) -> Iterator[Tuple[int, Any]]:
        """The events at `path`, as they come, each with its number.

        It goes on after a break. When the server dies the end of the stream may look like any
        other, so a caller who expects a last event must look whether it came.
        """
        while True:
            try:
                for number, event in self._events_once(path, after):
                    after = number
                    yield number, event
                return
            except (NotSent, Lost):
                self._persist(lambda: self._send("GET", "/health", {}, None, {}, TIMEOUT_S), True)

    def push_snapshot(self, directory: str) -> str:
        """Store a copy of a folder at the server and return its digest.

        A folder that several steps of one submission share is looked at once: digests are kept
        until `submit` is called or `forget_snapshots` says that files may have changed.
        """
        plan = os.environ.get("STEPWELL_CAPTURE_SNAPSHOTS")
        if os.environ.get("STEPWELL_CAPTURE") and not plan:
            return "0" * 64  # nothing will run
        key = os.path.realpath(directory)
        if key not in self._snapshots:
            self._snapshots[key] = self._take(key)
        return self._snapshots[key]

    def push_files(self, directory: str, only: Sequence[str]) -> str:
        """Store files and folders below a folder at the server and return their digest.

        Unlike `push_snapshot` it stores them whole, whatever ignore files say.
        """
        return self._take(directory, only)

    def forget_snapshots(self) -> None:
        """Look at every folder again the next time it is pushed."""
        self._snapshots.clear()

    # How a call is made.

    def _take(self, directory: str, only: Optional[Sequence[str]] = None) -> str:
        from stepwell._snapshot import take

        try:
            return take(directory, self._address, self._find_again is None, only)
        except errors.CommandFailed as error:
            failed = errors.SnapshotFailed(error.message, error.hint, error.exit_code)
            raise self.raised(failed) from None

    def _json(
        self,
        method: str,
        path: str,
        body: Any = None,
        repeatable: bool = True,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Any:
        request_headers = dict(headers or {})
        data: Body = None
        if body is not None:
            data = json.dumps(body, allow_nan=False).encode()
            request_headers["Content-Type"] = "application/json"
        answer = self._request(method, path, query, data, request_headers, repeatable)
        return _parsed(self._checked(answer))

    def _request(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, Any]] = None,
        body: Body = None,
        headers: Optional[Mapping[str, str]] = None,
        repeatable: bool = True,
        timeout_s: float = TIMEOUT_S,
    ) -> Tuple[str, str, Response]:
        def attempt() -> Response:
            return self._send(method, path, query or {}, body, headers or {}, timeout_s)

        return method, path, self._persist(attempt, repeatable)

    def _persist(self, attempt: Callable[[], Any], repeatable: bool) -> Any:
        """Try until there is an answer, as long as trying again is right and has a chance."""
        begin = time.monotonic()
        deadline = begin + PATIENCE_S
        notified = False
        known = self._address
        for tries in range(1_000_000):
            try:
                answer = attempt()
            except NotSent as failure:
                reason = str(failure)
                known = self._look_again(known)
            except Untrusted as failure:
                raise self._untrusted(str(failure)) from failure
            except Lost as failure:
                reason = str(failure)
                if not repeatable:
                    raise self._unreachable(reason) from failure
            else:
                status = getattr(answer, "status", 200)
                moved = status == 401 and self._find_again is not None and known == self._address
                if moved and tries == 0:  # another server has taken the place of the one we knew
                    reason, known = "unauthorized", self._look_again(known)
                elif status in (502, 503, 504) and (repeatable or _is_busy(answer)):
                    reason = f"status {status}"
                else:
                    return answer
            now = time.monotonic()
            if now > deadline:
                raise self._unreachable(reason)
            if now > begin + NOTICE_S and not notified:
                notified = True
                sys.stderr.write(
                    f"waiting for the Stepwell server at {self.url}, up to "
                    f"{deadline - now:.0f} s: {reason}\n"
                )
            time.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
        raise AssertionError("the deadline ends the loop")

    def _look_again(self, known: Address) -> Address:
        """Find or start the embedded server, once for all threads that miss it."""
        if self._find_again is None:
            return known
        with self._lock:
            if self._address == known:
                self._address = self._find_again()
                if self._address[:1] + self._address[3:] != known[:1] + known[3:]:
                    self._transport = Transport(self._address.url, self._address.socket)
            return self._address

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Body,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> Response:
        return self._transport.send(
            Request(method, _target(path, query), self._headers(headers), body, timeout_s)
        )

    def _headers(self, headers: Mapping[str, str]) -> Dict[str, str]:
        return {"Authorization": "Bearer " + self.token, **headers}

    def _checked(self, answer: Tuple[str, str, Response]) -> Response:
        method, path, response = answer
        if response.status < 400:
            return response
        raise self.raised(_refusal(response.status, response.body, f"{method} {path}"))

    def _save_once(
        self, path: str, partial: str, query: Mapping[str, Any], timeout_s: float
    ) -> None:
        request = Request("GET", _target(path, query), self._headers({}), None, timeout_s)
        with self._transport.open(request) as response:
            if response.status >= 400:
                raise self.raised(_refusal(response.status, response.read(), "GET " + path))
            with open(partial, "wb") as file:
                for piece in pieces(response):
                    file.write(piece)

    def _events_once(self, path: str, after: int) -> Iterator[Tuple[int, Any]]:
        headers = self._headers({"Accept": "text/event-stream"})
        target = _target(path, {"after": after})
        request = Request("GET", target, headers, None, EVENTS_SILENCE_S)
        with self._transport.open(request) as response:
            if response.status >= 400:
                raise self.raised(_refusal(response.status, response.read(), "GET " + path))
            for number, data in server_sent(response):
                yield (after if number is None else number), json.loads(data)

    def _unreachable(self, reason: str) -> Exception:
        hint = "check that the server runs, and STEPWELL_URL and STEPWELL_TOKEN"
        if self._find_again is not None:
            hint = "run `stepwell doctor` in {}".format(self._folder or "the project's folder")
        message = f"the Stepwell server at {self.url} does not answer: {reason}"
        return self.raised(errors.ServerUnreachable(message, hint))

    def _untrusted(self, reason: str) -> Exception:
        message = f"the Stepwell server at {self.url} is not trusted: {reason}"
        hint = "set STEPWELL_CA_FILE to the PEM file with the certificate of its authority"
        return self.raised(errors.ServerUnreachable(message, hint))

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        self._transport.after_fork()


def _target(path: str, query: Mapping[str, Any]) -> str:
    given = {}
    for name, value in query.items():
        if value is not None:
            given[name] = str(value).lower() if isinstance(value, bool) else str(value)
    target = API + quote(path)
    return f"{target}?{urlencode(given)}" if given else target


def _is_busy(answer: Any) -> bool:
    """Whether the server says that it has done nothing yet, because it has too much to do."""
    return "retry-after" in getattr(answer, "headers", {})


def _parsed(response: Response) -> Any:
    return json.loads(response.body) if response.body else None


def _refusal(status: int, body: bytes, request: str) -> errors.ApiError:
    try:
        reply = json.loads(body)
    except ValueError:
        reply = None
    return errors.from_reply(status, reply, request)
