"""The root of all exceptions that the `azureml` names raise.

How one prints is part of the interface: programs search the text for the message, and tools take
the JSON after `ErrorResponse` apart.
"""

from __future__ import annotations

from typing import Any, ClassVar, Iterable, List, Optional


class AzureMLException(Exception):
    """Something that a program could not have, with a sentence for a person."""

    _error_code: ClassVar[str] = "SystemError"

    def __init__(
        self,
        exception_message: str = "",
        inner_exception: Optional[BaseException] = None,
        target: Optional[str] = None,
        details: Optional[Iterable[Any]] = None,
        **kwargs: Any,
    ) -> None:
        """Remember what went wrong.

        Args:
            exception_message: The sentence.
            inner_exception: The exception behind this one.
            target: The name of what was wrong, such as a parameter.
            details: More of the same, for programs.
            kwargs: What v1 let its callers pass beside; kept out of sight.
        """
        super().__init__(exception_message)
        self._exception_message = exception_message
        self._inner_exception = inner_exception
        self._target = target
        self._details = list(details or [])

    @property
    def message(self) -> str:
        """The sentence for a person."""
        return self._exception_message

    @message.setter
    def message(self, value: str) -> None:
        self._exception_message = value

    @property
    def inner_exception(self) -> Optional[BaseException]:
        """The exception behind this one, if there is one."""
        return self._inner_exception

    @inner_exception.setter
    def inner_exception(self, value: Optional[BaseException]) -> None:
        self._inner_exception = value

    def print_stacktrace(self) -> None:
        """Print the traceback of the exception behind this one, or of this one."""
        import traceback

        error = self._inner_exception or self
        traceback.print_exception(type(error), error, error.__traceback__)

    def _serialize_json(self, indent: Optional[int] = None) -> str:
        """The error as programs read it."""
        import json

        error = {"code": self._error_code, "message": self.message}
        if self._target:
            error["target"] = self._target
        return json.dumps({"error": error}, indent=indent)

    def __str__(self) -> str:
        """The kind, the sentence, the exception behind it, and all of it as JSON."""
        return (
            f"{type(self).__name__}:\n\tMessage: {self.message}\n\tInnerException "
            f"{self._inner_exception}\n\tErrorResponse \n{self._serialize_json(4)}"
        )

    def __repr__(self) -> str:
        """The text, as v1 printed it in lists and notebooks."""
        return str(self)


class AzureMLAggregatedException(AzureMLException):
    """Several exceptions that happened at once."""

    def __init__(self, exceptions: Iterable[BaseException] = (), **kwargs: Any) -> None:
        """Remember all of them; the sentence joins theirs."""
        self.exceptions: List[BaseException] = list(exceptions)
        texts = (getattr(each, "message", None) or str(each) for each in self.exceptions)
        super().__init__("\n".join(texts), **kwargs)
