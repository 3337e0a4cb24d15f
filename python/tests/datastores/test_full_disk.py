"""A disk that fills up while files are moved: said, nothing half-written, well again with space."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path
from typing import Any, Callable, Iterator, List

import peers
import pytest

from azureml.core import Datastore, Experiment, Workspace
from azureml.data.data_reference import DataReference
from azureml.pipeline.core import Pipeline, PipelineData
from azureml.pipeline.steps import PythonScriptStep
from stepwell import errors

MIB = 1 << 20


class SmallDisk:
    """A disk of 32 MiB, and the file that takes up what others are not to have."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=32m", "none", str(folder)]
        if subprocess.run(command, check=False).returncode != 0:
            pytest.skip("mounting is not permitted")
        self.folder = folder
        self._filler = folder / "filler"

    def leave(self, size: int) -> None:
        """Leave so many bytes of it free."""
        self.free()
        space = os.statvfs(str(self.folder))
        with self._filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_bsize - size)

    def free(self) -> None:
        """Leave all of it free."""
        if self._filler.exists():
            self._filler.unlink()

    def unmount(self) -> None:
        """Take it away."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A small disk."""
    made = SmallDisk(tmp_path / "small")
    yield made
    made.unmount()


@pytest.fixture
def target_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Another."""
    made = SmallDisk(tmp_path / "target")
    yield made
    made.unmount()


@pytest.fixture
def workspace(
    served: Path, disk: SmallDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    """A workspace whose data folder is on the small disk, with a server of its own."""
    monkeypatch.setenv("STEPWELL_DATA", str(disk.folder / ".stepwell"))
    monkeypatch.setattr(sys, "argv", ["program.py"])
    monkeypatch.chdir(tmp_path)
    yield Workspace.from_config()
    subprocess.run([os.environ["STEPWELL_BIN"], "stop"], check=False)


@pytest.fixture
def store(workspace: Workspace, blobs: peers.Peer) -> Any:
    """A container elsewhere."""
    name = "full-" + uuid.uuid4().hex[:12]
    return Datastore.register_azure_blob_container(
        workspace,
        name,
        container_name=name,
        account_name=peers.ACCOUNT,
        account_key=peers.KEY,
        endpoint=peers.blob_endpoint(blobs),
        create_if_not_exists=True,
    )


def fill(store: Any, folder: Path, path: str, sizes: List[int]) -> None:
    """Put files of some sizes below a path of a datastore."""
    folder.mkdir(parents=True)
    for number, size in enumerate(sizes):
        (folder / str(number)).write_bytes(os.urandom(size))
    store.upload(str(folder), path, show_progress=False)


@pytest.fixture
def submit(workspace: Workspace, tmp_path: Path) -> Callable[..., Any]:
    """Runs a pipeline of one step to its end; how it ended is for the test to say."""

    def run(text: str, data: Any, reads: bool) -> Any:
        folder = tmp_path / "src"
        folder.mkdir(exist_ok=True)
        (folder / "main.py").write_text(textwrap.dedent(text))
        step = PythonScriptStep(
            "main.py",
            name="only",
            source_directory=str(folder),
            arguments=[data],
            inputs=[data] if reads else [],
            outputs=[] if reads else [data],
            allow_reuse=False,
        )
        run = Experiment(workspace, "full").submit(Pipeline(workspace, steps=[step]))
        run.wait_for_completion(show_output=False, raise_on_error=False)
        return run

    return run


SIZES = """
import os, sys
for folder, _, names in os.walk(sys.argv[1]):
    print("sizes", sorted(os.path.getsize(os.path.join(folder, name)) for name in names))
"""


def only_step(run: Any) -> Any:
    (step,) = run.get_steps()
    return step


def cached(disk: SmallDisk) -> List[int]:
    return sorted(each.stat().st_size for each in (disk.folder / ".stepwell/cache").iterdir())


def test_a_step_whose_inputs_find_no_space_says_so_and_leaves_no_part(
    disk: SmallDisk, store: Any, submit: Callable[..., Any], tmp_path: Path
) -> None:
    fill(store, tmp_path / "data", "data", [9 * MIB, 9 * MIB])
    disk.leave(12 * MIB)
    data = DataReference(store, "data", "data")
    run = submit(SIZES, data, reads=True)
    assert run.get_status() == "Failed"
    error = only_step(run).get_details()["error"]["error"]
    assert "No space left on device" in error["message"], error
    assert "free some space" in error["message"], error
    assert all(size == 9 * MIB for size in cached(disk)), cached(disk)
    disk.free()
    run = submit(SIZES, data, reads=True)
    assert run.get_status() == "Finished"
    assert "sizes [9437184, 9437184]" in only_step(run).get_stdout_log()


def test_what_nobody_uses_makes_way_when_the_disk_is_full(
    disk: SmallDisk, store: Any, submit: Callable[..., Any], tmp_path: Path
) -> None:
    for name in ("old", "new"):
        fill(store, tmp_path / name, name, [10 * MIB])
    disk.leave(15 * MIB)
    for name in ("old", "new"):
        run = submit(SIZES, DataReference(store, name, name), reads=True)
        assert run.get_status() == "Finished"
        assert "sizes [10485760]" in only_step(run).get_stdout_log()
    assert cached(disk) == [10 * MIB]


def test_an_output_is_uploaded_whole_or_not_at_all(
    disk: SmallDisk, store: Any, submit: Callable[..., Any], tmp_path: Path
) -> None:
    greedy = """
    import os, sys
    os.makedirs(sys.argv[1])
    with open(os.path.join(sys.argv[1], "0"), "wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
    """
    data = PipelineData("data", store)
    run = submit(greedy, data, reads=False)
    assert run.get_status() == "Failed"
    assert "is full: free some space" in str(only_step(run).get_details()["error"])
    assert store.download(str(tmp_path / "all"), show_progress=False) == 0
    run = submit(greedy.replace("64", "9"), data, reads=False)
    assert run.get_status() == "Finished"
    only_step(run).get_output_data("data").download(str(tmp_path / "out"), show_progress=False)
    (found,) = (each for each in (tmp_path / "out").rglob("0"))
    assert found.stat().st_size == 9 * MIB


def test_a_download_to_a_full_disk_leaves_nothing_half_written(
    target_disk: SmallDisk, store: Any, tmp_path: Path
) -> None:
    fill(store, tmp_path / "data", "data", [9 * MIB])
    target_disk.leave(4 * MIB)
    target = target_disk.folder / "target"
    with pytest.raises(OSError) as refused:
        store.download(str(target), "data", show_progress=False)
    assert refused.value.errno == errno.ENOSPC
    assert not [each for each in target.rglob("*") if each.is_file()]
    target_disk.free()
    assert store.download(str(target), "data", show_progress=False) == 1
    assert (target / "data" / "0").read_bytes() == (tmp_path / "data" / "0").read_bytes()


def test_an_upload_through_a_server_without_space_is_refused_or_whole(
    disk: SmallDisk, store: Any, workspace: Workspace, tmp_path: Path
) -> None:
    disk.leave(4 * MIB)
    local = workspace.get_default_datastore()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0").write_bytes(os.urandom(9 * MIB))
    for target in (store, local):
        try:
            target.upload(str(tmp_path / "in"), "in", show_progress=False)
        except (errors.ApiError, OSError) as refused:
            assert "pace" in str(refused), refused
            assert target.download(str(tmp_path / "none"), "in", show_progress=False) == 0
    disk.free()
    for target in (store, local):
        target.upload(str(tmp_path / "in"), "in", overwrite=True, show_progress=False)
        assert target.download(str(tmp_path / "out"), "in", True, show_progress=False) == 1
