"""The exceptions of searches of hyperparameters.

HyperDriveException
├── HyperDriveServiceException
├── HyperDriveRehydrateException
└── HyperDriveConfigException
    └── HyperDriveScenarioNotSupportedException
        └── HyperDriveNotImplementedException
"""

from __future__ import annotations

from typing import Any

from azureml.exceptions import AzureMLException


class HyperDriveException(AzureMLException):
    """A search could not be had."""

    _error_code = "UserError"

    def __init__(self, exception_message: str, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)

    @property
    def error_code(self) -> str:
        """The code of the error."""
        return self._error_code


class HyperDriveServiceException(HyperDriveException):
    """The server refused something of a search."""

    _error_code = "SystemError"

    def __init__(self, exception_message: str, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class HyperDriveRehydrateException(HyperDriveException):
    """The description of a search on a run cannot be read."""

    def __init__(self, exception_message: str, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class HyperDriveConfigException(HyperDriveException):
    """A search is described in a way that cannot be."""

    def __init__(self, exception_message: str, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class HyperDriveScenarioNotSupportedException(HyperDriveConfigException):
    """A search is asked for in a way that there is not."""

    def __init__(self, exception_message: str, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class HyperDriveNotImplementedException(HyperDriveScenarioNotSupportedException):
    """A method that runs of searches do not have."""

    def __init__(self, exception_message: str, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
