"""Parts of AutoML that programs import by themselves."""

from azureml.automl.core.shared import constants, exceptions

__all__ = ["constants", "exceptions"]
