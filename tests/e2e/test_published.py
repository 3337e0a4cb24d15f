"""Published pipelines over plain HTTP: the way of a program that has no SDK, and what survives."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest

from . import bodies
from .client import Client, Refused
from .project import ROOT, Project, binary
from .waiting import until

WORKSPACE = (
    "/pipelines/v1.0/subscriptions/any/resourceGroups/any/providers/"
    "Microsoft.MachineLearningServices/workspaces/any"
)

PUBLISHES = """
from azureml.core import Workspace
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config()
rate = PipelineParameter("rate", 0.5)
made = PipelineData("made")
train = PythonScriptStep("train.py", "train", source_directory="src", outputs=[made],
                         arguments=["--rate", rate, "--out", made], compute_target="cluster")
published = Pipeline(ws, [train]).publish("lab", "the lab's own", "1.0")
print("endpoint", published.endpoint)
"""

TRAINS = """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float)
parser.add_argument("--out")
given = parser.parse_args()
os.makedirs("outputs", exist_ok=True)
with open("outputs/model.txt", "w") as file:
    file.write("rate {}, {}".format(given.rate, os.environ["AML_PARAMETER_rate"]))
with open(given.out, "w") as file:
    file.write("made")
"""


def curl(project: Project, *arguments: str) -> Any:
    """What curl prints, as JSON if it is JSON; the token is the server's."""
    token = project.client.endpoint.token
    line = ["curl", "--silent", "--show-error", "-H", f"Authorization: Bearer {token}"]
    done = subprocess.run([*line, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    try:
        return json.loads(done.stdout)
    except ValueError:
        return done.stdout


def python(project: Project, text: str) -> str:
    """What a program with the SDK prints."""
    variables = {**project.variables, "STEPWELL_BIN": str(binary())}
    if "PYTHONPATH" in variables:  # the checkout's packages, wherever the program runs
        variables["PYTHONPATH"] = str(ROOT / "python")
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=project.folder,
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_lab_flow_with_curl_alone(project: Project, tmp_path: Path) -> None:
    source = project.folder / "src"
    source.mkdir()
    (source / "train.py").write_text(TRAINS)
    out = python(project, PUBLISHES)
    (endpoint,) = [line.split()[1] for line in out.splitlines() if line.startswith("endpoint")]
    said = json.dumps({"ExperimentName": "lab", "ParameterAssignments": {"rate": 0.25}})
    run = curl(project, "-X", "POST", endpoint, "-H", "Content-Type: application/json", "-d", said)
    assert run["Status"]["StatusCode"] == "0" and run["RunHistoryExperimentName"] == "lab"
    assert run["ParameterAssignments"] == {"rate": "0.25"} and run["TotalRunSteps"] == 1
    root = endpoint.split("/PipelineRuns/")[0]
    seen = until(
        lambda: curl(project, f"{root}/PipelineRuns/{run['Id']}")["Status"],
        lambda status: status["StatusCode"] not in ("0", "1"),
        "the run is over",
        60,
    )
    assert (seen["StatusCode"], seen["StatusDetail"]) == ("3", "Finished")
    native = endpoint.split("/pipelines/")[0] + "/api/v1"
    (step,) = curl(project, f"{native}/runs?parent={run['Id']}")["runs"]
    model = curl(project, f"{native}/runs/{step['id']}/files/outputs/model.txt")
    assert model == "rate 0.25, 0.25"
    listed = curl(project, f"{root}/Pipelines?activeOnly=true")
    assert [(each["Name"], each["Version"], each["Url"]) for each in listed] == [
        ("lab", "1.0", endpoint)
    ]
    said = '{"ExperimentName": "lab", "ParameterAssignments": {"pace": 1}}'
    unknown = curl(project, "-X", "POST", endpoint, "-d", said)
    assert unknown["HasWarnings"] is True  # as the original service takes it: named, not refused
    said = '{"ExperimentName": "a/b"}'
    error = curl(project, "-X", "POST", endpoint, "-d", said)["Error"]
    assert error["Code"] == "UserError" and error["InnerError"]["Code"] == "BadArgument"
    assert "cannot name an experiment" in error["Message"]


class Publication:
    """A published pipeline of one shell step, started by plain requests."""

    def __init__(self, client: Client, script: str = "exit 0", **declared: Any) -> None:
        self.client = client
        arguments = [{"parameter": name} for name in declared]
        step = bodies.shell("only", script, *arguments)
        pipeline = bodies.pipeline(step, declared=declared)
        body = {"name": "e2e", "pipeline": pipeline}
        self.id = client.call("POST", "/published", body)["id"]

    @property
    def path(self) -> str:
        return f"{WORKSPACE}/PipelineRuns/PipelineSubmit/{self.id}"

    def start(self, key: str | None = None, **said: Any) -> Any:
        """A run, as the service shows it; anything but 2xx is raised."""
        headers = {"Idempotency-Key": key} if key else None
        body = {"ExperimentName": "e2e", **said}
        return self.client.call("POST", self.path, body, headers=headers, prefix="")

    def refused(self, **said: Any) -> tuple[int, str, str]:
        """The status, the code and the message of a refusal."""
        with pytest.raises(Refused) as caught:
            self.start(**said)
        answer = caught.value.answer
        error = answer.json()["Error"]
        return answer.status, error["InnerError"]["Code"], error["Message"]


INT = {"type": "int", "default": "3"}
FLOAT = {"type": "float", "default": "0.5"}
BOOL = {"type": "bool", "default": "True"}
TEXT = {"type": "string", "default": "a"}


def test_values_are_taken_as_text_or_as_they_are(client: Client) -> None:
    published = Publication(client, 'echo "$@"', i=INT, f=FLOAT, b=BOOL, t=TEXT)
    for said, printed in (
        ({}, "3 0.5 True a"),
        ({"i": 7, "f": 1, "b": False, "t": "b"}, "7 1 False b"),
        ({"i": "7", "f": "1e3", "b": "false", "t": 5}, "7 1e3 False 5"),
        ({"i": True, "b": 0}, "True 0.5 0 a"),
    ):
        run = published.start(ParameterAssignments=said)["Id"]
        assert client.wait(run)["status"] == "Completed"
        assert client.log(client.steps(run)[0]["id"]) == printed + "\n"


def test_what_does_not_fit_is_refused_in_the_services_words(client: Client) -> None:
    published = Publication(client, i=INT, f=FLOAT, b=BOOL)
    for said, code, words in (
        ({"ParameterAssignments": {"i": 1.5}}, "BadArgument", "`i` takes a whole number"),
        ({"ParameterAssignments": {"f": "fast"}}, "BadArgument", "`f` takes a number"),
        ({"ParameterAssignments": {"b": "maybe"}}, "BadArgument", "`b` takes True or False"),
        ({"ParameterAssignments": {"i": None}}, "BadArgument", "`i` is given `null`"),
        (
            {"DataPathAssignments": {"i": {"DataStoreName": "workspaceblobstore"}}},
            "BadArgument",
            "`i` takes a whole number, not a data path",
        ),
        ({"ExperimentName": None}, "BadArgument", "`ExperimentName` is missing"),
        ({"ExperimentName": "a/b"}, "BadArgument", "cannot name an experiment"),
    ):
        assert published.refused(**said)[:2] == (400, code)
        assert words in published.refused(**said)[2]
    client.call("PUT", f"{WORKSPACE}/Pipelines/{published.id}/status", "Disabled", prefix="")
    status, code, message = published.refused()
    assert (status, code) == (409, "Conflict") and "is disabled" in message
    nobody = client.request("POST", published.path, {}, token=None, prefix="")
    assert nobody.status == 401 and nobody.json()["Error"]["Code"] == "UserError"
    assert client.request("GET", WORKSPACE + "/Nothing", prefix="").status == 404
    assert client.get("/runs")["runs"] == []


def test_a_repeated_request_starts_one_run(client: Client) -> None:
    published, other = Publication(client), Publication(client)
    first = published.start(key="once")
    client.call("PUT", f"{WORKSPACE}/Pipelines/{published.id}/status", "2", prefix="")
    assert published.start(key="once")["Id"] == first["Id"]
    with pytest.raises(Refused) as caught:
        other.start(key="once")
    assert caught.value.answer.status == 409
    found: list[str] = []
    same = [
        threading.Thread(target=lambda: found.append(other.start(key="together")["Id"]))
        for _ in range(8)
    ]
    for thread in same:
        thread.start()
    for thread in same:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1
    assert len(client.get("/runs")["runs"]) == 2


def test_an_endpoint_starts_its_default_version_or_another(client: Client) -> None:
    one, two = Publication(client), Publication(client)
    made = client.call("POST", "/endpoints", {"name": "nightly", "pipeline": one.id})
    body = {"pipeline": two.id, "make_default": True}
    made = client.call("POST", f"/endpoints/{made['id']}/versions", body)
    assert made["default_version"] == "1"
    path = f"{WORKSPACE}/PipelineRuns/PipelineEndpointSubmit/Id/{made['id']}"

    def start(query: dict[str, str], key: str) -> Any:
        headers = {"Idempotency-Key": key}
        said = {"ExperimentName": "e2e"}
        return client.call("POST", path, said, query=query, headers=headers, prefix="")

    assert start({}, "a")["PipelineId"] == two.id
    assert start({"pipelineVersion": "0"}, "b")["PipelineId"] == one.id
    client.call("PATCH", f"/endpoints/{made['id']}", {"default_version": "0"})
    assert start({}, "a")["PipelineId"] == two.id, "it was started before"
    assert start({}, "c")["PipelineId"] == one.id
    with pytest.raises(Refused) as caught:
        start({"pipelineVersion": "7"}, "d")
    assert caught.value.answer.status == 404
    entity = client.call(
        "GET", f"{WORKSPACE}/PipelineEndpoints/Name", query={"Name": "nightly"}, prefix=""
    )
    assert [each["PipelineId"] for each in entity["PipelineVersionList"]] == [one.id, two.id]
    assert entity["Url"].endswith(path)


def test_whoever_kills_the_server_every_acknowledged_run_exists_once(project: Project) -> None:
    """Four clients start runs by keys while the server is killed again and again."""
    rounds = int(os.environ.get("STEPWELL_KILL_SUBMISSIONS", 5))
    client = project.client
    client.call("PUT", "/computes/local", {"concurrent_steps_max": 2})
    published = Publication(client)
    enough = threading.Event()
    acknowledged: dict[str, str] = {}
    broken: list[BaseException] = []

    def submit(number: int) -> None:
        mine = Publication.__new__(Publication)
        mine.client, mine.id = Client(project.connect), published.id
        try:
            while not enough.is_set():
                key = f"{number}-{uuid.uuid4()}"
                for _ in range(20):
                    try:
                        acknowledged[key] = mine.start(key=key, tags={"key": key})["Id"]
                        break
                    except (OSError, AssertionError):
                        continue
        except BaseException as error:  # raised by the test, not lost in the thread
            broken.append(error)

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    chance = random.Random(1)
    try:
        for _ in range(rounds):
            before = len(acknowledged)
            wanted = before + chance.randint(1, 12)
            until(lambda: len(acknowledged), lambda n, w=wanted: n >= w, "runs are accepted", 60)
            assert project.the_server().kill()  # the next request starts another
    finally:
        enough.set()
        for thread in threads:
            thread.join()
    assert not broken, broken
    runs: list[Any] = []
    cursor = None
    while True:
        query = {"limit": 1000, **({"cursor": cursor} if cursor else {})}
        page = client.get(f"/published/{published.id}/runs", **query)
        runs += page["runs"]
        cursor = page["next"]
        if cursor is None:
            break
    by_key = {run["tags"]["key"]: run["id"] for run in runs}
    assert len(by_key) == len(runs), "no key has two runs"
    assert acknowledged.items() <= by_key.items(), "every acknowledged run is there"
    until(
        lambda: client.get("/workspace")["active_runs"],
        lambda active: active == 0,
        "every run is over",
        120,
    )
    assert {client.run(run)["status"] for run in by_key.values()} == {"Completed"}
    project.check_database()
