"""Parallel steps whose workers are on several nodes of Ray: the rows are those of one machine, also
when a node is killed."""

from __future__ import annotations

import platform
from collections import Counter

import pytest

from .client import Client
from .project import Project
from .ray import Ray
from .test_slurm_parallel import ITEMS, begun, data, parallel, rows
from .waiting import until

__all__ = ["data"]


@pytest.fixture
def target(project: Project, ray: Ray) -> str:
    """The name of a target of the project that is the cluster."""
    project.stepwell("compute", "add", "ray-cluster", "ray", "--address", ray.address)
    return "ray-cluster"


def test_workers_of_all_nodes_give_the_rows_of_one_machine(
    project: Project, client: Client, target: str, data: Counter[str]
) -> None:
    run, step = begun(project, client, parallel(project, target, {"node_count": "2"}))
    assert client.wait(run, 120)["status"] == "Completed", client.log(step)
    assert rows(project, client, step) == data
    names = {
        (project.data / "runs" / step / "files" / name).read_text().split()[3]
        for name in client.files(step)
        if name.startswith("logs/user/stdout/")
    }
    assert names == {"head", "n1"}
    assert client.run(step)["usage"]["nodes"] == f"{platform.node()},{platform.node()}"
    until(lambda: project.attempt(step), lambda left: not left, "nobody is left on any node")


def test_a_node_that_is_lost_loses_no_row(
    project: Project, client: Client, ray: Ray, data: Counter[str]
) -> None:
    for name in ("pair1", "pair2"):
        ray.start_node(name, "pair")
    add = ("compute", "add", "pair", "ray", "--address", ray.address, "--resource", "pair=1")
    project.stepwell(*add)
    run, step = begun(project, client, parallel(project, "pair", {"node_count": "2"}))
    there = project.attempt(step)
    (host,) = [each for each in there if each.argv[1:2] == ("host-workers",)]
    node = host.variables()["RAY_HERE_NODE"]
    ray.kill_node(node)
    assert client.wait(run, 180)["status"] == "Completed", client.log(step)
    assert rows(project, client, step) == data
    assert " is lost: " in client.log(step), client.log(step)
    tally = client.get(f"/runs/{step}/parallel")["tally"]
    assert (tally["done"], tally["failed_tries"]) == (ITEMS, 0)


def test_more_nodes_than_there_are_is_refused_when_it_is_submitted(
    project: Project, client: Client, target: str, data: Counter[str]
) -> None:
    refused = client.request("POST", "/runs", parallel(project, target, {"node_count": "9"}))
    assert refused.status == 400
    assert "it needs 9 nodes with 2 cores; the Ray cluster has " in refused.error["message"]
