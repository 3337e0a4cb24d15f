"""A mini-batch of a table: from the few names and numbers that the planner gave to a data frame.

The parts of a table are read as `azureml.data` reads whole ones, with the same options, so that a
table cut into parts has the rows and columns of the whole. What pandas infers, it infers in each
part.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, Dict, Iterator, List, Tuple

from azureml.data import _optional, _partitions, _table_steps, _tables
from azureml.data._column_types import converted
from azureml.data._definition import Definition
from azureml.data._files import Found

# Steps that look at one row at a time, and so mean the same in a part as in the whole.
ROW_WISE = ("keep", "drop", "filter", "time")

_DEFINITIONS: Dict[str, Definition] = {}


def workspace() -> Any:
    """The workspace of this step."""
    from azureml.core import Run

    return Run.get_context(allow_offline=False).experiment.workspace


def dataset(identifier: str) -> Any:
    """The saved dataset with this id."""
    from azureml.core.dataset import Dataset

    return Dataset.get_by_id(workspace(), identifier)


def _definition(identifier: str) -> Definition:
    if identifier not in _DEFINITIONS:
        _DEFINITIONS[identifier] = dataset(identifier)._definition
    return _DEFINITIONS[identifier]


def read(body: Dict[str, Any]) -> Any:
    """The data frame of a mini-batch."""
    if "spilled" in body:
        return _spilled(body["spilled"])
    definition = _definition(body["table"])
    pd = _optional.pandas("reading a TabularDataset")
    frames = [part(definition, each) for each in body["parts"]]
    whole = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    return rows_of(definition, whole)


def rows_of(definition: Definition, frame: Any) -> Any:
    """Rows as they were read, with the types and the row-wise steps of the definition."""
    pd = _optional.pandas("reading a TabularDataset")
    for column, spec in ((definition.reading or {}).get("types") or {}).items():
        if column in frame.columns:
            frame[column] = converted(pd, frame[column], spec, "null")
    steps = tuple(step for step in definition.steps if step["do"] in ROW_WISE)
    return _table_steps.apply(pd, frame, definition._replace(steps=steps))


def part(definition: Definition, piece: Dict[str, Any]) -> Any:
    """The rows of a part of a file, with what the file's path says of them."""
    pd = _optional.pandas("reading a TabularDataset")
    reader = _tables._Reader(pd, definition.reading or {})
    reader._names = piece.get("names")
    values = _partitions.parser(definition.partition_format)(piece["source"])
    file = Found(piece["location"], piece["source"], piece["source"], None, values)
    if "row_groups" in piece:
        _optional.check_parquet("reading Parquet files")
        from pyarrow.parquet import ParquetFile

        with ParquetFile(piece["location"]) as table:
            frame = table.read_row_groups(piece["row_groups"]).to_pandas()
        return reader._with_path(frame, file)
    if "end" in piece:
        file = file._replace(location=_text(piece))  # type: ignore[arg-type]
    read_one = getattr(reader, "_" + (definition.reading or {})["format"])
    frame = read_one(file, piece["number"], None)
    return reader._with_path(frame, file._replace(location=piece["location"]))


def _text(piece: Dict[str, Any]) -> io.BytesIO:
    """The bytes from `start` to `end`, below the header of their file."""
    with open(piece["location"], "rb") as file:
        file.seek(piece["start"])
        text = file.read(piece["end"] - piece["start"])
    return io.BytesIO(piece.get("header", "").encode("latin-1") + text)


def spill(path: str, frame: Any) -> None:
    """Append rows to a file of the planner's."""
    with open(path, "ab") as file:
        pickle.dump(frame, file, protocol=4)


def _spilled(path: str) -> Any:
    pd = _optional.pandas("reading a TabularDataset")
    return pd.concat(list(_pickles(path)), ignore_index=True)


def _pickles(path: str) -> Iterator[Any]:
    """The frames in a file of the planner's, which nobody else writes."""
    with open(path, "rb") as file:
        while True:
            try:
                yield pickle.load(file)
            except EOFError:
                return


def names_and_header(definition: Definition, location: str, lined: bool) -> Tuple[List[str], bytes]:
    """The columns of a delimited file that has a header, and the bytes of that header.

    Args:
        definition: The table.
        location: The file.
        lined: Whether the header is the first line; else it has no bytes of its own.
    """
    pd = _optional.pandas("reading a TabularDataset")
    reader = _tables._Reader(pd, {**(definition.reading or {}), "types": {}})
    header = b""
    source: Any = location
    if lined:
        with open(location, "rb") as file:
            header = file.readline()
        source = io.BytesIO(header)
    frame = reader._delimited(Found(source, "", "", None, {}), 0, 1)
    return [str(each) for each in frame.columns], header
