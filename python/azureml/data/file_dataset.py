"""Datasets of files. They are not there yet; every use of one says so."""

from __future__ import annotations

from azureml.data.abstract_dataset import AbstractDataset


class FileDataset(AbstractDataset):
    """Files with a name and versions."""
