"""v1's exception for a refusal of the service, where msrest is installed."""

from __future__ import annotations

from msrest.exceptions import HttpOperationError as _HttpOperationError


class ErrorResponseException(_HttpOperationError):  # type: ignore[misc]
    """The server refused a request."""
