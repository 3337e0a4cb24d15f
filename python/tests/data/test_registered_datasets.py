"""Versions of datasets at the real server, and what is said when their files change."""

from __future__ import annotations

import uuid
import warnings
from pathlib import Path
from typing import Any

import pytest

from azureml.core import Dataset, Workspace
from azureml.data.dataset_error_handling import DatasetChangedWarning
from azureml.exceptions import UserErrorException


@pytest.fixture
def workspace(project: Path) -> Workspace:
    return Workspace.from_config()


@pytest.fixture
def place(workspace: Workspace) -> Any:
    """A datastore and a folder of it with one file."""
    store = workspace.get_default_datastore()
    folder = "t-" + uuid.uuid4().hex
    Path(store._folder(), folder).mkdir(parents=True)
    Path(store._folder(), folder, "a.csv").write_text("n\n1\n")
    return store, folder


def file_of(place: Any, name: str) -> Path:
    return Path(place[0]._folder(), place[1], name)


def test_a_name_has_versions_and_each_can_be_found(workspace: Workspace, place: Any) -> None:
    name = place[1]
    first = Dataset.File.from_files(place).register(
        workspace, name, description="numbers", tags={"kind": "test"}
    )
    assert (first.name, first.version, first.description) == (name, 1, "numbers")
    file_of(place, "b.csv").write_text("n\n2\n")
    with pytest.raises(UserErrorException, match="create_new_version"):
        Dataset.File.from_files(place).register(workspace, name)
    second = Dataset.File.from_files(place).register(workspace, name, create_new_version=True)
    again = Dataset.File.from_files(place).register(workspace, name, create_new_version=True)
    assert (second.version, again.version, again.id) == (2, 2, second.id)

    assert Dataset.get_by_name(workspace, name).id == second.id
    assert Dataset.get_by_name(workspace, name, version=1).id == first.id
    assert Dataset.get_by_id(workspace, first.id).version == 1
    assert Dataset.get_all(workspace)[name].version == workspace.datasets[name].version == 2
    for missing in (
        lambda: Dataset.get_by_name(workspace, name, 9),
        lambda: workspace.datasets[""],
    ):
        with pytest.raises((UserErrorException, KeyError)):
            missing()

    first.add_tags({"more": "1"})
    assert first.tags == {"kind": "test", "more": "1"}
    first.remove_tags(["kind"]).update(description="ones")
    known = Dataset.get_by_name(workspace, name, 1)
    assert (known.tags, known.description) == ({"more": "1"}, "ones")

    second.unregister_all_versions()
    # Programs look for these words before they register it.
    as_v1 = f'Cannot find dataset registered with name "{name}"'
    with pytest.raises(UserErrorException, match="no dataset") as refused:
        Dataset.get_by_name(workspace, name)
    assert as_v1 + " in the workspace" in refused.value.message
    with pytest.raises(UserErrorException, match="no dataset") as refused:
        Dataset.get_by_name(workspace, name, 7)
    assert as_v1 + " (version: 7) in the workspace" in refused.value.message
    assert Dataset.get_by_id(workspace, first.id).to_path() == ["/a.csv", "/b.csv"]


def test_what_is_registered_comes_back_as_it_was_described(
    workspace: Workspace, place: Any
) -> None:
    pytest.importorskip("pandas")
    made = Dataset.Tabular.from_delimited_files(place, partition_format="/{file}.csv")
    made = made.filter(made["n"] > 0).with_timestamp_columns("at").take(5)
    made.register(workspace, place[1])
    found = Dataset.get_by_name(workspace, place[1])
    assert found._definition == made._definition
    assert found.to_pandas_dataframe().values.tolist() == [["a", 1]]


def test_files_that_changed_since_they_were_registered_are_named(
    workspace: Workspace, place: Any
) -> None:
    file_of(place, "gone.csv").write_text("n\n3\n")
    Dataset.File.from_files(place).register(workspace, place[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(Dataset.get_by_name(workspace, place[1]).to_path()) == 2

    file_of(place, "a.csv").write_text("n\n7\n")
    file_of(place, "gone.csv").unlink()
    file_of(place, "new.csv").write_text("n\n4\n")
    with pytest.warns(DatasetChangedWarning) as caught:
        # What is derived from a version is warned of as well.
        Dataset.get_by_name(workspace, place[1]).take(1).to_path()
    said = str(caught[0].message)
    for part in ("version 1", "a.csv is changed", "gone.csv is gone", "new.csv is new"):
        assert part in said


def test_a_data_frame_is_written_and_registered(workspace: Workspace, place: Any) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    for version in (1, 2):
        made = Dataset.Tabular.register_pandas_dataframe(
            frame, (place[0], "frames"), place[1], show_progress=False
        )
        assert made.version == version
    back = Dataset.get_by_name(workspace, place[1], 1).to_pandas_dataframe()
    assert list(back) == ["a", "b"] and back["a"].tolist() == [1, 2]
    assert back["b"][0] == "x" and pd.isna(back["b"][1])


def test_local_files_are_not_registered(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UserErrorException, match="upload"):
        Dataset.File.from_files(str(tmp_path / "mine.txt")).register(workspace, "mine")
