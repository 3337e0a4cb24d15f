"""Tables cut into mini-batches, and read again part by part: the rows of the whole, each once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Optional

import pandas as pd
import pytest

from azureml.data import DataType, _files, _tables, dataset_factory
from azureml.data._definition import Definition
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from stepwell._parallel import _planner
from stepwell._parallel import _tables as parts

TABULAR = dataset_factory.TabularDatasetFactory


class Saved(object):
    """A dataset over local files, as the planner finds it."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition

    def _compared_files(self) -> List[_files.Found]:
        return _files.find(self._definition, lambda name: "/")

    def whole(self) -> Any:
        return _tables.read(self._definition, self._compared_files())


class Planned(object):
    """The mini-batches of one input."""

    def __init__(self, cuts: List[_planner.Cut]) -> None:
        self.cuts = cuts
        # What travels is JSON.
        self.bodies = [json.loads(json.dumps(cut.body)) for cut in cuts]

    def frames(self) -> List[Any]:
        return [parts.read(body) for body in self.bodies]

    def keys(self) -> List[Any]:
        return [tuple(value for _, value in body["key"]) for body in self.bodies]


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def plan(
        definition: Definition,
        size: Optional[int] = None,
        keys: Optional[List[str]] = None,
        form: str = "table",
    ) -> Planned:
        saved = Saved(definition)
        monkeypatch.setattr(parts, "dataset", lambda identifier: saved)
        monkeypatch.setattr(parts, "_DEFINITIONS", {})
        job: Dict[str, Any] = {
            "scratch": str(tmp_path / "scratch"),
            "mini_batch_size": size,
            "partition_keys": keys or [],
            "inputs": [{"name": "table", "form": form, "place": None, "dataset": "1"}],
        }
        return Planned(list(_planner.plan(job)))

    return plan


def delimited(path: str, **options: Any) -> Definition:
    return TABULAR.from_delimited_files(path, validate=False, **options)._definition


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Three files; one has a last line without an end, one has a header and nothing else."""
    folder = tmp_path / "people"
    folder.mkdir()
    lines = [f"{n},name{n},{n * 0.5}" for n in range(1000)]
    (folder / "a.csv").write_text("id,name,score\n" + "\n".join(lines[:600]))
    (folder / "b.csv").write_text("id,name,score\r\n" + "\r\n".join(lines[600:]) + "\r\n")
    (folder / "c.csv").write_text("id,name,score\n")
    return folder


def same(made: List[Any], whole: Any) -> None:
    together = pd.concat(made, ignore_index=True)
    pd.testing.assert_frame_equal(together, whole, check_dtype=False)


def test_delimited_text_is_cut_at_line_ends_and_never_across_files(
    people: Path, planned: Any
) -> None:
    definition = delimited(str(people / "*.csv"))
    made = planned(definition, 1000)
    same(made.frames(), Saved(definition).whole())
    sizes = [body["parts"][0]["end"] - body["parts"][0]["start"] for body in made.bodies]
    assert len(sizes) > 10
    assert max(sizes) < 1000 + 30
    assert all(len(body["parts"]) == 1 for body in made.bodies)


@pytest.mark.parametrize("size", [1, 17, 1 << 30])
def test_every_size_gives_the_same_rows(people: Path, planned: Any, size: int) -> None:
    definition = delimited(str(people / "b.csv"))
    made = planned(definition, size)
    same(made.frames(), Saved(definition).whole())
    if size == 1:
        assert len(made.cuts) == 400


def test_the_header_of_the_first_file_names_the_columns_of_all(
    tmp_path: Path, planned: Any
) -> None:
    (tmp_path / "1.csv").write_text("id,name\n1,a\n2,b\n")
    (tmp_path / "2.csv").write_text("3,c\n4,d\n")
    header = PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS
    definition = delimited(str(tmp_path / "*.csv"), header=header)
    made = planned(definition, 4)
    same(made.frames(), Saved(definition).whole())
    assert [list(frame.columns) for frame in made.frames()] == [["id", "name"]] * 4


def test_a_file_with_quoted_line_breaks_is_one_part(tmp_path: Path, planned: Any) -> None:
    text = "id,text\n" + "".join(f'{n},"one\ntwo"\n' for n in range(100))
    (tmp_path / "quoted.csv").write_text(text)
    definition = delimited(str(tmp_path / "quoted.csv"), support_multi_line=True)
    made = planned(definition, 100)
    assert len(made.cuts) == 1
    same(made.frames(), Saved(definition).whole())
    assert len(made.frames()[0]) == 100


def test_text_whose_line_ends_are_two_bytes_is_one_part(tmp_path: Path, planned: Any) -> None:
    text = "id,text\n" + "".join(f"{n},x\n" for n in range(100))
    (tmp_path / "wide.csv").write_text(text, encoding="utf-16")
    definition = delimited(str(tmp_path / "wide.csv"), encoding="utf16")
    made = planned(definition, 10)
    assert len(made.cuts) == 1
    same(made.frames(), Saved(definition).whole())


def test_types_columns_and_filters_mean_the_same_in_a_part(people: Path, planned: Any) -> None:
    dataset = TABULAR.from_delimited_files(
        str(people / "*.csv"),
        validate=False,
        include_path=True,
        set_column_types={"id": DataType.to_string()},
    )
    dataset = dataset.filter(dataset["score"] > 100).drop_columns("name")
    made = planned(dataset._definition, 2000)
    same(made.frames(), Saved(dataset._definition).whole())
    assert set(made.frames()[-1].columns) == {"Path", "id", "score"}


def test_json_lines_are_cut_at_line_ends(tmp_path: Path, planned: Any) -> None:
    lines = [json.dumps({"id": n, "text": "a\nb"}) for n in range(500)]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    dataset = TABULAR.from_json_lines_files(str(tmp_path / "rows.jsonl"), validate=False)
    made = planned(dataset._definition, 700)
    assert len(made.cuts) > 10
    same(made.frames(), Saved(dataset._definition).whole())


def test_parquet_is_cut_between_row_groups(tmp_path: Path, planned: Any) -> None:
    frame = pd.DataFrame({"id": range(1000), "text": [str(n) * 5 for n in range(1000)]})
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=100)
    definition = TABULAR.from_parquet_files(str(tmp_path / "*.parquet"), validate=False)._definition
    made = planned(definition, 1)
    assert [cut.items for cut in made.cuts] == [100] * 10
    same(made.frames(), frame)
    assert len(planned(definition, 1 << 20).cuts) == 1


@pytest.mark.parametrize("way", ["take", "skip", "split", "sample"])
def test_rows_that_are_counted_or_drawn_are_those_of_the_whole(
    people: Path, planned: Any, way: str
) -> None:
    dataset = TABULAR.from_delimited_files(str(people / "*.csv"), validate=False)
    dataset = {
        "take": lambda: dataset.take(123),
        "skip": lambda: dataset.skip(321),
        "split": lambda: dataset.random_split(0.3, seed=7)[1],
        "sample": lambda: dataset.take_sample(0.3, seed=7),
    }[way]()
    made = planned(dataset._definition, 1000)
    assert len(made.cuts) > 1
    same(made.frames(), Saved(dataset._definition).whole())


def test_keys_in_paths_group_files(tmp_path: Path, planned: Any) -> None:
    for store, brand, day in [("s1", "x", 1), ("s1", "y", 1), ("s1", "x", 2), ("s2", "x", 1)]:
        path = tmp_path / store / brand / f"{day}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"amount\n{day}\n")
    definition = delimited(str(tmp_path / "**"), partition_format="{store}/{brand}/*.csv")
    made = planned(definition, keys=["store", "brand"])
    assert {tuple(name for name, _ in body["key"]) for body in made.bodies} == {("store", "brand")}
    assert sorted(made.keys()) == [("s1", "x"), ("s1", "y"), ("s2", "x")]
    rows = dict(zip(made.keys(), made.frames()))
    assert list(rows[("s1", "x")]["amount"]) == [1, 2]
    assert set(rows[("s2", "x")]["store"]) == {"s2"}
    files = planned(definition._replace(kind="file", reading=None), keys=["store"], form="files")
    assert {key[0]: len(body["files"]) for key, body in zip(files.keys(), files.bodies)} == {
        "s1": 3,
        "s2": 1,
    }


def test_keys_in_the_data_group_rows(people: Path, planned: Any, monkeypatch: Any) -> None:
    path = people / "sales.csv"
    path.write_text("shop,amount\n" + "".join(f"{n % 7},{n}\n" for n in range(700)))
    monkeypatch.setattr(_planner, "SPILL_BYTES", 500)
    definition = delimited(str(path))
    made = planned(definition, keys=["shop"])
    assert made.keys() == [(n,) for n in range(7)]
    assert [cut.items for cut in made.cuts] == [100] * 7
    assert [list(frame["amount"]) for frame in made.frames()] == [
        list(range(shop, 700, 7)) for shop in range(7)
    ]


def test_a_key_that_is_nowhere_is_said(people: Path, planned: Any) -> None:
    with pytest.raises(_planner.PlanError, match="has no column shop; it has id, name, score"):
        planned(delimited(str(people / "a.csv")), keys=["shop"])
    files = delimited(str(people / "*.csv"))._replace(kind="file", reading=None)
    with pytest.raises(_planner.PlanError, match="partition_format"):
        planned(files, keys=["shop"], form="files")


def test_planning_again_gives_the_same_mini_batches(people: Path, planned: Any) -> None:
    definition = delimited(str(people / "*.csv"))
    for arguments in ({"size": 1000}, {"keys": ["name"]}):
        assert planned(definition, **arguments).bodies == planned(definition, **arguments).bodies


def test_only_what_is_around_the_cuts_is_read(tmp_path: Path, planned: Any) -> None:
    """Of 64 GiB the disk holds three pages; to read the rest would take minutes."""
    path = tmp_path / "large.csv"
    with open(path, "wb") as file:
        file.write(b"id,text\n1,a")
        file.seek((1 << 35) + 8)
        file.write(b"\n2,b")
        file.truncate(1 << 36)
    made = planned(delimited(str(path)), 1 << 35)
    ranges = [(body["parts"][0]["start"], body["parts"][0]["end"]) for body in made.bodies]
    assert ranges == [(8, (1 << 35) + 9), ((1 << 35) + 9, 1 << 36)]
