"""MLflow's own client and a workspace: what either of the two records, the other reads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

from .client import Client
from .project import Project, binary

pytest.importorskip("mlflow")

# A client asks again for minutes when the server has a fault; here it is to be seen.
ONCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}

Say = Callable[[str], Any]

OPENING = """
import json
import mlflow
from azureml.core import Experiment, Run, Workspace
ws = Workspace.from_config()
"""


@pytest.fixture
def say(project: Project) -> Say:
    """Runs a program in the project's folder; gives the JSON of the last line that it prints."""

    def run(code: str, **variables: str) -> Any:
        own = {k: v for k, v in project.variables.items() if not k.startswith("MLFLOW_")}
        done = subprocess.run(
            [sys.executable, "-c", OPENING + code],
            cwd=project.folder,
            env={**own, **ONCE, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout.splitlines()[-1])

    return run


TRACK = """
mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())
"""

LOGS = (
    TRACK
    + """
mlflow.set_experiment("my experiment")
with mlflow.start_run(run_name="first") as run:
    for step in range(3):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_params({"lr": 0.1, "layers": [3, 5]})
    mlflow.set_tag("team", "red")
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.log_dict({"a": 1}, "about.json")
    with mlflow.start_run(nested=True):
        mlflow.log_metric("loss", 0.25)
try:
    with mlflow.start_run() as failed:
        raise KeyError("x")
except KeyError:
    pass
print(json.dumps([run.info.run_id, failed.info.run_id]))
"""
)


def test_the_sdk_and_the_server_read_what_mlflow_logs(say: Say, client: Client) -> None:
    first, failed = say(LOGS)
    record = client.get(f"/runs/{first}")
    assert (record["status"], record["display_name"]) == ("Completed", "first")
    assert record["experiment"] == "my experiment"
    assert record["parameters"] == {"lr": "0.1", "layers": "[3, 5]"}
    assert record["tags"]["team"] == "red"
    assert client.get(f"/runs/{failed}")["status"] == "Failed"
    seen = say(
        f"""
run = Run.get(ws, "{first}")
children = list(run.get_children())
print(json.dumps([run.get_metrics(), run.get_file_names(), len(children),
                  children[0].get_metrics()]))
"""
    )
    files = ["about.json", "notes/hello.txt"]
    assert seen == [{"loss": [1.0, 0.5, 1 / 3]}, files, 1, {"loss": 0.25}]


def test_mlflow_reads_what_the_sdk_logs(say: Say) -> None:
    seen = say(
        TRACK
        + """
open("model.txt", "w").write("weights")
run = Experiment(ws, "of the sdk").start_logging()
run.log("loss", 0.5)
run.log("loss", 0.25)
run.log("never", float("nan"))
run.tag("team", "blue")
run.upload_file("outputs/model.txt", "model.txt")
child = run.child_run("inner")
child.complete()
run.complete()
client = mlflow.MlflowClient()
found = mlflow.get_run(run.id)
history = client.get_metric_history(run.id, "loss")
path = mlflow.artifacts.download_artifacts(run_id=run.id, artifact_path="outputs")
children = client.search_runs([found.info.experiment_id],
                              f"tags.mlflow.parentRunId = '{run.id}'")
print(json.dumps([
    mlflow.get_experiment(found.info.experiment_id).name,
    found.info.status,
    [found.data.metrics["loss"], str(found.data.metrics["never"])],
    found.data.tags["team"],
    [(each.step, each.value) for each in history],
    [each.path for each in client.list_artifacts(run.id, "outputs")],
    open(path + "/model.txt").read(),
    [each.info.run_id == child.id for each in children],
]))
"""
    )
    assert seen == [
        "of the sdk",
        "FINISHED",
        [0.25, "nan"],
        "blue",
        [[0, 0.5], [1, 0.25]],
        ["outputs/model.txt"],
        "weights",
        [True],
    ]


def test_runs_are_searched_in_mlflows_language(say: Say) -> None:
    seen = say(
        TRACK
        + """
mlflow.set_experiment("searched")
for rate in (0.3, 0.1, 0.2):
    with mlflow.start_run(run_name=f"rate {rate}"):
        mlflow.log_param("rate", rate)
        mlflow.log_metric("loss", rate * 2)
def names(*arguments, **options):
    found = mlflow.search_runs(*arguments, output_format="list", **options)
    return [run.info.run_name for run in found]
print(json.dumps([
    names(filter_string="metrics.loss < 0.5", order_by=["metrics.loss ASC"]),
    names(filter_string="params.rate = '0.3' and attributes.status = 'FINISHED'"),
    names(filter_string="run_name ILIKE 'RATE%'", max_results=2),
    names(filter_string="tags.team IS NOT NULL"),
    [each.name for each in mlflow.search_experiments(filter_string="name LIKE 'sea%'")],
]))
"""
    )
    assert seen == [
        ["rate 0.1", "rate 0.2"],
        ["rate 0.3"],
        ["rate 0.2", "rate 0.1"],
        [],
        ["searched"],
    ]


STEP = """
import os, subprocess, sys
import mlflow
assert "MLFLOW_TRACKING_TOKEN" not in os.environ
with mlflow.start_run() as run:
    assert run.info.run_id == os.environ["AZUREML_RUN_ID"]
    mlflow.log_metric("loss", 0.25)
    mlflow.log_param("depth", 3)
    mlflow.log_text("x", "notes/a.txt")
# What MLflow takes for the end of the run is none: its program goes on.
child = "import mlflow, os; print(mlflow.get_run(os.environ['AZUREML_RUN_ID']).info.status)"
print("status", subprocess.check_output([sys.executable, "-c", child], text=True))
"""


def test_a_script_logs_to_its_run_without_any_set_up(
    project: Project, say: Say, client: Client
) -> None:
    (project.folder / "src").mkdir()
    (project.folder / "src" / "train.py").write_text(STEP)
    run, metrics, files = say(
        """
from azureml.core import ScriptRunConfig
config = ScriptRunConfig("src", script="train.py")
run = Experiment(ws, "of a script").submit(config)
run.wait_for_completion()
print(json.dumps([run.id, run.get_metrics(), run.get_file_names()]))
"""
    )
    assert metrics == {"loss": 0.25}
    assert "notes/a.txt" in files
    record = client.get(f"/runs/{run}")
    assert (record["status"], record["parameters"]) == ("Completed", {"depth": "3"})
    assert "status RUNNING" in project.stepwell("logs", run)


def test_a_program_goes_on_when_its_server_stops(project: Project, say: Say) -> None:
    seen = say(
        TRACK
        + """
import os, subprocess
mlflow.set_experiment("stopped")
with mlflow.start_run() as run:
    mlflow.log_metric("loss", 1, step=1)
    subprocess.run([os.environ["PROGRAM"], "stop"], check=True, stdout=subprocess.DEVNULL)
    mlflow.log_metric("loss", 2, step=2)
    subprocess.run([os.environ["PROGRAM"], "stop"], check=True, stdout=subprocess.DEVNULL)
    mlflow.log_text("hello", "hello.txt")
history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
print(json.dumps([[each.value for each in history], mlflow.get_run(run.info.run_id).info.status]))
""",
        PROGRAM=str(binary()),
    )
    assert seen == [[1, 2], "FINISHED"]


def test_any_client_of_mlflow_gets_in_by_address_and_token(
    project: Project, tmp_path: Path
) -> None:
    known = json.loads(project.stepwell("connect", "--json"))
    code = """
import json, mlflow
with mlflow.start_run() as run:
    mlflow.log_metric("loss", 1)
    mlflow.log_text("hello", "notes/hello.txt")
path = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="notes")
print(json.dumps([mlflow.get_run(run.info.run_id).data.metrics, open(path + "/hello.txt").read(),
                  mlflow.get_experiment(run.info.experiment_id).name]))
"""
    variables = {
        **project.variables,
        **ONCE,
        "MLFLOW_TRACKING_URI": known["url"],
        "MLFLOW_TRACKING_TOKEN": known["token"],
    }
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=elsewhere,
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [{"loss": 1.0}, "hello", "Default"]


MODEL = """
import os
os.makedirs("made/data", exist_ok=True)
open("made/MLmodel", "w").write("flavors: {}\\n")
open("made/data/weights", "w").write("1 2 3")
"""


def test_a_model_that_mlflow_registers_is_one_of_the_workspace(say: Say, client: Client) -> None:
    seen = say(
        TRACK
        + MODEL
        + """
from azureml.core.model import Model
with mlflow.start_run() as run:
    mlflow.log_artifacts("made", "net")
version = mlflow.register_model(f"runs:/{run.info.run_id}/net", "churn", tags={"team": "red"})
again = mlflow.register_model(f"runs:/{run.info.run_id}/net", "churn")
model = Model(ws, "churn", version=1)
got = model.download("got")
path = mlflow.artifacts.download_artifacts("models:/churn/2")
print(json.dumps([
    [version.version, again.version, version.run_id == run.info.run_id, version.status],
    [model.run_id == run.info.run_id, model.tags],
    [each.version for each in Model.list(ws, name="churn")],
    open(os.path.join(got, "data", "weights")).read(),
    sorted(set(os.listdir(path)) & {"MLmodel", "data"}),
]))
"""
    )
    assert [str(each) for each in seen[0][:2]] == ["1", "2"] and seen[0][2:] == [True, "READY"]
    assert seen[1:] == [[True, {"team": "red"}], [2, 1], "1 2 3", ["MLmodel", "data"]]
    assert client.get("/models/churn/versions/1")["tags"] == {"team": "red"}


def test_a_model_that_the_sdk_registers_is_read_by_mlflow(say: Say) -> None:
    seen = say(
        TRACK
        + MODEL
        + """
from azureml.core.model import Model
Model.register(ws, model_path="made", model_name="a net", tags={"team": "blue"})
Model.register(ws, model_path="made/MLmodel", model_name="one file", description="alone")
client = mlflow.MlflowClient()
client.set_registered_model_alias("a net", "champion", "1")
client.set_model_version_tag("a net", "1", "checked", "yes")
version = client.get_model_version_by_alias("a net", "champion")
folder = mlflow.artifacts.download_artifacts("models:/a net@champion")
file = mlflow.artifacts.download_artifacts("models:/one file/1")
refused = []
for call in (lambda: client.create_registered_model("a net"),
             lambda: client.create_model_version("a net", "s3://bucket/x"),
             lambda: client.get_registered_model("none")):
    try:
        call()
    except mlflow.exceptions.MlflowException as error:
        refused.append(error.error_code)
print(json.dumps([
    [each.name for each in client.search_registered_models("name ILIKE 'A%'")],
    [(each.name, str(each.version)) for each in client.search_model_versions("tags.team = 'blue'")],
    [str(version.version), version.tags, list(version.aliases)],
    [sorted(set(os.listdir(each)) & {"MLmodel", "data"}) for each in (folder, file)],
    Model(ws, "a net").tags,
    refused,
]))
"""
    )
    assert seen == [
        ["a net"],
        [["a net", "1"]],
        ["1", {"team": "blue", "checked": "yes"}, ["champion"]],
        [["MLmodel", "data"], ["MLmodel"]],
        {"team": "blue", "checked": "yes"},
        ["RESOURCE_ALREADY_EXISTS", "INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"],
    ]


def test_what_log_model_logs_is_a_folder_of_the_run(say: Say) -> None:
    seen = say(
        TRACK
        + """
import mlflow.pyfunc
class Doubles(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [2 * each for each in model_input]
requirements = ["mlflow-skinny"]
def log(name):
    return mlflow.pyfunc.log_model(name=name, python_model=Doubles(), pip_requirements=requirements)
with mlflow.start_run() as run:
    first = log("doubles")
    second = log("doubles")
    mlflow.register_model(first.model_uri, "doubles")
models = [mlflow.pyfunc.load_model(uri) for uri in (
    f"runs:/{run.info.run_id}/doubles", second.model_uri, "models:/doubles/1")]
azure = Run.get(ws, run.info.run_id)
registered = azure.register_model("by the sdk", "doubles")
outside = log("outside")
outputs = mlflow.get_run(run.info.run_id).outputs.model_outputs
print(json.dumps([
    [model.predict([1, 2]) for model in models],
    "doubles/MLmodel" in azure.get_file_names(),
    registered.version,
    [each.model_id == first.model_id for each in outputs],
    mlflow.pyfunc.load_model(outside.model_uri).predict([3]),
    sorted(each.name for each in mlflow.search_logged_models(output_format="list")),
]))
"""
    )
    assert seen[:3] == [[[2, 4]] * 3, True, 1]
    assert sorted(seen[3]) == [False, True]
    assert seen[4:] == [[6], ["doubles", "doubles", "outside"]]
