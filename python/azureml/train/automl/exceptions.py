"""The exceptions of AutoML, under the name that programs import."""

from azureml.automl.core.shared.exceptions import (
    AutoMLException,
    ConfigException,
    DataException,
    NotFoundException,
    UserException,
)

__all__ = [
    "AutoMLException",
    "ConfigException",
    "DataException",
    "NotFoundException",
    "UserException",
]
