"""Datastores: found, filled, read, and referred to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from azureml._not_yet import NotSupportedYet
from azureml.core import Datastore
from azureml.data.azure_storage_datastore import AzureBlobDatastore
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.data.sql_data_reference import SqlDataReference
from azureml.exceptions import UserErrorException


@pytest.fixture
def store(tmp_path: Path) -> AzureBlobDatastore:
    """A datastore that is a folder."""
    made = AzureBlobDatastore(None, "blob", "container", "account")
    made._root = str(tmp_path / "store")
    (tmp_path / "store").mkdir()
    return made


def filled(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def paths(folder: Path) -> Any:
    found = (each for each in folder.rglob("*") if each.is_file())
    return {str(each.relative_to(folder)): each.read_text() for each in found}


def test_a_folder_is_uploaded_and_comes_back(store: AzureBlobDatastore, tmp_path: Path) -> None:
    source = filled(tmp_path / "source", a="1", sub__b="2")
    reference = store.upload(str(source), "data/raw", show_progress=False)
    assert (reference.path_on_datastore, reference.mode) == ("data/raw", "mount")
    filled(tmp_path / "store", data__rawer="3")
    count = store.download(str(tmp_path / "back"), "data/raw", show_progress=False)
    assert count == 2
    assert paths(tmp_path / "back") == {"data/raw/a": "1", "data/raw/sub/b": "2"}


def test_files_that_are_there_are_left_alone_unless_overwritten(
    store: AzureBlobDatastore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = filled(tmp_path / "source", a="old")
    store.upload(str(source))
    filled(source, a="new", b="new")
    store.upload(str(source))
    assert paths(tmp_path / "store") == {"a": "old", "b": "new"}
    assert "is there already; left alone" in capsys.readouterr().out
    store.upload(str(source), overwrite=True, show_progress=False)
    assert paths(tmp_path / "store")["a"] == "new"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("root", "names"),
    [(None, ["a", "sub/b"]), ("source/..", ["source/a", "source/sub/b"])],
)
def test_files_keep_their_paths_from_the_root_on(
    root: Any, names: Any, store: AzureBlobDatastore, tmp_path: Path
) -> None:
    source = filled(tmp_path / "source", a="1", sub__b="2")
    store.upload_files(
        [str(source / "a"), str(source / "sub" / "b")],
        relative_root=root and str(tmp_path / root),
        target_path="/in/",
        show_progress=False,
    )
    assert sorted(paths(tmp_path / "store")) == ["in/" + name for name in names]


def test_nothing_is_written_outside_a_datastore(store: AzureBlobDatastore, tmp_path: Path) -> None:
    source = filled(tmp_path / "source", a="1")
    for target in ("x/../../y", "a/../.."):
        with pytest.raises(UserErrorException, match="leaves the datastore"):
            store.upload(str(source), target)
    store.upload(str(source), "../y", show_progress=False)
    assert paths(tmp_path / "store") == {"y/a": "1"}


def test_what_cannot_be_uploaded_is_refused(store: AzureBlobDatastore, tmp_path: Path) -> None:
    filled(tmp_path / "source", a="1")
    with pytest.raises(UserErrorException, match="no folder"):
        store.upload(str(tmp_path / "missing"))
    with pytest.raises(UserErrorException, match="no file"):
        store.upload_files([str(tmp_path / "missing")])
    with pytest.raises(UserErrorException, match="not below relative_root"):
        store.upload_files([str(tmp_path / "source" / "a")], str(tmp_path / "store"))
    with pytest.raises(UserErrorException, match="a list of at least one"):
        store.upload_files([])
    elsewhere = AzureBlobDatastore(None, "blob", "container", "account")
    with pytest.raises(UserErrorException, match="belongs to no workspace"):
        elsewhere.download(str(tmp_path))


def test_the_workspace_has_its_own_datastores(project: Path) -> None:
    from azureml.core import Workspace

    workspace = Workspace.from_config()
    default = workspace.get_default_datastore()
    assert (default.name, default.datastore_type) == ("workspaceblobstore", "AzureBlob")
    assert Datastore(workspace).name == Datastore(workspace, "workspaceblobstore").name
    assert isinstance(Datastore.get(workspace, "workspaceblobstore"), AzureBlobDatastore)
    default.set_as_default()
    source = filled(project / "source", a="1")
    default.upload(str(source), "here", show_progress=False)
    assert default.download(str(project), "here", show_progress=False) == 1
    assert (project / "here" / "a").read_text() == "1"
    with pytest.raises(
        UserErrorException, match="has no datastore `mine`; it has .*`workspaceblob"
    ):
        Datastore.get(workspace, "mine")
    with pytest.raises(NotSupportedYet, match="`mine` cannot be registered"):
        Datastore.register_azure_file_share(workspace, "mine", "container", "account")


def test_a_reference_is_changed_by_copies(store: AzureBlobDatastore) -> None:
    root = store.path("data", "raw")
    below = root.path("2020/x", "x").as_download("/tmp/x", overwrite=True)
    assert (root.path_on_datastore, root.mode) == ("data", "mount")
    assert (below.path_on_datastore, below.mode, below.path_on_compute, below.overwrite) == (
        "data/2020/x",
        "download",
        "/tmp/x",
        True,
    )
    assert str(below) == "$AZUREML_DATAREFERENCE_x"
    assert below.to_config().data_store_name == "blob"
    with pytest.raises(UserErrorException, match="not by `copy`"):
        DataReference(store, "raw", mode="copy")


def test_a_data_path_and_its_binding_make_a_reference(store: AzureBlobDatastore) -> None:
    path, binding = DataPath(store, "raw"), DataPathComputeBinding("download", "/tmp/x")
    made = binding.create_data_reference("r", path)
    assert (str(made), made.mode, made.path_on_datastore) == (
        "$AZUREML_DATAREFERENCE_r",
        "download",
        "raw",
    )
    assert path.create_data_reference().data_reference_name.startswith("blob_")
    again = DataPath.create_from_data_reference(made)
    assert (again.datastore_name, again.path_on_datastore) == ("blob", "raw")


def test_rows_of_a_database_are_described_only(store: AzureBlobDatastore) -> None:
    rows = SqlDataReference(store, "rows", sql_query="select 1")
    for use in (rows.as_mount, rows.as_download, rows.as_upload, rows.path):
        with pytest.raises(NotImplementedError):
            use()
    with pytest.raises(UserErrorException, match="not several"):
        SqlDataReference(store, "rows", sql_query="select 1", sql_table="t")


def test_a_second_container_of_the_own_account_is_a_folder_beside_the_first(project: Path) -> None:
    from azureml.core import Workspace

    workspace = Workspace.from_config()
    own = workspace.get_default_datastore()
    made = Datastore.register_azure_blob_container(
        workspace,
        "predictions_store",
        container_name="predictions",
        account_name=own.account_name,
        account_key=own.account_key,
        create_if_not_exists=True,
    )
    assert (type(made), made.container_name) == (type(own), "predictions")
    assert Path(made._folder()) == Path(own._folder()).parent / "predictions"
    (project / "f.txt").write_text("x")
    made.upload_files(["f.txt"], target_path="in", show_progress=False)
    assert (Path(made._folder()) / "in" / "f.txt").read_text() == "x"
    with pytest.raises(UserErrorException, match="cannot name a container"):
        Datastore.register_azure_blob_container(workspace, "x", "../up", own.account_name)
