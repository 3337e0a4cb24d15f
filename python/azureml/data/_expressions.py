"""Conditions on columns: `dataset["age"] > 40`, as data that can be kept and evaluated later.

`&`, `|` and `~` combine them. The same condition is evaluated on a column of a table or on one
file's facts.
"""

from __future__ import annotations

import operator
from datetime import date, datetime
from typing import Any, Callable, Dict

from azureml.exceptions import UserErrorException

_OPERATORS: Dict[str, Callable[..., Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "and": operator.and_,
    "or": operator.or_,
    # For a bool and for a column of them alike.
    "not": lambda value: value ^ True,
}


class Expression(object):
    """A column, a fact about a file, or a condition on these."""

    def __init__(self, node: Any) -> None:
        """Keep the data."""
        self.node = node

    def _with(self, word: str, other: Any) -> Expression:
        return Expression({"op": word, "of": [self.node, _node(other)]})

    def __eq__(self, other: Any) -> Any:
        return self._with("eq", other)

    def __ne__(self, other: Any) -> Any:
        return self._with("ne", other)

    def __lt__(self, other: Any) -> Expression:
        return self._with("lt", other)

    def __le__(self, other: Any) -> Expression:
        return self._with("le", other)

    def __gt__(self, other: Any) -> Expression:
        return self._with("gt", other)

    def __ge__(self, other: Any) -> Expression:
        return self._with("ge", other)

    def __and__(self, other: Any) -> Expression:
        return self._with("and", other)

    def __or__(self, other: Any) -> Expression:
        return self._with("or", other)

    def __invert__(self) -> Expression:
        return Expression({"op": "not", "of": [self.node]})

    def __bool__(self) -> bool:
        raise UserErrorException(
            "a condition on columns has no truth value by itself; combine conditions by & and |, "
            "each in parentheses"
        )

    __hash__ = None  # type: ignore[assignment]

    def is_null(self) -> Expression:
        """Whether there is no value."""
        return Expression({"op": "is_null", "of": [self.node]})


def column(name: str) -> Expression:
    """The values of a column."""
    return Expression({"column": name})


def fact(name: str) -> Expression:
    """A fact about each file, such as its size."""
    return Expression({"fact": name})


def checked(expression: Any) -> Any:
    """The data of a condition.

    Raises:
        UserErrorException: It is no condition.
    """
    if not isinstance(expression, Expression) or "op" not in expression.node:
        raise UserErrorException(
            f"filter takes a condition such as dataset['age'] > 40, not {expression!r}"
        )
    return expression.node


def _node(value: Any) -> Any:
    if isinstance(value, Expression):
        return value.node
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, date):
        return {"time": datetime(value.year, value.month, value.day).isoformat()}
    if value is None or isinstance(value, (str, int, float)):
        return {"value": value}
    raise UserErrorException(
        f"a column is compared with a text, a number, a bool or a time, not with {value!r}"
    )


def evaluate(node: Any, look_up: Callable[[str, str], Any]) -> Any:
    """The value of an expression; `look_up(kind, name)` gives a `column` or a `fact`."""
    if "value" in node:
        return node["value"]
    if "time" in node:
        return datetime.fromisoformat(node["time"])
    if "op" not in node:
        kind = "column" if "column" in node else "fact"
        return look_up(kind, node[kind])
    values = [evaluate(each, look_up) for each in node["of"]]
    if node["op"] == "is_null":
        value = values[0]
        return value.isna() if hasattr(value, "isna") else value is None
    return _OPERATORS[node["op"]](*values)
