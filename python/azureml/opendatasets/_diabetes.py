"""The diabetes data of Efron, Hastie, Johnstone and Tibshirani (2004), which scikit-learn ships.

442 patients; columns AGE, SEX, BMI, BP, S1 to S6 and Y, the progression after a year. The values
are those of the study, not scikit-learn's scaled ones.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from azureml._not_yet import not_yet

if TYPE_CHECKING:
    from azureml.data.file_dataset import FileDataset
    from azureml.data.tabular_dataset import TabularDataset

FILE_NAME = "diabetes.csv"


class Diabetes(object):
    """The diabetes data as a data frame or as a dataset; needs scikit-learn and pandas."""

    def __init__(self, enable_telemetry: bool = True, **kwargs: Any) -> None:
        """The data; nothing is read yet. There is no telemetry."""

    def to_pandas_dataframe(self) -> Any:
        """The 442 rows as a data frame."""
        return _frame()

    @classmethod
    def get_tabular_dataset(cls, enable_telemetry: bool = True, **kwargs: Any) -> TabularDataset:
        """The rows as a `TabularDataset`, which reads a file in the user's cache folder."""
        from azureml.core import Dataset

        made: TabularDataset = Dataset.Tabular.from_delimited_files(_file())
        return made

    @classmethod
    def get_file_dataset(cls, enable_telemetry: bool = True, **kwargs: Any) -> FileDataset:
        """The file in the user's cache folder as a `FileDataset`."""
        from azureml.core import Dataset

        made: FileDataset = Dataset.File.from_files(_file())
        return made


def _frame() -> Any:
    try:
        from sklearn.datasets import load_diabetes
    except ImportError:
        not_yet(
            "Diabetes reads the data that scikit-learn ships; `pip install scikit-learn pandas`"
        )
    frame = load_diabetes(as_frame=True, scaled=False).frame
    frame.columns = [name.upper() for name in frame.columns[:-1]] + ["Y"]
    for column in ("AGE", "SEX", "Y"):
        frame[column] = frame[column].astype("int64")
    return frame


def _file() -> str:
    """The path of a file with the rows; written when it is not there."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = os.path.join(base, "stepwell", "opendatasets")
    path = os.path.join(folder, FILE_NAME)
    if not os.path.isfile(path):
        os.makedirs(folder, exist_ok=True)
        part = f"{path}.{os.getpid()}"
        _frame().to_csv(part, index=False)
        # Another program may be reading: the file appears at once or not at all.
        os.replace(part, path)
    return path
