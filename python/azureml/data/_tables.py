"""From the files of a table to a pandas data frame.

Columns get the types that pandas infers, and dates are told from other text (`_dates`), unless the
definition sets them. Only as much is read as that and the first steps of the definition ask for.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, List, Optional

from azureml.data import _dates, _optional, _table_steps, _transfer
from azureml.data._column_types import converted
from azureml.data._definition import Definition
from azureml.data._files import Found
from azureml.data.dataset_error_handling import DatasetExecutionError

PATH_COLUMN = "Path"


def read(definition: Definition, files: List[Found], on_error: str = "null") -> Any:
    """The data frame of a definition over the files it stands for.

    Args:
        definition: The definition.
        files: Its files.
        on_error: What becomes of a value that is not of its column's type: `null`, or `fail`.

    Raises:
        DatasetExecutionError: A file cannot be read as it is described.
    """
    pd = _optional.pandas("reading a TabularDataset")
    reading = definition.reading or {}
    infers = reading.get("format") == "delimited" and reading["infer"]
    needed = _table_steps.rows_needed(definition.steps)
    # The types are the same whether all rows are read or only the first.
    limit = max(needed, _dates.ROWS) if infers and needed is not None else needed
    frames = []
    rows = 0
    for frame in _Reader(pd, reading).frames(files, limit):
        frames.append(frame)
        rows += len(frame)
        if needed is not None and rows >= needed:
            break
    whole = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    types = reading.get("types") or {}
    if infers:
        said_by_paths = files[0].values if files else ()
        whole = _dates.told_apart(pd, whole, [*types, PATH_COLUMN, *said_by_paths])
    for column, spec in types.items():
        if column in whole.columns:
            whole[column] = converted(pd, whole[column], spec, on_error)
    return _table_steps.apply(pd, whole, definition)


class _Reader(object):
    """Reads the files of one table, one after the other."""

    def __init__(self, pd: Any, reading: Dict[str, Any]) -> None:
        self._pd = pd
        self._reading = reading
        self._names: Optional[List[str]] = None

    def frames(self, files: List[Found], limit: Optional[int]) -> Iterator[Any]:
        """The rows of each file, with what its path says; at most `limit` of each."""
        read_one = getattr(self, "_" + self._reading["format"])
        if limit is None:
            _transfer.make_readable(files)
        for number, file in enumerate(files):
            try:
                frame = read_one(file, number, limit)
            except (ValueError, OSError) as error:  # what pandas raises derives from these
                raise DatasetExecutionError(
                    f"{file.location} cannot be read: {error}", error
                ) from error
            yield self._with_path(frame, file)

    def _with_path(self, frame: Any, file: Found) -> Any:
        place = 0
        if self._reading.get("include_path"):
            source = file.source if file.is_url else "/" + file.source.lstrip("/")
            frame.insert(place, PATH_COLUMN, source)
            place += 1
        for column, value in file.values.items():
            if column in frame.columns:
                frame = frame.drop(columns=column)
            if self._reading.get("path_columns") == "last":
                place = len(frame.columns)
            frame.insert(place, column, value)
            place += 1
        return frame

    # One file of each format.

    def _delimited(self, file: Found, number: int, limit: Optional[int]) -> Any:
        reading = self._reading
        header = _header_row(reading["header"], number)
        separator = reading["separator"]
        options: Dict[str, Any] = {
            "sep": separator,
            "header": header,
            "encoding": reading["encoding"],
            "nrows": limit,
        }
        if len(separator) > 1:
            options.update(sep=re.escape(separator), engine="python")
        else:
            options["low_memory"] = False  # else a column's type could change within a file
        if reading["infer"]:
            options["dtype"] = {column: str for column in reading["types"]}
        else:
            keeps = reading["empty_as_string"]
            options.update(dtype=str, keep_default_na=False, na_values=None if keeps else [""])
        try:
            frame = self._pd.read_csv(_transfer.readable(file), **options)
        except self._pd.errors.EmptyDataError:
            return self._pd.DataFrame(columns=self._names)
        if header is None:
            names = self._names or []
            frame.columns = _padded(names, len(frame.columns))
        if reading["infer"] and reading["empty_as_string"]:
            texts = [each for each in frame.columns if not _is_number(self._pd, frame[each])]
            frame[texts] = frame[texts].fillna("")
        if self._names is None:
            self._names = list(frame.columns)
        return frame

    def _parquet(self, file: Found, number: int, limit: Optional[int]) -> Any:
        _optional.check_parquet("reading Parquet files")
        return self._pd.read_parquet(_transfer.readable(file))

    def _json_lines(self, file: Found, number: int, limit: Optional[int]) -> Any:
        rows: List[Dict[str, Any]] = []
        with _opened(file, self._reading["encoding"]) as lines:
            for line_number, line in enumerate(lines, 1):
                if limit is not None and len(rows) >= limit:
                    break
                if not line.strip():
                    continue
                row = _object(line)
                if row is not None:
                    rows.append(row)
                elif not self._reading["drop_invalid"]:
                    raise ValueError(f"line {line_number} is no JSON object")
        return self._pd.DataFrame(rows)


def _is_number(pd: Any, column: Any) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column))


def _header_row(behaviour: str, number: int) -> Optional[int]:
    """Which row of the file with this number holds the names of the columns."""
    if behaviour == "NO_HEADERS":
        return None
    return None if behaviour == "ONLY_FIRST_FILE_HAS_HEADERS" and number else 0


def _padded(names: List[str], count: int) -> List[str]:
    """As many names as there are columns; those that nobody named are numbered."""
    return names[:count] + [f"Column{each}" for each in range(len(names) + 1, count + 1)]


def _opened(file: Found, encoding: str) -> Any:
    import io

    if isinstance(file.location, io.BytesIO):  # a part of a file
        return io.TextIOWrapper(file.location, encoding=encoding)
    if not file.is_url:
        return open(_transfer.readable(file), encoding=encoding)
    from urllib.request import urlopen

    return io.TextIOWrapper(urlopen(file.location), encoding=encoding)


def _object(line: str) -> Optional[Dict[str, Any]]:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
