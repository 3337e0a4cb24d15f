"""A view of a run as a piece of HTML for a notebook: no script, and its own few styles.

States are shown by a word beside the colour, so that the colour is never all there is.
"""

from __future__ import annotations

from html import escape
from typing import Optional

from azureml.core._run_links import link
from azureml.widgets._view import Row, View, elapsed

COLOURS = {
    "Completed": "#1a7f37",
    "Failed": "#cf222e",
    "Canceled": "#6e7781",
    "Running": "#0969da",
    "Preparing": "#0969da",
    "CancelRequested": "#9a6700",
}
WAITING = "#8c959f"


def page(view: View) -> str:
    """The picture and the table."""
    parts = ['<div style="font-family:system-ui,sans-serif;line-height:1.4">', _heading(view)]
    if view.picture:
        parts.append(f'<div style="overflow-x:auto;margin:8px 0">{view.picture}</div>')
    if view.rows:
        parts.append(_table(view))
    parts.append("</div>")
    return "".join(parts)


def _heading(view: View) -> str:
    reason = f"<div>{escape(view.reason)}</div>" if view.reason else ""
    title, state = escape(view.title), _state(view.status)
    return "<div><b>{}</b> {} {} {}</div>{}".format(
        title, state, elapsed(view.seconds), link(view.page, "open"), reason
    )


def _table(view: View) -> str:
    rows = "".join(_row(row) for row in view.rows)
    more = _cells(f"… and {view.hidden} more") if view.hidden else ""
    return f'<table style="border-collapse:collapse">{rows}{more}</table>'


def _row(row: Row) -> str:
    return _cells(
        link(row.page, row.name), _state(row.status), elapsed(row.seconds), escape(row.reason)
    )


def _cells(*cells: Optional[str]) -> str:
    style = ' style="padding:2px 12px 2px 0;text-align:left"'
    return "<tr>{}</tr>".format("".join(f"<td{style}>{cell}</td>" for cell in cells))


def _state(status: str) -> str:
    colour = COLOURS.get(status, WAITING)
    return f'<span style="color:{colour}">● {escape(status)}</span>'
