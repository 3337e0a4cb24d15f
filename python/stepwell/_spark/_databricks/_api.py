"""Calls of a Databricks workspace's REST API, with what a client must do about bad answers.

A call that the workspace has not seen, or that it throttles, is made again; so is a call that it
may have seen, since those have the same effect when they are made twice (`post_once` is for the
others). The token is in no text.
"""

from __future__ import annotations

import json
import random
import time
from typing import Any, Callable, Dict, Mapping, Optional
from urllib.parse import urlencode

from stepwell._spark._databricks._token import Token
from stepwell._transport import Lost, NotSent, Request, Response, Transport, Untrusted
from stepwell._worker import Failure

TIMEOUT_S = 60.0
TRIES_MAX = 8
WAIT_S_MAX = 60.0
THROTTLED = 429
DENIED = 401
AGAIN = (THROTTLED, 500, 502, 503, 504)
"""Statuses after which the same call may succeed: throttled, or a fault of the service."""


class Refused(Exception):
    """The workspace answered with an error that the same call would meet again."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}" if code else message)
        self.status = status
        self.code = code
        self.message = message


class Interrupted(Exception):
    """It is not known whether the workspace has performed a call that may not be made twice."""


class Api(object):
    """The REST API of one workspace."""

    def __init__(
        self,
        url: str,
        token: Token,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """`sleep` waits between tries."""
        self._url = url
        self._token = token
        self._sleep = sleep
        self._transport = Transport(url)
        self._random = random.Random()

    def get(self, target: str, **query: Any) -> Dict[str, Any]:
        """Read something."""
        given = {name: value for name, value in query.items() if value is not None}
        return self.call("GET", target + ("?" + urlencode(given) if given else ""))

    def post(self, path: str, body: Mapping[str, Any]) -> Dict[str, Any]:
        """Change something, such that doing it twice is doing it once."""
        return self.call("POST", path, body)

    def post_once(self, path: str, body: Mapping[str, Any]) -> None:
        """Change something that may not be done twice.

        Raises:
            Interrupted: It may or may not have been done.
        """
        self.call("POST", path, body, repeat=False)

    def call(
        self,
        method: str,
        target: str,
        body: Optional[Mapping[str, Any]] = None,
        repeat: bool = True,
    ) -> Dict[str, Any]:
        """Make one call, again where that may help.

        Raises:
            Refused: The workspace refuses the call.
            Interrupted: With `repeat=False`: the call may have been performed.
            Failure: The workspace cannot be reached, or not with this token.
        """
        data = None if body is None else json.dumps(body).encode("utf-8")
        last = "no answer"
        for attempt in range(TRIES_MAX):
            asked_for = None
            try:
                response = self._send(method, target, data)
            except NotSent as broken:
                last = str(broken)
            except Lost as broken:
                if not repeat:
                    raise Interrupted(str(broken)) from None
                last = str(broken)
            else:
                if response.status < 300:
                    return _object(response)
                refused = _refusal(response)
                if refused.status == DENIED and self._token.is_renewed():
                    continue
                if response.status not in AGAIN:
                    raise self._denied(refused) or refused
                if not repeat and response.status != THROTTLED:
                    raise Interrupted(str(refused))
                last = f"status {response.status}: {refused}"
                asked_for = response.headers.get("retry-after")
            self._sleep(wait_s(attempt, asked_for, self._random.random()))
        raise Failure(
            "lost",
            f"the workspace {self._url} gives no answer: {last}",
            hint="the job may be running there; a next attempt of the step finds it again",
        )

    def _send(self, method: str, target: str, data: Optional[bytes]) -> Response:
        request = Request(method, target, self._headers(), data, TIMEOUT_S)
        try:
            return self._transport.send(request)
        except Untrusted as untrusted:
            raise Failure(
                "environment",
                f"the certificate of {self._url} is not trusted: {untrusted}",
                hint="name the file of its authority in STEPWELL_CA_FILE",
            ) from None

    def _headers(self) -> Dict[str, str]:
        return {
            "Authorization": "Bearer " + self._token.text(),
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "stepwell",
        }

    def _denied(self, refused: Refused) -> Optional[Failure]:
        if refused.status not in (DENIED, 403):
            return None
        if refused.status == DENIED:
            what = "does not accept the token {}: it may have expired"
        else:
            what = "does not permit this to the owner of the token {}"
        return Failure(
            "environment",
            f"{self._url} " + what.format(self._token.place),
            hint=self._token.how_to_renew,
            detail=str(refused),
        )


def wait_s(attempt: int, retry_after: Optional[str], chance: float) -> float:
    """Seconds before the next try: what the service asks for, else 1, 2, 4, … with a spread.

    >>> wait_s(0, None, 0.5), wait_s(3, None, 0.0), wait_s(0, "7", 0.9), wait_s(9, None, 0.5)
    (1.0, 4.0, 7.0, 60.0)
    """
    if retry_after and retry_after.strip().isdigit():
        return min(float(retry_after), WAIT_S_MAX)
    return min(WAIT_S_MAX, float(2**attempt) * (0.5 + chance))


def _object(response: Response) -> Dict[str, Any]:
    if not response.body.strip():
        return {}
    value = json.loads(response.body)
    return value if isinstance(value, dict) else {}


def _refusal(response: Response) -> Refused:
    """The error of an answer: `{"error_code", "message"}`, or whatever it holds."""
    try:
        body = json.loads(response.body)
        code, message = str(body.get("error_code") or ""), str(body.get("message") or "")
    except (ValueError, AttributeError):
        code, message = "", response.body[:500].decode("utf-8", "replace")
    return Refused(response.status, code, message or f"status {response.status}")
