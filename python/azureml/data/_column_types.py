"""Bringing a column to the type that a program set for it.

A value that is not of the type becomes null, or ends the reading, as the program chose. A whole
number column with nulls is one of floats, as everywhere in pandas.
"""

from __future__ import annotations

from typing import Any, Dict

from azureml.data.dataset_error_handling import DatasetExecutionError

_TRUTH = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


def converted(pd: Any, column: Any, spec: Dict[str, Any], on_error: str) -> Any:
    """The column with the type that `spec` describes.

    Raises:
        DatasetExecutionError: A value is not of the type, and `on_error` is `fail`.
    """
    kind = spec["type"]
    made = _TO[kind](pd, column, spec)
    if on_error == "fail":
        lost = made.isna() & column.notna()
        if lost.any():
            raise DatasetExecutionError(
                f"column `{column.name}` holds {column[lost].iloc[0]!r}, which is no {kind}",
                None,
            )
    return made


def _string(pd: Any, column: Any, spec: Dict[str, Any]) -> Any:
    return column.where(column.isna(), column.astype(str))


def _float(pd: Any, column: Any, spec: Dict[str, Any]) -> Any:
    mark = spec.get("decimal_mark", ".")
    if mark != "." and (column.dtype == object or str(column.dtype) in ("str", "string")):
        column = column.astype(str).str.replace(mark, ".", regex=False)
    return pd.to_numeric(column, errors="coerce").astype("float64")


def _long(pd: Any, column: Any, spec: Dict[str, Any]) -> Any:
    numbers = pd.to_numeric(column, errors="coerce")
    whole = numbers.where(numbers == numbers.round())
    return whole if whole.isna().any() else whole.astype("int64")


def _bool(pd: Any, column: Any, spec: Dict[str, Any]) -> Any:
    made = column.astype(str).str.strip().str.lower().map(_TRUTH)
    return made if made.isna().any() else made.astype(bool)


def _datetime(pd: Any, column: Any, spec: Dict[str, Any]) -> Any:
    formats = spec.get("formats")
    if not formats:
        return pd.to_datetime(column, errors="coerce")
    made = pd.to_datetime(column, errors="coerce", format=formats[0])
    for each in formats[1:]:
        made = made.fillna(pd.to_datetime(column, errors="coerce", format=each))
    return made


_TO = {
    "string": _string,
    "float": _float,
    "long": _long,
    "bool": _bool,
    "datetime": _datetime,
}
