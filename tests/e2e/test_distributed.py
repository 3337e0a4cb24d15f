"""Programs that are several processes: real trainings on this machine and on two nodes of Slurm.

The same least squares is solved by one process, by MPI, and by processes that meet by a socket;
the results are those of one process.
"""

from __future__ import annotations

import json

import pytest

from .bodies import pipeline, shell
from .client import Client
from .project import Project
from .slurm import Slurm

PROGRAM = """
import json
from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import MpiConfiguration, PyTorchConfiguration, RunConfiguration
from azureml.pipeline.core import Pipeline, PipelineParameter
from azureml.pipeline.steps import MpiStep, PythonScriptStep

ws = Workspace.from_config()
with_mpi = Environment("with-mpi")
with_mpi.python.conda_dependencies = CondaDependencies.create(pip_packages=["mpi4py", "mpich"])


def script(name, target, environment=None, job=None):
    return ScriptRunConfig("src", name, compute_target=target, environment=environment,
                           distributed_job_config=job)


torch = PyTorchConfiguration("Gloo", process_count=4, node_count=2)
jobs = {
    "one": script("alone.py", "local"),
    "mpi here": script("by_mpi.py", "local", with_mpi, MpiConfiguration(2)),
    "mpi on two nodes": script("by_mpi.py", "aml-cluster", with_mpi, MpiConfiguration(1, 2)),
    "sockets here": script("by_socket.py", "local", None, torch),
    "sockets on two nodes": script("by_socket.py", "aml-cluster", None, torch),
}
experiment = Experiment(ws, "distributed")
runs = {name: experiment.submit(job) for name, job in jobs.items()}

config = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=4)
cluster = ComputeTarget.create(ws, "aml-cluster", config)
nodes = PipelineParameter("nodes", 1)
steps = [
    MpiStep(name="mpi step", source_directory="src", script_name="by_mpi.py", arguments=[],
            compute_target=cluster, node_count=nodes, process_count_per_node=1,
            environment_definition=with_mpi),
]
pipelines = experiment.submit(Pipeline(ws, steps), pipeline_parameters={"nodes": 2})
pipelines.wait_for_completion(show_output=False)
results = {}
for name, run in runs.items():
    run.wait_for_completion(show_output=False)
    results[name] = run.get_metrics()
(step,) = pipelines.get_steps()
results["mpi step"] = step.get_metrics()
print("RESULTS", json.dumps(results))
"""
MODEL = """
def solve(rank, size, everybodys):
    # Each process has its share of the points; the gradients of all are summed.
    points = [(x / 32, 3 * x / 32 + 1) for x in range(64)][rank::size]
    weight = bias = 0.0
    for _ in range(40):
        slope = sum((weight * x + bias - y) * x for x, y in points)
        shift = sum(weight * x + bias - y for x, y in points)
        slope, shift = everybodys([slope, shift])
        weight -= 0.01 * slope
        bias -= 0.01 * shift
    if rank == 0:
        from azureml.core import Run
        run = Run.get_context()
        run.log("weight", round(weight, 9))
        run.log("bias", round(bias, 9))
        run.log("processes", size)
"""
ALONE = """
from model import solve
solve(0, 1, lambda sums: sums)
"""
BY_MPI = """
from mpi4py import MPI
from model import solve
world = MPI.COMM_WORLD
def everybodys(sums):
    return [world.allreduce(each, op=MPI.SUM) for each in sums]
solve(world.Get_rank(), world.Get_size(), everybodys)
print("process", world.Get_rank())
"""
BY_SOCKET = """
import json, os, socket, time
from model import solve
rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
place = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
if rank == 0:
    server = socket.create_server(place)
    others = [server.accept()[0].makefile("rw") for _ in range(size - 1)]
else:
    for _ in range(600):
        try:
            first = socket.create_connection(place).makefile("rw")
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
def everybodys(sums):
    if rank > 0:
        first.write(json.dumps(sums) + "\\n")
        first.flush()
        return json.loads(first.readline())
    parts = [sums] + [json.loads(other.readline()) for other in others]
    total = [sum(part) for part in zip(*parts)]
    for other in others:
        other.write(json.dumps(total) + "\\n")
        other.flush()
    return total
solve(rank, size, everybodys)
"""
FILES = {
    "train.py": PROGRAM,
    "src/model.py": MODEL,
    "src/alone.py": ALONE,
    "src/by_mpi.py": BY_MPI,
    "src/by_socket.py": BY_SOCKET,
}


@pytest.fixture
def target(project: Project, slurm: Slurm) -> str:
    """The name of a target of the project that is the cluster."""
    project.stepwell("compute", "add", "aml-cluster", "slurm", "--conf", slurm.conf)
    return "aml-cluster"


def test_a_training_by_several_processes_gives_the_result_of_one(
    project: Project, client: Client, target: str
) -> None:
    printed = project.program(FILES, "train.py", timeout=300)
    (line,) = [line for line in printed.splitlines() if line.startswith("RESULTS ")]
    results = json.loads(line.removeprefix("RESULTS "))
    sizes = {name: result.pop("processes") for name, result in results.items()}
    assert sizes == {
        "one": 1,
        "mpi here": 2,
        "mpi on two nodes": 2,
        "sockets here": 4,
        "sockets on two nodes": 4,
        "mpi step": 2,
    }
    one = results["one"]
    assert set(one) == {"weight", "bias"} and 1 < one["weight"] < 4, one
    for name, result in results.items():
        assert result == pytest.approx(one, abs=2e-9), name
    runs = {run["id"]: run for run in client.get("/runs", limit=100)["runs"]}
    nodes = sorted({(run.get("usage") or {}).get("nodes", "") for run in runs.values()})
    assert any("," in each or "-" in each for each in nodes), nodes


def test_the_process_that_failed_is_the_one_that_is_shown(
    project: Project, client: Client, target: str
) -> None:
    line = "echo process $RANK; [ $RANK = 1 ] && exit 7; exec sleep 1000"
    step = {**shell("wide", line), "target": target, "resources": {"nodes": 2}}
    step["task"]["distribution"] = {"communicator": "py_torch"}
    run = client.submit(pipeline(step))["id"]
    assert client.wait(run, 60)["status"] == "Failed"
    (row,) = client.steps(run)
    said = row["error"]["message"]
    assert "process 1 of 2 on " in said and "exited with status 7" in said, row["error"]
    assert project.stepwell("logs", row["id"], "--process", "1") == "process 1\n"
    assert "std_log_process_1.txt ends with:\nprocess 1" in project.stepwell("logs", row["id"])
    step["resources"] = {"nodes": 4}
    refused = client.request("POST", "/runs", pipeline(step))
    assert refused.error["message"] == (
        "step `wide` can never run on `aml-cluster`: it needs 4 nodes; "
        "the default partition has 3 with 2 cores, 4000 MB"
    )
