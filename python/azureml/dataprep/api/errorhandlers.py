"""What programs catch when data cannot be read."""

from __future__ import annotations

from azureml.data.dataset_error_handling import DatasetExecutionError, DatasetValidationError
from azureml.exceptions import UserErrorException

__all__ = ["DataPrepException", "ExecutionError", "ValidationError"]

DataPrepException = UserErrorException
ExecutionError = DatasetExecutionError
ValidationError = DatasetValidationError
