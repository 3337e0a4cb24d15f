"""Columns of dates in delimited files: which are recognized, and which stay text."""

from __future__ import annotations

from typing import Any, List, Optional

import pytest

from azureml.core import Dataset
from azureml.data import DataType
from azureml.data._dates import ROWS, format_of

pytest.importorskip("pandas")

WRITTEN = [
    (["2026-01-02", "2025-12-31"], "%Y-%m-%d"),
    (["2026/01/02"], "%Y/%m/%d"),
    (["2026-01-02 08:00", "2026-01-02 23:59"], "%Y-%m-%d %H:%M"),
    (["2026-01-02T08:00:01"], "%Y-%m-%dT%H:%M:%S"),
    (["2026-01-02T08:00:01.5Z"], "%Y-%m-%dT%H:%M:%S.%fZ"),
    (["1/2/2026", "1/31/2026"], "%m/%d/%Y"),
    (["1/2/2026", "31/1/2026"], "%d/%m/%Y"),
    (["1/13/2026 8:00"], "%m/%d/%Y %H:%M"),
    (["1/13/2026 8:00:00 PM"], "%m/%d/%Y %I:%M:%S %p"),
    (["1/2/2026", "2/1/2026"], None),
    (["2026-01-02", "soon"], None),
    (["2026-01-02", "2026-01-02 08:00"], None),
    (["2026-13-02"], None),
    (["ann"], None),
    ([], None),
]


@pytest.mark.parametrize("values, written", WRITTEN)
def test_a_format_is_found_where_all_values_have_one(
    values: List[str], written: Optional[str]
) -> None:
    assert format_of(values) == written


def types(dataset: Any) -> List[str]:
    frame = dataset.to_pandas_dataframe()
    return ["date" if each.kind == "M" else "other" for each in frame.dtypes]


def table(store: Any, **options: Any) -> Any:
    return Dataset.Tabular.from_delimited_files((store, "x.csv"), **options)


def test_columns_of_dates_are_dates(store: Any, write: Any) -> None:
    write(
        {"x.csv": "day,note,at\n2026-01-02,none,1/31/2026 8:00\n,2,\n2025-12-31,,2/1/2026 0:30\n"}
    )
    assert types(table(store)) == ["date", "other", "date"]
    assert types(table(store).take(1)) == ["date", "other", "date"]
    frame = table(store).to_pandas_dataframe()
    assert frame["at"].dt.month.tolist()[::2] == [1, 2] and frame["day"].isna().sum() == 1
    kept = {"day": DataType.to_string()}
    assert types(table(store, set_column_types=kept)) == ["other", "other", "date"]
    assert types(table(store, infer_column_types=False)) == ["other"] * 3


def test_what_days_and_months_are_is_never_guessed(store: Any, write: Any) -> None:
    write({"x.csv": "day\n1/2/2026\n2/1/2026\n"})
    assert table(store).to_pandas_dataframe()["day"].tolist() == ["1/2/2026", "2/1/2026"]


def test_no_value_is_lost_to_a_type_that_the_first_rows_have(store: Any, write: Any) -> None:
    write({"x.csv": "day\n" + "2026-01-02\n" * ROWS + "unknown\n"})
    assert table(store).to_pandas_dataframe()["day"].iloc[-1] == "unknown"
    assert types(table(store).take(1)) == ["date"]
