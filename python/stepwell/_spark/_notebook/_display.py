"""How values are shown: the last expression of a cell, `display(x)`, `displayHTML(text)`.

A data frame of Spark is shown by its first rows; nothing else of it is computed.
"""

from __future__ import annotations

import base64
import html
import io
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

ROWS_MAX = 1000  # as Databricks shows of one result
LOG_ROWS_MAX = 20
CELL_MAX = 500  # characters of one value of a table

Shown = Dict[str, str]


def is_frame(value: Any) -> bool:
    """Whether it is a data frame of Spark."""
    return type(value).__name__ == "DataFrame" and type(value).__module__.startswith("pyspark.")


def shown(value: Any) -> Tuple[Shown, str]:
    """The representations of a value by media type, and its text for the log."""
    if is_frame(value):
        if value.isStreaming:
            raise ValueError(
                "display() of a stream is not supported; write the stream with "
                "`writeStream.trigger(availableNow=True)` and display what it wrote"
            )
        taken = value.limit(ROWS_MAX + 1).collect()
        return _table(value.columns, [list(row) for row in taken])
    rows = _records(value)
    if rows is not None:
        return _table(*rows)
    figure = _figure(value)
    if figure is not None:
        return {"image/png": figure, "text/plain": repr(value)}, repr(value)
    text = repr(value)
    data = {"text/plain": text}
    represent = getattr(value, "_repr_html_", None)
    if callable(represent) and not isinstance(value, type):
        as_html = represent()
        if isinstance(as_html, str):
            data["text/html"] = as_html
    return data, text


def open_figures() -> List[str]:
    """The figures that matplotlib holds open, as PNG in base64; they are closed."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return []
    figures = [_figure(pyplot.figure(number)) for number in pyplot.get_fignums()]
    pyplot.close("all")
    return [figure for figure in figures if figure is not None]


def _figure(value: Any) -> Optional[str]:
    """A figure of matplotlib, or what has one, as PNG in base64."""
    if not type(value).__module__.startswith(("matplotlib.", "seaborn.")):
        return None
    figure = getattr(value, "figure", value)
    save = getattr(figure, "savefig", None)
    if save is None:
        return None
    buffer = io.BytesIO()
    save(buffer, format="png", bbox_inches="tight")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _records(value: Any) -> Optional[Tuple[Sequence[str], List[List[Any]]]]:
    """The columns and rows of a list of named tuples or rows of Spark."""
    if not isinstance(value, list) or not value:
        return None
    names = getattr(value[0], "_fields", None) or getattr(value[0], "__fields__", None)
    if not names or not all(isinstance(each, tuple) for each in value):
        return None
    return list(names), [list(each) for each in value[: ROWS_MAX + 1]]


def _table(columns: Sequence[str], rows: List[List[Any]]) -> Tuple[Shown, str]:
    more = len(rows) > ROWS_MAX
    rows = rows[:ROWS_MAX]
    cells = [[_short(value) for value in row] for row in rows]
    note = f"the first {ROWS_MAX} rows" if more else ""
    data = {"text/html": _html_table(columns, cells, note)}
    data["text/plain"] = _text_table(columns, cells, note)
    log = _text_table(columns, cells[:LOG_ROWS_MAX], "")
    if len(cells) > LOG_ROWS_MAX:
        log += f"\nthe first {LOG_ROWS_MAX} rows; the notebook that is kept has more"
    return data, log


def _short(value: Any) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= CELL_MAX else text[:CELL_MAX] + "…"


def _text_table(columns: Sequence[str], rows: List[List[str]], note: str) -> str:
    lines = [[name.replace("\n", " ") for name in columns]]
    lines += [[value.replace("\n", " ") for value in row] for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns))]
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    drawn = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths)) + " |"
        for line in lines
    ]
    return "\n".join([rule, drawn[0], rule] + drawn[1:] + [rule] + ([note] if note else []))


def _html_table(columns: Sequence[str], rows: List[List[str]], note: str) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>{}</tr>".format("".join(f"<td>{html.escape(text)}</td>" for text in row))
        for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return table + (f"<p>{html.escape(note)}</p>" if note else "")
