"""Conditions on columns, for `filter`."""

from __future__ import annotations

from azureml.data._expressions import Expression, column

__all__ = ["Expression", "col"]


def col(name: str) -> Expression:
    """The values of a column, as `dataset[name]` gives them.

    Args:
        name: The column's name.

    Returns:
        What can be compared with a value or with another column.

    Example:
        >>> (col("age") > 40).node
        {'op': 'gt', 'of': [{'column': 'age'}, {'value': 40}]}
    """
    return column(name)
