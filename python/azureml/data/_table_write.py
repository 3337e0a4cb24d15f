"""Writing data frames to datastores, as Parquet files that make a new dataset."""

from __future__ import annotations

import os
import posixpath
import tempfile
import uuid
from typing import Any, List, Optional

from azureml.data import _optional, _places
from azureml.exceptions import UserErrorException


def write(
    frame: Any, target: Any, is_unique: bool, show_progress: bool, row_group_size: Optional[int]
) -> Any:
    """Write a data frame below `target` and return the dataset of it.

    Args:
        frame: The data frame.
        target: A datastore, a data path, or a pair of a datastore and a path.
        is_unique: Whether it goes into a folder of its own below the target.
        show_progress: Whether the place is named on standard output.
        row_group_size: Rows of a group in the file.
    """
    datastore, path = _places.target(target)
    if is_unique:
        path = posixpath.join(path, str(uuid.uuid4()))
    inner = posixpath.join(path, "part-00000.parquet")
    _write(frame, datastore, inner, row_group_size)
    if show_progress:
        print(f"Wrote {len(frame)} rows to {inner} on {datastore.name}")
    return _dataset(datastore, path)


def partition(dataset: Any, keys: List[str], target: Any, show_progress: bool) -> Any:
    """Write a table in folders named by the values of columns; return the dataset of it."""
    frame = dataset.to_pandas_dataframe()
    missing = [each for each in keys if each not in frame.columns]
    if missing or not keys:
        raise UserErrorException(
            "partition_keys are columns of the table; {} is none".format(
                ", ".join(missing) or "nothing"
            )
        )
    datastore, path = _places.target(target)
    path = posixpath.join(path, str(uuid.uuid4()))
    for values, rows in frame.groupby(list(keys), dropna=False):
        folders = [_folder(each) for each in values]
        inner = posixpath.join(path, *folders, "part-00000.parquet")
        _write(rows.drop(columns=list(keys)), datastore, inner, None)
        if show_progress:
            print(f"Wrote {len(rows)} rows to {inner} on {datastore.name}")
    partition_format = "/".join("{" + each + "}" for each in keys) + "/*.parquet"
    made = _dataset(datastore, path, "/" + partition_format)
    # The columns of the keys follow those that the files hold, as v1 reads them back.
    reading = {**made._definition.reading, "path_columns": "last"}
    return made._make(made._definition._replace(reading=reading), made._workspace, made._datastores)


def files(dataset: Any, kind: str, separator: str = ",") -> Any:
    """Write a table to the workspace's default datastore; return the dataset of the files.

    Args:
        dataset: The table.
        kind: `parquet` or `csv`.
        separator: What stands between the values of a row of text.

    Raises:
        UserErrorException: No workspace is known, so there is nowhere to write to.
    """
    if dataset._workspace is None:
        raise UserErrorException(
            "a table that belongs to no workspace has no datastore for its files; register it, or "
            f"write to_pandas_dataframe().to_{kind}(...)"
        )
    from azureml.data.dataset_factory import FileDatasetFactory

    datastore = dataset._workspace.get_default_datastore()
    path = posixpath.join("managed-dataset", str(uuid.uuid4()))
    inner = posixpath.join(path, "part-00000." + kind)
    frame = dataset.to_pandas_dataframe()
    if kind == "parquet":
        _write(frame, datastore, inner, None)
    else:
        with tempfile.TemporaryDirectory(prefix="table-") as folder:
            aside = os.path.join(folder, "part.csv")
            frame.to_csv(aside, sep=separator, index=False)
            datastore._send(aside, inner)
    return FileDatasetFactory.from_files((datastore, path))


def _folder(value: Any) -> str:
    """The name of the folder of a value, from which it is read again."""
    name = str(value)
    if not name or "/" in name or name in (".", ".."):
        raise UserErrorException(f"{name!r} cannot name a folder; partition by another column")
    return name


def _write(frame: Any, datastore: Any, path: str, row_group_size: Optional[int]) -> None:
    _optional.check_parquet("writing Parquet files")
    options = {} if row_group_size is None else {"row_group_size": row_group_size}
    with tempfile.TemporaryDirectory(prefix="table-") as folder:
        aside = os.path.join(folder, "part.parquet")
        frame.to_parquet(aside, index=False, **options)
        datastore._send(aside, path)


def _dataset(datastore: Any, path: str, partition_format: Optional[str] = None) -> Any:
    from azureml.data.dataset_factory import TabularDatasetFactory

    return TabularDatasetFactory.from_parquet_files(
        (datastore, path), validate=False, partition_format=partition_format
    )
