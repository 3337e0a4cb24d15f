"""Steps on a real Ray cluster: the same program there, here and mixed, and what is killed."""

from __future__ import annotations

import json
import platform
from typing import Any

import pytest

from .bodies import pipeline, shell
from .client import Client
from .project import Project
from .ray import Ray
from .test_distributed import ALONE, BY_SOCKET, MODEL
from .waiting import until

PROGRAM = """
import json, sys
from azureml.core import Experiment, Workspace
from azureml.pipeline.core import Pipeline, PipelineData
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config()
results = {}
for first, second in json.loads(sys.argv[1]):
    made = PipelineData("made", datastore=ws.get_default_datastore())
    make = PythonScriptStep(name="make", script_name="make.py", source_directory="src",
                            arguments=["--out", made], outputs=[made], compute_target=first,
                            allow_reuse=False)
    use = PythonScriptStep(name="use", script_name="use.py", source_directory="src",
                           arguments=["--in", made], inputs=[made], compute_target=second,
                           allow_reuse=False)
    run = Experiment(ws, "old").submit(Pipeline(workspace=ws, steps=[make, use]))
    assert run.wait_for_completion(show_output=True) == "Finished"
    (step,) = [step for step in run.get_steps() if step.name == "use"]
    results[f"{first} {second}"] = step.get_metrics()
with open("results.json", "w") as file:
    json.dump(results, file)
"""
MAKE = """
import argparse, os, random
parser = argparse.ArgumentParser()
parser.add_argument("--out")
out = parser.parse_args().out
os.makedirs(out, exist_ok=True)
draw = random.Random(7)
with open(os.path.join(out, "points"), "w") as file:
    for x in range(100):
        print(x, 3 * x + 1 + draw.gauss(0, 0.1), file=file)
"""
USE = """
import argparse, os
from azureml.core import Run
parser = argparse.ArgumentParser()
parser.add_argument("--in", dest="source")
with open(os.path.join(parser.parse_args().source, "points")) as file:
    points = [tuple(map(float, line.split())) for line in file]
n = len(points)
sx, sy = (sum(point[axis] for point in points) for axis in (0, 1))
sxx, sxy = sum(x * x for x, _ in points), sum(x * y for x, y in points)
slope = (n * sxy - sx * sy) / (n * sxx - sx * sx)
run = Run.get_context()
run.log("slope", slope)
run.log("intercept", (sy - slope * sx) / n)
print("with", os.environ.get("RAY_ADDRESS", "no Ray"))
"""
TRAIN = """
import json
from azureml.core import Experiment, ScriptRunConfig, Workspace
from azureml.core.runconfig import PyTorchConfiguration

ws = Workspace.from_config()
torch = PyTorchConfiguration("Gloo", process_count=4, node_count=2)
jobs = {
    "one": ScriptRunConfig("src", "alone.py", compute_target="local"),
    "two nodes": ScriptRunConfig("src", "by_socket.py", compute_target="ray-cluster",
                                 distributed_job_config=torch),
}
runs = {name: Experiment(ws, "distributed").submit(job) for name, job in jobs.items()}
results = {}
for name, run in runs.items():
    run.wait_for_completion(show_output=False)
    results[name] = run.get_metrics()
with open("results.json", "w") as file:
    json.dump(results, file)
"""


@pytest.fixture
def target(project: Project, ray: Ray) -> str:
    """The name of a target of the project that is the cluster."""
    project.stepwell("compute", "add", "ray-cluster", "ray", "--address", ray.address)
    return "ray-cluster"


def lines(path: Any) -> list[str]:
    """What is in a file that steps add to."""
    return path.read_text().split() if path.exists() else []


def results_of(project: Project, files: dict[str, str], *arguments: str) -> Any:
    """What a program writes to `results.json`: `train.py` of these files of the project."""
    project.program(files, "train.py", *arguments)
    return json.loads((project.folder / "results.json").read_text())


def test_a_program_gives_the_same_result_here_on_ray_and_mixed(
    project: Project, client: Client, target: str
) -> None:
    files = {"train.py": PROGRAM, "src/make.py": MAKE, "src/use.py": USE}
    where = [["here", "here"], [target, target], ["here", target]]
    results = results_of(project, files, json.dumps(where))
    assert len(results) == 3
    assert results[f"{target} {target}"] == results["here here"] == results[f"here {target}"]
    assert abs(results["here here"]["slope"] - 3) < 0.01, results
    runs = [run for run in client.get("/runs")["runs"] if run["kind"] == "pipeline"]
    mixed = max(runs, key=lambda run: run["created_at"])
    made, used = client.steps(mixed["id"])
    assert "nodes" not in made["usage"]
    assert used["usage"]["nodes"] == platform.node()
    assert "with no Ray" not in project.stepwell("logs", used["id"]), "the step can use it"
    (line,) = [line for line in project.stepwell("compute").splitlines() if target in line]
    assert "Ray at http://127.0.0.1:" in line


def test_a_training_on_two_nodes_gives_the_result_of_one_process(
    project: Project, client: Client, target: str
) -> None:
    files = {
        "train.py": TRAIN,
        "src/model.py": MODEL,
        "src/alone.py": ALONE,
        "src/by_socket.py": BY_SOCKET,
    }
    results = results_of(project, files)
    processes = {name: result.pop("processes") for name, result in results.items()}
    assert processes == {"one": 1, "two nodes": 4}
    assert 1 < results["one"]["weight"] < 4, results
    assert results["two nodes"] == pytest.approx(results["one"], abs=2e-9)
    nodes = [(run.get("usage") or {}).get("nodes") for run in client.get("/runs")["runs"]]
    assert f"{platform.node()},{platform.node()}" in nodes


def test_a_target_is_tried_before_it_is_used(project: Project, target: str) -> None:
    checks = json.loads(project.stepwell("compute", "test", target, "--json"))
    assert [check["name"] for check in checks] == ["step", "node", "program", "python", "server"]
    assert all(check["works"] for check in checks), checks


def test_what_can_never_fit_is_refused_when_it_is_submitted(
    project: Project, client: Client, target: str, ray: Ray
) -> None:
    step = {**shell("wide", "true"), "target": target}
    step["resources"] = {"cores": 64}
    refused = client.request("POST", "/runs", pipeline(step))
    assert refused.status == 400
    assert refused.error["message"].startswith(
        "step `wide` can never run on `ray-cluster`: it needs a node with 64 cores; "
        "the Ray cluster has "
    )
    step["resources"] = {"nodes": 9}
    refused = client.request("POST", "/runs", pipeline(step))
    assert "it needs 9 nodes with 1 core; the Ray cluster has " in refused.error["message"]
    add = ("compute", "add", "gpus", "ray", "--address", ray.address, "--resource", "tpu=1")
    project.stepwell(*add)
    step = {**shell("a", "true"), "target": "gpus", "resources": {"cores": 1}}
    refused = client.request("POST", "/runs", pipeline(step))
    assert "it needs a node with 1 core, 1 `tpu`" in refused.error["message"]


def test_a_killed_server_finds_its_jobs_and_each_has_run_once(
    project: Project, client: Client, ray: Ray
) -> None:
    add = ("compute", "add", "one", "ray", "--address", ray.address, "--resource", "n1=1")
    project.stepwell(*add)
    ran, go = project.folder / "ran", project.folder / "go"
    script = f"echo $0 >> {ran}; until [ -e {go} ]; do sleep 0.05; done"
    # There is one of what each takes: one of the steps waits in the queue.
    steps = [{**shell(f"s{number}", script), "target": "one"} for number in range(2)]
    last = shell("last", f"echo $0 >> {ran}", after=[0, 1])
    run = client.submit(pipeline(*steps, last))["id"]
    until(lambda: lines(ran), lambda lines: len(lines) == 1, "one runs", 120)
    until(
        lambda: [row["waiting"] for row in client.steps(run) if row["waiting"]],
        lambda waits: any("cores are taken" in wait["message"] for wait in waits),
        "the other says what it waits for",
        120,
    )
    project.kill_server()
    go.touch()
    assert client.wait(run, 180)["status"] == "Completed"
    assert sorted(lines(ran)) == ["last", "s0", "s1"]
    assert any(row["queued_seconds"] > 0 for row in client.steps(run))


def test_a_killed_node_is_the_reason_of_its_step_which_has_run_once(
    project: Project, client: Client, ray: Ray
) -> None:
    ray.start_node("doomed")
    add = ("compute", "add", "doomed", "ray", "--address", ray.address, "--resource", "doomed=1")
    project.stepwell(*add)
    ran = project.folder / "ran"
    step = {**shell("long", f"echo $0 >> {ran}; sleep 600"), "target": "doomed"}
    run = client.submit(pipeline(step))["id"]
    until(lambda: lines(ran), lambda lines: len(lines) == 1, "it runs", 120)
    ray.kill_node("doomed")
    assert client.wait(run, 180)["status"] == "Failed"
    (row,) = client.steps(run)
    assert "the node of the step's job" in row["error"]["message"], row
    assert lines(ran) == ["long"]


def test_a_cancelled_run_leaves_no_job(client: Client, ray: Ray, target: str) -> None:
    steps = [{**shell(f"s{number}", "sleep 600"), "target": target} for number in range(2)]
    run = client.submit(pipeline(*steps))["id"]
    until(
        lambda: [row["status"] for row in client.steps(run)],
        lambda states: states.count("Running") == 2,
        "both run",
        120,
    )
    client.request("POST", f"/runs/{run}/cancel")
    assert client.wait(run, 120)["status"] == "Canceled"
    until(lambda: ray.jobs("PENDING", "RUNNING"), lambda jobs: not jobs, "no job is left", 60)
