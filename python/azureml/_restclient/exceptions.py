"""The exception for an answer of the server that is an error."""

from __future__ import annotations

from typing import Any, Optional

from azureml._common.exceptions import AzureMLException


class ServiceException(AzureMLException):
    """The server refused a request."""

    _error_code = "ServiceError"

    def __init__(
        self, http_error: Any, inner_exception: Optional[BaseException] = None, **kwargs: Any
    ) -> None:
        """Remember what the server said.

        Args:
            http_error: The refusal: an error of Stepwell's client, or its text.
            inner_exception: The exception behind it; `http_error` itself when that is one.
        """
        behind = http_error if isinstance(http_error, BaseException) else None
        super().__init__(str(http_error), inner_exception or behind, **kwargs)
        self.status_code: Optional[int] = getattr(http_error, "status", None)
