"""The base of all datasets under the private names that libraries test values with."""

from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.abstract_dataset import AbstractDataset as _Dataset

__all__ = ["AbstractDataset", "_Dataset"]
