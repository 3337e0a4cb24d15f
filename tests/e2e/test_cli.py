"""The `stepwell` command as people and scripts use it: words, exit codes, JSON, pipes."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from .bodies import literals, pipeline, script, shell
from .client import Client
from .project import Project, binary
from .waiting import until

HOLD = 'echo up; while [ ! -e "$1" ]; do sleep 0.01; done; echo over'


@pytest.fixture
def failed(client: Client) -> str:
    """A pipeline of two steps that is over: one printed and ended well, one failed."""
    steps = [
        shell("prepare", "echo rows: 100"),
        shell("train", "echo epoch 1; echo no memory >&2; exit 2", after=[0]),
    ]
    run = client.submit(pipeline(*steps, experiment="churn"))["id"]
    assert client.wait(run)["status"] == "Failed"
    return str(run)


def test_runs_are_listed_for_people_and_for_programs(project: Project, failed: str) -> None:
    table = project.stepwell("runs")
    assert "churn" in table and "Failed" in table and failed[-8:] in table
    assert "\x1b" not in table
    listed = json.loads(project.stepwell("runs", "--json"))
    runs = listed["runs"] if isinstance(listed, dict) else listed
    assert [run["id"] for run in runs] == [failed]
    assert failed[-8:] in project.stepwell("runs", "--experiment", "churn", "--status", "Failed")
    assert failed[-8:] not in project.stepwell("runs", "--status", "Completed")


def test_a_run_is_shown_with_its_steps_and_the_reason(project: Project, failed: str) -> None:
    for name in ("last", failed, failed[-8:], failed[:13]):
        shown = project.stepwell("show", name)
        assert "prepare" in shown and "train" in shown
        assert "the script exited with status 2" in shown
    described = json.loads(project.stepwell("show", "last", "--json"))
    assert failed in json.dumps(described) and "exited with status 2" in json.dumps(described)


def test_logs_are_printed_by_step_name_and_number(project: Project, failed: str) -> None:
    assert project.stepwell("logs", "last", "prepare") == "rows: 100\n"
    assert project.stepwell("logs", "last", "2") == "epoch 1\nno memory\n"
    everything = project.stepwell("logs", "last")
    assert everything.index("rows: 100") < everything.index("epoch 1")
    lines = project.stepwell("logs", "last", "--json").splitlines()
    assert [json.loads(line)["line"] for line in lines] == ["rows: 100", "epoch 1", "no memory"]


def test_logs_are_followed_to_the_end_and_the_code_tells_how_it_ended(
    project: Project, client: Client
) -> None:
    gate = project.folder / "gate"
    steps = [shell("hold", HOLD, *literals(gate)), shell("bad", "echo oops; exit 1", after=[0])]
    client.submit(pipeline(*steps))
    follower = project.start("logs", "last", "--follow")
    assert follower.stdout is not None
    assert follower.stdout.readline() == "[hold] up\n"
    gate.touch()
    rest, err = follower.communicate(timeout=20)
    # Each log is in its order; between two of them that come at once there is none.
    assert sorted(rest.splitlines()) == ["[bad] oops", "[hold] over"], err
    assert follower.returncode == 1


def test_a_follower_that_is_interrupted_says_so_by_its_code_and_the_run_goes_on(
    project: Project, client: Client
) -> None:
    gate = project.folder / "gate"
    run = client.submit(script(shell("hold", HOLD, *literals(gate))))["id"]
    follower = project.start("logs", "last", "--follow")
    assert follower.stdout is not None and follower.stdout.readline() == "up\n"
    follower.send_signal(signal.SIGINT)
    follower.communicate(timeout=20)
    assert follower.returncode in (130, -signal.SIGINT)
    until(lambda: client.run(run)["status"], lambda status: status == "Running", "it still runs")
    gate.touch()
    assert client.wait(run)["status"] == "Completed"


def test_a_run_is_cancelled_and_waited_for(project: Project, client: Client) -> None:
    run = client.submit(script(shell("hold", HOLD, *literals(project.folder / "gate"))))["id"]
    until(lambda: client.log(run), lambda log: log == "up\n", "the step is up")
    printed = json.loads(project.stepwell("cancel", "last", "--wait", "--json"))
    assert (printed["run"], printed["outcome"], printed["status"]) == (run, "asked", "Canceled")
    assert project.attempt(run) == []
    assert "had ended before" in project.stepwell("cancel", "last")


def test_a_graph_is_drawn_as_text_and_as_a_picture(project: Project, failed: str) -> None:
    text = project.stepwell("graph", "last", "--text")
    assert text.index("prepare") < text.index("train")
    assert text == project.stepwell("graph", failed)
    picture = project.folder / "graph.svg"
    project.stepwell("graph", "last", "-o", str(picture))
    assert picture.read_text().startswith("<svg") and "prepare" in picture.read_text()


def test_doctor_names_the_server_and_its_folder(project: Project, client: Client) -> None:
    client.get("/workspace")
    doctor = project.start("doctor", "--json")
    report = json.loads(doctor.communicate(timeout=30)[0])
    findings = {finding["subject"]: finding for finding in report["findings"]}
    assert client.endpoint.url in findings["server"]["what"]
    assert f"process {client.endpoint.pid}" in findings["server"]["what"]
    assert str(project.data) in findings["data folder"]["what"]
    assert doctor.returncode == (0 if report["healthy"] else 1)


def test_stop_ends_the_server_and_says_so_when_there_is_none(
    project: Project, client: Client
) -> None:
    client.get("/workspace")
    assert "has stopped" in project.stepwell("stop")
    assert project.servers() == []
    assert "no server runs" in project.stepwell("stop")


def test_a_reader_that_goes_away_is_no_failure(project: Project, client: Client) -> None:
    lines = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"
    client.wait(client.submit(script(shell("talk", lines)))["id"])
    for command in ("logs last", "runs", "runs --json", "show last", "graph last --text"):
        piped = f"set -o pipefail; '{binary()}' {command} | head -1"
        done = subprocess.run(
            ["bash", "-c", piped],
            cwd=project.folder,
            env=project.variables,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert (done.returncode, done.stderr) == (0, ""), (command, done)
        assert len(done.stdout.splitlines()) <= 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["show", "last"], 3, "there are no runs yet"),
        (["show", "nonsense"], 3, "there is no run `nonsense`"),
        (["logs", "01900000-0000-7000-8000-000000000000"], 3, "there is no run"),
        (["runs", "--status", "Fine"], 2, "a similar value exists: 'Failed'"),
        (["snapshot", "no-such-folder"], 3, "no-such-folder"),
        (["graph", "no-such-file.py"], 3, "no-such-file.py"),
        (["shw"], 2, "shw"),
        (["show"], 2, "RUN"),
    ],
)
def test_what_cannot_be_done_is_told_with_a_reason_and_a_code(
    project: Project, client: Client, arguments: list[str], code: int, says: str
) -> None:
    client.get("/workspace")
    printed = project.stepwell(*arguments, code=code)
    assert printed.startswith("error: ") and says in printed, printed


def test_the_exit_codes_are_in_the_help(project: Project) -> None:
    printed = project.stepwell("--help")
    assert "Exit codes:" in printed and " 130  interrupted" in printed
