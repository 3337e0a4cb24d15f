"""The base of all datasets under the private name that libraries test values with."""

from azureml.data.abstract_dataset import AbstractDataset as _Dataset

__all__ = ["_Dataset"]
