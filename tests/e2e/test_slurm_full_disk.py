"""A node of a Slurm cluster without space: no step is lost, none runs twice, and each says why."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from .bodies import pipeline, shell
from .client import Client
from .disk import SmallDisk
from .project import Project
from .slurm import Slurm
from .waiting import until

FULL = "SlurmdSpoolDir is full"


@pytest.fixture
def target(project: Project, slurm: Slurm) -> str:
    """The name of a target of the project that is the cluster."""
    project.stepwell("compute", "add", "aml-cluster", "slurm", "--conf", slurm.conf)
    return "aml-cluster"


@pytest.fixture
def spool(slurm: Slurm) -> Iterator[SmallDisk]:
    """The disk of node n1, where Slurm keeps what its jobs need there."""
    disk = slurm.small_disk("n1")
    if disk is None:
        pytest.skip("mounting is not permitted")
    yield disk
    disk.unmount()
    slurm.resume("n1")


def lines(path: Path) -> list[str]:
    """What is in a file that steps add to."""
    return path.read_text().split() if path.exists() else []


def test_a_node_without_space_is_passed_over_and_each_step_has_run_once(
    project: Project, client: Client, slurm: Slurm, target: str, spool: SmallDisk
) -> None:
    spool.fill()
    ran, go = project.folder / "ran", project.folder / "go"
    script = f"echo $0 >> {ran}; until [ -e {go} ]; do sleep 0.05; done"
    # As many as the three nodes have cores; those that Slurm sends to n1 cannot begin there.
    names = [f"s{number}" for number in range(6)]
    run = client.submit(pipeline(*({**shell(name, script), "target": target} for name in names)))
    until(lambda: lines(ran), lambda ran: len(ran) == 4, "four run on the other nodes", 60)
    until(lambda: slurm.state("n1"), lambda state: FULL in state, "Slurm has seen it", 60)
    every = ("squeue", "--noheader", "--states=all", "--format=%j")
    until(
        lambda: [name for name in slurm.ask(*every).split() if name.endswith("#1-2")],
        lambda again: len(again) == 2,
        "two were submitted again",
        60,
    )
    go.touch()
    assert client.wait(run["id"], 60)["status"] == "Completed"
    assert sorted(lines(ran)) == names
    assert {row["usage"]["nodes"] for row in client.steps(run["id"])} == {"n2", "n3"}


def test_a_step_whose_only_node_has_no_space_says_so_and_runs_when_there_is_some(
    project: Project, client: Client, slurm: Slurm, spool: SmallDisk
) -> None:
    add = ("compute", "add", "short", "slurm", "--partition", "short", "--conf", slurm.conf)
    project.stepwell(*add)
    spool.fill()
    ran = project.folder / "ran"
    run = client.submit(pipeline({**shell("one", f"echo $0 >> {ran}"), "target": "short"}))["id"]
    waiting = until(
        lambda: [row["waiting"]["message"] for row in client.steps(run) if row["waiting"]],
        lambda said: any(FULL in message and "out of use" in message for message in said),
        "it says what it waits for",
        60,
    )
    assert f"`n1` ({FULL})" in waiting[0] and "state=resume" in waiting[0], waiting
    assert FULL in project.stepwell("show", client.steps(run)[0]["id"])
    spool.free()
    slurm.resume("n1")
    assert client.wait(run, 60)["status"] == "Completed"
    assert lines(ran) == ["one"]


def test_a_script_without_space_for_its_temporary_files_is_told_which_disk_is_full(
    client: Client, target: str, spool: SmallDisk
) -> None:
    spool.fill()
    step = shell("one", "echo much > $TMPDIR/much", variables={"TMPDIR": str(spool.folder)})
    run = client.submit(pipeline({**step, "target": target}))["id"]
    assert client.wait(run, 60)["status"] == "Failed"
    (row,) = client.steps(run)
    assert "exited with status" in row["error"]["message"], row["error"]
    assert f"the disk of `{spool.folder}` is full" in row["error"]["hint"], row["error"]
