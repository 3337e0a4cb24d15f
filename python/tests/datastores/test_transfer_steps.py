"""`DataTransferStep` run for real, between stores of every kind."""

from __future__ import annotations

import os
import signal
import uuid
from pathlib import Path
from typing import Any, Callable, Dict, List

import peers
import pytest
import signin
from servers import kill_server

from azureml.core import Datastore, Experiment, Workspace
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.pipeline.core import Pipeline, PipelineParameter
from azureml.pipeline.steps import DataTransferStep, PythonScriptStep

MIB = 1 << 20
TREE = {"a.txt": b"one", "sub/empty": b"", "sub/large": bytes(range(256)) * 40_000}


def transfer(source: Any, destination: Any, name: str = "copy", **kwargs: Any) -> DataTransferStep:
    return DataTransferStep(name, source, destination, "factory", **kwargs)


def submitted(workspace: Workspace, steps: List[Any], **parameters: Any) -> Any:
    pipeline = Pipeline(workspace, steps)
    return Experiment(workspace, "transfer").submit(pipeline, pipeline_parameters=parameters)


def ran(workspace: Workspace, steps: List[Any], **parameters: Any) -> Any:
    run = submitted(workspace, steps, **parameters)
    run.wait_for_completion(show_output=False, raise_on_error=False)
    logs = {each.name: each.get_stdout_log() for each in run.get_steps()}
    assert run.get_status() == "Finished", logs
    return run


def only(run: Any, name: str = "copy") -> Any:
    (found,) = run.find_step_run(name)
    return found


def fill(store: Any, folder: Path, files: Dict[str, bytes], path: str) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    store.upload(str(folder), path, overwrite=True, show_progress=False)


def read(store: Any, path: str, folder: Path) -> Dict[str, bytes]:
    store.download(str(folder), path, show_progress=False)
    base = folder / path
    found = (each for each in base.rglob("*") if each.is_file())
    return {each.relative_to(base).as_posix(): each.read_bytes() for each in found}


@pytest.mark.parametrize(
    ("source", "destination"),
    [("local", "blob"), ("blob", "s3"), ("s3", "lake"), ("lake", "gcs"), ("gcs", "local")],
)
def test_a_step_copies_and_later_steps_read_what_it_copied(
    source: str,
    destination: str,
    workspace: Workspace,
    make_store: Callable[[str], Any],
    project: Path,
    tmp_path: Path,
) -> None:
    here, there = make_store(source), make_store(destination)
    fill(here, tmp_path / "tree", TREE, "raw/2026")
    copy = transfer(
        DataReference(here, "raw", "raw/2026"), DataReference(there, "landed", "landed")
    )
    (project / "src").mkdir()
    text = "import os, sys\nprint('read', sorted(os.listdir(sys.argv[1])))\n"
    (project / "src" / "main.py").write_text(text)
    reader = PythonScriptStep(
        "main.py",
        name="reader",
        source_directory="src",
        inputs=[copy.get_output()],
        arguments=[copy.get_output()],
    )
    run = ran(workspace, [reader])
    assert "read ['a.txt', 'sub']" in only(run, "reader").get_stdout_log()
    assert read(there, "landed", tmp_path / "out") == TREE
    metrics = only(run).get_metrics()
    assert (metrics["files"], metrics["skipped"]) == (len(TREE), 0)
    assert metrics["bytes"] == sum(len(content) for content in TREE.values())
    log = only(run).get_stdout_log()
    assert "[stepwell] copied 3 files" in log
    for secret in (peers.KEY, peers.S3_KEY, signin.CLIENT_SECRET):
        assert secret not in log


def test_a_copy_is_reused_until_the_source_or_what_was_copied_changes(
    workspace: Workspace, make_store: Callable[[str], Any], tmp_path: Path
) -> None:
    here, there = make_store("blob"), make_store("s3")
    fill(here, tmp_path / "tree", TREE, "raw")

    def again() -> Any:
        source = DataReference(here, "raw", "raw")
        return only(ran(workspace, [transfer(source, DataReference(there, "landed", "landed"))]))

    def is_reused(step: Any) -> bool:
        return bool(step.get_properties().get("azureml.isreused") == "true")

    assert not is_reused(again())
    assert is_reused(again())
    fill(there, tmp_path / "beside", {"beside": b"other"}, "landed")
    assert is_reused(again()), "what else is there does not count"
    fill(here, tmp_path / "tree", {"a.txt": b"changed"}, "raw")
    assert not is_reused(again())
    assert is_reused(again())
    fill(there, tmp_path / "spoilt", {"a.txt": b"spoilt"}, "landed")
    assert not is_reused(again())
    assert read(there, "landed", tmp_path / "out")["a.txt"] == b"changed"


def test_both_ends_may_be_chosen_at_submission(
    workspace: Workspace, make_store: Callable[[str], Any], tmp_path: Path
) -> None:
    store = make_store("blob")
    for name in ("one", "two"):
        fill(store, tmp_path / name, {"name": name.encode()}, "in/" + name)
    ends = [
        (PipelineParameter(name, DataPath(store, path)), DataPathComputeBinding())
        for name, path in (("source", "in/one"), ("target", "out/one"))
    ]
    again = transfer(
        transfer(*ends).get_output(), DataReference(store, "last", "last"), name="again"
    )
    ran(workspace, [again])
    assert read(store, "last", tmp_path / "first") == {"name": b"one"}
    ran(
        workspace,
        [again],
        source=DataPath(store, "in/two"),
        target=DataPath(store, "out/two"),
    )
    assert read(store, "out/two", tmp_path / "second") == {"name": b"two"}
    assert read(store, "last", tmp_path / "third") == {"name": b"two"}


@pytest.mark.parametrize(
    ("path", "said"),
    [("nothing", "there is nothing to copy: `nothing` on datastore"), ("raw", "onto the file")],
)
def test_what_must_not_be_copied_fails_with_the_reason(
    path: str,
    said: str,
    workspace: Workspace,
    make_store: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    store = make_store("blob")
    fill(store, tmp_path / "tree", {"raw/a": b"one", "file": b"two"}, "")
    step = transfer(DataReference(store, "raw", path), DataReference(store, "landed", "file"))
    run = submitted(workspace, [step])
    run.wait_for_completion(show_output=False, raise_on_error=False)
    assert run.get_status() == "Failed"
    assert said in str(only(run).get_details()["error"])


@pytest.fixture
def held(workspace: Workspace, blobs: peers.Peer, tmp_path: Path) -> Any:
    """A blob datastore behind a proxy, with a large file on it."""
    proxy = peers.Proxy(blobs)
    name = "held-" + uuid.uuid4().hex[:12]
    store = Datastore.register_azure_blob_container(
        workspace,
        name,
        container_name=name,
        account_name=peers.ACCOUNT,
        account_key=peers.KEY,
        endpoint=proxy.url,
        create_if_not_exists=True,
    )
    fill(store, tmp_path / "tree", {"large": os.urandom(128 * MIB)}, "raw")
    yield store, proxy
    proxy.close()


@pytest.mark.parametrize("victim", ["server", "worker"])
def test_a_copy_goes_on_after_a_kill(
    victim: str,
    held: Any,
    workspace: Workspace,
    make_store: Callable[[str], Any],
    project: Path,
    tmp_path: Path,
) -> None:
    (store, proxy), there = held, make_store("s3")
    # At most eight parts of 8 MiB are on their way then.
    proxy.hold_after(100 * MIB)
    step = transfer(DataReference(store, "raw", "raw"), DataReference(there, "landed", "landed"))
    run = submitted(workspace, [step])
    assert proxy.held.wait(120)
    if victim == "server":
        kill_server(project)
    else:
        (worker,) = workers()
        os.kill(worker, signal.SIGKILL)
    proxy.release()
    run.wait_for_completion(show_output=False, raise_on_error=False)
    assert run.get_status() == "Finished", only(run).get_stdout_log()
    large = (tmp_path / "tree" / "large").read_bytes()
    assert read(there, "landed", tmp_path / "out") == {"large": large}
    if victim == "worker":
        assert only(run).get_metrics()["resumed_bytes"] >= 8 * MIB


def workers() -> List[int]:
    """The processes that copy for a step of these tests' server."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes().split(b"\0")
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        ours = "STEPWELL_DATA={}".format(os.environ["STEPWELL_DATA"]).encode()
        if b"drive-transfer" in arguments and ours in environment:
            found.append(int(process.name))
    return found


def test_a_copy_that_is_cancelled_leaves_nothing(
    held: Any, workspace: Workspace, tmp_path: Path
) -> None:
    store, proxy = held
    from stepwell import datastores

    folder = tmp_path / "folder"
    name = "folder-" + uuid.uuid4().hex[:12]
    there = datastores.register_local_folder(
        workspace, name, str(folder), create_if_not_exists=True
    )
    proxy.hold_after(20 * MIB)
    step = transfer(DataReference(store, "raw", "raw"), DataReference(there, "landed", "landed"))
    run = submitted(workspace, [step])
    assert proxy.held.wait(120)
    run.cancel()
    proxy.release()
    run.wait_for_completion(show_output=False, raise_on_error=False)
    assert run.get_status() == "Canceled"
    assert [each for each in folder.rglob("*") if each.is_file()] == []
