"""Connections that break and servers that are killed, in the middle of moving files."""

from __future__ import annotations

import hashlib
import os
import textwrap
import uuid
from pathlib import Path
from typing import Any, Iterator

import peers
import pytest
from servers import kill_server

from azureml.core import Datastore, Experiment, Workspace
from azureml.data.data_reference import DataReference
from azureml.pipeline.core import Pipeline, PipelineData
from azureml.pipeline.steps import PythonScriptStep

# Several parts of 8 MiB.
LARGE = 20 * 1024 * 1024


@pytest.fixture
def proxy(blobs: peers.Peer) -> Iterator[peers.Proxy]:
    made = peers.Proxy(blobs)
    yield made
    made.close()


@pytest.fixture
def store(workspace: Workspace, proxy: peers.Proxy) -> Any:
    name = "crash-" + uuid.uuid4().hex[:12]
    return Datastore.register_azure_blob_container(
        workspace,
        name,
        container_name=name,
        account_name=peers.ACCOUNT,
        account_key=peers.KEY,
        endpoint=proxy.url,
        create_if_not_exists=True,
    )


def test_a_cut_connection_is_taken_up_again(store: Any, proxy: peers.Proxy, tmp_path: Path) -> None:
    content = os.urandom(LARGE)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "large").write_bytes(content)
    store.upload(str(tmp_path / "in"), show_progress=False)
    proxy.cuts = 3
    store.download(str(tmp_path / "out"), show_progress=False)
    assert proxy.cuts == 0
    assert (tmp_path / "out" / "large").read_bytes() == content


def submitted(workspace: Workspace, project: Path, store: Any, text: str, reads: bool) -> Any:
    folder = project / "src"
    folder.mkdir()
    (folder / "main.py").write_text(textwrap.dedent(text))
    data: Any = DataReference(store, "data", "in") if reads else PipelineData("data", store)
    step = PythonScriptStep(
        "main.py",
        name="only",
        source_directory=str(folder),
        arguments=[data],
        inputs=[data] if reads else [],
        outputs=[] if reads else [data],
        allow_reuse=False,
    )
    return Experiment(workspace, "crash").submit(Pipeline(workspace, steps=[step]))


def test_a_server_killed_while_it_fetches_goes_on(
    workspace: Workspace, store: Any, proxy: peers.Proxy, project: Path, tmp_path: Path
) -> None:
    content = os.urandom(LARGE)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "large").write_bytes(content)
    store.upload(str(tmp_path / "in"), "in", show_progress=False)
    proxy.hold_after(5 << 20)
    text = """
    import hashlib, os, sys
    data = open(os.path.join(sys.argv[1], "large"), "rb").read()
    print("read", hashlib.sha256(data).hexdigest())
    """
    run = submitted(workspace, project, store, text, reads=True)
    assert proxy.held.wait(60)
    kill_server(project)
    proxy.release()
    run.wait_for_completion(show_output=False)
    (only,) = run.get_steps()
    assert "read " + hashlib.sha256(content).hexdigest() in only.get_stdout_log()


def test_a_server_killed_while_it_uploads_has_told_nobody_of_success(
    workspace: Workspace, store: Any, proxy: peers.Proxy, project: Path, tmp_path: Path
) -> None:
    text = """
    import os, sys
    os.makedirs(sys.argv[1])
    for number in range(3):
        with open(os.path.join(sys.argv[1], str(number)), "wb") as file:
            file.write(bytes([number]) * (7 << 20))
    """
    proxy.hold_after(5 << 20)
    run = submitted(workspace, project, store, text, reads=False)
    assert proxy.held.wait(60)
    assert run.get_status() == "Running"
    kill_server(project)
    proxy.release()
    run.wait_for_completion(show_output=False)
    (only,) = run.get_steps()
    only.get_output_data("data").download(str(tmp_path / "out"), show_progress=False)
    found = sorted((tmp_path / "out").rglob("[0-9]"))
    assert [each.read_bytes() for each in found] == [
        bytes([number]) * (7 << 20) for number in range(3)
    ]
