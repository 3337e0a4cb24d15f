"""What every kind of datastore does, asked of each through the server."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List

import pytest

from azureml.core import Datastore, Workspace
from azureml.exceptions import UserErrorException
from stepwell import errors

# More than three parts of 8 MiB, and not a whole number of them.
LARGE = 30 * 1024 * 1024 + 17


def filled(folder: Path, files: Dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def read(folder: Path) -> Dict[str, bytes]:
    found = (each for each in folder.rglob("*") if each.is_file())
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in found}


def listed(store: Any, path: str = "") -> List[Dict[str, Any]]:
    address = f"/datastores/{store.name}/files"
    answer = store.workspace._client.read(address, {"path": path} if path else None)
    found: List[Dict[str, Any]] = json.loads(answer.body)["files"]
    return found


def put(store: Any, path: str, content: bytes, overwrite: bool = False) -> Any:
    import io

    address = f"/datastores/{store.name}/files/{path}"
    return store.workspace._client.send_file(address, io.BytesIO(content), overwrite)


def test_a_folder_comes_back_as_it_went(store: Any, tmp_path: Path) -> None:
    files = {
        "a.txt": b"one",
        "empty": b"",
        "sub/b c.txt": b"two",
        "sub/deep/\u00e4.bin": bytes(range(256)),
        "large.bin": os.urandom(LARGE),
    }
    source = filled(tmp_path / "source", files)
    reference = store.upload(str(source), "data/raw", show_progress=False)
    assert reference.path_on_datastore == "data/raw"
    store.upload_files([str(source / "a.txt")], target_path="data/rawer", show_progress=False)
    assert [each["path"] for each in listed(store, "data/raw")] == sorted(
        "data/raw/" + name for name in files
    )
    target = tmp_path / "back"
    assert store.download(str(target), "data/raw", show_progress=False) == len(files)
    assert read(target / "data" / "raw") == files
    assert store.download(str(target), "data/raw", show_progress=False) == 0
    assert store.download(str(target), "nothing", show_progress=False) == 0


def test_an_etag_changes_with_the_content_and_only_then(store: Any) -> None:
    first = put(store, "x", b"one")
    assert listed(store) == listed(store)
    (before,) = listed(store)
    assert before["etag"] == first["etag"] and before["size"] == 3
    with pytest.raises(errors.Conflict, match="has a file `x` already"):
        put(store, "x", b"two")
    assert listed(store)[0]["etag"] == before["etag"]
    put(store, "x", b"two", overwrite=True)
    assert listed(store)[0]["etag"] != before["etag"]
    client = store.workspace._client
    address = f"/datastores/{store.name}/files/x"
    assert client.read(address).body == b"two"


def test_a_file_is_removed_and_its_absence_is_no_error(store: Any) -> None:
    put(store, "folder/x", b"one")
    client = store.workspace._client
    address = f"/datastores/{store.name}/files/folder/x"
    client.delete(address)
    client.delete(address)
    assert listed(store) == []
    with pytest.raises(errors.NotFound, match="has no `folder/x`"):
        client.read(address)


def test_nothing_leads_out_of_a_datastore(store: Any) -> None:
    for path in ("../x", "a/../../x"):
        with pytest.raises(errors.ApiError):
            put(store, path, b"one")


def test_what_is_there_is_left_alone_unless_overwritten(
    store: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = filled(tmp_path / "source", {"a": b"old"})
    store.upload(str(source), show_progress=False)
    filled(source, {"a": b"new", "b": b"new"})
    store.upload(str(source))
    assert "a is there already; left alone" in capsys.readouterr().out
    store.download(str(tmp_path / "back"), show_progress=False)
    assert read(tmp_path / "back") == {"a": b"old", "b": b"new"}
    store.upload(str(source), overwrite=True, show_progress=False)
    store.download(str(tmp_path / "back"), overwrite=True, show_progress=False)
    assert read(tmp_path / "back") == {"a": b"new", "b": b"new"}


def test_it_is_found_made_the_default_and_forgotten(store: Any, workspace: Workspace) -> None:
    assert store.name in workspace.datastores
    found = Datastore.get(workspace, store.name)
    assert type(found) is type(store) and found.datastore_type == store.datastore_type
    workspace.set_default_datastore(store.name)
    try:
        assert workspace.get_default_datastore().name == store.name
        with pytest.raises(UserErrorException, match="is the workspace's default"):
            found.unregister()
    finally:
        workspace.set_default_datastore("workspaceblobstore")
    found.unregister()
    assert store.name not in workspace.datastores
    with pytest.raises(UserErrorException, match="has no datastore"):
        Datastore.get(workspace, store.name)


def test_an_answer_says_which_credentials_there_are_and_not_what_they_are(remote: Any) -> None:
    record = remote.workspace._client.get("/datastores/" + remote.name)
    assert list(record["credentials"].values()) == ["stored"]
    import peers

    text = json.dumps(record)
    assert peers.KEY not in text and peers.S3_KEY not in text
