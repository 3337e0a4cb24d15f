"""The door to datasets. They are not there yet; every use of one says so."""

from __future__ import annotations

from typing import Any, Dict, NoReturn

from azureml._later import Later
from azureml._not_yet import not_yet
from azureml.data._later_datasets import SENTENCE
from azureml.data.dataset_factory import FileDatasetFactory, TabularDatasetFactory


class Dataset(Later):
    """Finds and makes datasets."""

    sentence = SENTENCE
    Tabular = TabularDatasetFactory
    File = FileDatasetFactory

    @staticmethod
    def get_all(workspace: Any) -> Dict[str, Any]:
        """The registered datasets, by name: there are none."""
        return {}

    @staticmethod
    def get_by_name(workspace: Any, name: str, version: Any = "latest", **kwargs: Any) -> NoReturn:
        """Refuse: datasets are not there yet."""
        not_yet("dataset `{}`: {}".format(name, SENTENCE))
