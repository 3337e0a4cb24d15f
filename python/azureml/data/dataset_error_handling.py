"""What goes wrong with datasets."""

from __future__ import annotations

from typing import Any

from azureml.exceptions import UserErrorException


class DatasetValidationError(UserErrorException):
    """A dataset cannot be read as it is described."""

    def __init__(self, message: str, exception: Any = None) -> None:
        super().__init__(message, inner_exception=exception)


class DatasetExecutionError(UserErrorException):
    """Reading a dataset failed."""

    def __init__(self, message: str, exception: Any) -> None:
        super().__init__(message, inner_exception=exception)


class DatasetChangedWarning(UserWarning):
    """A registered version is read whose files are not what they were when it was registered."""
