"""Steps as jobs of a Databricks workspace, against a workspace that the official client accepts.

The workspace is a fake: the same one first serves `databricks-sdk`, and every body that is
submitted goes through the classes of that client, which know no other fields.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import pytest
from fake_databricks import TOKEN, Workspace
from worker import LIMIT_S, Step, until

from stepwell import errors
from stepwell._spark import _request
from stepwell._spark._databricks import _data, _payload, _states
from stepwell._spark._databricks._api import Api
from stepwell._spark._databricks._token import Token
from stepwell._worker import Failure, Worker

CLUSTER = {"existing_cluster_id": "0923-164208-meows279"}
NOTEBOOK = {"kind": "notebook", "path": "/Users/me/nb", "parameters": {"day": "1"}}


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    workspace = Workspace()
    yield workspace
    workspace.close()


def step(folder: Path, workspace: Workspace, code: Dict[str, Any], **task: Any) -> Step:
    settings = {"workspace_url": workspace.url, "poll_seconds": 0.05}
    task = {"cluster": CLUSTER, "remote": True, **task}
    return Step(folder, code, settings, **task)


def accepted_by_the_official_client(body: Dict[str, Any]) -> None:
    """Its classes drop fields that they do not know, so what they give back is what they know."""
    from databricks.sdk.service.jobs import SubmitTask

    for task in body["tasks"]:
        assert SubmitTask.from_dict(task).as_dict() == task
    known = {"run_name", "tasks", "idempotency_token", "timeout_seconds"}
    assert set(body) <= known


def test_the_official_client_accepts_the_workspace_of_these_tests(workspace: Workspace) -> None:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service import jobs

    workspace.output = {"notebook_output": {"result": "5", "truncated": False}}
    client = WorkspaceClient(host=workspace.url, token=TOKEN, auth_type="pat")
    task = jobs.SubmitTask(
        task_key="step",
        existing_cluster_id="c",
        notebook_task=jobs.NotebookTask(notebook_path="/a"),
    )
    waited = client.jobs.submit(run_name="n", tasks=[task], idempotency_token="t")
    run = waited.result()
    assert run.state is not None and run.state.result_state == jobs.RunResultState.SUCCESS
    assert run.tasks is not None
    mine = [each for each in run.tasks if each.task_key == "step"]
    output = client.jobs.get_run_output(mine[0].run_id or 0)
    assert output.notebook_output is not None and output.notebook_output.result == "5"
    again = client.jobs.submit(run_name="n", tasks=[task], idempotency_token="t")
    assert again.run_id == waited.run_id
    client.jobs.cancel_run(waited.run_id)
    with client.dbfs.open("/a/b", write=True, overwrite=True) as file:
        file.write(b"text")
    assert workspace.files == {"/a/b": b"text"}
    assert client.clusters.get("c").state is not None


def test_a_notebook_is_submitted_polled_and_its_result_kept(
    tmp_path: Path, workspace: Workspace
) -> None:
    workspace.output = {"notebook_output": {"result": "rows: 5"}, "logs": "from the driver"}
    made = step(tmp_path, workspace, NOTEBOOK, spark={"app_name": "nightly"}, timeout_s=60)
    assert made.run(DATABRICKS_TOKEN=TOKEN) == 0, made.log
    (body,) = workspace.bodies("runs/submit")
    accepted_by_the_official_client(body)
    assert body["run_name"] == "nightly" and body["timeout_seconds"] == 60
    task = body["tasks"][0]
    assert task["existing_cluster_id"] == CLUSTER["existing_cluster_id"]
    assert task["notebook_task"]["notebook_path"] == "/Users/me/nb"
    assert task["notebook_task"]["base_parameters"]["day"] == "1"
    assert "from the driver" in made.log and "rows: 5" in made.log
    assert made.progress["databricks"]["state"] == "TERMINATED"
    assert TOKEN not in made.log
    assert not [
        each for each in tmp_path.rglob("*") if each.is_file() and TOKEN in each.read_text()
    ]


@pytest.mark.parametrize(
    "cluster",
    [
        {"num_workers": 2, "node_type": "Standard_D3_v2"},
        {"min_workers": 1, "max_workers": 4, "instance_pool_id": "pool"},
        {
            "num_workers": 1,
            "spark_version": "15.4.x-scala2.12",
            "spark_conf": {"spark.x": "1"},
            "spark_env_variables": {"A": "b"},
            "init_scripts": ["dbfs:/a.sh", "/Volumes/b.sh", "abfss://c@d/e.sh", "/Users/f.sh"],
            "cluster_log_dbfs_path": "dbfs:/logs",
        },
        CLUSTER,
    ],
)
@pytest.mark.parametrize(
    "code",
    [
        NOTEBOOK,
        {"kind": "script", "path": "dbfs:/a.py", "arguments": [{"literal": "x"}]},
        {"kind": "jar", "path": "a.Main", "arguments": []},
    ],
)
def test_every_body_is_one_of_the_official_client(
    cluster: Dict[str, Any], code: Dict[str, Any]
) -> None:
    libraries = [
        {"pypi": {"package": "simplejson==3.8.0", "repo": None}},
        {"maven": {"coordinates": "g:a:1", "repo": "https://r", "exclusions": ["x:y"]}},
        {"cran": {"package": "ada"}},
        {"jar": "dbfs:/a.jar"},
        {"egg": "dbfs:/a.egg"},
    ]
    task = {"code": code, "cluster": cluster, "libraries": libraries, "timeout_s": 5}
    rest = {"run": "r", "task": task, "inputs": {}, "outputs": {}, "state": "/s", "files": "/f"}
    request = _request.of(Worker({"version": 1, **rest}))
    accepted_by_the_official_client(_payload.submit_body(request, "t", {"a": "b"}, ["x"], None))


def test_data_of_this_machine_goes_through_dbfs_and_comes_back(
    tmp_path: Path, workspace: Workspace
) -> None:
    data = tmp_path / "in"
    (data / "deep").mkdir(parents=True)
    (data / "deep" / "a.csv").write_bytes(b"x" * (5 << 19))  # two blocks and a half
    (data / "b.csv").write_text("b")
    workspace.writes = {"/stepwell/run-1/out/part-0": b"result"}
    # A block of which nobody knows whether it has arrived: the file is begun anew.
    workspace.faults = [("dbfs/add-block", None)]
    code = {"kind": "script", "path": "main.py", "arguments": [{"input": "data"}]}
    made = step(
        tmp_path / "s",
        workspace,
        code,
        inputs={"data": data},
        outputs={"out": tmp_path / "out"},
        source_is_local=True,
    )
    made.write("main.py", "print(1)")
    made.write("lib/helper.py", "")
    seen: Dict[str, bytes] = {}
    submit = workspace._jobs_runs_submit

    def keep(body: Dict[str, Any]) -> Any:
        seen.update(workspace.files)
        return submit(body)

    workspace._jobs_runs_submit = keep  # type: ignore[method-assign]
    assert made.run(DATABRICKS_TOKEN=TOKEN) == 0, made.log
    assert seen["/stepwell/run-1/data/deep/a.csv"] == b"x" * (5 << 19)
    assert seen["/stepwell/run-1/source/main.py"] == b"print(1)"
    (body,) = workspace.bodies("runs/submit")
    accepted_by_the_official_client(body)
    python = body["tasks"][0]["spark_python_task"]
    assert python["python_file"] == "dbfs:/stepwell/run-1/source/main.py"
    assert python["parameters"][:5] == [
        "dbfs:/stepwell/run-1/data",
        *("-data", "dbfs:/stepwell/run-1/data"),
        *("-out", "dbfs:/stepwell/run-1/out"),
    ]
    assert python["parameters"][-2:] == [
        "--AZUREML_SCRIPT_DIRECTORY_NAME",
        "dbfs:/stepwell/run-1/source",
    ]
    assert (tmp_path / "out" / "part-0").read_bytes() == b"result"
    assert workspace.files == {}, "what was copied there is removed"


def test_notebooks_of_the_source_directory_become_notebooks_there(
    tmp_path: Path, workspace: Workspace
) -> None:
    code = {"kind": "notebook", "path": "jobs/nb.py", "parameters": {}}
    made = step(tmp_path, workspace, code, source_is_local=True)
    made.write("jobs/nb.py", "# Databricks notebook source\n1")
    assert made.run(DATABRICKS_TOKEN=TOKEN) == 0, made.log
    assert list(workspace.notebooks) == ["/Shared/stepwell/run-1/jobs/nb.py"]
    (body,) = workspace.bodies("runs/submit")
    path = body["tasks"][0]["notebook_task"]["notebook_path"]
    assert path == "/Shared/stepwell/run-1/jobs/nb"


def test_a_worker_that_is_killed_leaves_a_run_that_the_next_one_finds(
    tmp_path: Path, workspace: Workspace
) -> None:
    workspace.held.clear()
    made = step(tmp_path, workspace, NOTEBOOK)
    process = made.start(DATABRICKS_TOKEN=TOKEN)
    until(lambda: made.progress, lambda now: now, "the first worker has polled")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    workspace.held.set()
    assert made.run(DATABRICKS_TOKEN=TOKEN) == 0, made.log
    assert len(workspace.runs) == 1 and len(workspace.bodies("runs/submit")) == 1


def test_a_submission_whose_answer_was_lost_is_made_again_and_is_one_run(
    tmp_path: Path, workspace: Workspace
) -> None:
    workspace.faults = [("runs/submit", None)]
    made = step(tmp_path, workspace, NOTEBOOK)
    assert made.run(DATABRICKS_TOKEN=TOKEN) == 0, made.log
    first, second = workspace.bodies("runs/submit")
    assert first == second and len(workspace.runs) == 1


def test_the_token_of_a_submission_is_on_disk_before_the_call(
    tmp_path: Path, workspace: Workspace
) -> None:
    made = step(tmp_path, workspace, NOTEBOOK)
    found: List[str] = []
    submit = workspace._jobs_runs_submit

    def check(body: Dict[str, Any]) -> Any:
        kept = json.loads((made.state / "databricks.json").read_text())
        found.append(kept["token"])
        assert "run_id" not in kept
        return submit(body)

    workspace._jobs_runs_submit = check  # type: ignore[method-assign]
    assert made.run(DATABRICKS_TOKEN=TOKEN) == 0, made.log
    assert found == [workspace.bodies("runs/submit")[0]["idempotency_token"]]


def test_throttled_and_failing_calls_are_made_again(tmp_path: Path, workspace: Workspace) -> None:
    throttled = (
        429,
        {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow"},
        {"Retry-After": "0"},
    )
    broken = (503, b"<html>unavailable</html>", {"Retry-After": "0"})
    workspace.faults = [
        ("runs/submit", throttled),
        ("runs/submit", broken),
        ("runs/get", throttled),
        ("runs/get", broken),
        ("runs/get-output", throttled),
    ]
    made = step(tmp_path, workspace, NOTEBOOK)
    assert made.run(DATABRICKS_TOKEN=TOKEN) == 0, made.log
    assert workspace.faults == [] and len(workspace.runs) == 1


def test_a_workspace_that_never_answers_is_given_up_with_what_it_said() -> None:
    waits: List[float] = []
    url = "http://127.0.0.1:9"
    api = Api(url, Token(url, "T", "s", {"T": "x"}), waits.append)
    with pytest.raises(Failure, match="gives no answer: ") as failed:
        api.get("/api/2.2/jobs/runs/get", run_id=1)
    assert failed.value.kind == "lost" and len(waits) == 8
    assert all(later >= earlier / 3 for earlier, later in zip(waits, waits[1:]))


def test_a_step_that_is_cancelled_cancels_its_run(tmp_path: Path, workspace: Workspace) -> None:
    workspace.held.clear()
    made = step(tmp_path, workspace, NOTEBOOK)
    process = made.start(DATABRICKS_TOKEN=TOKEN)
    running = ("RUNNING", "PENDING")
    until(
        lambda: made.progress.get("databricks", {}).get("state"),
        lambda state: state in running,
        "the run is there",
    )
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT_S) == 143, made.log
    assert workspace.bodies("runs/cancel") == [{"run_id": 1000}]
    assert made.progress["databricks"]["state"] == "TERMINATED"


@pytest.mark.parametrize("newer", [True, False])
def test_a_failed_run_is_a_failure_with_its_error_and_traceback(
    tmp_path: Path, workspace: Workspace, newer: bool
) -> None:
    workspace.newer = newer
    workspace.outcome = {"result_state": "FAILED", "state_message": "Workload failed"}
    workspace.output = {"error": "ValueError: bad day", "error_trace": "Traceback\n  line"}
    made = step(tmp_path, workspace, NOTEBOOK)
    assert made.run(DATABRICKS_TOKEN=TOKEN) == 1
    assert made.failure["summary"] == "the run on Databricks failed: ValueError: bad day"
    assert made.failure["detail"] == "Traceback\n  line"
    assert made.failure["kind"] == "user_code"
    assert workspace.url + "/#job/run/1000" in made.failure["hint"]


def test_a_refused_job_says_what_the_workspace_says(tmp_path: Path, workspace: Workspace) -> None:
    message = "Cluster 0923 does not exist"
    workspace.faults = [
        ("runs/submit", (400, {"error_code": "INVALID_PARAMETER_VALUE", "message": message}, {}))
    ]
    made = step(tmp_path, workspace, NOTEBOOK)
    assert made.run(DATABRICKS_TOKEN=TOKEN) == 1
    assert made.failure["summary"] == "Databricks refuses the job: " + message


def test_an_expired_token_is_said_without_showing_it(tmp_path: Path, workspace: Workspace) -> None:
    made = step(tmp_path, workspace, NOTEBOOK)
    assert made.run(DATABRICKS_TOKEN="dapi-expired") == 1
    assert "does not accept the token in DATABRICKS_TOKEN: it may have expired" in made.log
    assert "dapi-expired" not in made.log + made.failure_file.read_text()
    # The next attempt, with a token that is valid, goes on with the same submission.
    assert made.run(DATABRICKS_TOKEN=TOKEN) == 0


def test_a_missing_token_is_said_with_the_variable(tmp_path: Path, workspace: Workspace) -> None:
    made = step(tmp_path, workspace, NOTEBOOK)
    assert made.run(DATABRICKS_TOKEN="") == 1
    assert "the environment variable DATABRICKS_TOKEN is not set" in made.failure["summary"]
    assert workspace.calls == []


def test_a_sealed_token_is_read_when_the_variable_is_not_set_and_again_when_it_is_refused(
    workspace: Workspace,
) -> None:
    secrets = {"s": "dapi-expired"}
    asked: List[str] = []

    def read(name: str) -> Optional[str]:
        asked.append(name)
        return secrets.get(name)

    token = Token(workspace.url, "T", "s", {}, read)
    api = Api(workspace.url, token)
    with pytest.raises(Failure, match="does not accept the token in the secret `s`") as refused:
        api.get("/api/2.1/clusters/get", cluster_id="c")
    shown = refused.value.summary + refused.value.hint + refused.value.detail
    assert "`stepwell secrets set s`" in shown and "dapi-expired" not in shown
    secrets["s"] = TOKEN  # another one is sealed while the step runs
    assert api.get("/api/2.1/clusters/get", cluster_id="c")["state"] == "RUNNING"
    asked.clear()
    api.get("/api/2.1/clusters/get", cluster_id="c")
    assert asked == [], "it is in memory"
    given = Api(workspace.url, Token(workspace.url, "T", "s", {"T": TOKEN}, read))
    given.get("/api/2.1/clusters/get", cluster_id="c")
    assert asked == [], "the variable goes first"


def test_a_secret_that_the_server_does_not_give_is_said_with_its_name() -> None:
    def read(name: str) -> Optional[str]:
        raise errors.NotSupported("no", hint="ask the owner")

    with pytest.raises(Failure, match="the secret `s` with the token for http://w could not be"):
        Token("http://w", "T", "s", {}, read).text()


def test_a_stopped_cluster_is_started_only_with_permission(
    tmp_path: Path, workspace: Workspace
) -> None:
    workspace.cluster_state = "TERMINATED"
    cluster = {**CLUSTER, "permit_cluster_restart": False}
    made = step(tmp_path, workspace, NOTEBOOK, cluster=cluster)
    assert made.run(DATABRICKS_TOKEN=TOKEN) == 1
    assert "is TERMINATED, and the step does not permit to start it" in made.failure["summary"]
    assert workspace.runs == {}


@pytest.mark.parametrize(
    ("run", "success", "code"),
    [
        ({"state": {"life_cycle_state": "RUNNING"}}, None, None),
        ({"state": {"life_cycle_state": "WAITING_FOR_RETRY"}}, None, None),
        ({"status": {"state": "WAITING"}}, None, None),
        ({"state": {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS"}}, True, "SUCCESS"),
        (
            {"state": {"life_cycle_state": "TERMINATED", "result_state": "TIMEDOUT"}},
            False,
            "TIMEDOUT",
        ),
        ({"state": {"life_cycle_state": "SKIPPED"}}, False, "SKIPPED"),
        ({"state": {"life_cycle_state": "INTERNAL_ERROR"}}, False, "INTERNAL_ERROR"),
        (
            {
                "status": {
                    "state": "TERMINATED",
                    "termination_details": {"type": "CLOUD_FAILURE", "code": "CLUSTER_ERROR"},
                },
                "state": {"life_cycle_state": "TERMINATED", "result_state": "FAILED"},
            },
            False,
            "CLUSTER_ERROR",
        ),
    ],
)
def test_each_state_of_a_run_has_one_meaning(run: Any, success: Any, code: Any) -> None:
    end = _states.ended(run)
    assert (end.success, end.code) == (success, code) if end else success is None


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        ("TIMEDOUT", "timeout", "took longer than the step's timeout"),
        ("USER_CANCELED", "user_code", "was cancelled in the workspace"),
        ("RUN_EXECUTION_ERROR", "user_code", "failed"),
        ("LIBRARY_INSTALLATION_ERROR", "environment", "ended with LIBRARY_INSTALLATION_ERROR"),
    ],
)
def test_each_cause_has_its_kind_of_failure(code: str, kind: str, says: str) -> None:
    failure = _states.failure(_states.Ended(False, code, "m"), {}, "https://p")
    assert (failure.kind, says in failure.summary) == (kind, True)


@pytest.mark.parametrize(
    ("definition", "uri"),
    [
        (
            {"kind": "azure_blob", "account": "a", "container": "c"},
            "wasbs://c@a.blob.core.windows.net/x",
        ),
        (
            {"kind": "azure_data_lake_gen2", "account": "a", "container": "f"},
            "abfss://f@a.dfs.core.windows.net/x",
        ),
        ({"kind": "s3", "bucket": "b"}, "s3://b/x"),
        ({"kind": "gcs", "bucket": "b"}, "gs://b/x"),
        ({"kind": "dbfs"}, "dbfs:/x"),
        ({"kind": "azure_file_share"}, None),
    ],
)
def test_stores_are_named_by_what_databricks_reads(definition: Dict[str, Any], uri: Any) -> None:
    assert _data.uri_of(definition, "/x") == uri
