"""What was logged, in the shapes `get_metrics` has in v1.

One number is a value and several under one name are a list; rows become columns; a table logged
in parts is one table; an image is the address of its file.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping

from stepwell._plain import restored


def shaped(run_id: str, series: Iterable[Mapping[str, Any]]) -> Dict[str, Any]:
    """The values of a run's metrics, by name."""
    return {each["name"]: _value(run_id, each["points"]) for each in series if each["points"]}


def _value(run_id: str, points: List[Mapping[str, Any]]) -> Any:
    kind = points[-1]["kind"]
    values = [restored(point["value"]) for point in points if point["kind"] == kind]
    if kind == "list":
        return [item for value in values for item in value]
    if kind == "row":
        return values[0] if len(values) == 1 else _columns(values)
    if kind == "table":
        return values[0] if len(values) == 1 else _joined(values)
    if kind == "image":
        values = [_image(run_id, value) for value in values]
    return values[0] if len(values) == 1 else values


def _columns(rows: List[Dict[str, Any]]) -> Dict[str, List[Any]]:
    """Rows turned into columns; where a row lacks a column stands `None`."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name) for row in rows] for name in names}


def _joined(tables: List[Dict[str, Any]]) -> Dict[str, List[Any]]:
    """The columns of several tables, one below the other."""
    whole: Dict[str, List[Any]] = {}
    for table in tables:
        for name, column in table.items():
            cells = column if isinstance(column, list) else [column]
            whole.setdefault(name, []).extend(cells)
    return whole


def _image(run_id: str, value: Any) -> str:
    path = value["path"] if isinstance(value, dict) else str(value)
    return f"aml://artifactId/ExperimentRun/dcid.{run_id}/{path}"
