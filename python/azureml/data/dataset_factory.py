"""Makers of datasets, and the types of columns. They are not there yet; every use says so."""

from __future__ import annotations

from azureml._later import Later
from azureml.data._later_datasets import SENTENCE


class TabularDatasetFactory(Later):
    """Makes datasets of tables."""

    sentence = SENTENCE


class FileDatasetFactory(Later):
    """Makes datasets of files."""

    sentence = SENTENCE


class DataType(Later):
    """The type of a column."""

    sentence = SENTENCE
