"""Everything that can go wrong when a program speaks to Stepwell.

    StepwellError
    ├── BinaryNotFound       the `stepwell` command is not where it should be
    ├── CommandFailed        the `stepwell` command said no
    │   └── SnapshotFailed   a folder could not be stored at the server
    ├── ServerUnreachable    no answer from the server
    ├── NotSupported         asked for something that is not there yet
    └── ApiError             the server said no; one class for each of its codes
        ├── InvalidRequest   ├── InvalidGraph      ├── Unauthorized
        ├── Forbidden        ├── NotFound          ├── Conflict
        ├── TooLarge         ├── MethodNotAllowed  ├── RequestTimeout
        ├── Busy             ├── Storage           ├── Datastore
        └── Internal

An error's text says what was wrong and where; `hint`, when there is one, says what to do.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Type


class StepwellError(Exception):
    """The root of all errors of this package."""

    def __init__(self, message: str, hint: str = "") -> None:
        """Remember the sentence and what to do about it."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """The sentence, and the hint on a line of its own."""
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class BinaryNotFound(StepwellError):
    """The `stepwell` command was found in none of the places looked at."""


class CommandFailed(StepwellError):
    """The `stepwell` command ended with an error."""

    def __init__(self, message: str, hint: str = "", exit_code: int = 1) -> None:
        """Remember the exit code beside the words."""
        super().__init__(message, hint)
        self.exit_code = exit_code


class SnapshotFailed(CommandFailed):
    """A folder could not be stored at the server."""


class ServerUnreachable(StepwellError):
    """The server gave no answer, in spite of several attempts."""


class NotSupported(StepwellError):
    """What was asked for is not there yet."""


class ApiError(StepwellError):
    """The server refused a request."""

    code: str = "internal"

    def __init__(self, code: str, message: str, hint: str = "", status: int = 500) -> None:
        """Remember the code for programs and the HTTP status."""
        super().__init__(message, hint)
        self.code = code
        self.status = status


class InvalidRequest(ApiError):
    """The request does not fit its schema, or a value is out of its range."""

    code = "invalid_request"


class InvalidGraph(ApiError):
    """The steps do not make a graph."""

    code = "invalid_graph"


class Unauthorized(ApiError):
    """The token is missing or wrong."""

    code = "unauthorized"


class Forbidden(ApiError):
    """The token does not allow this."""

    code = "forbidden"


class NotFound(ApiError):
    """There is no such thing."""

    code = "not_found"


class Conflict(ApiError):
    """What is asked contradicts what there is."""

    code = "conflict"


class TooLarge(ApiError):
    """The body is larger than the server's limit."""

    code = "too_large"


class MethodNotAllowed(ApiError):
    """The address is there, but not for this method."""

    code = "method_not_allowed"


class RequestTimeout(ApiError):
    """The request came too slowly."""

    code = "timeout"


class Busy(ApiError):
    """Too much is asked of the server at once; nothing was done."""

    code = "busy"


class Storage(ApiError):
    """The server's disk is full, or its data folder cannot be written."""

    code = "storage"


class Datastore(ApiError):
    """A datastore on another machine cannot be reached, or refuses."""

    code = "datastore"


class Internal(ApiError):
    """A fault of Stepwell."""

    code = "internal"


BY_CODE: Dict[str, Type[ApiError]] = {
    kind.code: kind
    for kind in (
        InvalidRequest,
        InvalidGraph,
        Unauthorized,
        Forbidden,
        NotFound,
        Conflict,
        TooLarge,
        MethodNotAllowed,
        RequestTimeout,
        Busy,
        Storage,
        Datastore,
        Internal,
    )
}


def from_reply(status: int, reply: Any, request: str) -> ApiError:
    """The error that an answer of the server stands for; `request` names what was asked."""
    error: Mapping[str, Any] = {}
    if isinstance(reply, Mapping) and isinstance(reply.get("error"), Mapping):
        error = reply["error"]
    code = str(error.get("code", "internal"))
    message = str(error.get("message") or f"the server answered {status} to {request}")
    return BY_CODE.get(code, ApiError)(code, message, str(error.get("hint") or ""), status)
