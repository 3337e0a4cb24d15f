"""The workers of a parallel step that start in a loaded interpreter are what they are otherwise."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .client import Client, Json
from .processes import Process
from .project import Project
from .test_parallel import data as data
from .test_parallel import expected, parallel, rows, until_some_are_finished
from .waiting import until

COLD = {"STEPWELL_WARM": "off"}
WARM = "started warm"
WORKER = "worker.py"

SCORE = """
import argparse, multiprocessing, os, sys, time
import json as own_json
from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--pause", type=float)
pause = parser.parse_known_args()[0].pause
dying = os.path.join(os.environ["SIGNS"], "dying")

def init():
    print("leads its session:", os.getsid(0) == os.getpid(), flush=True)
    print(sys.argv, __name__, os.path.basename(__file__), os.getpgrp() == os.getpid())
    print([os.path.relpath(folder) for folder in sys.path[:2]], os.listdir("."))
    print(sorted(name for name in os.environ if "PARALLEL" in name or "WARM_" in name))
    print(os.environ["AZ_BATCHAI_TASK_INDEX"], os.environ["AZUREML_NODE_COUNT"])
    print(multiprocessing.get_context("spawn").Pool(1).map(abs, [-3]), sys.stdin.read())
    print("to standard error", file=sys.stderr)
    Run.get_context().log("up", 1)
    os.mkdir(os.path.join("outputs", str(os.getpid())))

def run(mini_batch):
    until = time.monotonic() + 30  # one must not be done before the other is up
    while len(os.listdir("outputs")) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(pause)
    if os.path.exists(dying) and not os.path.exists(dying + ".done"):
        os.rename(dying, dying + ".done")
        os._exit(3)
    return [os.path.basename(path) for path in mini_batch]
"""


def begin(project: Project, client: Client, pause: float = 0.0, **more: str) -> tuple[str, str]:
    """A parallel step of two workers that has been submitted, and its run."""
    body = parallel(project, pause)
    task = body["steps"][0]["task"]
    task["snapshot"] = project.snapshot({"score.py": SCORE})
    task["variables"] = {**task["variables"], "SIGNS": str(project.folder), **more}
    run = client.submit(body)["id"]
    (step,) = client.steps(run)
    return str(run), str(step["id"])


def ended(project: Project, client: Client, pause: float = 0.0, **more: str) -> Json:
    """Such a step that has succeeded; `start` is how its workers started."""
    run, step = begin(project, client, pause, **more)
    assert client.wait(run, 60)["status"] == "Completed", client.log(step)
    (why,) = client.get(f"/runs/{run}/why")["steps"]
    (row,) = client.steps(run)
    return {**row, "start": why["start"]}


def load(project: Project, client: Client) -> Json:
    """A step whose workers have started warm."""
    start = lambda: ended(project, client)  # noqa: E731
    return until(start, lambda step: step["start"] == WARM, "its workers start warm", 60)


def workers(project: Project, step: str) -> list[Process]:
    """The workers of a step that are forks."""
    of_step = project.attempt(step)
    return [each for each in of_step if each.argv[-1:] and each.argv[-1].endswith(WORKER)]


def held(project: Project, client: Client) -> tuple[str, str]:
    """A step with two forks that work on mini-batches."""
    for _ in range(5):
        load(project, client)
        run, step = begin(project, client, 0.05)
        until_some_are_finished(project, step)
        if len(workers(project, step)) == 2:
            return run, step
        client.call("POST", f"/runs/{run}/cancel")
        client.wait(run)
    raise AssertionError("its workers never started warm")


def seen(project: Project, client: Client, step: Json) -> dict[str, Any]:
    """What a step shows to its user."""
    run = step["id"]
    names = [
        f"logs/user/{out}/0/process00{n}.{out}.txt" for out in ("stdout", "stderr") for n in "01"
    ]
    logs = [(project.data / "runs" / run / "files" / name).read_text() for name in names]
    shared = [log.replace(run, "RUN").split("\n", 1) for log in logs[:2]]
    series = client.get(f"/runs/{run}/metrics")["series"]
    return {
        "leads": [first for first, _ in shared],
        "logs": [rest for _, rest in shared] + logs[2:],
        "rows": rows(project, client, run),
        "metrics": [(each["name"], [it["value"] for it in each["points"]]) for each in series],
        "done": client.get(f"/runs/{run}/parallel")["tally"]["done"],
        "log": client.log(run).splitlines()[-1].partition(";")[0],
    }


def test_workers_are_the_same_however_they_start(
    project: Project, client: Client, data: Path
) -> None:
    cold = ended(project, client, **COLD)
    assert cold["start"] == "started cold: `STEPWELL_WARM` is off"
    warm = load(project, client)
    cold_seen, warm_seen = seen(project, client, cold), seen(project, client, warm)
    assert cold_seen.pop("leads") == ["leads its session: False"] * 2
    assert warm_seen.pop("leads") == ["leads its session: True"] * 2
    assert warm_seen["log"] == cold_seen["log"]
    assert warm_seen == cold_seen
    assert warm_seen["rows"] == expected(data)
    assert "[]\n0 1\n[3] \n" in warm_seen["logs"][0], "no variable of the driver's is left"
    assert project.attempt(warm["id"]) == []


@pytest.mark.parametrize("how", ["killed", "exits"])
def test_a_fork_that_ends_is_replaced_by_another_and_the_reason_is_told(
    project: Project, client: Client, data: Path, how: str
) -> None:
    run, step = held(project, client)
    before = workers(project, step)
    if how == "killed":
        assert before[0].kill()
        reason = "the worker's process was killed (SIGKILL)"
    else:
        (project.folder / "dying").touch()
        reason = "the worker's process exited with status 3"
    until(
        lambda: {each.pid for each in workers(project, step)} - {each.pid for each in before},
        lambda new: new,
        "another fork works",
    )
    assert client.wait(run, 60)["status"] == "Completed", client.log(step)
    assert rows(project, client, step) == expected(data)
    assert reason in client.log(step)
    assert project.attempt(step) == []


def test_forks_end_with_their_driver_and_the_next_ones_are_forks_again(
    project: Project, client: Client, data: Path
) -> None:
    run, step = held(project, client)
    before = workers(project, step)
    (driver,) = [each for each in project.attempt(step) if "drive-parallel" in each.argv]
    assert driver.kill()
    assert client.wait(run, 60)["status"] == "Completed", client.log(step)
    assert not [each for each in before if os.path.exists(f"/proc/{each.pid}/ns")]
    assert "goes on: " in client.log(step)
    assert rows(project, client, step) == expected(data)
    run, step = held(project, client)
    client.call("POST", f"/runs/{run}/cancel")
    assert client.wait(run)["status"] == "Canceled"
    assert project.attempt(step) == []


def test_a_step_goes_on_without_its_interpreter(
    project: Project, client: Client, data: Path
) -> None:
    run, step = held(project, client)
    assert any([each.kill() for each in project.processes() if each.is_loaded])
    assert all([each.kill() for each in workers(project, step)])
    assert client.wait(run, 60)["status"] == "Completed", client.log(step)
    assert Counter(rows(project, client, step)) == expected(data)
    (why,) = client.get(f"/runs/{run}/why")["steps"]
    assert why["start"] == WARM, "so they had started"
    load(project, client)


def test_a_script_of_the_users_that_hides_a_loaded_module_starts_cold(
    project: Project, client: Client, data: Path
) -> None:
    load(project, client)
    body = parallel(project, 0.0)
    task = body["steps"][0]["task"]
    files = {
        "score.py": "import argparse\ndef run(files):\n    return [argparse.own for _ in files]\n"
    }
    task["snapshot"] = project.snapshot({**files, "argparse.py": "own = 'mine'\n"})
    task["variables"] = {**task["variables"], "SIGNS": str(project.folder)}
    reason = "started cold: `argparse.py` beside the script hides a loaded module"

    def start() -> str:
        run = client.submit(body)["id"]
        (step,) = client.steps(run)
        assert client.wait(run, 60)["status"] == "Completed", client.log(step["id"])
        assert rows(project, client, step["id"]) == Counter({"mine": 200})
        return str(client.get(f"/runs/{run}/why")["steps"][0]["start"])

    until(start, lambda start: start == reason, "it finds an interpreter, which does not fit", 60)


def test_what_a_fork_uses_is_counted(project: Project, client: Client, data: Path) -> None:
    body = parallel(project, 0.0)
    task = body["steps"][0]["task"]
    text = "def run(files):\n    return [len(bytearray(200_000_000)) for _ in files[:1]]\n"
    task["snapshot"] = project.snapshot({"score.py": text})
    task["settings"]["mini_batch_size"] = {"literal": "200"}

    def usage() -> tuple[str, int]:
        run = client.submit(body)["id"]
        (step,) = client.steps(run)
        assert client.wait(run, 60)["status"] == "Completed", client.log(step["id"])
        (why,) = client.get(f"/runs/{run}/why")["steps"]
        (step,) = client.steps(run)
        return str(why["start"]), int(step["usage"]["peak_memory_bytes"])

    _, peak = until(usage, lambda both: both[0] == WARM, "its workers start warm", 60)
    assert peak > 200_000_000
