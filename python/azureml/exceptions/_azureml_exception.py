"""The kinds of exceptions. What each one is about is in its name; few carry more than a sentence.

Programs import them from `azureml.exceptions`.
"""

from __future__ import annotations

import json
from typing import Any, Optional

from azureml._common.exceptions import AzureMLException


class TrainingException(AzureMLException):
    """Training could not be started or went wrong."""

    _error_code = "UserError"

    def __init__(self, exception_message: str, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class ExperimentExecutionException(AzureMLException):
    """A run could not be started, or waiting for it was interrupted."""

    _error_code = "UserError"

    def __init__(self, exception_message: str, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class ProjectSystemException(AzureMLException):
    """A project folder cannot be used."""

    def __init__(self, exception_message: str, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class SnapshotException(AzureMLException):
    """The files of a source directory could not be taken."""

    _error_code = "UserError"

    def __init__(self, exception_message: str, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class RunEnvironmentException(AzureMLException):
    """A script asked for its run and there is none."""

    _error_code = "UserError"

    def __init__(self, **kwargs: Any) -> None:
        message = (
            "there is no run here: the script was not started by Stepwell, so the variables that "
            "name its run are missing; start it in a pipeline, or allow an offline run"
        )
        super().__init__(kwargs.pop("exception_message", message), **kwargs)


class WorkspaceException(AzureMLException):
    """A workspace was not found, or several were."""

    _error_code = "UserError"

    def __init__(self, exception_message: str, found_multiple: bool = False, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        self.found_multiple = found_multiple


class WorkspacePrivateEndpointException(AzureMLException):
    """A private endpoint of a workspace could not be used."""

    def __init__(self, exception_message: str, found_multiple: bool = False, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        self.found_multiple = found_multiple


class ComputeTargetException(AzureMLException):
    """A compute target does not exist or cannot be what was asked."""

    _error_code = "UserError"

    def __init__(self, exception_message: str, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class UserErrorException(AzureMLException):
    """The program asked for something that cannot be."""

    _error_code = "UserError"

    def __init__(self, exception_message: str, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class AuthenticationException(UserErrorException):
    """The server did not let the program in."""

    _error_code = "AuthenticationError"

    def __init__(self, exception_message: str, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class RunConfigurationException(AzureMLException):
    """A run configuration contradicts itself or what runs it."""

    _error_code = "UserError"

    def __init__(self, exception_message: str, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class WebserviceException(AzureMLException):
    """A model could not be registered, packaged or deployed."""

    def __init__(
        self,
        exception_message: str,
        status_code: Optional[int] = None,
        logger: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(exception_message, **kwargs)
        self.status_code = status_code
        if status_code is not None and 400 <= status_code < 500:
            # What the program asked for cannot be; the system is not at fault.
            self._error_code = "UserError"  # type: ignore[misc]
        _log(logger, exception_message)


class ModelNotFoundException(AzureMLException):
    """There is no such model."""

    _error_code = "UserError"

    def __init__(self, exception_message: str, logger: Any = None, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        _log(logger, exception_message)


class ModelPathNotFoundException(AzureMLException):
    """The files of a model are not where they should be."""

    _error_code = "UserError"

    def __init__(self, exception_message: str, logger: Any = None, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        _log(logger, exception_message)


class DiscoveryUrlNotFoundException(AzureMLException):
    """A service has no address."""

    def __init__(self, discovery_key: str, **kwargs: Any) -> None:
        super().__init__(f"there is no address for `{discovery_key}`", **kwargs)


class ActivityFailedException(AzureMLException):
    """A run failed; `error_details` is what is known about it, as the JSON of its error."""

    _error_code = "ActivityFailed"

    def __init__(self, error_details: Any, **kwargs: Any) -> None:
        text = error_details if isinstance(error_details, str) else _as_json(error_details)
        super().__init__("the activity failed:\n" + text, **kwargs)
        self.error_details = error_details

    def _serialize_json(self, indent: Optional[int] = None) -> str:
        """The error as programs read it; a traceback stands in the message above it, once."""
        if not isinstance(self.error_details, str):
            return super()._serialize_json(indent)
        sentence = self.error_details.split("\n", 1)[0]
        return json.dumps({"error": {"code": self._error_code, "message": sentence}}, indent=indent)


class ActivityCanceledException(AzureMLException):
    """A run was canceled."""

    _error_code = "ActivityCanceled"

    def __init__(self, cancellation_source: Optional[str] = None, **kwargs: Any) -> None:
        by = f" by {cancellation_source}" if cancellation_source else ""
        super().__init__(f"the activity was canceled{by}", **kwargs)


class DatasetTimestampMissingError(AzureMLException):
    """A dataset has no timestamp column."""

    _error_code = "UserError"

    def __init__(self, error_details: str, **kwargs: Any) -> None:
        super().__init__(error_details, **kwargs)


class ParallelRunException(AzureMLException):
    """A mini-batch could not be processed."""

    def __init__(
        self,
        exception_message: str,
        code: Optional[str] = None,
        delay_seconds: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(exception_message, **kwargs)
        self.code = code
        self.delay_seconds = delay_seconds


def _as_json(details: Any) -> str:
    return json.dumps(details, indent=4, default=str)


def _log(logger: Any, message: str) -> None:
    """Tell the logger the caller passed, as v1 did."""
    if logger is not None:
        logger.error(message)
