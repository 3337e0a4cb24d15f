"""A view of a run as plain text."""

from __future__ import annotations

import shutil

from azureml.widgets._view import View, elapsed


def drawn(view: View) -> str:
    """The table: a heading, a line for each child, and why the run failed."""
    heading = f"{view.title}  {view.status}  {elapsed(view.seconds)}".rstrip()
    lines = [heading, view.page]
    width = max([len(row.name) for row in view.rows] + [4])
    states = max([len(row.status) for row in view.rows] + [6])
    for row in view.rows:
        cells = "  {:<{}}  {:<{}}  {:>10}  {}".format(
            row.name, width, row.status, states, elapsed(row.seconds), row.reason
        )
        lines.append(cells.rstrip())
    if view.hidden:
        lines.append(f"  … and {view.hidden} more")
    if view.reason and not view.rows:
        lines.append("  " + view.reason)
    columns = shutil.get_terminal_size((160, 24)).columns
    return "\n".join(line if "://" in line else line[:columns] for line in lines)
