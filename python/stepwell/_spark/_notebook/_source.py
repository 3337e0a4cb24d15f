"""Notebooks as text: from the formats they are kept in to a list of cells.

Read are Jupyter's `.ipynb` and the source formats of Databricks for Python, SQL, Scala and R: a
header line, cells divided by `COMMAND ----------`, and lines of other languages behind `MAGIC`.
A file without the header is one cell. Nothing is executed here.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

HEADER = "Databricks notebook source"
COMMENT = {"python": "#", "sql": "--", "scala": "//", "r": "#"}
SUFFIXES = {".py": "python", ".sql": "sql", ".scala": "scala", ".r": "r", ".ipynb": "python"}
LANGUAGE_MAGICS = {
    "python": "python",
    "sql": "sql",
    "scala": "scala",
    "r": "r",
    "md": "markdown",
    "md-sandbox": "markdown",
    "sh": "sh",
    "bash": "sh",
    "fs": "fs",
}
"""The first word of a cell that decides in which language the rest of it is written."""


class Unreadable(ValueError):
    """The file is not a notebook; the message says why."""


class Cell(NamedTuple):
    """One cell."""

    number: int
    """From 1, counting every cell."""
    language: str
    """`python`, `sql`, `scala`, `r`, `markdown`, `sh` or `fs`."""
    text: str
    """What is executed: the magic that named the language is not part of it."""
    source: str
    """The cell as people wrote it, with its magic."""
    title: str = ""
    line: int = 1
    """The line of the file on which `text` begins; 1 in files without lines of their own."""


class Notebook(NamedTuple):
    """A notebook that has been read."""

    path: str
    language: str
    cells: List[Cell]
    metadata: Dict[str, Any]
    """Jupyter's metadata, kept for the notebook with its outputs."""


def read(path: str) -> Notebook:
    """Read a notebook from a file.

    Raises:
        Unreadable: Saying why.
        OSError: The file cannot be read.
    """
    with open(path, encoding="utf-8-sig") as file:
        text = file.read()
    return parse(path, text)


def parse(path: str, text: str) -> Notebook:
    """Read a notebook from its text; the ending of `path` says which format it is in.

    Raises:
        Unreadable: Saying why.
    """
    ending = re.search(r"\.[A-Za-z]+$", path)
    language = SUFFIXES.get(ending.group().lower()) if ending else None
    if language is None:
        raise Unreadable(
            "`{}` is not a notebook: its name ends in none of {}".format(path, ", ".join(SUFFIXES))
        )
    if path.lower().endswith(".ipynb"):
        return _jupyter(path, text)
    return Notebook(path, language, _source_cells(language, text), {})


def _jupyter(path: str, text: str) -> Notebook:
    try:
        document = json.loads(text)
        listed = document["cells"]
    except (ValueError, KeyError, TypeError) as broken:
        raise Unreadable(
            f"`{path}` is not a notebook of Jupyter's format 4: {broken!r}"
        ) from broken
    metadata = document.get("metadata") or {}
    language = _language_of(metadata)
    cells = []
    for number, raw in enumerate(listed, 1):
        source = raw.get("source", "")
        source = source if isinstance(source, str) else "".join(source)
        title = _databricks(raw.get("metadata")).get("title") or ""
        if raw.get("cell_type") == "code":
            cells.append(_cell(number, language, source, title, 1))
        else:
            cells.append(Cell(number, "markdown", source, source, title))
    return Notebook(path, language, cells, metadata)


def _language_of(metadata: Dict[str, Any]) -> str:
    named = _databricks(metadata).get("language")
    named = named or (metadata.get("language_info") or {}).get("name") or "python"
    return str(named).lower() if str(named).lower() in COMMENT else "python"


def _databricks(metadata: Any) -> Dict[str, Any]:
    """What Databricks adds to Jupyter's metadata, of a notebook or a cell."""
    for key, value in (metadata or {}).items():
        if key.startswith("application/vnd.databricks") and isinstance(value, dict):
            return value
    return {}


def _source_cells(language: str, text: str) -> List[Cell]:
    comment = re.escape(COMMENT[language])
    lines = text.splitlines()
    first = 0
    if lines and re.match(rf"{comment}\s*{HEADER}\s*$", lines[0]):
        first = 1
    chunks: List[Tuple[int, List[str]]] = [(first, [])]
    for index, line in enumerate(lines[first:], first):
        if first and re.match(rf"{comment}\s*COMMAND\s*-+\s*$", line):
            chunks.append((index + 1, []))
        else:
            chunks[-1][1].append(line)
    cells: List[Cell] = []
    for start, chunk in chunks:
        cell = _chunk_cell(len(cells) + 1, language, start, chunk)
        if cell is not None:
            cells.append(cell)
    return cells


def _chunk_cell(number: int, language: str, start: int, chunk: List[str]) -> Optional[Cell]:
    """The cell of the lines between two dividers; `None` when they are blank."""
    comment = re.escape(COMMENT[language])
    title = ""
    while chunk and not chunk[0].strip():
        start, chunk = start + 1, chunk[1:]
    named = re.match(comment + r"\s*DBTITLE\s+\d+\s*,(.*)$", chunk[0]) if chunk else None
    if named:
        title, start, chunk = named.group(1).strip(), start + 1, chunk[1:]
    while chunk and not chunk[0].strip():
        start, chunk = start + 1, chunk[1:]
    while chunk and not chunk[-1].strip():
        chunk = chunk[:-1]
    if not chunk:
        return None
    magic = re.compile(comment + r"\s*MAGIC(?: |$)")
    if any(magic.match(line) for line in chunk):
        # A comment above the lines of another language belongs to nobody.
        while chunk and not magic.match(chunk[0]) and re.match(comment, chunk[0]):
            start, chunk = start + 1, chunk[1:]
        chunk = [magic.sub("", line, count=1) for line in chunk]
    return _cell(number, language, "\n".join(chunk), title, start + 1)


def _cell(number: int, language: str, source: str, title: str, line: int) -> Cell:
    """A code cell, whose first word may name another language."""
    found = re.match(r"\s*%{1,2}([a-z][a-z-]*)(?=\s|$)", source)
    named = LANGUAGE_MAGICS.get(found.group(1)) if found else None
    if not found or named is None:
        return Cell(number, language, source, source, title, line)
    rest = source[found.end() :]
    text = rest.lstrip(" \t")
    if text.startswith("\n"):
        text = text[1:]
        line += 1
    line += source[: found.start(1)].count("\n")
    return Cell(number, named, text, source, title, line)
