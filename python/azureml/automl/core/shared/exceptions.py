"""The exceptions of AutoML."""

from __future__ import annotations

from typing import Any

from azureml.exceptions import UserErrorException


class AutoMLException(UserErrorException):
    """AutoML could not do what was asked."""

    def __init__(self, exception_message: str = "", **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class ConfigException(AutoMLException):
    """A setting cannot be."""


class DataException(AutoMLException):
    """The data cannot be used."""


class UserException(AutoMLException):
    """What was asked of a run cannot be."""


class NotFoundException(AutoMLException):
    """There is no such iteration."""
