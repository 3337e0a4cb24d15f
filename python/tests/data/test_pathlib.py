"""Paths of `pathlib`, wherever a program may name a place by a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from azureml.core import Dataset
from azureml.data import OutputFileDatasetConfig
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath, DataPathComputeBinding


def test_files_are_named_and_copied_by_paths(store: Any, write: Any, tmp_path: Path) -> None:
    write({"animals/dog/1.jpg": "a", "animals/cat/2.jpg": "b"})
    for path in ((store, Path("animals/dog")), DataPath(store, Path("animals/dog/*.jpg"))):
        assert Dataset.File.from_files(path).to_path() == ["/1.jpg"]
    assert store.download(tmp_path / "down", prefix=Path("animals/cat"), show_progress=False) == 1
    made = store.upload(tmp_path / "down", Path("again"), show_progress=False)
    assert made.path_on_datastore == "again"
    assert Dataset.File.from_files((store, "again")).to_path() == ["/animals/cat/2.jpg"]


def test_what_a_step_is_given_holds_texts(store: Any, write: Any) -> None:
    write({"x.csv": "a"})
    reference = DataReference(store, "r", path_on_datastore=Path("a"), path_on_compute=Path("b"))
    assert (reference.path_on_datastore, reference.path_on_compute) == ("a", "b")
    assert reference.path(Path("c")).as_download(Path("d")).path_on_datastore == "a/c"
    assert reference.as_download(Path("d")).path_on_compute == "d"
    assert DataPathComputeBinding(path_on_compute=Path("e"))._path_on_compute == "e"
    read = Dataset.File.from_files((store, "x.csv")).as_named_input("i").as_download(Path("f"))
    assert read.path_on_compute == "f"
    written = OutputFileDatasetConfig("o", destination=(store, Path("g")), source=Path("h"))
    assert (written.destination[1], written.source) == ("g", "h")
