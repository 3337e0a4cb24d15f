"""Datasets of tables. They are not there yet; every use of one says so."""

from __future__ import annotations

from azureml.data.abstract_dataset import AbstractDataset


class TabularDataset(AbstractDataset):
    """A table with a name and versions."""
