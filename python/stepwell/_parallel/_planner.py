"""Cuts inputs whose meaning is in the definition of a dataset: tables, and files by partition.

| input | a mini-batch | what is read |
|---|---|---|
| table by size | a part of a file | sizes, line ends at cuts, footers |
| partition keys that paths tell | all files of one combination | names |
| keys that are columns of the data | all rows of one combination | everything, once, in parts |
| a table with take, skip, sample, split | rows of about the size | everything, once, in parts |

The last two are set down in the scratch folder as they are read, so that memory holds a part at a
time; the second holds the names of the files.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from stepwell._parallel import _cutting, _tables
from stepwell._parallel._script import in_one_line
from stepwell._parallel._wire import Connection

DEFAULT_BYTES = 1 << 20
# Parts that are read to be set down again are larger, as reading has a price of its own.
SPILL_BYTES = 8 << 20

Body = Dict[str, Any]
# The values of a combination of keys: pairs, as JSON objects do not keep the order asked for.
Key = List[Tuple[str, Any]]


class Cut(NamedTuple):
    """A mini-batch, and the number of its items if that is known without reading them."""

    body: Body
    items: Optional[int]


class PlanError(Exception):
    """The inputs cannot be cut as they should be."""


def work(connection: Connection, job: Dict[str, Any]) -> int:
    """Tell the driver of each mini-batch; gives the exit status."""
    try:
        for cut in plan(job):
            text = json.dumps(cut.body, sort_keys=True).encode()
            connection.say({"say": "planned", "items": cut.items}, text)
        connection.say({"say": "plan_ended"})
    except (ConnectionError, KeyboardInterrupt):
        return 1  # nobody wants to know any more
    except Exception as error:
        sys.stderr.write(f"error: {error}\n")
        why = str(error) if isinstance(error, PlanError) else in_one_line(error)
        connection.say({"say": "plan_failed", "error": why})
        return 1
    connection.hear()  # what was said is heard before the driver closes
    return 0


def plan(job: Dict[str, Any]) -> Iterator[Cut]:
    """The mini-batches of all inputs, one input after the other."""
    scratch = job["scratch"]
    shutil.rmtree(scratch, ignore_errors=True)
    size = job["mini_batch_size"] or DEFAULT_BYTES
    for given in job["inputs"]:
        cutter = _Cutter(given, os.path.join(scratch, given["name"]))
        yield from (
            cutter.by_key(job["partition_keys"]) if job["partition_keys"] else cutter.by_size(size)
        )


class _Cutter(object):
    """Cuts one input."""

    def __init__(self, given: Dict[str, Any], scratch: str) -> None:
        self._given = given
        self._scratch = scratch
        dataset = _tables.dataset(given["dataset"])
        self._definition = dataset._definition
        find = getattr(dataset, "_found", dataset._compared_files)
        from azureml.data import _transfer

        # Workers are other processes: what is elsewhere is fetched where they find it.
        self._files = _transfer.brought(find(), os.path.join(scratch, "fetched"))
        self._is_table = given["form"] == "table"

    def by_size(self, size: int) -> Iterator[Cut]:
        """Parts of about so many bytes."""
        steps = [step["do"] for step in self._definition.steps]
        if all(step in _tables.ROW_WISE for step in steps):
            for piece, rows in _cutting.pieces(self._definition, self._files, size):
                yield Cut(self._parts([piece], _cutting.title(piece)), rows)
            return
        for number, frame in enumerate(self._rows(size)):
            if len(frame):
                name = f"part-{number}"
                _tables.spill(self._place(name), frame)
                yield Cut(self._set_down(name, f"rows of part {number}"), len(frame))

    def by_key(self, keys: List[str]) -> Iterator[Cut]:
        """All files, or all rows, of one combination of values."""
        known = self._files[0].values if self._files else {}
        in_path = all(key in known for key in keys)
        row_wise = all(step["do"] in _tables.ROW_WISE for step in self._definition.steps)
        if not self._files:
            return
        if in_path and (row_wise or not self._is_table):
            yield from self._files_by_key(keys)
        elif self._is_table:
            yield from self._rows_by_key(keys)
        else:
            missing = ", ".join(key for key in keys if key not in known)
            raise PlanError(
                "the paths of input `{}` do not tell {}; they tell {}: give the dataset a "
                "partition_format that names it".format(
                    self._given["name"], missing, ", ".join(known) or "nothing"
                )
            )

    def _files_by_key(self, keys: List[str]) -> Iterator[Cut]:
        groups: Dict[Tuple[str, ...], List[int]] = {}
        for number, file in enumerate(self._files):
            groups.setdefault(tuple(str(file.values[key]) for key in keys), []).append(number)
        for numbers in groups.values():
            files = [self._files[number] for number in numbers]
            key = [(each, _plain(files[0].values[each])) for each in keys]
            if not self._is_table:
                body = {
                    "input": self._given["name"],
                    "files": [file.location for file in files],
                    "key": key,
                }
                yield Cut(body, len(files))
                continue
            wanted = set(numbers)
            pieces = [
                {**piece, "names": self._names()} if self._names() else piece
                for piece in (
                    {"location": file.location, "source": file.source, "number": number}
                    for number, file in enumerate(self._files)
                    if number in wanted
                )
            ]
            yield Cut({**self._parts(pieces, _title(key)), "key": key}, None)

    def _names(self) -> Optional[List[str]]:
        """The columns that the first file names for all, if it does."""
        reading = self._definition.reading or {}
        if reading.get("header") != "ONLY_FIRST_FILE_HAS_HEADERS":
            return None
        names, _ = _tables.names_and_header(self._definition, self._files[0].location, False)
        return names

    def _rows_by_key(self, keys: List[str]) -> Iterator[Cut]:
        found: Dict[str, Tuple[Key, int]] = {}
        for frame in self._rows(SPILL_BYTES):
            missing = [key for key in keys if key not in frame.columns]
            if missing:
                raise PlanError(
                    "the table of input `{}` has no column {}; it has {}".format(
                        self._given["name"], ", ".join(missing), ", ".join(frame.columns)
                    )
                )
            for values, rows in frame.groupby(list(keys), sort=False, dropna=False):
                several = values if isinstance(values, tuple) else (values,)
                key = [(each, _plain(value)) for each, value in zip(keys, several)]
                name = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
                _tables.spill(self._place(name), rows.reset_index(drop=True))
                found[name] = (key, found.get(name, (key, 0))[1] + len(rows))
        for name, (key, count) in found.items():
            yield Cut({**self._set_down(name, _title(key)), "key": key}, count)

    def _rows(self, size: int) -> Iterator[Any]:
        """The rows of the table in their order, part by part, after all steps."""
        from azureml.data import _optional
        from stepwell._parallel import _running

        pd = _optional.pandas("reading a TabularDataset")
        steps = _running.Steps(self._definition.steps)
        for piece, _ in _cutting.pieces(self._definition, self._files, size):
            frame = _tables.part(self._definition, piece)
            frame = _tables.rows_of(self._definition._replace(steps=()), frame)
            yield steps.apply(pd, frame).reset_index(drop=True)
            if steps.are_over:
                return

    def _place(self, name: str) -> str:
        os.makedirs(self._scratch, exist_ok=True)
        return os.path.join(self._scratch, name)

    def _parts(self, pieces: List[Dict[str, Any]], name: str) -> Body:
        return {
            "input": self._given["name"],
            "name": name,
            "table": self._given["dataset"],
            "parts": pieces,
        }

    def _set_down(self, name: str, title: str) -> Body:
        return {
            "input": self._given["name"],
            "name": title,
            "table": self._given["dataset"],
            "spilled": self._place(name),
            # Tells a later attempt whether the rows are the same.
            "bytes": os.path.getsize(self._place(name)),
        }


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        return _plain(value.item())
    if value != value:  # not a number
        return None
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _title(key: Key) -> str:
    return ", ".join(f"{name}={value}" for name, value in key)
