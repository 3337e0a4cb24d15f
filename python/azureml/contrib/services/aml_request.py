"""What a scoring script that wants the whole request imports.

A scoring script can be imported and its `run` called with an `AMLRequest`; no web service calls it.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Optional, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class AMLRequest(object):
    """A request, as far as scoring scripts read one."""

    def __init__(
        self,
        method: str = "POST",
        full_path: str = "/score",
        data: bytes = b"",
        headers: Optional[Mapping[str, str]] = None,
    ) -> None:
        """A request with a body."""
        self.method = method
        self.full_path = full_path
        self.headers: Dict[str, str] = dict(headers or {})
        self._data = data

    def get_data(self, as_text: bool = False) -> Any:
        """The body, as bytes or as text."""
        return self._data.decode("utf-8") if as_text else self._data


def rawhttp(function: Function) -> Function:
    """Mark the `run` of a scoring script as one that takes the whole request."""
    function._is_raw_http = True  # type: ignore[attr-defined]
    return function
