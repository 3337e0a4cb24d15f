"""One program on this machine, on Slurm and on Ray: a pipeline that is prepared here, trained there
and scored in parallel elsewhere, and a search of hyperparameters. The results are those of one
machine. And what becomes of a step when the file system that all share is full."""

from __future__ import annotations

import json

import pytest

from .bodies import pipeline, shell
from .client import Client
from .disk import PAD, SmallDisk
from .project import Project
from .ray import Ray
from .slurm import Slurm
from .waiting import until

PROGRAM = """
import json, os, sys, tempfile
from azureml.core import Environment, Experiment, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineData
from azureml.pipeline.steps import ParallelRunConfig, ParallelRunStep, PythonScriptStep

ws = Workspace.from_config()
here = Environment("here")
here.python.user_managed_dependencies = True
here.python.interpreter_path = sys.executable


def results(prepare_on, train_on, score_on):
    points = OutputFileDatasetConfig("points")
    prepare = PythonScriptStep(name="prepare", script_name="prepare.py", source_directory="src",
                               arguments=["--out", points], compute_target=prepare_on,
                               allow_reuse=False)
    model = PipelineData("model", datastore=ws.get_default_datastore())
    train = PythonScriptStep(name="train", script_name="train.py", source_directory="src",
                             arguments=["--in", points.as_input("points"), "--model", model],
                             outputs=[model], compute_target=train_on, allow_reuse=False)
    config = ParallelRunConfig(environment=here, entry_script="score.py", source_directory="src",
                               mini_batch_size="3", error_threshold=0, output_action="append_row",
                               compute_target=score_on, node_count=1, process_count_per_node=2)
    score = ParallelRunStep(name="score", parallel_run_config=config, allow_reuse=False,
                            inputs=[points.as_input("points")], side_inputs=[model],
                            arguments=["--model", model],
                            output=OutputFileDatasetConfig("scores"))
    run = Experiment(ws, "mixed").submit(Pipeline(workspace=ws, steps=[score]))
    assert run.wait_for_completion(show_output=True) == "Finished"
    steps = {step.name: step for step in run.get_steps()}
    with tempfile.TemporaryDirectory() as folder:
        steps["score"].get_output_data("scores").download(folder)
        files = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
        (rows,) = [open(path).read() for path in files if path.endswith("parallel_run_step.txt")]
    return {"metrics": steps["train"].get_metrics(), "rows": sorted(rows.splitlines())}


found = {name: results(*where) for name, where in json.loads(sys.argv[1]).items()}
with open("results.json", "w") as file:
    json.dump(found, file)
"""
PREPARE = """
import argparse, os, random
parser = argparse.ArgumentParser()
parser.add_argument("--out")
out = parser.parse_args().out
os.makedirs(out, exist_ok=True)
draw = random.Random(7)
for part in range(20):
    with open(os.path.join(out, f"part-{part:02}"), "w") as file:
        for x in range(part * 5, part * 5 + 5):
            print(x, 3 * x + 1 + draw.gauss(0, 0.1), file=file)
"""
TRAIN = """
import argparse, json, os
from azureml.core import Run
parser = argparse.ArgumentParser()
parser.add_argument("--in", dest="source")
parser.add_argument("--model")
given = parser.parse_args()
points = []
for name in sorted(os.listdir(given.source)):
    with open(os.path.join(given.source, name)) as file:
        points += [tuple(map(float, line.split())) for line in file]
n = len(points)
sx, sy = (sum(point[axis] for point in points) for axis in (0, 1))
sxx, sxy = sum(x * x for x, _ in points), sum(x * y for x, y in points)
slope = (n * sxy - sx * sy) / (n * sxx - sx * sx)
model = {"slope": slope, "intercept": (sy - slope * sx) / n}
os.makedirs(given.model, exist_ok=True)
with open(os.path.join(given.model, "line.json"), "w") as file:
    json.dump(model, file)
for name, value in model.items():
    Run.get_context().log(name, value)
print("with", os.environ.get("SLURM_JOB_ID", "no Slurm"))
"""
SCORE = """
import argparse, json, os
parser = argparse.ArgumentParser()
parser.add_argument("--model")

def init():
    global line
    with open(os.path.join(parser.parse_args().model, "line.json")) as file:
        line = json.load(file)
    print("with", os.environ.get("RAY_ADDRESS", "no Ray"), flush=True)

def run(mini_batch):
    rows = []
    for path in mini_batch:
        with open(path) as file:
            points = [tuple(map(float, text.split())) for text in file]
        off = sum(abs(line["slope"] * x + line["intercept"] - y) for x, y in points)
        rows.append(f"{os.path.basename(path)} {off!r}")
    return rows
"""
FILES = {
    "train_pipeline.py": PROGRAM,
    "src/prepare.py": PREPARE,
    "src/train.py": TRAIN,
    "src/score.py": SCORE,
}


SEARCH = """
import json, sys
from azureml.core import Experiment, ScriptRunConfig, Workspace
from azureml.train.hyperdrive import (
    GridParameterSampling, HyperDriveConfig, PrimaryMetricGoal, choice,
)

ws = Workspace.from_config()
found = {}
for target in sys.argv[1:]:
    grid = GridParameterSampling({"--slope": choice(2, 3, 4), "--intercept": choice(0, 1)})
    config = HyperDriveConfig(
        run_config=ScriptRunConfig("src", "try.py", compute_target=target),
        hyperparameter_sampling=grid, primary_metric_name="loss",
        primary_metric_goal=PrimaryMetricGoal.MINIMIZE, max_total_runs=6, max_concurrent_runs=3)
    run = Experiment(ws, "search").submit(config)
    assert run.wait_for_completion(show_output=False)["status"] == "Completed"
    best = run.get_best_run_by_primary_metric()
    trials = run.get_children_sorted_by_primary_metric()
    found[target] = {
        "search": run.id,
        "best": [best.id, best.get_metrics()],
        "trials": [[each["run_id"], json.loads(each["hyperparameters"]),
                    each["best_primary_metric"]] for each in trials],
    }
with open("results.json", "w") as file:
    json.dump(found, file)
"""
TRY = """
import argparse, os
from azureml.core import Run
parser = argparse.ArgumentParser()
parser.add_argument("--slope", type=int)
parser.add_argument("--intercept", type=int)
given = parser.parse_args()
off = [given.slope * x + given.intercept - (3 * x + 1) for x in range(10)]
Run.get_context().log("loss", sum(each * each for each in off))
where = [name for name in ("SLURM_JOB_ID", "RAY_ADDRESS") if name in os.environ]
print("with", *where or ["neither"])
"""
HOLD = "echo $0 >> {ran}; until [ -e {gate} ]; do sleep 0.05; done"


@pytest.fixture
def targets(project: Project, slurm: Slurm, ray: Ray) -> tuple[str, str]:
    """The names of a target that is a Slurm cluster and of one that is a Ray cluster."""
    project.stepwell("compute", "add", "by-slurm", "slurm", "--conf", slurm.conf)
    project.stepwell("compute", "add", "by-ray", "ray", "--address", ray.address)
    return "by-slurm", "by-ray"


def test_a_pipeline_over_two_clusters_has_the_results_of_one_machine(
    project: Project, client: Client, targets: tuple[str, str]
) -> None:
    where = {"local": ["here", "here", "here"], "mixed": ["here", *targets]}
    project.program(FILES, "train_pipeline.py", json.dumps(where), timeout=300)
    results = json.loads((project.folder / "results.json").read_text())
    assert results["mixed"] == results["local"]
    assert len(results["local"]["rows"]) == 20
    assert abs(results["local"]["metrics"]["slope"] - 3) < 0.01
    runs = [run for run in client.get("/runs")["runs"] if run["kind"] == "pipeline"]
    mixed = max(runs, key=lambda run: run["created_at"])
    steps = {step["display_name"]: step["id"] for step in client.steps(mixed["id"])}
    assert "with no Slurm" not in client.log(steps["train"])
    logs = project.data / "runs" / steps["score"] / "files" / "logs" / "user" / "stdout"
    printed = [path.read_text() for path in sorted(logs.rglob("*.txt"))]
    assert printed and all("with no Ray" not in text for text in printed), printed


def test_a_search_has_the_same_trials_and_the_same_best_one_wherever_they_run(
    project: Project, client: Client, targets: tuple[str, str]
) -> None:
    files = {"search.py": SEARCH, "src/try.py": TRY}
    project.program(files, "search.py", "here", *targets, timeout=300)
    found = json.loads((project.folder / "results.json").read_text())
    where = {"here": "neither", "by-slurm": "SLURM_JOB_ID", "by-ray": "RAY_ADDRESS"}
    assert list(found) == list(where)
    for target, marked in where.items():
        best, metrics = found[target]["best"]
        assert metrics == {"loss": 0.0}
        trials = found[target]["trials"]
        assert trials[0] == [best, {"--slope": 3, "--intercept": 1}, 0.0]
        assert [trial[1:] for trial in trials] == [trial[1:] for trial in found["here"]["trials"]]
        rows = client.get("/runs", parent=found[target]["search"])["runs"]
        assert {row["id"] for row in rows} == {trial[0] for trial in trials}
        assert len(rows) == 6 and {row["target"] for row in rows} == {target}
        assert {client.log(row["id"]) for row in rows} == {f"with {marked}\n"}


@pytest.mark.parametrize("target", ["by-slurm", "by-ray"])
def test_a_step_whose_end_did_not_fit_on_the_shared_disk_ran_once_and_says_so(
    disk: SmallDisk,
    project: Project,
    client: Client,
    slurm: Slurm,
    ray: Ray,
    targets: tuple[str, str],
    target: str,
) -> None:
    ran, gate = project.folder / "ran", project.folder / "gate"
    step = {**shell("one", PAD + HOLD.format(ran=ran, gate=gate)), "target": target}
    run = client.submit(pipeline(step))["id"]
    until(lambda: client.run(run)["status"], lambda it: it == "Running", "the step runs", 120)
    until(ran.exists, bool, "its script runs", 120)
    disk.fill()
    gate.touch()
    # Its supervisor tries for some seconds, and gives up; the server cannot note that, either.
    left = {"by-slurm": slurm.jobs, "by-ray": lambda: ray.jobs("PENDING", "RUNNING")}[target]
    until(left, lambda jobs: not jobs, "its job is over", 60)
    disk.free()
    assert client.wait(run, 60)["status"] == "Failed"
    (row,) = client.steps(run)
    assert row["error"]["kind"] == "storage", row["error"]
    assert "the step's end could not be recorded" in row["error"]["message"], row["error"]
    assert "make room on it, and run the step again" in row["error"]["hint"], row["error"]
    assert ran.read_text() == "one\n"
    project.check_database()
