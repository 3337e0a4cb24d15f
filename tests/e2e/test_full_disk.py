"""A full disk: a clear error while it lasts, no corrupt database, and all goes on afterwards."""

from __future__ import annotations

import resource
import signal

import pytest

from .bodies import literals, pipeline, script, shell
from .client import Client, Refused
from .disk import PAD, SmallDisk
from .project import Project
from .waiting import until

HOLD = 'while [ ! -e "$1" ]; do sleep 0.01; done; echo over; exit "$2"'


def refused_for_storage(client: Client) -> None:
    """A run too large for the space that is left is refused, and says why."""
    with pytest.raises(Refused) as refusal:
        client.submit(script(shell("s", "echo"), description="x" * (1 << 20)))
    answer = refusal.value.answer
    assert (answer.status, answer.error["code"]) == (507, "storage"), answer.body
    assert answer.error["message"].count("stepwell.db") == 1, answer.error
    assert "space" in answer.error["hint"], answer.error


def test_a_full_disk_is_told_and_work_goes_on_when_there_is_space(
    disk: SmallDisk, project: Project, client: Client
) -> None:
    gate = project.folder / "gate"
    source = project.folder / "large"
    source.mkdir()
    (source / "file").write_bytes(bytes(range(256)) * 8192)
    first = client.submit(pipeline(shell("a", HOLD, *literals(gate, 0)), shell("b", "", after=[0])))
    run = first["id"]
    step = client.steps(run)[0]["id"]
    until(lambda: client.run(step)["status"], lambda it: it == "Running", "the step runs")
    disk.fill()
    refused_for_storage(client)
    upload = client.request("PUT", f"/runs/{run}/files/note", bytes(1 << 16))
    assert (upload.status, upload.error["code"]) == (507, "storage")
    printed = project.stepwell("snapshot", str(source), code=5)
    assert "space" in printed and "hint: " in printed, printed
    gate.touch()
    until(
        lambda: [process for process in project.attempt(step) if process.is_step],
        lambda left: not left,
        "the step has ended",
    )
    disk.free()
    assert client.wait(run)["status"] == "Completed"
    assert "note" not in client.files(run)
    again = client.submit(script(shell("s", "echo again")))["id"]
    assert client.wait(again)["status"] == "Completed"
    project.stepwell("stop")
    project.check_database()


def runs_now(client: Client, run: str) -> None:
    until(lambda: client.run(run)["status"], lambda it: it == "Running", "the step runs")


def test_a_server_whose_log_is_on_the_full_disk_is_well_again_each_time(
    disk: SmallDisk, project: Project, client: Client
) -> None:
    server = client.endpoint.pid
    for episode in range(3):
        gate = project.folder / f"gate-{episode}"
        run = str(client.submit(script(shell("a", HOLD, *literals(gate, 0))))["id"])
        runs_now(client, run)
        disk.fill()
        for _ in range(12):
            refused_for_storage(client)
        assert client.get("/health")["status"] == "degraded"
        findings, _ = project.start("doctor").communicate(timeout=60)
        assert "the disk of the data folder is full" in findings
        gate.touch()
        disk.free()
        assert client.wait(run)["status"] == "Completed"
        again = client.submit(script(shell("s", "echo again")))["id"]
        assert client.wait(again)["status"] == "Completed"
        assert client.get("/health")["status"] == "ok"
    assert client.get("/workspace")["pid"] == server, "nobody had to restart it"


def test_a_step_whose_end_could_not_be_recorded_says_that_the_disk_was_full(
    disk: SmallDisk, project: Project, client: Client
) -> None:
    gate = project.folder / "gate"
    run = client.submit(script(shell("a", f"{PAD}echo up; {HOLD}", *literals(gate, 0))))["id"]
    until(lambda: client.log(run), lambda log: log == "up\n", "the step is up")
    runs_now(client, run)
    supervisor = project.supervisor(run)
    disk.fill()
    gate.touch()
    # Its supervisor tries for some seconds, and gives up; the server cannot note that, either.
    until(lambda: supervisor in project.processes(), lambda lives: not lives, "it has given up")
    disk.free()
    over = client.wait(run)
    assert (over["status"], over["error"]["kind"]) == ("Failed", "storage"), over
    project.check_database()


def limited() -> None:
    """In a new process: no file may grow beyond 800 KB, and trying is an error, not the end."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (800_000, resource.RLIM_INFINITY))


def test_a_server_that_may_not_write_says_so_and_its_successor_goes_on(
    project: Project, client: Client
) -> None:
    project.stepwell("connect", "--json", preexec_fn=limited)
    refused_for_storage(client)
    assert client.get("/runs")["runs"] == []
    project.stepwell("stop")
    run = client.submit(script(shell("s", "echo"), description="x" * (1 << 20)))["id"]
    assert client.wait(run)["status"] == "Completed"
    project.stepwell("stop")
    project.check_database()
