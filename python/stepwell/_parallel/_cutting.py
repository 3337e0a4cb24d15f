"""Parts of the files of a table, about so many bytes each, without reading them.

Delimited text and JSON lines are cut at the end of the line that is in the way; so no part
crosses files, and a file is read nowhere but around its cuts. Parquet is cut between row groups,
by its footer. What cannot be cut so is one part: a file behind a URL, text in an encoding whose
line ends are not single bytes, and text whose quoted values may hold line breaks.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Iterator, List, Optional, Tuple

from azureml.data._definition import Definition
from azureml.data._files import Found
from stepwell._parallel import _tables

# Encodings in which the byte 10 is a line end and nothing else.
_LINED = ("utf-8", "utf-8-sig", "ascii", "iso-8859-1", "latin-1", "cp1252")

_WINDOW = 1 << 16

Piece = Dict[str, Any]


def pieces(
    definition: Definition, files: List[Found], size: int
) -> Iterator[Tuple[Piece, Optional[int]]]:
    """Each part and the number of its rows, where a footer tells it."""
    reading = definition.reading or {}
    form = reading["format"]
    names: Optional[List[str]] = None
    for number, file in enumerate(files):
        whole: Piece = {"location": file.location, "source": file.source, "number": number}
        if names is not None:
            whole["names"] = names
        if file.is_remote:
            yield whole, None
        elif form == "parquet":
            for groups, rows in _row_groups(file.location, size):
                yield {**whole, "row_groups": groups}, None if definition.steps else rows
        else:
            lined = _is_lined(reading)
            header = b""
            if form == "delimited" and _has_header(reading["header"], number):
                columns, header = _tables.names_and_header(definition, file.location, lined)
                names = names or columns
            if lined:
                for start, end in _ranges(file.location, len(header), size):
                    piece = {**whole, "start": start, "end": end}
                    if header:
                        piece["header"] = header.decode("latin-1")
                    yield piece, None
            elif os.path.getsize(file.location):
                yield {**whole, "bytes": os.path.getsize(file.location)}, None


def title(piece: Piece) -> str:
    """What people call it."""
    if "row_groups" in piece:
        groups = piece["row_groups"]
        return "{} row groups {} to {}".format(piece["location"], groups[0], groups[-1])
    if "end" in piece:
        return "{} bytes {} to {}".format(piece["location"], piece["start"], piece["end"])
    return str(piece["location"])


def _is_lined(reading: Dict[str, Any]) -> bool:
    return reading["encoding"] in _LINED and not reading.get("multi_line")


def _has_header(behaviour: str, number: int) -> bool:
    if behaviour == "NO_HEADERS":
        return False
    return behaviour != "ONLY_FIRST_FILE_HAS_HEADERS" or number == 0


def _ranges(location: str, start: int, size: int) -> Iterator[Tuple[int, int]]:
    """Ranges of whole lines, each of about `size` bytes."""
    length = os.path.getsize(location)
    with open(location, "rb") as file:
        while start < length:
            end = length if length - start <= size else _line_end(file, start + size, length)
            yield start, end
            start = end


def _line_end(file: Any, place: int, length: int) -> int:
    """Where the line ends that the byte before `place` is in."""
    place -= 1
    file.seek(place)
    while place < length:
        window = file.read(_WINDOW)
        found = window.find(b"\n")
        if found >= 0:
            return int(place + found + 1)
        place += len(window)
        if not window:
            break
    return length


def _row_groups(location: str, size: int) -> Iterator[Tuple[List[int], int]]:
    """Row groups that follow each other, about `size` bytes together, and their rows."""
    from azureml.data import _optional

    _optional.check_parquet("reading Parquet files")
    from pyarrow.parquet import ParquetFile

    groups: List[int] = []
    rows = held = 0
    with ParquetFile(location) as table:
        metadata = table.metadata
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            if groups and held + group.total_byte_size > size:
                yield groups, rows
                groups, rows, held = [], 0, 0
            groups.append(number)
            rows += group.num_rows
            held += group.total_byte_size
    if rows:
        yield groups, rows
