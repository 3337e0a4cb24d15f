"""Crashes of every part, and servers that start at the same time or find unexpected files."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Iterator

import pytest

from .bodies import literals, pipeline, script, shell
from .client import Client
from .project import Project
from .waiting import until

# Prints, waits for the file, prints again.
TALK = 'echo before; while [ ! -e "$1" ]; do sleep 0.01; done; echo after'


@pytest.fixture
def gate(project: Project) -> Path:
    """The file that a held step waits for."""
    return project.folder / "gate"


def held(client: Client, gate: Path) -> str:
    """A script run that has printed its first line and is held by the gate."""
    run = client.submit(script(shell("talk", TALK, *literals(gate))))["id"]
    until(lambda: client.log(run), lambda log: log == "before\n", "the step has begun")
    until(lambda: client.run(run)["status"], lambda it: it == "Running", "it is seen to run")
    return str(run)


def test_a_step_outlives_a_killed_server_and_the_next_command_follows_it(
    project: Project, client: Client, gate: Path
) -> None:
    run = held(client, gate)
    before = project.the_server()
    project.kill_server()
    assert len(project.attempt(run)) >= 1
    follower = project.start("logs", run, "--follow")
    assert follower.stdout is not None and follower.stdout.readline() == "before\n"
    assert project.the_server() != before
    gate.touch()
    assert follower.communicate(timeout=20)[0] == "after\n"
    assert follower.returncode == 0
    assert client.wait(run)["status"] == "Completed"


def test_a_step_that_ends_while_no_server_lives_is_found_complete(
    project: Project, client: Client, gate: Path
) -> None:
    run = held(client, gate)
    project.kill_server()
    gate.touch()
    until(project.processes, lambda left: not left, "the step and its supervisor have ended")
    shown = json.loads(project.stepwell("show", "last", "--json"))
    assert "Completed" in json.dumps(shown)
    assert client.log(run) == "before\nafter\n"
    assert client.run(run)["usage"]["exit_code"] == 0
    assert [event["status"] for event in client.events(run)].count("Completed") >= 1


def test_a_request_to_stop_survives_the_server_that_took_it(
    project: Project, client: Client, gate: Path
) -> None:
    text = 'trap "echo asked" TERM; echo up; while [ ! -e "$1" ]; do sleep 0.01; done'
    run = client.submit(script(shell("slow to stop", text, *literals(gate))))["id"]
    until(lambda: client.log(run), lambda log: "up" in log, "the step is up")
    assert client.call("POST", f"/runs/{run}/cancel")["outcome"] == "asked"
    until(lambda: client.log(run), lambda log: "asked" in log, "the step was asked")
    project.kill_server()
    assert client.run(run)["status"] == "CancelRequested"
    gate.touch()
    over = client.wait(run)
    assert (over["status"], over["error"]) == ("Canceled", None)


@pytest.mark.parametrize("with_the_server", [False, True])
def test_a_killed_supervisor_is_one_failed_step_and_takes_all_of_it_along(
    project: Project, client: Client, with_the_server: bool
) -> None:
    text = "setsid sleep 1000 & sleep 1000 & echo up; wait"
    run = client.submit(pipeline(shell("a", text), shell("b", "echo b", after=[0])))["id"]
    step, dependent = client.steps(run)
    until(lambda: client.log(step["id"]), lambda log: "up" in log, "the step is up")
    supervisor = project.supervisor(step["id"])
    if with_the_server:
        project.kill_server()
    assert supervisor.kill()
    assert client.wait(run)["status"] == "Failed"
    step, dependent = client.steps(run)
    assert (step["status"], step["error"]["kind"]) == ("Failed", "lost")
    assert "supervisor was killed" in step["error"]["message"] and step["error"]["hint"]
    assert (dependent["status"], dependent["error"]["kind"]) == ("Canceled", "skipped")
    assert project.attempt(step["id"]) == []


def test_a_killed_step_is_one_failed_step_that_names_the_signal(
    project: Project, client: Client, gate: Path
) -> None:
    run = held(client, gate)
    (main,) = [process for process in project.attempt(run) if process.is_step]
    assert main.kill()
    over = client.wait(run)
    assert (over["status"], over["error"]["kind"], over["usage"]["signal"]) == (
        "Failed",
        "signal",
        9,
    )
    assert "SIGKILL" in over["error"]["message"] and "memory" in over["error"]["hint"]
    assert project.attempt(run) == []


def test_a_server_that_is_asked_to_end_leaves_its_steps_running(
    project: Project, client: Client, gate: Path
) -> None:
    run = held(client, gate)
    assert project.the_server().signal(signal.SIGTERM)
    until(project.servers, lambda servers: not servers, "the server has ended")
    assert not (project.data / "server.json").exists()
    assert project.attempt(run) != []
    gate.touch()
    assert client.wait(run)["status"] == "Completed"
    assert client.log(run) == "before\nafter\n"


@pytest.mark.parametrize("count", [2, 8])
@pytest.mark.parametrize("left_over", [False, True])
def test_servers_that_start_at_the_same_time_end_with_one(
    project: Project, count: int, left_over: bool
) -> None:
    if left_over:
        project.connect()
        project.kill_server()
    starters = [project.start("connect", "--json") for _ in range(count)]
    replies = [json.loads(starter.communicate(timeout=30)[0]) for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * count
    assert len({(reply["url"], reply["pid"]) for reply in replies}) == 1, replies
    assert sum(reply["started"] for reply in replies) == 1, replies
    until(project.servers, lambda servers: len(servers) == 1, "the losers have left")


def test_a_server_file_of_a_dead_process_is_left_behind(project: Project) -> None:
    first = project.connect()
    project.kill_server()
    assert (project.data / "server.json").exists()
    second = project.connect()
    assert second.pid != first.pid and second.token == first.token
    assert project.the_server().pid == second.pid


def test_a_server_file_that_names_somebody_else_is_not_believed(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # The number was given to another process, and another folder's server has the port.
    other = Project(tmp_path_factory.mktemp("other"))
    try:
        stranger = other.connect()
        project.connect()
        project.kill_server()
        file = project.data / "server.json"
        left = json.loads(file.read_text())
        file.write_text(json.dumps({**left, "url": stranger.url, "pid": stranger.pid}))
        found = project.connect()
        assert found.url != stranger.url
        assert project.client.get("/workspace")["data_folder"] == str(project.data)
        assert other.the_server().pid == stranger.pid
    finally:
        other.close()


@pytest.fixture
def blocked() -> Iterator[Path]:
    """A folder that even root cannot make anything in."""
    yield Path("/sys/stepwell")


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(
    project: Project, blocked: Path
) -> None:
    variables = {**project.variables, "STEPWELL_DATA": str(blocked)}
    for command in (["connect", "--json"], ["snapshot", str(project.folder)]):
        printed = project.stepwell(*command, code=5, env=variables)
        assert printed.startswith("error: ") and str(blocked) in printed, printed
        assert "\nhint: " in printed and "STEPWELL_DATA" in printed, printed
    doctor = project.start("doctor", env=variables)
    assert doctor.communicate(timeout=20) and doctor.returncode == 1


def test_a_server_that_a_step_starts_outlives_the_step(project: Project, client: Client) -> None:
    """As the SDK does when it finds none: the step's end must not end what others need."""
    connect = (
        'kill -9 "$(sed -n \'s/.*"pid": \\([0-9]*\\).*/\\1/p\' "$STEPWELL_DATA/server.json")"; '
        'env -u STEPWELL_URL -u STEPWELL_TOKEN "$STEPWELL_BIN" connect --json '
        "> outputs/server.json; "
        'echo "attempt ${STEPWELL_ATTEMPT:+set}"'
    )
    first = shell("first", connect)
    second = shell("second", 'echo "parameter ${AML_PARAMETER_p:-none}"', after=[0])
    first["task"]["variables"] = {"AML_PARAMETER_p": "leaked"}
    project.connect()
    before = project.the_server()
    run = client.submit(pipeline(first, second))["id"]
    assert client.wait(run)["status"] == "Completed"
    started = client.request("GET", f"/runs/{client.steps(run)[0]['id']}/files/outputs/server.json")
    assert project.the_server().pid == json.loads(started.body)["pid"] != before.pid
    assert client.log(client.steps(run)[1]["id"]) == "parameter none\n"
