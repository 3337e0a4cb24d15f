"""Parameters of notebooks, and what SQL cells do with them."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest

from stepwell._spark._notebook import _sql
from stepwell._spark._notebook._widgets import InputWidgetNotDefined, Widgets


def test_a_given_value_goes_before_the_default_of_the_notebook() -> None:
    widgets = Widgets({"day": "2024-02-01"})
    widgets.text("day", "2024-01-01")
    widgets.dropdown("size", "small", ["small", "large"])
    widgets.combobox("any", "a", ["b"])
    widgets.multiselect("some", "x", ["x", "y"])
    assert widgets.getAll() == {"day": "2024-02-01", "size": "small", "any": "a", "some": "x"}
    assert widgets.getArgument("none", "default") == "default"
    widgets.removeAll()
    assert widgets.getAll() == {"day": "2024-02-01"}


def test_an_unknown_widget_is_refused_with_the_near_one() -> None:
    widgets = Widgets({"input_path": "x"})
    with pytest.raises(InputWidgetNotDefined, match="did you mean `input_path`"):
        widgets.get("inputpath")
    with pytest.raises(InputWidgetNotDefined, match="there are `input_path`"):
        widgets.get("q")


def test_a_default_must_be_one_of_the_choices() -> None:
    with pytest.raises(ValueError, match="none of its choices: a, b"):
        Widgets({}).dropdown("x", "c", ["a", "b"])


class _Spark:
    def __init__(self) -> None:
        self.asked: List[Any] = []

    def sql(self, text: str, args: Optional[Dict[str, str]] = None) -> str:
        self.asked.append((text, args))
        return "frame of " + text


def test_sql_cells_see_widgets_in_each_of_the_ways_that_databricks_has() -> None:
    widgets, spark = Widgets({"t": "sales", "day": "it's"}), _Spark()
    text = (
        "CREATE WIDGET TEXT made DEFAULT 'm';\n"
        "select * from ${t} where a = $t and b = getArgument('day') and c = '${spark.x}';\n"
        "select :day, :made, :unknown, '::t' from x where a::string = 'y';\n"
        "REMOVE WIDGET made"
    )
    last = _sql.run(spark, text, widgets)
    assert spark.asked == [
        ("select * from sales where a = sales and b = 'it\\'s' and c = '${spark.x}'", None),
        (
            "select :day, :made, :unknown, '::t' from x where a::string = 'y'",
            {"day": "it's", "made": "m"},
        ),
    ]
    assert last == "frame of " + spark.asked[1][0]
    assert "made" not in widgets.getAll()
