"""Parallel steps whose workers are on several nodes of Slurm, and nodes, workers and drivers that
are killed: the rows are those of one machine."""

from __future__ import annotations

import stat
from collections import Counter
from typing import Any

import pytest

from .bodies import PYTHON, pipeline, reads_path, writes
from .client import Client
from .processes import Process
from .project import ROOT, Project
from .slurm import Slurm
from .waiting import until

ITEMS = 60

SCORE = """
import os, time
from pathlib import Path

NODE = os.environ["AZ_BATCHAI_TASK_INDEX"]

def init():
    node = os.environ.get("SLURMD_NODENAME") or os.environ["RAY_HERE_NODE"]
    print("a worker of", node, flush=True)

def run(mini_batch):
    begun = Path(os.environ["BEGUN"])
    (begun / NODE).touch()
    time.sleep(0.05)
    # No mini-batch comes to an end before each node has begun one.
    while len(list(begun.iterdir())) < int(os.environ["AZUREML_NODE_COUNT"]):
        time.sleep(0.01)
    hung = begun.parent / "hung"
    if NODE == "1" and "HANGS" in os.environ and not hung.exists():
        hung.touch()
        time.sleep(600)
    return [os.path.basename(path) for path in mini_batch]
"""


@pytest.fixture
def target(project: Project, slurm: Slurm) -> str:
    """The name of a target of the project that is the cluster."""
    project.stepwell("compute", "add", "aml-cluster", "slurm", "--conf", slurm.conf)
    return "aml-cluster"


@pytest.fixture
def data(project: Project) -> Counter[str]:
    """Files on the default datastore: the rows that are expected of them."""
    folder = project.data / "data" / "workspaceblobstore" / "raw"
    folder.mkdir(parents=True)
    (project.folder / "begun").mkdir()
    names = [f"item-{number:03}" for number in range(ITEMS)]
    for name in names:
        (folder / name).touch()
    return Counter(names)


def parallel(project: Project, target: str, settings: dict[str, Any], **variables: str) -> Any:
    """A pipeline of one parallel step: two workers on each of three nodes, unless said."""
    settings = {
        "mini_batch_size": "1",
        "node_count": "3",
        "process_count_per_node": "2",
        # What a node has that is lost is no failed try.
        "run_max_try": "1",
        "error_threshold": "0",
        **settings,
    }
    task = {
        "type": "parallel",
        "entry_script": "score.py",
        "arguments": [],
        "snapshot": project.snapshot({"score.py": SCORE}),
        "environment": PYTHON,
        "variables": {
            "PYTHONPATH": str(ROOT / "python"),
            "BEGUN": str(project.folder / "begun"),
            **variables,
        },
        "inputs": [{"port": "raw", "form": "files"}],
        "output": "scores",
        "settings": {name: {"literal": str(value)} for name, value in settings.items()},
    }
    step = {
        "name": "score",
        "kind": "ParallelRunStep",
        "target": target,
        "task": task,
        "inputs": [reads_path("raw", "raw")],
        "outputs": [writes("scores")],
    }
    return pipeline(step)


def rows(project: Project, client: Client, step: str) -> Counter[str]:
    """The rows that a step has written."""
    (output,) = client.run(step)["outputs"]
    folder = project.data / "data" / output["datastore"] / output["path"]
    return Counter((folder / "parallel_run_step.txt").read_text().splitlines())


def begun(project: Project, client: Client, body: Any) -> tuple[str, str]:
    """The run and its step, once all nodes have begun and some mini-batches are finished."""
    run = client.submit(body)["id"]
    (step,) = client.steps(run)
    journal = project.data / "runs" / step["id"] / "state" / "journal"
    until(
        lambda: journal.exists() and len(journal.read_bytes().splitlines()),
        lambda count: count > 6,
        "some mini-batches are finished",
        60,
    )
    return str(run), str(step["id"])


def on(processes: list[Process], node: str) -> list[Process]:
    """Those that run on a node."""
    return [process for process in processes if process.variables().get("SLURMD_NODENAME") == node]


def test_workers_of_all_nodes_give_the_rows_of_one_machine(
    project: Project, client: Client, target: str, data: Counter[str]
) -> None:
    run, step = begun(project, client, parallel(project, target, {}))
    folder = project.data / "runs" / step
    assert stat.S_IMODE((folder / "hosts.json").stat().st_mode) == 0o600
    secret = (folder / "hosts.json").read_text().split('"token":"')[1].split('"')[0]
    processes = project.attempt(step)
    assert not any(secret in word for process in processes for word in process.argv)
    launchers = [process for process in processes if process.name == "srun"]
    assert len(launchers) >= 2
    for launcher in launchers:
        assert "STEPWELL_TOKEN" not in launcher.variables(), "srun hands them from node to node"
    assert client.wait(run, 60)["status"] == "Completed", client.log(step)
    assert rows(project, client, step) == data
    files = client.files(step)
    for node in range(3):
        for process in range(2):
            assert f"logs/user/stdout/{node}/process{process:03}.stdout.txt" in files
    names = {
        (project.data / "runs" / step / "files" / name).read_text().split()[3]
        for name in files
        if name.startswith("logs/user/stdout/")
    }
    assert names == {"n1", "n2", "n3"}
    assert client.run(step)["usage"]["nodes"] == "n[1-3]"
    until(lambda: project.attempt(step), lambda left: not left, "nobody is left on any node")


def test_rows_that_are_only_counted_are_counted_once(
    project: Project, client: Client, target: str, data: Counter[str]
) -> None:
    body = parallel(project, target, {"output_action": "summary_only"})
    run, step = begun(project, client, body)
    assert client.wait(run, 60)["status"] == "Completed", client.log(step)
    tally = client.get(f"/runs/{step}/parallel")["tally"]
    assert (tally["done"], tally["items"], tally["failed_tries"]) == (ITEMS, ITEMS, 0)


def test_a_node_that_is_lost_loses_no_row(
    project: Project, client: Client, target: str, data: Counter[str], slurm: Slurm
) -> None:
    run, step = begun(project, client, parallel(project, target, {}))
    slurm.kill_node("n2")
    lost = on(project.attempt(step), "n2")
    assert len(lost) >= 3, "a host and its workers"
    for process in lost:
        process.kill()
    try:
        assert client.wait(run, 120)["status"] == "Completed", client.log(step)
        assert rows(project, client, step) == data
        assert "(n2) is lost: " in client.log(step), client.log(step)
        tally = client.get(f"/runs/{step}/parallel")["tally"]
        assert (tally["done"], tally["failed_tries"]) == (ITEMS, 0)
    finally:
        slurm.start_node("n2")


def test_a_worker_that_hangs_on_another_node_is_killed_and_replaced(
    project: Project, client: Client, target: str, data: Counter[str]
) -> None:
    settings = {"run_invocation_timeout": "3", "run_max_try": "2"}
    run, step = begun(project, client, parallel(project, target, settings, HANGS="yes"))
    assert client.wait(run, 60)["status"] == "Completed", client.log(step)
    assert rows(project, client, step) == data
    assert "of node 1: run took longer than 3 seconds" in client.log(step)
    assert client.get(f"/runs/{step}/parallel")["tally"]["failed_tries"] == 1


def test_a_killed_driver_leaves_nobody_on_other_nodes_and_goes_on(
    project: Project, client: Client, target: str, data: Counter[str]
) -> None:
    run, step = begun(project, client, parallel(project, target, {}))
    first = project.attempt(step)
    (driver,) = [process for process in first if "drive-parallel" in process.argv]
    assert driver.kill()
    assert client.wait(run, 120)["status"] == "Completed", client.log(step)
    assert rows(project, client, step) == data
    assert "goes on: " in client.log(step)
    assert not set(first) & set(project.attempt(step))


def test_more_nodes_than_there_are_is_refused_when_it_is_submitted(
    project: Project, client: Client, target: str, data: Counter[str]
) -> None:
    refused = client.request("POST", "/runs", parallel(project, target, {"node_count": "4"}))
    assert refused.status == 400
    assert refused.error["message"] == (
        "step `score` can never run on `aml-cluster`: it needs 4 nodes with 2 processes; "
        "the default partition has 3 with 2 cores, 4000 MB"
    )
    local = client.submit(parallel(project, "local", {"node_count": "4", "mini_batch_size": "60"}))
    client.call("POST", f"/runs/{local['id']}/cancel")
