"""Folders with more in them than plain files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from azureml.data import _local_files
from stepwell._walk import files_below, writable


def test_links_are_followed_and_what_is_no_file_is_left_out_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (elsewhere / "w").write_text("w")
    (folder / "a").write_text("a")
    (folder / "b").symlink_to("a")
    (folder / "best").symlink_to(elsewhere)
    (folder / "gone").symlink_to("nowhere")
    (folder / "up").symlink_to("..")
    os.mkfifo(str(folder / "pipe"))
    found = [os.path.relpath(each, str(folder)) for each in files_below(str(folder))]
    # `up` leads to the folder above, and from there back to this one, which is not read again.
    assert found == ["a", "b", "best/w", "up/elsewhere/w"]
    warned = capsys.readouterr().err
    for word in ("gone is a link that leads nowhere", "pipe is a pipe", "up/data is a link"):
        assert word in warned


def test_a_name_that_is_not_utf_8_goes_to_a_datastore_in_one_that_is(tmp_path: Path) -> None:
    with open(os.path.join(os.fsencode(tmp_path), b"Mu\xf1oz.csv"), "w"):
        pass
    (copy,) = _local_files.of_folder(str(tmp_path), "in")
    assert copy.target == "in/Mu%F1oz.csv"
    assert os.path.exists(copy.source)
    assert writable("Muñoz.csv") == "Muñoz.csv"
