"""The base of datasets. They are not there yet; every use of one says so."""

from __future__ import annotations

from azureml._later import Later
from azureml.data._later_datasets import SENTENCE
from azureml.data.dataset_factory import FileDatasetFactory, TabularDatasetFactory


class AbstractDataset(Later):
    """Data with a name and versions."""

    sentence = SENTENCE
    Tabular = TabularDatasetFactory
    File = FileDatasetFactory
