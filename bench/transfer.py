"""Copies against the tools people use for them: `cp` on this machine, rclone for object stores.

The stores are Azurite and moto on loopback, the peers of the tests. Caches are not dropped: both
sides of a pair read the same pages. rclone is Debian's (`apt-get install rclone`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List

import measure
from workspace import ROOT, binary

MEGABYTE = 1_000_000
LARGE_TARGET = 1 / 0.95
STORES = ("azurite", "s3")


def large(repetitions: int, megabytes: int) -> measure.Figure:
    """One large file on this machine."""
    with _folder() as folder:
        _random(folder / "large", megabytes)
        measured = _against(
            folder,
            lambda to: _copy(folder, str(folder / "large"), str(to / "large")),
            lambda to: _run(["cp", str(folder / "large"), str(to / "large")]),
            repetitions,
        )
    name = f"copy {megabytes:,} MB, local to local"
    return measure.relative(name, measured, LARGE_TARGET, "`cp`")


def small(repetitions: int, files: int) -> measure.Figure:
    """Many small files on this machine."""
    with _folder() as folder:
        tree = folder / "tree"
        for number in range(files):
            path = tree / str(number % 100) / str(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(str(number).encode() * 100)
        measured = _against(
            folder,
            lambda to: _copy(folder, str(tree), str(to / "tree")),
            lambda to: _run(["cp", "-r", str(tree), str(to / "tree")]),
            repetitions,
        )
    name = f"copy {files:,} small files, local to local"
    return measure.relative(name, measured, 1.0, "`cp -r`")


def store(kind: str, repetitions: int, megabytes: int) -> measure.Figure:
    """One large file to an object store."""
    if shutil.which("rclone") is None:
        sys.exit("error: rclone is missing\nhint: apt-get install rclone")
    with _folder() as folder, _peer(kind, folder) as peer:
        _random(folder / "large", megabytes)
        names = iter(range(1_000_000))

        def ours() -> float:
            end = f"peer:ours-{next(names)}"
            return measure.timed(lambda: _copy(folder, str(folder / "large"), end))

        def rclone() -> float:
            end = "peer:{}/theirs-{}".format(peer["container"], next(names))
            line = ["rclone", "copyto", str(folder / "large"), end]
            return measure.timed(lambda: _run(line, **peer["rclone"]))

        measured = measure.pairs(ours, rclone, repetitions)
    name = f"copy {megabytes:,} MB to {kind}"
    return measure.relative(name, measured, 1.0, "`rclone copyto`")


def _against(folder: Path, ours: Any, floor: Any, repetitions: int) -> Any:
    """Both, each time into a folder of its own, which is removed outside of the time."""

    def once(work: Any) -> float:
        to = Path(tempfile.mkdtemp(dir=str(folder)))
        # What the copy before has left to be written is no part of this one.
        os.sync()
        seconds = measure.timed(lambda: work(to))
        shutil.rmtree(str(to))
        return seconds

    # A virtual machine may have given memory back; the first to need it would wait for it.
    once(floor)
    return measure.pairs(lambda: once(ours), lambda: once(floor), repetitions)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="stepwell-bench-") as folder:
        yield Path(folder)


def _random(path: Path, megabytes: int) -> None:
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(MEGABYTE))


def _copy(folder: Path, source: str, destination: str) -> None:
    line = [str(binary()), "copy", source, destination, "--json", "--folder", str(folder)]
    _run(line, STEPWELL_DATA=str(folder / ".stepwell"), XDG_STATE_HOME=str(folder / "state"))


def _run(line: List[str], **variables: str) -> None:
    environment = {**os.environ, **variables}
    # Debian's rclone cannot have an authority of one's own; the peers speak plain HTTP.
    environment.pop("AWS_CA_BUNDLE", None)
    subprocess.run(line, check=True, env=environment, stdout=subprocess.DEVNULL)


def _signed(peers: Any, peer: Any, container: str) -> str:
    """The container's URL with a signature: Debian's rclone takes no other endpoint."""
    from datetime import datetime, timedelta, timezone

    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    signature = generate_container_sas(
        peers.ACCOUNT,
        container,
        account_key=peers.KEY,
        permission=ContainerSasPermissions(read=True, write=True, list=True, create=True),
        expiry=datetime.now(timezone.utc) + timedelta(days=1),
    )
    return f"{peers.blob_endpoint(peer)}/{container}?{signature}"


@contextlib.contextmanager
def _peer(kind: str, folder: Path) -> Iterator[Dict[str, Any]]:
    """A store, registered as `peer`, and rclone's settings for it."""
    sys.path[:0] = [str(ROOT / "python" / "tests" / "datastores"), str(ROOT / "python")]
    import peers

    from azureml.core import Datastore, Workspace
    from stepwell import datastores

    os.environ["STEPWELL_DATA"] = str(folder / ".stepwell")
    os.environ["STEPWELL_BIN"] = str(binary())
    os.chdir(str(folder))
    (folder / "azurite").mkdir()
    peer = peers.azurite(folder / "azurite") if kind == "azurite" else peers.moto()
    workspace = Workspace.from_config()
    container = "bench"
    if kind == "azurite":
        Datastore.register_azure_blob_container(
            workspace,
            "peer",
            container,
            peers.ACCOUNT,
            account_key=peers.KEY,
            endpoint=peers.blob_endpoint(peer),
            create_if_not_exists=True,
        )
        settings = {"TYPE": "azureblob", "SAS_URL": _signed(peers, peer, container)}
        settings["NO_CHECK_CONTAINER"] = "true"
    else:
        datastores.register_s3(
            workspace,
            "peer",
            container,
            access_key_id=peers.S3_ID,
            secret_access_key=peers.S3_KEY,
            endpoint=peer.url,
            create_if_not_exists=True,
        )
        settings = {"TYPE": "s3", "PROVIDER": "Other", "ACCESS_KEY_ID": peers.S3_ID}
        settings.update(SECRET_ACCESS_KEY=peers.S3_KEY, ENDPOINT=peer.url)
    rclone = {"RCLONE_CONFIG_PEER_" + name: value for name, value in settings.items()}
    try:
        yield {"container": container, "rclone": rclone}
    finally:
        subprocess.run([str(binary()), "stop"], check=False)
        peer.stop()
