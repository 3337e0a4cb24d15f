"""What steps read and write: datastores, places on them, datasets and outputs."""

from typing import TYPE_CHECKING

from azureml._lazy import Getattr as _Getattr
from azureml._lazy import exports as _exports

if TYPE_CHECKING:
    from azureml.data.datacache import DatacacheStore
    from azureml.data.dataset_factory import DataType
    from azureml.data.file_dataset import FileDataset
    from azureml.data.output_dataset_config import (
        HDFSOutputDatasetConfig,
        LinkFileOutputDatasetConfig,
        LinkTabularOutputDatasetConfig,
        OutputFileDatasetConfig,
    )
    from azureml.data.tabular_dataset import TabularDataset

__all__ = [
    "DataType",
    "DatacacheStore",
    "FileDataset",
    "HDFSOutputDatasetConfig",
    "LinkFileOutputDatasetConfig",
    "LinkTabularOutputDatasetConfig",
    "OutputFileDatasetConfig",
    "TabularDataset",
]

__getattr__: _Getattr = _exports(
    globals(),
    {
        "DataType": "azureml.data.dataset_factory",
        "DatacacheStore": "azureml.data.datacache",
        "FileDataset": "azureml.data.file_dataset",
        "HDFSOutputDatasetConfig": "azureml.data.output_dataset_config",
        "LinkFileOutputDatasetConfig": "azureml.data.output_dataset_config",
        "LinkTabularOutputDatasetConfig": "azureml.data.output_dataset_config",
        "OutputFileDatasetConfig": "azureml.data.output_dataset_config",
        "TabularDataset": "azureml.data.tabular_dataset",
    },
    modules=(
        "data_reference",
        "datapath",
        "dataset_consumption_config",
        "dataset_factory",
        "output_dataset_config",
    ),
)
