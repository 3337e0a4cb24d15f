"""`stepwell copy` between stores of every kind, on real peers."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import time
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Dict, List

import peers
import pytest
import signin
from azure.storage.blob import ContainerSasPermissions, generate_container_sas
from test_full_disk import SmallDisk

from azureml.core import Datastore, Workspace
from stepwell import datastores

MIB = 1 << 20
# Two parts of 8 MiB, the second of another size.
LARGE = 9 * MIB + 17
# How long a token or a signature is good that is to expire.
LIFETIME_S = 3
PLACES = ("folder", *peers.KINDS)
TREE = {
    "empty": b"",
    "a b.txt": b"one",
    "\u00fcn\u00ef/\u6587\u4ef6 %20#&+.bin": bytes(range(256)),
    "deep/" + "/".join("abcdefghij") + "/leaf": b"leaf",
}


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [os.environ["STEPWELL_BIN"], "copy", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def copied(*arguments: str) -> Dict[str, Any]:
    process = start(*arguments, "--json")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    report: Dict[str, Any] = json.loads(out)
    return report


def refused(*arguments: str) -> str:
    process = start(*arguments)
    out, err = process.communicate(timeout=300)
    assert process.returncode not in (0, None), out
    assert out == ""
    for secret in (peers.KEY, peers.S3_KEY, signin.CLIENT_SECRET):
        assert secret not in err
    return err


def write(folder: Path, files: Dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def read(folder: Path) -> Dict[str, bytes]:
    found = (each for each in folder.rglob("*") if each.is_file())
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in found}


@pytest.mark.parametrize("destination", PLACES)
@pytest.mark.parametrize("source", PLACES)
def test_a_tree_arrives_as_it_was_from_every_kind_to_every_kind(
    source: str,
    destination: str,
    workspace: Workspace,
    make_store: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    tree = {**TREE, "large": os.urandom(LARGE)}
    write(tmp_path / "tree", tree)
    ends = []
    for number, kind in enumerate((source, destination)):
        folder = str(tmp_path / f"end{number}")
        ends.append(folder if kind == "folder" else make_store(kind).name + ":data")
    copied(str(tmp_path / "tree"), ends[0])
    report = copied(*ends, "--checksum")
    assert report["files"] == len(tree)
    assert report["bytes"] == sum(len(content) for content in tree.values())
    copied(ends[1], str(tmp_path / "back"))
    assert read(tmp_path / "back") == tree


@pytest.mark.parametrize("kind", peers.KINDS[1:])
def test_one_store_copies_by_itself(
    kind: str, workspace: Workspace, make_store: Callable[[str], Any], tmp_path: Path
) -> None:
    name = make_store(kind).name
    write(tmp_path / "tree", {"a": b"one", "b": os.urandom(LARGE)})
    copied(str(tmp_path / "tree"), name + ":here")
    copied(name + ":here", name + ":there", "--checksum")
    copied(name + ":there", str(tmp_path / "back"))
    assert read(tmp_path / "back") == read(tmp_path / "tree")


def test_an_incremental_copy_sends_what_has_changed(
    workspace: Workspace, make_store: Callable[[str], Any], tmp_path: Path
) -> None:
    name = make_store("blob").name
    tree = write(tmp_path / "tree", {"a": b"one", "b": b"two"})
    assert copied(str(tree), name + ":x", "--incremental")["files"] == 2
    again = copied(str(tree), name + ":x", "--incremental")
    assert (again["files"], again["skipped"]) == (0, 2)
    (tree / "b").write_bytes(b"other")
    again = copied(str(tree), name + ":x", "--incremental", "--checksum")
    assert (again["files"], again["skipped"]) == (1, 1)


def test_a_dry_run_changes_nothing(
    workspace: Workspace, make_store: Callable[[str], Any], tmp_path: Path
) -> None:
    name = make_store("s3").name
    tree = write(tmp_path / "tree", {"a.csv": b"one", "b.txt": b"two", "tmp/c.csv": b"three"})
    report = copied(
        str(tree), name + ":x", "--dry-run", "--include", "*.csv", "--exclude", "tmp/**"
    )
    assert report["planned"] == [{"source": "a.csv", "target": "a.csv", "bytes": 3}]
    assert "is not there" in refused(name + ":x", str(tmp_path / "back"))


def test_what_must_not_be_copied_is_refused_before_the_first_byte(
    workspace: Workspace, make_store: Callable[[str], Any], tmp_path: Path
) -> None:
    name = make_store("blob").name
    tree = write(tmp_path / "tree", {"a": b"one", "sub/b": b"two"})
    copied(str(tree / "a"), name + ":file")
    text = refused(str(tree), name + ":file")
    assert f"is a directory and cannot be copied onto the file `file` on datastore `{name}`" in text
    assert "would be copied onto itself" in refused(name + ":file", name + ":file")
    assert "is inside of" in refused(str(tree), str(tree / "sub"))
    text = refused(str(tree), name[:-1] + ":x")
    assert "there is no datastore" in text and f"did you mean `{name}`?" in text
    assert "is not there" in refused(name + ":nothing", str(tmp_path / "back"))


def test_a_wrong_key_is_refused_without_showing_it(
    workspace: Workspace, blobs: peers.Peer, tmp_path: Path
) -> None:
    name = "wrong-" + uuid.uuid4().hex[:12]
    key = "d3Jvbmcta2V5LXRoYXQtb3BlbnMtbm90aGluZw=="
    Datastore.register_azure_blob_container(
        workspace,
        name,
        container_name=name,
        account_name=peers.ACCOUNT,
        account_key=key,
        endpoint=peers.blob_endpoint(blobs),
        skip_validation=True,
    )
    tree = write(tmp_path / "tree", {"a": b"one"})
    text = refused(str(tree), name + ":x")
    assert f"datastore `{name}` refuses its credentials" in text
    assert key not in text


@pytest.fixture
def proxied(workspace: Workspace, blobs: peers.Peer) -> Any:
    """A blob datastore behind a proxy that can cut and hold."""
    proxy = peers.Proxy(blobs)
    name = "proxied-" + uuid.uuid4().hex[:12]
    Datastore.register_azure_blob_container(
        workspace,
        name,
        container_name=name,
        account_name=peers.ACCOUNT,
        account_key=peers.KEY,
        endpoint=proxy.url,
        create_if_not_exists=True,
    )
    yield name, proxy
    proxy.close()


def test_a_connection_that_is_cut_in_an_object_is_made_again(proxied: Any, tmp_path: Path) -> None:
    name, proxy = proxied
    tree = write(tmp_path / "tree", {"large": os.urandom(3 * LARGE)})
    copied(str(tree), name + ":x")
    proxy.cuts = 2
    copied(name + ":x", str(tmp_path / "back"))
    assert proxy.cuts == 0
    assert read(tmp_path / "back") == read(tree)


@pytest.mark.parametrize("is_upload", [True, False])
def test_a_copy_that_was_killed_goes_on_and_sends_no_part_twice(
    is_upload: bool, proxied: Any, tmp_path: Path
) -> None:
    name, proxy = proxied
    # At most eight parts of 8 MiB are on their way when it is killed.
    size = 128 * MIB
    tree = write(tmp_path / "tree", {"large": os.urandom(size)})
    ends = [str(tree), name + ":x"] if is_upload else [name + ":x", str(tmp_path / "back")]
    if not is_upload:
        copied(str(tree), name + ":x")
    proxy.hold_after(100 * MIB)
    process = start(*ends)
    assert proxy.held.wait(120)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    process.stdout.close()
    process.stderr.close()
    proxy.cut_all()
    proxy.release()
    if not is_upload:
        assert not (tmp_path / "back" / "large").exists(), "nothing is half there"
    before = proxy.sent + proxy.answered
    report = copied(*ends)
    assert report["resumed_bytes"] >= 32 * MIB
    moved = proxy.sent + proxy.answered - before
    # Beside the missing parts: requests, and one piece of each connection that was cut.
    assert moved < size - report["resumed_bytes"] + 4 * MIB
    copied(name + ":x", str(tmp_path / "end"))
    assert read(tmp_path / "end") == read(tree)


def test_a_busy_store_is_asked_again_when_it_says(
    workspace: Workspace, buckets: peers.Peer, make_store: Callable[[str], Any], tmp_path: Path
) -> None:
    bucket = make_store("s3").name
    refusals = [3]

    def admit(headers: signin.Headers) -> str:
        if refusals[0]:
            refusals[0] -= 1
            raise signin.Busy
        return headers["Authorization"]

    door = signin.relay(buckets.url, admit)
    name = "busy-" + uuid.uuid4().hex[:12]
    datastores.register_s3(
        workspace,
        name,
        bucket=bucket,
        access_key_id=peers.S3_ID,
        secret_access_key=peers.S3_KEY,
        endpoint=door.url,
        skip_validation=True,
    )
    tree = write(tmp_path / "tree", {"a": b"one", "b": b"two"})
    copied(str(tree), name + ":x")
    assert refusals == [0]
    door.stop()
    copied(bucket + ":x", str(tmp_path / "back"))
    assert read(tmp_path / "back") == read(tree)


def until(moment: float) -> None:
    """Waits for a time of the clock that is at most some seconds away."""
    assert moment - time.time() < LIFETIME_S + 1
    while time.time() <= moment:
        time.sleep(0.02)


def test_a_token_that_expires_midway_is_renewed(
    workspace: Workspace, lake: peers.Lake, tmp_path: Path
) -> None:
    name = "short-" + uuid.uuid4().hex[:12]
    lake.make(name)
    tokens: List[str] = []
    counted = itertools.count()

    def admit(headers: signin.Headers) -> str:
        token = headers["Authorization"]
        if token not in tokens:
            tokens.append(token)
        return token

    def answered() -> None:
        # In the middle of the copy the tokens that were given so far expire.
        if next(counted) == 4:
            until(time.time() + LIFETIME_S)

    directory = signin.directory(lifetime_s=LIFETIME_S)
    door = signin.relay(lake.url, admit, answered)
    Datastore.register_azure_data_lake_gen2(
        workspace,
        name,
        filesystem=name,
        account_name=peers.ACCOUNT,
        tenant_id=signin.TENANT,
        client_id=signin.CLIENT,
        client_secret=signin.CLIENT_SECRET,
        authority_url=directory.url,
        endpoint=f"{door.url}/{peers.ACCOUNT}",
    )
    tree = write(tmp_path / "tree", {"large": os.urandom(LARGE), **TREE})
    copied(str(tree), name + ":x", "--checksum")
    assert len(tokens) > 1
    copied(name + ":x", str(tmp_path / "back"))
    assert read(tmp_path / "back") == read(tree)
    door.stop()
    directory.stop()


def test_a_signature_that_expires_midway_is_said_and_nothing_is_half_there(
    workspace: Workspace, blobs: peers.Peer, proxied: Any, tmp_path: Path
) -> None:
    full, proxy = proxied
    end = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=LIFETIME_S)
    signature = generate_container_sas(
        peers.ACCOUNT,
        full,
        account_key=peers.KEY,
        permission=ContainerSasPermissions(read=True, write=True, list=True, create=True),
        expiry=end,
    )
    name = "signed-" + uuid.uuid4().hex[:12]
    Datastore.register_azure_blob_container(
        workspace,
        name,
        container_name=full,
        account_name=peers.ACCOUNT,
        sas_token=signature,
        endpoint=proxy.url,
        skip_validation=True,
    )
    tree = write(tmp_path / "tree", {"large": os.urandom(4 * LARGE)})
    proxy.hold_after(12 * MIB)
    process = start(str(tree), name + ":x")
    assert proxy.held.wait(60)
    until(end.timestamp() + 0.1)
    proxy.release()
    out, err = process.communicate(timeout=120)
    assert process.returncode not in (0, None), out
    assert f"datastore `{name}` refuses its credentials" in err
    assert signature not in err
    assert "is not there" in refused(full + ":x", str(tmp_path / "back"))


def test_a_full_disk_is_said_and_nothing_is_half_there(
    workspace: Workspace, make_store: Callable[[str], Any], tmp_path: Path
) -> None:
    name = make_store("blob").name
    tree = write(tmp_path / "tree", {"large": os.urandom(LARGE), "small": os.urandom(MIB)})
    copied(str(tree), name + ":x")
    disk = SmallDisk(tmp_path / "small")
    try:
        disk.leave(4 * MIB)
        for source in (name + ":x", str(tree)):
            text = refused(source, str(disk.folder / "back"))
            assert "No space left on device" in text and "free some space" in text
            assert not (disk.folder / "back" / "large").exists()
        disk.free()
        copied(name + ":x", str(disk.folder / "back"))
        assert read(disk.folder / "back") == read(tree)
    finally:
        disk.unmount()
