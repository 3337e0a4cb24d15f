"""A Slurm cluster whose commands are on a login node: each is run there by a real ssh."""

from __future__ import annotations

import os
from typing import Iterator

import pytest

from .bodies import pipeline, shell
from .client import Client
from .login_node import NAME, LoginNode
from .project import Project
from .slurm import Slurm
from .waiting import until


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoginNode]:
    """A login node that the server finds by its name."""
    node = LoginNode()
    monkeypatch.setenv("PATH", f"{node.path}:{os.environ['PATH']}")
    yield node
    node.close()


@pytest.fixture
def target(project: Project, slurm: Slurm, login: LoginNode) -> str:
    """The name of a target of the project that is the cluster, seen from the login node."""
    add = ("compute", "add", "aml-cluster", "slurm", "--conf", slurm.conf, "--ssh", NAME)
    project.stepwell(*add)
    return "aml-cluster"


def test_steps_are_submitted_followed_and_cancelled_through_a_login_node(
    project: Project, client: Client, target: str, slurm: Slurm
) -> None:
    words = 'echo "on $SLURM_JOB_NODELIST, it\'s $((6 * 7))"'
    run = client.submit(pipeline({**shell("it's one", words), "target": target}))["id"]
    assert client.wait(run, 60)["status"] == "Completed"
    (step,) = client.steps(run)
    assert client.log(step["id"]) == f"on {step['usage']['nodes']}, it's 42\n"
    endless = client.submit(pipeline({**shell("endless", "sleep 600"), "target": target}))["id"]
    until(
        lambda: [row["status"] for row in client.steps(endless)],
        lambda states: states == ["Running"],
        "it runs",
        60,
    )
    client.call("POST", f"/runs/{endless}/cancel")
    assert client.wait(endless, 60)["status"] == "Canceled"
    until(slurm.jobs, lambda jobs: not jobs, "no job is left", 30)
    failing = client.submit(pipeline({**shell("fails", "exit 3"), "target": target}))["id"]
    assert client.wait(failing, 60)["status"] == "Failed"
    (row,) = client.steps(failing)
    assert "exited with status 3" in row["error"]["message"], row["error"]


def test_a_login_node_that_is_away_for_a_while_costs_time_only(
    project: Project, client: Client, target: str, slurm: Slurm, login: LoginNode
) -> None:
    ran, go = project.folder / "ran", project.folder / "go"
    script = f"echo $0 >> {ran}; until [ -e {go} ]; do sleep 0.05; done"
    first = client.submit(pipeline({**shell("first", script), "target": target}))["id"]
    until(ran.exists, bool, "the first one runs", 60)
    login.stop()
    second = client.submit(pipeline({**shell("second", script), "target": target}))["id"]
    until(
        lambda: [row["waiting"] for row in client.steps(second)],
        lambda rows: rows[0] is not None and "does not answer" in rows[0]["message"],
        "the second one says why it waits",
        60,
    )
    go.touch()
    login.start()
    assert client.wait(first, 60)["status"] == "Completed"
    assert client.wait(second, 60)["status"] == "Completed"
    assert ran.read_text().split() == ["first", "second"]
