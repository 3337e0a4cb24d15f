"""Errors of Stepwell's client in v1's types.

Programs catch `AzureMLException`, `UserErrorException`, `ServiceException` and, where msrest is
in use, `HttpOperationError` or what v1's pipelines made of it. `as_v1` gives an error of
`stepwell.errors` a class that is both: the original one, by which the SDK's own code tells
refusals apart, and those that programs name.

Invariant: an error that has passed `as_v1` can be caught by every class by which it could be
caught before.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, Dict, NamedTuple, Tuple, Type, TypeVar

from azureml._common.exceptions import AzureMLException
from azureml._restclient.exceptions import ServiceException
from azureml.exceptions import (
    AuthenticationException,
    SnapshotException,
    UserErrorException,
    WorkspaceException,
)
from stepwell import errors

Result = TypeVar("Result")
Kind = TypeVar("Kind", bound=Exception)


class HttpResponse(NamedTuple):
    """As much of an HTTP response as handlers of `HttpOperationError` read."""

    status_code: int
    text: str
    reason: str = ""


_V1: Tuple[Tuple[Type[errors.StepwellError], Type[AzureMLException]], ...] = (
    (errors.Unauthorized, AuthenticationException),
    (errors.Forbidden, AuthenticationException),
    (errors.InvalidRequest, UserErrorException),
    (errors.InvalidGraph, UserErrorException),
    (errors.NotFound, UserErrorException),
    (errors.Conflict, UserErrorException),
    (errors.TooLarge, UserErrorException),
    (errors.NotSupported, UserErrorException),
    (errors.SnapshotFailed, SnapshotException),
    (errors.BinaryNotFound, WorkspaceException),
    (errors.ServerUnreachable, WorkspaceException),
)

_made: Dict[Tuple[type, ...], type] = {}


def as_v1(error: errors.StepwellError) -> errors.StepwellError:
    """The same error, of a class that programs written for v1 catch too."""
    if isinstance(error, AzureMLException):
        return error
    bases = _bases(type(error), _v1_type(error))
    made: Any = _of(error, bases)
    status = getattr(error, "status", None)
    if status is not None:
        made.status_code = status
        made.response = HttpResponse(status, str(error))
    made.__cause__, made.__suppress_context__ = error.__cause__, True
    return made  # type: ignore[no-any-return]


def not_found(kind: Type[Kind], message: str) -> Kind:
    """A `kind` that a program may also catch as msrest's error for a status of 404."""
    return refused(kind, message, 404)


def refused(kind: Type[Kind], message: str, status: int) -> Kind:
    """A `kind` that a program may also catch as msrest's error for a status."""
    made: Any = _hybrid((kind, *_http_bases()))(message)
    made.status_code, made.response = status, HttpResponse(status, message)
    if not hasattr(made, "message"):
        # msrest's error shows it, and has set none: it was made as another kind.
        made.message = message
    return made  # type: ignore[no-any-return]


def translated(work: Callable[[], Result]) -> Result:
    """What `work` gives; an error of Stepwell's client leaves it in v1's type."""
    try:
        return work()
    except errors.StepwellError as error:
        raise as_v1(error) from error.__cause__


def _v1_type(error: errors.StepwellError) -> Type[AzureMLException]:
    for kind, v1 in _V1:
        if isinstance(error, kind):
            return v1
    return ServiceException if isinstance(error, errors.ApiError) else WorkspaceException


def _bases(kind: type, v1: type) -> Tuple[type, ...]:
    bases = [kind, v1]
    if issubclass(kind, errors.ApiError):
        bases += [] if v1 is ServiceException else [ServiceException]
        bases += _http_bases()
    return tuple(bases)


_HTTP_ERRORS = (
    # The first is of the kind of the second.
    ("azureml.pipeline.core._restclients.aeva.models.error_response", "ErrorResponseException"),
    ("msrest.exceptions", "HttpOperationError"),
)


def _http_bases() -> Tuple[type, ...]:
    """msrest's error, if the program has loaded it: only then can the program name it."""
    for module, name in _HTTP_ERRORS:
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type):
            return (kind,)
    return ()


def _hybrid(bases: Tuple[type, ...]) -> type:
    if bases not in _made:
        members: Dict[str, Any] = {
            "__init__": _initialise,
            "__module__": bases[0].__module__,
        }
        _made[bases] = type(bases[0].__name__, bases, members)
    return _made[bases]


def _initialise(self: Any, message: str) -> None:
    """Set what the bases hold; their own constructors take different parameters."""
    Exception.__init__(self, message)
    self._exception_message, self._inner_exception = message, None
    self._target, self._details = None, []
    self.hint = ""


def _of(error: errors.StepwellError, bases: Tuple[type, ...]) -> Any:
    made = _hybrid(bases)(error.message)
    made.__dict__.update({k: v for k, v in error.__dict__.items() if k != "message"})
    return made
