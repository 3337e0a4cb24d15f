"""SQL cells: statements with widgets, and the statements of Databricks that make widgets."""

from __future__ import annotations

import re
from typing import Any, Optional

from stepwell._spark._notebook._statements import sql_parameters, sql_statements
from stepwell._spark._notebook._widgets import Widgets

_CREATE = re.compile(
    r"\s*CREATE\s+WIDGET\s+(TEXT|DROPDOWN|COMBOBOX|MULTISELECT)\s+`?(\w+)`?"
    r"\s+DEFAULT\s+(['\"])(?P<value>.*?)\3",
    re.I | re.S,
)
_REMOVE = re.compile(r"\s*REMOVE\s+WIDGET\s+`?(\w+)`?\s*$", re.I)
_REFERENCE = re.compile(
    r"\$\{(?P<braced>[A-Za-z_][\w.]*)\}"
    r"|(?<![\w$])\$(?P<bare>[A-Za-z_]\w*)"
    r"|\bgetArgument\s*\(\s*(['\"])(?P<named>\w+)\3\s*\)"
)


def run(spark: Any, text: str, widgets: Widgets) -> Optional[Any]:
    """Run the statements of a cell one after the other; gives the frame of the last query."""
    last = None
    for statement in sql_statements(text):
        made = _CREATE.match(statement)
        removed = _REMOVE.match(statement)
        if made:
            widgets.text(made.group(2), made.group("value"))
        elif removed:
            widgets.remove(removed.group(1))
        else:
            last = _query(spark, statement, widgets)
    return last


def _query(spark: Any, statement: str, widgets: Widgets) -> Any:
    values = widgets.getAll()
    statement = with_widgets(statement, widgets)
    markers = {name: values[name] for name in sql_parameters(statement) if name in values}
    return spark.sql(statement, args=markers) if markers else spark.sql(statement)


def with_widgets(statement: str, widgets: Widgets) -> str:
    """The statement with `${name}`, `$name` and `getArgument('name')` replaced.

    A name that is no widget stays as it is: `${spark.…}` is Spark's own variable.
    """
    values = widgets.getAll()

    def value(found: Any) -> str:
        name = found.group("braced") or found.group("bare") or found.group("named")
        if name not in values:
            return str(found.group())
        if found.group("named"):
            return "'{}'".format(values[name].replace("'", "\\'"))
        return values[name]

    return _REFERENCE.sub(value, statement)
