"""What a step is to its user: its output, its end, its files, its variables."""

from __future__ import annotations

import os

from . import bodies
from .bodies import literals, pipeline, reads_path, script, shell, writes
from .client import Client
from .project import Project
from .waiting import until

# Runs until a file appears: a step that a test holds in its hand.
HOLD = 'while [ ! -e "$1" ]; do sleep 0.01; done'


def follow(client: Client, run: str, offset: int, timeout_s: float = 20) -> tuple[str, int, bool]:
    """One long poll of a log: what came, where it goes on, and whether that was all."""
    query = {"offset": offset, "timeout_s": timeout_s}
    answer = client.request("GET", f"/runs/{run}/log", query=query)
    complete = answer.headers["x-stepwell-complete"] == "true"
    return answer.body.decode(), int(answer.headers["x-stepwell-next-offset"]), complete


def test_a_log_is_read_live_and_keeps_the_order_of_both_streams(
    project: Project, client: Client
) -> None:
    gate = project.folder / "gate"
    text = f"echo one; echo two >&2; {HOLD}; for i in 3 4 5; do echo $i; echo e$i >&2; done"
    run = client.submit(script(shell("talk", text, *literals(gate))))["id"]
    seen, offset = "", 0
    while not seen.endswith("two\n"):
        more, offset, complete = follow(client, run, offset)
        assert more and not complete, (seen, more)
        seen += more
    assert seen == "one\ntwo\n"
    assert client.run(run)["status"] == "Running"
    gate.touch()
    while not complete:
        more, offset, complete = follow(client, run, offset)
        seen += more
    assert seen == "one\ntwo\n3\ne3\n4\ne4\n5\ne5\n"
    assert client.wait(run)["status"] == "Completed"


def test_a_script_that_exits_with_a_code_fails_with_its_last_words(
    project: Project, client: Client
) -> None:
    source = "def inner():\n    raise ValueError('no such column: age')\ninner()\n"
    snapshot = project.snapshot({"train.py": source})
    run = client.wait(client.submit(script(bodies.python("train", "train.py", snapshot)))["id"])
    assert (run["status"], run["usage"]["exit_code"], run["usage"]["signal"]) == ("Failed", 1, None)
    assert run["error"]["kind"] == "user_code"
    assert run["error"]["message"] == "the script exited with status 1"
    assert run["error"]["detail"].endswith("ValueError: no such column: age")


def test_a_script_that_a_signal_ends_fails_with_the_signals_name(client: Client) -> None:
    run = client.wait(client.submit(script(shell("crash", "kill -SEGV $$")))["id"])
    assert (run["status"], run["usage"]["signal"]) == ("Failed", 11)
    assert run["error"]["kind"] == "signal"
    assert "SIGSEGV" in run["error"]["message"]


def test_a_program_that_does_not_exist_is_a_failure_that_names_it(client: Client) -> None:
    step = shell("missing", "")
    step["task"]["program"] = {"command": "no-such-program"}
    error = client.wait(client.submit(script(step))["id"])["error"]
    assert error["kind"] == "environment" and "`no-such-program`" in error["message"]
    assert error["hint"]


def test_a_timeout_ends_the_grandchildren_too(project: Project, client: Client) -> None:
    # One child in the group, one that has left it for a session of its own.
    text = "sleep 1000 & setsid sleep 1000 & echo up; wait"
    run = client.submit(script(shell("slow", text, timeout_seconds=1)))["id"]
    until(
        lambda: sorted(process.name for process in project.attempt(run)),
        lambda names: names == ["sh", "sleep", "sleep"],
        "the script and both of its children run",
    )
    over = client.wait(run)
    assert (over["status"], over["error"]["kind"]) == ("Failed", "timeout"), over
    assert "limit of 1 second" in over["error"]["message"]
    assert project.attempt(run) == []


def test_a_cancelled_run_may_tidy_up_and_leaves_no_process(
    project: Project, client: Client
) -> None:
    text = """
    trap 'echo tidied; exit 3' TERM
    (trap '' TERM; setsid sleep 1000) & sleep 1000 & echo up; wait
    """
    run = client.submit(pipeline(shell("a", text), shell("b", "echo b", after=[0])))["id"]
    first, second = client.steps(run)
    until(lambda: client.log(first["id"]), lambda log: "up" in log, "the step is up")
    assert client.call("POST", f"/runs/{run}/cancel")["outcome"] == "asked"
    assert client.wait(run)["status"] == "Canceled"
    first, second = client.steps(run)
    assert (first["status"], second["status"]) == ("Canceled", "Canceled")
    assert client.log(first["id"]) == "up\ntidied\n"
    assert second["started_at"] is None and second["error"]["kind"] == "skipped"
    assert project.attempt(first["id"]) == []
    assert client.call("POST", f"/runs/{run}/cancel")["outcome"] == "already_ended"


def test_a_step_that_ignores_the_request_to_stop_is_killed_after_the_grace(
    project: Project, client: Client
) -> None:
    text = "trap '' TERM; echo up; while :; do sleep 0.05; done"
    run = client.submit(script(shell("stubborn", text)))["id"]
    until(lambda: client.log(run), lambda log: "up" in log, "the step is up")
    assert client.call("POST", f"/runs/{run}/cancel")["outcome"] == "asked"
    assert client.call("POST", f"/runs/{run}/cancel")["outcome"] == "already_asked"
    over = client.wait(run)
    assert (over["status"], over["usage"]["signal"]) == ("Canceled", 9)
    assert project.attempt(run) == []


def test_memory_time_and_processor_are_measured(project: Project, client: Client) -> None:
    text = """
import time
block = bytearray(64 << 20)
end = time.process_time() + 0.2
while time.process_time() < end:
    pass
"""
    snapshot = project.snapshot({"work.py": text})
    run = client.wait(client.submit(script(bodies.python("work", "work.py", snapshot)))["id"])
    assert run["usage"]["peak_memory_bytes"] > 64 << 20
    assert 0.2 <= run["usage"]["cpu_seconds"] < 5
    assert run["created_at"] <= run["started_at"] < run["ended_at"]


def test_what_a_step_leaves_in_outputs_and_logs_is_kept_even_if_it_fails(client: Client) -> None:
    text = "echo model > outputs/model.txt; mkdir logs/deep; echo x > logs/deep/x; exit 1"
    run = client.wait(client.submit(script(shell("fail", text)))["id"])
    assert run["status"] == "Failed"
    kept = {"outputs/model.txt", "logs/deep/x"}
    assert kept <= set(client.files(run["id"]))
    answer = client.request("GET", f"/runs/{run['id']}/files/outputs/model.txt")
    assert answer.body == b"model\n"


def test_a_step_sees_the_variables_of_the_contract(project: Project, client: Client) -> None:
    port = {"inputs": [reads_path("raw", "in/raw")], "outputs": [writes("made")]}
    variables = {"MINE": "set", "AML_PARAMETER_rate": "0.5"}
    body = pipeline(shell("env", "env -0 | tr '\\0' '\\n'", variables=variables, **port))
    run = client.submit(body)["id"]
    client.wait(run)
    (step,) = client.steps(run)
    lines = client.log(step["id"]).splitlines()
    seen = dict(line.split("=", 1) for line in lines if "=" in line)
    workspace = client.get("/workspace")
    store = project.data / "data" / "workspaceblobstore"
    expected = {
        "AZUREML_RUN_ID": step["id"],
        "AZUREML_ROOT_RUN_ID": run,
        "AZUREML_ARM_SUBSCRIPTION": workspace["subscription_id"],
        "AZUREML_ARM_RESOURCEGROUP": workspace["resource_group"],
        "AZUREML_ARM_WORKSPACE_NAME": workspace["name"],
        "AZUREML_ARM_PROJECT_NAME": "e2e",
        "AZUREML_WORKSPACE_ID": workspace["id"],
        "AZUREML_SERVICE_ENDPOINT": client.endpoint.url,
        "AZUREML_SCRIPT_DIRECTORY_NAME": ".",
        "AZUREML_DATAREFERENCE_raw": str(store / "in" / "raw"),
        "AZUREML_DATAREFERENCE_made": step["outputs"][0]["local_path"],
        "PYTHONUNBUFFERED": "1",
        "STEPWELL_URL": client.endpoint.url,
        "STEPWELL_DATA": str(project.data),
        "STEPWELL_SPOOL": str(project.data / "runs" / step["id"] / "spool"),
        **variables,
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert {"AZUREML_EXPERIMENT_ID", "AZUREML_RUN_TOKEN_EXPIRY"} <= set(seen)
    # The step has a web token of its own, and not the server's.
    token = seen["STEPWELL_TOKEN"]
    assert seen["AZUREML_RUN_TOKEN"] == token
    assert token.count(".") == 2 and token != client.endpoint.token
    assert os.access(seen["STEPWELL_BIN"], os.X_OK)


def test_a_script_run_is_its_own_step(client: Client) -> None:
    run = client.submit(script(shell("only", "echo hello; echo x > outputs/x")))
    over = client.wait(run["id"])
    assert (over["kind"], over["status"], over["usage"]["exit_code"]) == ("script", "Completed", 0)
    assert client.steps(run["id"]) == []
    assert client.log(run["id"]) == "hello\n"
    assert "outputs/x" in client.files(run["id"])
    assert [event["status"] for event in client.events(run["id"])][-1] == "Completed"


def test_the_same_idempotency_key_gives_the_same_run(project: Project, client: Client) -> None:
    mark = project.folder / "mark"
    body = script(shell("once", 'echo ran >> "$1"', *literals(mark)))
    first, second = (
        client.request("POST", "/runs", body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    )
    assert (first.status, second.status) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    client.wait(first.json()["id"])
    assert mark.read_text() == "ran\n"
    assert len(client.get("/runs")["runs"]) == 1
