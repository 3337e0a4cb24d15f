"""Datasets of files: which files they are, and what is done to them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from azureml._not_yet import NotSupportedYet
from azureml.core import Dataset
from azureml.data.datapath import DataPath
from azureml.data.dataset_error_handling import DatasetValidationError
from azureml.dataprep import col, get_stream_properties
from azureml.exceptions import UserErrorException

ANIMALS = {
    "animals/dog/year-2018/1.jpg": "a",
    "animals/dog/year-2019/2.jpg": "bb",
    "animals/dog/year-2019/x.txt": "ccc",
    "animals/cat/3.jpg": "dddd",
    "other.jpg": "e",
}

PATHS = [
    ("animals/dog", ["/year-2018/1.jpg", "/year-2019/2.jpg", "/year-2019/x.txt"]),
    ("animals/dog/year-*/*.jpg", ["/year-2018/1.jpg", "/year-2019/2.jpg"]),
    ("animals/**/*.jpg", ["/cat/3.jpg", "/dog/year-2018/1.jpg", "/dog/year-2019/2.jpg"]),
    (
        "/animals/**",
        ["/cat/3.jpg", *("/dog/year-" + n for n in ("2018/1.jpg", "2019/2.jpg", "2019/x.txt"))],
    ),
    ("animals/cat/3.jpg", ["/3.jpg"]),
    ("*.jpg", ["/other.jpg"]),
    ("animals/dog/year-201?/2.jpg", ["/year-2019/2.jpg"]),
    (["animals/cat", "animals/dog/year-2018"], ["/cat/3.jpg", "/dog/year-2018/1.jpg"]),
]


@pytest.mark.parametrize("path, wanted", PATHS, ids=[str(path) for path, _ in PATHS])
def test_a_path_stands_for_the_files_it_matches(
    store: Any, write: Any, path: Any, wanted: Any
) -> None:
    write(ANIMALS)
    assert Dataset.File.from_files((store, path)).to_path() == wanted


def test_places_are_named_in_every_way_v1_knows(store: Any, write: Any, tmp_path: Path) -> None:
    write(ANIMALS)
    local = tmp_path / "mine.txt"
    local.write_text("x")
    ways = [
        (store, "animals/cat"),
        DataPath(store, "animals/cat"),
        store.path("animals/cat"),
        [(store, "animals/cat/3.jpg")],
        str(Path(store._folder(), "animals", "cat")),
    ]
    for way in ways:
        assert Dataset.File.from_files(way).to_path() == ["/3.jpg"]
    both = Dataset.File.from_files([(store, "animals/cat"), str(local)])
    assert len(both.to_path()) == 2 and both.to_path()[0] == "/blob/animals/cat/3.jpg"


REFUSED = [
    (lambda store: (store, "absent"), DatasetValidationError),
    (lambda store: (store, "absent/*.jpg"), DatasetValidationError),
    (lambda store: (store, "../outside"), UserErrorException),
    (lambda store: [], UserErrorException),
    (lambda store: 3, UserErrorException),
    (lambda store: "https://example.com/*.csv", UserErrorException),
    (lambda store: "abfss://files@account/x", NotSupportedYet),
]


@pytest.mark.parametrize("path, error", REFUSED)
def test_a_path_that_stands_for_nothing_is_refused(store: Any, path: Any, error: Any) -> None:
    with pytest.raises(error):
        Dataset.File.from_files(path(store))


@pytest.mark.parametrize("path", ["absent", "absent/*.jpg"])
def test_what_has_no_files_is_said_in_the_words_that_programs_look_for(
    store: Any, path: str
) -> None:
    with pytest.raises(DatasetValidationError) as refused:
        Dataset.Tabular.from_delimited_files((store, path))
    for words in ("Cannot load any data from the specified path", "provided path is not valid"):
        assert words in str(refused.value)


def test_without_validation_files_may_come_later(store: Any, write: Any) -> None:
    dataset = Dataset.File.from_files((store, "later/*.txt"), validate=False)
    write({"later/a.txt": "a"})
    assert dataset.to_path() == ["/a.txt"]


def test_a_downloaded_file_is_a_copy_and_replaces_nothing_unasked(
    store: Any, write: Any, tmp_path: Path
) -> None:
    write(ANIMALS)
    dataset = Dataset.File.from_files((store, "animals/cat"))
    (path,) = dataset.download(str(tmp_path / "copy"))
    assert path == str(tmp_path / "copy" / "3.jpg") and Path(path).read_text() == "dddd"
    Path(path).write_text("mine")
    with pytest.raises(UserErrorException, match="overwrite"):
        dataset.download(str(tmp_path / "copy"))
    assert dataset.download(str(tmp_path / "copy"), overwrite=True) == [path]
    assert Path(path).read_text() == "dddd"


def test_a_mount_shows_the_files_without_copying_and_leaves_the_originals(
    store: Any, write: Any
) -> None:
    write(ANIMALS)
    dataset = Dataset.File.from_files((store, "animals/**/*.jpg"))
    with dataset.mount() as mounted:
        shown = [mounted.mount_point + path for path in dataset.to_path()]
        assert [Path(each).read_text() for each in shown] == ["dddd", "a", "bb"]
        assert os.path.islink(shown[0])
    assert not os.path.exists(shown[0])
    assert len(dataset.to_path()) == 3


def test_a_mount_does_not_hide_what_a_folder_holds(store: Any, write: Any, tmp_path: Path) -> None:
    write(ANIMALS)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    with pytest.raises(UserErrorException, match="not empty"):
        Dataset.File.from_files((store, "animals")).mount(str(tmp_path / "full")).start()
    assert (tmp_path / "full" / "mine").read_text() == "x"


def test_the_parts_of_a_split_complement_each_other(store: Any, write: Any) -> None:
    write({f"many/{number:02}": "" for number in range(40)})
    dataset = Dataset.File.from_files((store, "many"))
    for seed in (None, 7):
        first, second = dataset.random_split(0.5, seed)
        assert sorted(first.to_path() + second.to_path()) == dataset.to_path()
        assert 5 < len(first.to_path()) < 35
    assert dataset.random_split(0.5, 7)[0].to_path() == dataset.random_split(0.5, 7)[0].to_path()
    assert dataset.skip(3).take(2).to_path() == ["/03", "/04"]


def test_files_are_filtered_by_facts_and_by_what_their_paths_say(store: Any, write: Any) -> None:
    write(ANIMALS)
    dataset = Dataset.File.from_files(
        (store, "animals/dog"), partition_format="/{kind}/year-{year}/*"
    )
    assert dataset.filter(dataset.file_metadata("Size") >= 2).to_path() == [
        "/year-2019/2.jpg",
        "/year-2019/x.txt",
    ]
    chosen = dataset.filter((dataset["year"] == "2019") & ~(dataset.file_metadata("Size") == 3))
    assert chosen.to_path() == ["/year-2019/2.jpg"]
    small = get_stream_properties(dataset["Path"])["Size"] < 2
    assert dataset.filter(small & (col("year") == "2018")).to_path() == ["/year-2018/1.jpg"]
    assert dataset.partition_keys == ["kind", "year"]
    assert dataset.get_partition_key_values(["year"]) == [{"year": "2018"}, {"year": "2019"}]
    with pytest.raises(UserErrorException, match="parentheses"):
        assert (dataset["year"] == "2019") and (dataset["kind"] == "dog")


def test_a_folder_is_uploaded_and_is_the_dataset_there(store: Any, tmp_path: Path) -> None:
    (tmp_path / "mine" / "deep").mkdir(parents=True)
    (tmp_path / "mine" / "a.csv").write_text("a")
    (tmp_path / "mine" / "deep" / "b.csv").write_text("b")
    (tmp_path / "mine" / "c.txt").write_text("c")
    made = Dataset.File.upload_directory(
        str(tmp_path / "mine"), (store, "up"), pattern="**/*.csv", show_progress=False
    )
    assert made.to_path() == ["/a.csv", "/deep/b.csv"]


def test_files_behind_urls_are_fetched_whole(
    store: Any, write: Any, web: str, tmp_path: Path
) -> None:
    write(ANIMALS)
    dataset = Dataset.File.from_files([web + "/animals/cat/3.jpg", web + "/other.jpg"])
    assert dataset.to_path() == ["/animals/cat/3.jpg", "/other.jpg"]
    paths = dataset.download(str(tmp_path / "copy"))
    assert [Path(each).read_text() for each in paths] == ["dddd", "e"]
    with dataset.mount() as mounted:
        assert Path(mounted.mount_point, "other.jpg").read_text() == "e"
    with pytest.raises(UserErrorException, match="404"):
        Dataset.File.from_files(web + "/absent.jpg").download(str(tmp_path / "copy"))
    assert sorted(os.listdir(tmp_path / "copy")) == ["animals", "other.jpg"]
