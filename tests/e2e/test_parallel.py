"""Parallel steps through the server: what is reported of them, and drivers that are killed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .bodies import PYTHON, pipeline, reads_path, writes
from .client import Client
from .project import ROOT, Project
from .waiting import until

SCORE = """
import argparse, os, time
parser = argparse.ArgumentParser()
parser.add_argument("--pause", type=float)
pause = parser.parse_known_args()[0].pause
def init():
    print("a worker is up", flush=True)
def run(mini_batch):
    time.sleep(pause)
    return [os.path.basename(path) for path in mini_batch]
"""


@pytest.fixture
def data(project: Project) -> Path:
    """Two hundred files on the default datastore."""
    folder = project.data / "data" / "workspaceblobstore" / "raw"
    folder.mkdir(parents=True)
    for number in range(200):
        (folder / f"item-{number:03}").touch()
    return folder


def parallel(project: Project, pause: float, **more: Any) -> Any:
    """A pipeline of one parallel step, and what follows from its rows."""
    settings = {"mini_batch_size": "2", "process_count_per_node": "2", **more}
    task = {
        "type": "parallel",
        "entry_script": "score.py",
        "arguments": [{"literal": "--pause"}, {"literal": str(pause)}],
        "snapshot": project.snapshot({"score.py": SCORE}),
        "environment": PYTHON,
        "variables": {"PYTHONPATH": str(ROOT / "python")},
        "inputs": [{"port": "raw", "form": "files"}],
        "output": "scores",
        "settings": {name: {"literal": str(value)} for name, value in settings.items()},
    }
    step = {
        "name": "score",
        "kind": "ParallelRunStep",
        "target": "local",
        "task": task,
        "inputs": [reads_path("raw", "raw")],
        "outputs": [writes("scores")],
    }
    return pipeline(step)


def table(client: Client, project: Project) -> str:
    """The id of a saved table of a thousand rows in two files."""
    folder = project.data / "data" / "workspaceblobstore" / "table"
    folder.mkdir(parents=True)
    for number in range(2):
        lines = [f"{row},{row % 7}" for row in range(number * 500, number * 500 + 500)]
        (folder / f"{number}.csv").write_text("id,shop\n" + "\n".join(lines))
    reading = {
        "format": "delimited",
        "separator": ",",
        "header": "ALL_FILES_HAVE_SAME_HEADERS",
        "encoding": "utf-8",
        "infer": True,
        "empty_as_string": False,
        "include_path": False,
        "types": {},
    }
    place = {"datastore": "workspaceblobstore", "path": "table/*.csv"}
    definition = {"places": [place], "reading": reading, "steps": []}
    saved = client.call("POST", "/datasets", {"kind": "tabular", "definition": definition})
    return str(saved["id"])


def rows(project: Project, client: Client, step: str) -> Counter[str]:
    """The rows that a step has written."""
    (output,) = client.run(step)["outputs"]
    folder = project.data / "data" / output["datastore"] / output["path"]
    return Counter((folder / "parallel_run_step.txt").read_text().splitlines())


def expected(data: Path) -> Counter[str]:
    """One row for each file."""
    return Counter(path.name for path in data.iterdir())


def started(project: Project, client: Client, body: Any) -> tuple[str, str]:
    """The run and its step, once some mini-batches are finished."""
    run = client.submit(body)["id"]
    (step,) = client.steps(run)
    until_some_are_finished(project, step["id"])
    return str(run), str(step["id"])


def until_some_are_finished(project: Project, step: str) -> None:
    """Waits for mini-batches that are on the disk, where another driver goes on from."""
    journal = project.data / "runs" / step / "state" / "journal"
    until(
        lambda: journal.exists() and len(journal.read_bytes().splitlines()),
        lambda count: count > 10,
        "some mini-batches are finished",
    )


def test_a_parallel_step_tells_how_far_it_is(project: Project, client: Client, data: Path) -> None:
    run = client.submit(parallel(project, 0.0))["id"]
    assert client.wait(run, 60)["status"] == "Completed", client.log(client.steps(run)[0]["id"])
    (step,) = client.steps(run)
    assert rows(project, client, step["id"]) == expected(data)
    progress = client.get(f"/runs/{step['id']}/parallel")
    assert (progress["state"], progress["tally"]["done"]) == ("completed", 100)
    assert progress["tally"]["items"] == 200
    assert [worker["place"] for worker in progress["workers"]] == [0, 1]
    files = client.files(step["id"])
    assert "logs/job_result.txt" in files
    assert "logs/user/stdout/0/process000.stdout.txt" in files
    assert client.request("GET", f"/runs/{run}/parallel").status == 404
    assert client.get(f"/runs/{step['id']}/progress")["tally"]["done"] == 100
    assert client.request("GET", f"/runs/{run}/progress").status == 404


@pytest.mark.parametrize("who", ["driver", "supervisor"])
def test_a_killed_driver_is_started_again_and_goes_on(
    project: Project, client: Client, data: Path, who: str
) -> None:
    run, step = started(project, client, parallel(project, 0.02))
    if who == "supervisor":
        assert project.supervisor(step).kill()
    else:
        drivers = [it for it in project.attempt(step) if "drive-parallel" in it.argv]
        assert len(drivers) == 1 and drivers[0].kill()
    assert client.wait(run, 60)["status"] == "Completed", client.log(step)
    assert rows(project, client, step) == expected(data)
    assert "goes on: " in client.log(step)
    messages = [event["message"] for event in client.events(run) if event["status"] == "Queued"]
    assert len(messages) == 1 and messages[0].startswith("interrupted, and goes on: ")
    (why,) = client.get(f"/runs/{step}/why")["steps"]
    assert any("attempt 1 was interrupted" in reason for reason in why["reasons"])


@pytest.mark.parametrize(
    ("settings", "count"),
    [({"mini_batch_size": "1KB"}, 6), ({"partition_keys": '["shop"]'}, 7)],
)
def test_a_table_is_cut_by_size_and_by_key(
    project: Project, client: Client, settings: dict[str, str], count: int
) -> None:
    body = parallel(project, 0)
    task = body["steps"][0]["task"]
    script = "def run(mini_batch, context):\n    return mini_batch\n"
    task["snapshot"] = project.snapshot({"score.py": script})
    task["inputs"] = [{"port": "raw", "form": "table", "dataset": table(client, project)}]
    task["settings"] = {name: {"literal": value} for name, value in settings.items()}
    body["steps"][0]["inputs"] = []
    run = client.submit(body)["id"]
    (step,) = client.steps(run)
    assert client.wait(run, 60)["status"] == "Completed", client.log(step["id"])
    expected = Counter(f"{row} {row % 7}" for row in range(1000))
    assert rows(project, client, step["id"]) == expected
    assert client.get(f"/runs/{step['id']}/parallel")["tally"]["done"] == count


def test_a_parallel_step_goes_on_while_the_server_is_away(
    project: Project, client: Client, data: Path
) -> None:
    run, step = started(project, client, parallel(project, 0.02))
    project.kill_server()
    assert client.wait(run, 60)["status"] == "Completed", client.log(step)
    assert rows(project, client, step) == expected(data)


def test_a_cancelled_parallel_step_leaves_nobody(
    project: Project, client: Client, data: Path
) -> None:
    run, step = started(project, client, parallel(project, 0.1))
    assert len(project.attempt(step)) >= 3
    client.call("POST", f"/runs/{run}/cancel")
    assert client.wait(run)["status"] == "Canceled"
    assert project.attempt(step) == []


def test_a_threshold_ends_the_step_and_says_which(
    project: Project, client: Client, data: Path
) -> None:
    body = parallel(project, 30, run_invocation_timeout=1, run_max_try=1, error_threshold=2)
    run = client.submit(body)["id"]
    assert client.wait(run, 60)["status"] == "Failed"
    (step,) = client.steps(run)
    assert "error_threshold is 2" in step["error"]["detail"]
    assert "error_threshold is 2" in client.log(step["id"])


def test_a_setting_that_makes_no_sense_is_refused(
    project: Project, client: Client, data: Path
) -> None:
    answer = client.request("POST", "/runs", parallel(project, 0, run_max_try=0))
    assert answer.status == 400
    assert "the setting `run_max_try` is `0`" in answer.error["message"]
