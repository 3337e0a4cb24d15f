"""Steps on a real Slurm cluster: the same programs, by one command, and what is killed."""

from __future__ import annotations

import json
import subprocess

import pytest

from .bodies import pipeline, reads, shell, writes
from .client import Client
from .project import ROOT, Project
from .slurm import Slurm
from .waiting import until

OLD_PROGRAM = """
from azureml.core import Experiment, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.pipeline.core import Pipeline, PipelineData
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config()
try:
    target = ComputeTarget(workspace=ws, name="aml-cluster")
except ComputeTargetException:
    raise SystemExit("the cluster is not found")
config = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=4)
target = ComputeTarget.create(ws, "aml-cluster", config)
target.wait_for_completion(show_output=True)
assert isinstance(target, AmlCompute) and target.vm_size == "STANDARD_D2_V2"

made = PipelineData("made", datastore=ws.get_default_datastore())
make = PythonScriptStep(name="make", script_name="make.py", source_directory="src",
                        arguments=["--out", made], outputs=[made], compute_target="here")
use = PythonScriptStep(name="use", script_name="use.py", source_directory="src",
                       arguments=["--in", made], inputs=[made], compute_target=target)
run = Experiment(ws, "old").submit(Pipeline(workspace=ws, steps=[make, use]))
assert run.wait_for_completion(show_output=True) == "Finished"
(step,) = [step for step in run.get_steps() if step.name == "use"]
assert step.get_metrics() == {"sum": 6.0}, step.get_metrics()
"""
MAKE = """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--out")
out = parser.parse_args().out
os.makedirs(out, exist_ok=True)
with open(os.path.join(out, "numbers"), "w") as file:
    file.write("1 2 3")
"""
USE = """
import argparse, os
from azureml.core import Run
parser = argparse.ArgumentParser()
parser.add_argument("--in", dest="source")
with open(os.path.join(parser.parse_args().source, "numbers")) as file:
    total = sum(map(float, file.read().split()))
Run.get_context().log("sum", total)
print("on", os.environ["SLURM_JOB_NODELIST"])
"""


@pytest.fixture
def target(project: Project, slurm: Slurm) -> str:
    """The name of a target of the project that is the cluster."""
    project.stepwell("compute", "add", "aml-cluster", "slurm", "--conf", slurm.conf)
    return "aml-cluster"


def test_an_old_program_runs_on_a_partition_by_one_command(
    project: Project, client: Client, target: str
) -> None:
    files = {"train.py": OLD_PROGRAM, "src/make.py": MAKE, "src/use.py": USE}
    project.program(files, "train.py", timeout=120)
    (run,) = [run for run in client.get("/runs")["runs"] if run["kind"] == "pipeline"]
    made, used = client.steps(run["id"])
    assert "nodes" not in made["usage"]
    assert used["usage"]["nodes"] in ("n1", "n2", "n3")
    assert f"on {used['usage']['nodes']}" in project.stepwell("logs", used["id"])
    assert f"nodes       {used['usage']['nodes']}" in project.stepwell("show", used["id"])
    shown = project.stepwell("compute", "show", target)
    assert "Slurm's default partition" in shown and "AmlCompute" in shown, shown


def test_a_target_is_tried_before_it_is_used(project: Project, target: str) -> None:
    checks = json.loads(project.stepwell("compute", "test", target, "--json"))
    assert [check["name"] for check in checks] == ["step", "node", "program", "python", "server"]
    assert all(check["works"] for check in checks), checks
    assert checks[1]["detail"].startswith("n"), checks


def test_a_cluster_is_asked_by_its_rest_api_when_its_target_says_so(
    project: Project, client: Client, slurm: Slurm
) -> None:
    address, token = slurm.rest()
    add = ("compute", "add", "by-rest", "slurm", "--rest", address, "--token-file", token)
    project.stepwell(*add)
    checks = json.loads(project.stepwell("compute", "test", "by-rest", "--json"))
    assert all(check["works"] for check in checks), checks
    assert checks[1]["detail"].startswith("n"), checks
    step = {**shell("wide", "true"), "target": "by-rest", "resources": {"cores": 3}}
    refused = client.request("POST", "/runs", pipeline(step))
    assert "the default partition has 3 with 2 cores, 4000 MB" in refused.error["message"]


def test_a_target_that_slurm_does_not_have_says_so(project: Project, slurm: Slurm) -> None:
    add = ("compute", "add", "gpus", "slurm", "--partition", "gpu", "--conf", slurm.conf)
    project.stepwell(*add)
    command = project.start("compute", "test", "gpus", "--json")
    checks = json.loads(command.communicate(timeout=60)[0])
    assert command.returncode == 1
    assert not checks[0]["works"]
    assert "has no partition `gpu`; it has short, work" in checks[0]["detail"], checks
    project.stepwell("compute", "remove", "gpus")
    (line,) = [each for each in project.stepwell("compute").splitlines() if "gpus" in each]
    assert "this machine" in line, "it is what a name is that nobody has said anything of"


def test_what_can_never_fit_is_refused_when_it_is_submitted(client: Client, target: str) -> None:
    step = {**shell("wide", "true"), "target": target}
    step["resources"] = {"cores": 3, "memory_bytes": 1_000_000_000}
    refused = client.request("POST", "/runs", pipeline(step))
    assert refused.status == 400
    assert refused.error["message"] == (
        "step `wide` can never run on `aml-cluster`: it needs 1 node with 3 cores, 954 MB; "
        "the default partition has 3 with 2 cores, 4000 MB"
    )
    step["resources"] = {"wall_time_s": 2 * 86_400}
    refused = client.request("POST", "/runs", pipeline(step))
    assert "gives them for 86400 at most" in refused.error["message"]
    step["resources"] = {"cores": 2, "memory_bytes": 1_000_000_000, "wall_time_s": 60}
    step["task"]["arguments"][1] = {"literal": "echo $SLURM_CPUS_PER_TASK $SLURM_MEM_PER_NODE"}
    run = client.submit(pipeline(step))["id"]
    assert client.wait(run, 60)["status"] == "Completed"
    (row,) = client.steps(run)
    assert client.request("GET", f"/runs/{row['id']}/log").body == b"2 954\n"


def test_a_killed_server_finds_its_jobs_and_each_has_run_once(
    project: Project, client: Client, slurm: Slurm, target: str
) -> None:
    ran = project.folder / "ran"
    go = project.folder / "go"
    script = f"echo $0 >> {ran}; until [ -e {go} ]; do sleep 0.05; done"
    # Six cores: two of the steps wait in the queue.
    steps = [{**shell(f"s{number}", script), "target": target} for number in range(8)]
    last = shell("last", f"echo $0 >> {ran}", target=target, after=list(range(8)))
    run = client.submit(pipeline(*steps, last))["id"]

    def lines() -> list[str]:
        return ran.read_text().split() if ran.exists() else []

    until(lines, lambda lines: len(lines) == 6, "as many run as there are cores", 60)
    until(
        lambda: [row for row in client.steps(run) if row["waiting"]],
        lambda rows: (
            {row["waiting"]["reason"] for row in rows} == {"cluster_queue"} and len(rows) == 2
        ),
        "two wait in the cluster's queue",
    )
    project.kill_server()
    go.touch()
    until(slurm.jobs, lambda jobs: not jobs, "no job is left", 60)
    assert client.wait(run, 60)["status"] == "Completed"
    names = sorted([*(f"s{number}" for number in range(8)), "last"])
    assert sorted(lines()) == names
    waited = [row for row in client.steps(run) if row["queued_seconds"] > 0]
    assert len(waited) >= 2, "the time in the queue is reported apart"


def test_a_cancelled_run_leaves_no_job(
    project: Project, client: Client, slurm: Slurm, target: str
) -> None:
    steps = [{**shell(f"s{number}", "sleep 600"), "target": target} for number in range(8)]
    run = client.submit(pipeline(*steps))["id"]
    until(
        lambda: [row["status"] for row in client.steps(run)],
        lambda states: states.count("Running") == 6,
        "six run",
        60,
    )
    client.request("POST", f"/runs/{run}/cancel")
    assert client.wait(run, 60)["status"] == "Canceled"
    until(slurm.jobs, lambda jobs: not jobs, "no job is left", 30)


def test_data_passes_between_this_machine_and_the_cluster(client: Client, target: str) -> None:
    make = shell("make", "mkdir -p $1; echo 42 > $1/n", {"output": "out"}, outputs=[writes("out")])
    use = shell(
        "use",
        'test "$(cat $1/n)" = 42',
        {"input": "in"},
        target=target,
        inputs=[reads("in", 0, "out")],
    )
    run = client.submit(pipeline(make, use))["id"]
    assert client.wait(run, 60)["status"] == "Completed"


def test_the_script_that_starts_clusters_says_what_it_does() -> None:
    said = subprocess.run(
        [str(ROOT / "scripts" / "slurm-here")], capture_output=True, text=True, check=False
    )
    assert said.returncode == 64
    assert "start FOLDER" in said.stderr
