"""Reading of data under its older name; the names are there, the work is not."""

from azureml._unsupported import Getattr, unsupported_names

_SENTENCE = "azureml.dataprep is not there; read the data with pandas, or with Dataset.Tabular"

_NAMES = (
    "Dataflow",
    "auto_read_file",
    "read_csv",
    "read_excel",
    "read_json_lines",
    "read_parquet_dataset",
)

__all__ = [*_NAMES]

__getattr__: Getattr = unsupported_names(globals(), dict.fromkeys(_NAMES, _SENTENCE))
