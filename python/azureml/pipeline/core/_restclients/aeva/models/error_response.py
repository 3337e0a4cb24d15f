"""The refusal of v1's pipeline service.

Programs catch it to learn that there is no pipeline endpoint of a name yet. A program that has
loaded this module catches every refusal of the server by it, as `azureml._edge` says.
"""

from __future__ import annotations

from typing import Any, Optional, Type


def _base() -> Type[Exception]:
    try:
        from msrest.exceptions import HttpOperationError
    except ImportError:
        return Exception
    return HttpOperationError  # type: ignore[no-any-return]


class ErrorResponse(object):
    """What the service said was wrong."""

    def __init__(self, *, error: Any = None, correlation: Any = None, **kwargs: Any) -> None:
        """Keep what was said."""
        self.error = error
        self.correlation = correlation


class ErrorResponseException(_base()):  # type: ignore[misc]
    """The service refused a request."""

    def __init__(self, deserialize: Any, response: Any, *args: Any) -> None:
        """The refusal that a response is."""
        super().__init__(deserialize, response, "ErrorResponse", *args)
        self.error: Optional[Any] = getattr(self, "error", None)
