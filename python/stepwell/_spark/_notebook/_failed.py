"""A cell that failed: where it stands, its source, and the traceback without our own frames."""

from __future__ import annotations

import os
import re
import traceback
from typing import List, Tuple

from stepwell._spark._notebook._source import Cell, Notebook

SOURCE_LINES_MAX = 40
DELTA = (
    "Delta Lake is not part of pyspark: give the step its package with MavenLibrary and Delta's "
    "two settings with spark_conf, or read and write the table with the Python package `deltalake`"
)
_LACKS_DELTA = re.compile(
    r"Failed to find (the )?data source: delta\b|`delta`\.`[^`]+` cannot be found"
)


class CellFailed(Exception):
    """A cell of a notebook ended with an exception."""

    def __init__(self, notebook: Notebook, cell: Cell, error: BaseException, filename: str) -> None:
        self.notebook = notebook
        self.cell = cell
        self.error = error
        self.kind = type(error).__name__
        self.message = _first_line(error)
        self.traceback, self.line = _traceback(error, filename)
        super().__init__(self.summary())

    def summary(self) -> str:
        """One sentence: which cell of which notebook, and what it raised."""
        return "cell {}{} of `{}` failed: {}{}".format(
            self.cell.number,
            f" ({self.cell.title})" if self.cell.title else "",
            os.path.basename(self.notebook.path),
            self.kind,
            ": " + self.message if self.message else "",
        )

    def remedy(self) -> str:
        """What the notebook's author can do, where that is known; else empty."""
        return DELTA if _LACKS_DELTA.search(self.message) else ""

    def detail(self) -> str:
        """The cell's source with the line that failed, and the traceback."""
        lines = self.cell.text.split("\n")
        begin = 0
        if len(lines) > SOURCE_LINES_MAX:
            begin = max(0, (self.line or 1) - SOURCE_LINES_MAX // 2)
        shown = lines[begin : begin + SOURCE_LINES_MAX]
        source = [
            "{} {:4} | {}".format(">" if number == self.line else " ", number, line)
            for number, line in enumerate(shown, begin + 1)
        ]
        where = f"cell {self.cell.number} of {self.notebook.path}"
        if not self.notebook.path.endswith(".ipynb"):
            where += f", from line {self.cell.line}"
        return "\n".join([where, *source, "", self.traceback.rstrip("\n")])


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().split("\n")
    if type(error).__name__ == "Py4JJavaError" and len(lines) > 1:
        return lines[1].lstrip(": ")[:500]  # the first line only says that Java was called
    return lines[0][:500]


def _traceback(error: BaseException, filename: str) -> Tuple[str, int]:
    """The text of the traceback, and the line of the cell that failed (0: unknown)."""
    frames = traceback.extract_tb(error.__traceback__)
    ours: List[int] = [index for index, frame in enumerate(frames) if frame.filename == filename]
    line = frames[ours[0]].lineno or 0 if ours else 0
    if isinstance(error, SyntaxError) and error.filename == filename:
        line = error.lineno or 0
    tb = error.__traceback__
    for _ in range(ours[0] if ours else len(frames)):
        tb = tb.tb_next if tb is not None else None
    return "".join(traceback.format_exception(type(error), error, tb)), line
