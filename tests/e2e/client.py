"""A small REST client: just enough to say what a test means, and to see every byte of an answer.

A client knows how to find its server again. Requests that may be repeated are repeated when the
server goes away in the middle; others raise what happened.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any, Callable
from urllib.parse import quote, urlencode, urlsplit

TERMINAL = ("Completed", "Failed", "Canceled")

Json = Any


@dataclass(frozen=True)
class Endpoint:
    """Where a server is."""

    url: str
    token: str
    pid: int
    socket: str = ""


@dataclass(frozen=True)
class Answer:
    """What a server answered, whatever it was."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Json:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, str]:
        """The error of a refusal."""
        return dict(self.json()["error"])


class Refused(Exception):
    """An answer that is not 2xx."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status}: {answer.body.decode(errors='replace')}")
        self.answer = answer


class Client:
    """Speaks to the server that `locate` finds, starting it if need be."""

    def __init__(self, locate: Callable[[], Endpoint]) -> None:
        self._locate = locate
        self._endpoint: Endpoint | None = None

    @property
    def endpoint(self) -> Endpoint:
        """Where the server was when it was last looked for."""
        if self._endpoint is None:
            self._endpoint = self._locate()
        return self._endpoint

    def request(
        self,
        method: str,
        path: str,
        body: Json = None,
        *,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        token: str | None = "",
        prefix: str = "/api/v1",
    ) -> Answer:
        """Asks; `token=None` sends none, the empty text the right one. JSON unless bytes."""
        repeatable = method in ("GET", "PUT") or "Idempotency-Key" in (headers or {})
        target = f"{prefix}{quote(path)}" + (f"?{urlencode(query)}" if query else "")
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        for last in (False, False, False, True):
            endpoint = self.endpoint
            sent = dict(headers or {})
            if token is not None:
                sent["Authorization"] = f"Bearer {token or endpoint.token}"
            try:
                return _ask(endpoint.url, method, target, content, sent)
            except (OSError, http.client.HTTPException) as error:
                self._endpoint = None
                # A refused connection has carried nothing.
                if last or not (repeatable or isinstance(error, ConnectionRefusedError)):
                    raise
        raise AssertionError("the last try answers or raises")

    def call(self, method: str, path: str, body: Json = None, **options: Any) -> Json:
        """Asks for JSON; anything but 2xx is raised as `Refused`."""
        answer = self.request(method, path, body, **options)
        if answer.status // 100 != 2:
            raise Refused(answer)
        return answer.json() if answer.body else None

    def get(self, path: str, **query: Any) -> Json:
        """Asks for JSON."""
        return self.call("GET", path, query=query or None)

    def submit(self, body: Json, key: str | None = None) -> Json:
        """Submits a run."""
        return self.call("POST", "/runs", body, headers={"Idempotency-Key": key} if key else None)

    def run(self, run: str) -> Json:
        """A run as it is."""
        return self.get(f"/runs/{run}")

    def runs(self, **query: Any) -> list[Json]:
        """All runs that a query gives, page by page."""
        page = self.get("/runs", limit=1000, **query)
        found: list[Json] = page["runs"]
        while page.get("next"):
            page = self.get("/runs", limit=1000, cursor=page["next"], **query)
            found += page["runs"]
        return found

    def steps(self, run: str) -> list[Json]:
        """The steps of a run, in the pipeline's order."""
        steps = self.get("/runs", parent=run, limit=1000)["runs"]
        return sorted(steps, key=lambda step: step["step"])

    def wait(self, run: str, timeout_s: float = 30.0) -> Json:
        """The run once it is over; it must be over in time."""
        seen = self.get(f"/runs/{run}/wait", timeout_s=timeout_s)
        if seen["status"] not in TERMINAL:
            raise AssertionError(f"after {timeout_s} s the run is not over: {seen}")
        return seen

    def log(self, run: str) -> str:
        """All that a step printed so far."""
        answer = self.request("GET", f"/runs/{run}/log", query={"offset": 0, "timeout_s": 0})
        return answer.body.decode()

    def files(self, run: str) -> list[str]:
        """The names of a run's files."""
        return [file["name"] for file in self.get(f"/runs/{run}/files")["files"]]

    def events(self, run: str) -> list[Json]:
        """Every change of a run that is over."""
        answer = self.request("GET", f"/runs/{run}/events")
        lines = answer.body.decode().splitlines()
        return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def _ask(
    url: str, method: str, target: str, content: bytes | None, headers: dict[str, str]
) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=70)
    try:
        connection.request(method, target, content, headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()
