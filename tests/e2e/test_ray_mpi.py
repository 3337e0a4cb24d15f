"""MPI on several nodes of a Ray cluster: the result of one process, a cancellation, a lost node."""

from __future__ import annotations

import json
from pathlib import Path

from .client import Client
from .project import Project
from .ray import Ray
from .test_distributed import ALONE, BY_MPI, MODEL
from .waiting import until

PROGRAM = """
import json, sys
from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import MpiConfiguration

ws = Workspace.from_config()
library, *here = sys.argv[1:]
with_mpi = Environment("with-mpi")
with_mpi.python.conda_dependencies = CondaDependencies.create(pip_packages=["mpi4py", library])
jobs = {
    "one": ScriptRunConfig("src", "alone.py", compute_target="local"),
    "mpi": ScriptRunConfig("src", "by_mpi.py", compute_target="wide", environment=with_mpi,
                           distributed_job_config=MpiConfiguration(2, 2)),
}
hold = ScriptRunConfig("src", "hold.py", here, compute_target="wide", environment=with_mpi,
                       distributed_job_config=MpiConfiguration(1, 2))
if here:
    print("RUN", Experiment(ws, "distributed").submit(hold).id)
    sys.exit()
runs = {name: Experiment(ws, "distributed").submit(job) for name, job in jobs.items()}
results = {}
for name, run in runs.items():
    run.wait_for_completion(show_output=False)
    results[name] = run.get_metrics()
print("RESULTS", json.dumps(results))
"""
# A process says on which node it is, and as what it ends when it is asked to.
HOLD = """
import os, signal, sys, time
from mpi4py import MPI

rank = MPI.COMM_WORLD.Get_rank()


def say(name, text=""):
    path = os.path.join(sys.argv[1], f"{name}-{rank}")
    with open(path + ".aside", "w") as file:
        file.write(text)
    os.rename(path + ".aside", path)


def stop(*_):
    say("stopped")
    os._exit(0)


signal.signal(signal.SIGTERM, stop)
MPI.COMM_WORLD.Barrier()
say("began", os.environ["RAY_HERE_NODE"])
while True:
    time.sleep(0.05)
"""
FILES = {
    "train.py": PROGRAM,
    "src/model.py": MODEL,
    "src/alone.py": ALONE,
    "src/by_mpi.py": BY_MPI,
    "src/hold.py": HOLD,
}


def add_target(project: Project, ray: Ray) -> None:
    """Adds a target whose steps take two nodes that come and go, and no others."""
    add = ("compute", "add", "wide", "ray", "--address", ray.address, "--resource", "wide=1")
    project.stepwell(*add)


def hold(project: Project) -> tuple[str, Path]:
    """A run of two processes that last until they are stopped, and the folder they write to."""
    said = project.folder / "said"
    said.mkdir()
    out = project.program(FILES, "train.py", "mpich", str(said))
    run = out.split("RUN ", 1)[1].split()[0]
    until(lambda: names(said), {"began-0", "began-1"}.issubset, "both have begun", 240)
    return run, said


def names(folder: Path) -> set[str]:
    """The files of a folder."""
    return {path.name for path in folder.iterdir()}


def test_mpi_on_two_nodes_of_ray(project: Project, client: Client, ray: Ray) -> None:
    for name in ["left", "right"]:
        ray.start_node(name, "wide")
    add_target(project, ray)
    gives_the_result_of_one_process(project)
    is_asked_to_stop_on_both_nodes(project, client)
    ends_when_a_node_is_lost(project, client, ray)


def gives_the_result_of_one_process(project: Project) -> None:
    for library in ["mpich", "openmpi"]:
        out = project.program(FILES, "train.py", library)
        results = json.loads(out.split("RESULTS ", 1)[1])
        assert [results[name].pop("processes") for name in ["one", "mpi"]] == [1, 4], out
        assert 1 < results["one"]["weight"] < 4, results
        assert abs(results["mpi"]["weight"] - results["one"]["weight"]) < 2e-9, results


def is_asked_to_stop_on_both_nodes(project: Project, client: Client) -> None:
    run, said = hold(project)
    places = {(said / f"began-{rank}").read_text() for rank in range(2)}
    assert places == {"left", "right"}
    client.request("POST", f"/runs/{run}/cancel")
    assert client.wait(run, 120)["status"] == "Canceled"
    assert {"stopped-0", "stopped-1"} <= names(said)
    for path in said.iterdir():
        path.unlink()
    said.rmdir()


def ends_when_a_node_is_lost(project: Project, client: Client, ray: Ray) -> None:
    run, said = hold(project)
    ray.kill_node((said / "began-1").read_text())
    ended = client.wait(run, 180)
    assert ended["status"] == "Failed"
    assert "a node of the step was lost while the step ran" in ended["error"]["message"], ended
