"""A mini-batch as a dataset, for scripts that ask their context for it."""

from __future__ import annotations

from typing import Any, Dict


def of_mini_batch(body: Dict[str, Any], mini_batch: Any) -> Any:
    """The dataset that holds what `run` was given.

    Args:
        body: The mini-batch as the planner described it.
        mini_batch: The paths of its files, or its rows.
    """
    return _rows(body, mini_batch) if "table" in body else _files(mini_batch)


def _files(paths: Any) -> Any:
    from azureml.data._definition import FILES, Definition
    from azureml.data.file_dataset import FileDataset

    places = tuple({"local": str(path)} for path in paths)
    return FileDataset._make(Definition(FILES, places))


def _rows(body: Dict[str, Any], frame: Any) -> Any:
    """A table of the rows that were read: a part of a file is not read again."""
    from azureml.data.tabular_dataset import TabularDataset
    from stepwell._parallel import _tables

    class MiniBatchTable(TabularDataset):
        """The rows of one mini-batch."""

        def to_pandas_dataframe(
            self, on_error: str = "null", out_of_range_datetime: str = "null"
        ) -> Any:
            """The rows of the mini-batch, as a copy of their own."""
            return frame.copy()

    MiniBatchTable.__name__ = MiniBatchTable.__qualname__ = "TabularDataset"
    return MiniBatchTable._make(_tables.dataset(body["table"])._definition, _tables.workspace())
