"""Datasets of tables: how files become rows, and what is done to rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from azureml.core import Dataset
from azureml.data import DataType
from azureml.data.dataset_error_handling import DatasetExecutionError
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from azureml.dataprep import col
from azureml.exceptions import DatasetTimestampMissingError, UserErrorException

pd = pytest.importorskip("pandas")

PEOPLE = {"people/a.csv": "name,age\nann,41\nbob,17\n", "people/b.csv": "name,age\ncyd,64\n"}


def table(store: Any, path: str = "people", **options: Any) -> Any:
    return Dataset.Tabular.from_delimited_files((store, path), **options)


def rows(dataset: Any) -> Any:
    return dataset.to_pandas_dataframe().values.tolist()


def test_the_rows_of_all_files_come_in_order_with_the_types_they_have(
    store: Any, write: Any
) -> None:
    write(PEOPLE)
    frame = table(store).to_pandas_dataframe()
    assert frame.values.tolist() == [["ann", 41], ["bob", 17], ["cyd", 64]]
    assert list(frame.index) == [0, 1, 2] and str(frame["age"].dtype) == "int64"


def test_texts_are_objects_whatever_pandas_has_for_them(store: Any, write: Any) -> None:
    write({"x.csv": "code,name,age\n007,ann,1\n008,,2\n"})
    dataset = table(store, "x.csv", set_column_types={"code": DataType.to_string()})
    for frame in (dataset.to_pandas_dataframe(), dataset.take(1).to_pandas_dataframe()):
        assert [str(each) for each in frame.dtypes] == ["object", "object", "int64"]
    assert dataset.to_pandas_dataframe()["name"].isna().tolist() == [False, True]


HEADERS = [
    (PromoteHeadersBehavior.NO_HEADERS, ["Column1", "Column2"], 5),
    (False, ["Column1", "Column2"], 5),
    (PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS, ["name", "age"], 4),
    (PromoteHeadersBehavior.COMBINE_ALL_FILES_HEADERS, ["name", "age"], 3),
]


@pytest.mark.parametrize("header, columns, count", HEADERS)
def test_a_program_says_which_files_have_a_line_of_names(
    store: Any, write: Any, header: Any, columns: Any, count: int
) -> None:
    write(PEOPLE)
    frame = table(store, header=header).to_pandas_dataframe()
    assert list(frame.columns) == columns and len(frame) == count


def test_columns_get_the_types_that_are_set(store: Any, write: Any) -> None:
    write({"x.csv": "code;price;day;ok\n007;1,5;31.12.2025;true\n008;;01.01.2026;no\n"})
    types = {
        "code": DataType.to_string(),
        "price": DataType.to_float(","),
        "day": DataType.to_datetime("%d.%m.%Y"),
        "ok": DataType.to_bool(),
    }
    dataset = table(store, "x.csv", separator=";", set_column_types=types)
    frame = dataset.to_pandas_dataframe()
    assert list(frame["code"]) == ["007", "008"]
    assert frame["price"][0] == 1.5 and pd.isna(frame["price"][1])
    assert frame["day"][1] == datetime(2026, 1, 1)
    assert bool(frame["ok"][0]) is True and pd.isna(frame["ok"][1])
    with pytest.raises(DatasetExecutionError, match="column `ok` holds 'no'"):
        dataset.to_pandas_dataframe(on_error="fail")


def test_text_stays_text_when_types_are_not_inferred(store: Any, write: Any) -> None:
    write({"x.csv": "a,b\n007,\nNA,1\n"})
    frame = table(store, "x.csv", infer_column_types=False).to_pandas_dataframe()
    assert frame["a"].tolist() == ["007", "NA"] and pd.isna(frame["b"][0])
    kept = table(store, "x.csv", infer_column_types=False, empty_as_string=True)
    assert kept.to_pandas_dataframe()["b"].tolist() == ["", "1"]


def test_encodings_and_odd_separators_are_read(store: Any) -> None:
    Path(store._folder(), "x.txt").write_bytes("n||v\nZoë||1\n".encode("latin-1"))
    assert rows(table(store, "x.txt", separator="||", encoding="iso88591")) == [["Zoë", 1]]
    with pytest.raises(UserErrorException, match="no encoding"):
        table(store, "x.txt", encoding="klingon")


def test_the_path_of_a_file_becomes_columns(store: Any, write: Any) -> None:
    write({"sales/rome/2026/01/02/x.csv": "n\n1\n", "sales/oslo/2026/03/04/x.csv": "n\n2\n"})
    dataset = table(
        store, "sales", partition_format="/{city}/{day:yyyy/MM/dd}/x.csv", include_path=True
    )
    frame = dataset.to_pandas_dataframe()
    assert list(frame.columns) == ["Path", "city", "day", "n"]
    assert list(frame["city"]) == ["oslo", "rome"] and frame["day"][1] == datetime(2026, 1, 2)
    assert frame["Path"][0] == "/sales/oslo/2026/03/04/x.csv"
    with pytest.raises(UserErrorException, match="partition_format"):
        table(store, "sales", partition_format="/{city}/{day:yyyy}.csv", validate=True)


def test_json_lines_are_read_and_bad_ones_dropped_when_asked(store: Any, write: Any) -> None:
    write({"x.jsonl": '{"a": 1}\n\n[2]\n{"a": 3, "b": "z"}\n'})
    make = Dataset.Tabular.from_json_lines_files
    with pytest.raises(DatasetExecutionError, match="line 3"):
        make((store, "x.jsonl")).to_pandas_dataframe()
    frame = make((store, "x.jsonl"), invalid_lines="drop").to_pandas_dataframe()
    assert frame["a"].tolist() == [1, 3] and frame["b"][1] == "z"


def test_a_table_is_read_from_a_url(store: Any, write: Any, web: str) -> None:
    write({**PEOPLE, "x.jsonl": '{"a": 1}'})
    make = Dataset.Tabular
    assert rows(make.from_delimited_files(web + "/people/b.csv")) == [["cyd", 64]]
    assert rows(make.from_json_lines_files(web + "/x.jsonl")) == [[1]]
    with pytest.raises(DatasetExecutionError, match="404"):
        rows(make.from_delimited_files(web + "/absent.csv"))


def test_steps_are_done_in_the_order_they_were_asked_for(store: Any, write: Any) -> None:
    write(PEOPLE)
    dataset = table(store)
    assert rows(dataset.skip(1).take(1)) == [["bob", 17]]
    assert rows(dataset.filter(dataset["age"] > 20).take(2)) == [["ann", 41], ["cyd", 64]]
    assert rows(dataset.take(2).filter(dataset["age"] > 20)) == [["ann", 41]]
    assert rows(dataset.filter(col("age") > 60)) == [["cyd", 64]]
    assert rows(dataset.keep_columns(["age", "name"]).take(1)) == [[41, "ann"]]
    assert rows(dataset.drop_columns("age").take(1)) == [["ann"]]
    either = (dataset["name"] == "bob") | ~(dataset["age"] < 60)
    assert rows(dataset.filter(either)) == [["bob", 17], ["cyd", 64]]


def test_no_more_is_read_than_the_first_rows_need(store: Any, write: Any) -> None:
    write({"x/a.csv": "n\n1\n2\n", "x/b.csv": 'n\n"never closed\n'})
    assert rows(table(store, "x").take(2)) == [[1], [2]]
    with pytest.raises(DatasetExecutionError, match="b.csv"):
        table(store, "x").to_pandas_dataframe()


def test_the_parts_of_a_split_complement_each_other(store: Any, write: Any) -> None:
    write({"x.csv": "n\n" + "\n".join(map(str, range(1000)))})
    dataset = table(store, "x.csv")
    for seed in (None, 3):
        first, second = dataset.random_split(0.8, seed=seed)
        parts = [each.to_pandas_dataframe()["n"].tolist() for each in (first, second)]
        assert sorted(parts[0] + parts[1]) == list(range(1000))
        assert 750 < len(parts[0]) < 850
    with pytest.raises(UserErrorException, match="between 0 and 1"):
        dataset.random_split(80)


def test_an_unknown_column_is_named_with_those_there_are(store: Any, write: Any) -> None:
    write(PEOPLE)
    with pytest.raises(DatasetExecutionError, match="no column `ages`; it has `name`, `age`"):
        table(store).keep_columns("ages", validate=True)


def test_rows_are_chosen_by_time(store: Any, write: Any) -> None:
    days = [datetime.now() - timedelta(days=each) for each in (400, 40, 4)]
    write({"x.csv": "n,at\n" + "\n".join("{},{}".format(*each) for each in enumerate(days))})
    plain = table(store, "x.csv")
    with pytest.raises(UserErrorException, match="`coarse` needs a timestamp"):
        plain.with_timestamp_columns(None, "coarse")
    with pytest.raises(DatasetTimestampMissingError, match="UserError"):
        plain.time_before(days[0])
    dataset = plain.with_timestamp_columns("at")
    assert dataset.timestamp_columns == ("at", None)

    def numbers(chosen: Any) -> Any:
        return chosen.to_pandas_dataframe()["n"].tolist()

    assert numbers(dataset.time_after(days[1])) == [1, 2]
    assert numbers(dataset.time_after(days[1], include_boundary=False)) == [2]
    assert numbers(dataset.time_before(days[1])) == [0, 1]
    assert numbers(dataset.time_between(days[0], days[1], include_boundary=False)) == []
    assert numbers(dataset.time_recent(timedelta(days=50))) == [1, 2]
    assert dataset.drop_columns("at").timestamp_columns == (None, None)


def test_a_missing_package_is_named_with_the_way_to_install_it(
    store: Any, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(PEOPLE)
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(UserErrorException, match="needs pandas: pip install pandas"):
        table(store).to_pandas_dataframe()


def test_a_table_is_written_in_folders_of_its_values(store: Any, write: Any) -> None:
    pytest.importorskip("pyarrow")
    write({"x.csv": "city,n\nrome,1\nnew york,2\nrome,3\n"})
    made = table(store, "x.csv").partition_by(["city"], (store, "by"), show_progress=False)
    assert made.partition_keys == ["city"]
    # v1 gives the columns of the keys after those that the files hold.
    assert list(made.to_pandas_dataframe().columns) == ["n", "city"]
    assert sorted(rows(made)) == [[1, "rome"], [2, "new york"], [3, "rome"]]


def test_a_table_becomes_files(store: Any, write: Any) -> None:
    write(PEOPLE)
    people = table(store).filter(table(store)["age"] > 20)
    people._workspace = SimpleNamespace(get_default_datastore=lambda: store)
    files = people.to_csv_files(separator=";")
    (one,) = files.download()
    assert Path(one).read_text() == "name;age\nann;41\ncyd;64\n"
    (two,) = people.to_parquet_files().download()
    assert pd.read_parquet(two).values.tolist() == [["ann", 41], ["cyd", 64]]


def test_a_table_of_no_workspace_has_nowhere_for_its_files(write: Any, web: str) -> None:
    write(PEOPLE)
    read = Dataset.Tabular.from_delimited_files(web + "/people/a.csv")
    with pytest.raises(UserErrorException, match="belongs to no workspace"):
        read.to_csv_files()
