"""Names of the package that v1's datasets were built on.

Conditions and errors work with datasets. What read and changed data by itself, a `Dataflow`, does
not, and says so.
"""

from __future__ import annotations

from azureml._lazy import exports
from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = "azureml.dataprep is not there; read the data with pandas, or with Dataset.Tabular"

_PLACES = {
    "DataPrepException": "azureml.dataprep.api.errorhandlers",
    "ExecutionError": "azureml.dataprep.api.errorhandlers",
    "FieldType": "azureml.dataprep.api.engineapi.typedefinitions",
    "ValidationError": "azureml.dataprep.api.errorhandlers",
    "col": "azureml.dataprep.api.expressions",
    "get_portable_path": "azureml.dataprep.api.functions",
    "get_stream_properties": "azureml.dataprep.api.functions",
}

_NAMES = (
    "ColumnSelector",
    "Dataflow",
    "ReplacementsValue",
    "SummaryColumnsValue",
    "SummaryFunction",
    "auto_read_file",
    "package",
    "read_csv",
    "read_excel",
    "read_fwf",
    "read_json",
    "read_json_lines",
    "read_lines",
    "read_pandas_dataframe",
    "read_parquet_dataset",
    "read_parquet_file",
    "read_sql",
    "value",
)

__all__ = [*_PLACES, *_NAMES]

_there = exports(globals(), _PLACES, ["api", "fuse"])
_not_there: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))


def __getattr__(name: str) -> object:
    return _not_there(name) if name in _NAMES else _there(name)
