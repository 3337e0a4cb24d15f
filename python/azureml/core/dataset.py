"""The door to datasets: `Dataset.Tabular`, `Dataset.File`, and finding what is registered.

The class is also v1's first kind of dataset, which it gave up for the two others; those names
are here and say what to use instead.
"""

from __future__ import annotations

from azureml._unsupported import Unsupported
from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.dataset_factory import FileDatasetFactory, TabularDatasetFactory


class Dataset(Unsupported):
    """Finds and makes datasets.

    Example:
        >>> table = Dataset.Tabular.from_delimited_files((datastore, "sales/*.csv"))
        >>> registered = table.register(workspace, "sales-table", description="a row for each sale")
        >>> Dataset.get_by_name(workspace, "sales-table").to_pandas_dataframe()["amount"].tolist()
        [10, 20, 30]
    """

    sentence = (
        "this belongs to the first kind of datasets, which v1 gave up; use Dataset.Tabular, "
        "Dataset.File and Dataset.get_by_name"
    )
    Tabular = TabularDatasetFactory
    File = FileDatasetFactory
    get_by_name = staticmethod(AbstractDataset.get_by_name)
    get_by_id = staticmethod(AbstractDataset.get_by_id)
    get_all = staticmethod(AbstractDataset.get_all)
