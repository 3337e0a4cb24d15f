"""The real driver with real workers, and what is killed meanwhile: the rows are exact each time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest

PYTHON = str(Path(__file__).resolve().parents[2])
BINARY = os.environ.get(
    "STEPWELL_BIN", str(Path(__file__).resolve().parents[3] / "target" / "debug" / "stepwell")
)

# Each item becomes one row; what an item's name says happens the first `n` times.
SCRIPT = """
import os, pathlib, signal, time
HERE = pathlib.Path({marks!r})
def times(name):
    seen = HERE / name
    with open(seen, "a") as file:
        file.write("x")
    return seen.stat().st_size
def init():
    {init}
def run(mini_batch):
    rows = []
    for path in mini_batch:
        name = os.path.basename(path)
        kind, _, count = name.split("-")[0].partition("_")
        if kind != "item" and times(name) <= int(count or 1):
            if kind == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if kind == "hang":
                time.sleep(1000)
            if kind == "raise":
                raise ValueError("cannot score " + name)
            if kind == "lose":
                continue
        {body}
        rows.append(name)
    return rows
"""


class Step(object):
    """One parallel step and its folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("work", "data", "marks", "out"):
            (folder / name).mkdir()
        self.process: Optional[subprocess.Popen[bytes]] = None
        self.settings: Dict[str, str] = {
            "mini_batch_size": "2",
            "process_count_per_node": "2",
            "run_invocation_timeout": "60",
        }
        self.script()

    def script(self, init: str = "pass", body: str = "pass") -> None:
        text = SCRIPT.format(marks=str(self.folder / "marks"), init=init, body=body)
        (self.folder / "work" / "score.py").write_text(text)

    def items(self, *names: str, count: int = 0) -> None:
        for name in [*names, *(f"item-{number:05d}" for number in range(count))]:
            (self.folder / "data" / name).touch()

    def port(self, name: str) -> Dict[str, str]:
        return {"datastore": "local", "path": name, "local": str(self.folder / name)}

    def start(self, **settings: Any) -> None:
        self.settings.update({name: str(value) for name, value in settings.items()})
        request = {
            "version": 1,
            "run": "0192f5c4-1111-7222-8333-444455556666",
            "task": {
                "entry_script": "score.py",
                "inputs": [{"port": "raw", "form": "files"}],
                "output": "rows",
                "settings": self.settings,
            },
            "inputs": {"raw": self.port("data")},
            "outputs": {"rows": self.port("out")},
            "state": str(self.folder / "state"),
            "files": str(self.folder / "files"),
        }
        path = self.folder / "request.json"
        path.write_text(json.dumps(request))
        environment = {
            **os.environ,
            "PYTHONPATH": PYTHON,
            "STEPWELL_REQUEST": str(path),
            "STEPWELL_PYTHON": sys.executable,
        }
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "drive-parallel"],
                cwd=self.folder / "work",
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(120)

    def run(self, **settings: Any) -> int:
        self.start(**settings)
        return self.wait()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def rows(self) -> Counter:  # type: ignore[type-arg]
        return Counter((self.folder / "out" / "parallel_run_step.txt").read_text().splitlines())

    @property
    def progress(self) -> Dict[str, Any]:
        made: Dict[str, Any] = json.loads((self.folder / "state" / "progress.json").read_text())
        return made

    def left(self) -> List[str]:
        """What the state folder keeps."""
        return sorted(os.listdir(str(self.folder / "state")))

    def finished(self, count: int) -> None:
        """Wait until so many mini-batches are written down."""
        journal = self.folder / "state" / "journal"
        until(lambda: journal.exists() and len(journal.read_bytes().splitlines()) >= count)

    def expected(self) -> Counter:  # type: ignore[type-arg]
        return Counter(os.listdir(str(self.folder / "data")))

    def workers(self) -> List[int]:
        """Processes whose working folder is the step's."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    if os.readlink(f"/proc/{entry}/cwd") == str(self.folder / "work"):
                        found.append(int(entry))
                except OSError:
                    pass
        return found

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def until(value: Callable[[], Any], limit_s: float = 60) -> Any:
    """The value, once there is one."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        found = value()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"no value within {limit_s} s")


@pytest.fixture
def step(tmp_path: Path) -> Iterator[Step]:
    if not os.path.exists(BINARY):
        pytest.skip("the binary is not built: cargo build -p stepwell-cli")
    made = Step(tmp_path)
    yield made
    made.close()


def test_every_item_is_one_row(step: Step) -> None:
    step.items(count=101)
    assert step.run() == 0, step.log
    assert step.rows == step.expected()
    tally = step.progress["tally"]
    assert (tally["done"], tally["failed"], tally["items"], tally["rows"]) == (51, 0, 101, 101)
    assert step.progress["state"] == "completed"
    assert step.left() == ["progress.json"]
    files = step.folder / "files" / "logs"
    assert (files / "job_result.txt").read_text().startswith("completed\n51 of 51")
    assert list(files.glob("job_progress_overview.*.txt"))
    assert (files / "user" / "stdout" / "0" / "process000.stdout.txt").exists()


def test_a_worker_that_is_killed_is_replaced(step: Step) -> None:
    step.items("kill-1", "kill_2-2", count=40)
    assert step.run(mini_batch_size=1) == 0, step.log
    assert step.rows == step.expected()
    assert step.progress["tally"]["failed_tries"] == 3


def test_a_worker_that_hangs_is_replaced(step: Step) -> None:
    step.items("hang-1", count=20)
    assert step.run(run_invocation_timeout=2) == 0, step.log
    assert step.rows == step.expected()
    assert "run took longer than 2 seconds" in step.log


def test_a_poison_mini_batch_is_reported_with_its_items(step: Step) -> None:
    step.items("raise_9-1", "kill_9-2", count=40)
    assert step.run(mini_batch_size=1, run_max_try=2) == 0, step.log
    missing = Counter(["raise_9-1", "kill_9-2"])
    assert step.rows == step.expected() - missing
    tally = step.progress["tally"]
    assert (tally["failed"], tally["failed_items"]) == (2, 2)
    errors = (step.folder / "files" / "logs" / "user" / "error.txt").read_text()
    for name in missing:
        assert str(step.folder / "data" / name) in errors
    assert "ValueError: cannot score raise_9-1" in errors
    assert "score.py" in errors


@pytest.mark.parametrize(
    ("names", "settings", "code"),
    [
        (["lose-1", "lose-2"], {"error_threshold": 2}, 0),
        (["lose-1", "lose-2"], {"error_threshold": 1}, 1),
        (["lose-1", "lose-2"], {"error_threshold": -1}, 0),
        (["raise_9-1"], {"error_threshold": 1, "run_max_try": 1}, 0),
        (["raise_9-1"], {"error_threshold": 0, "run_max_try": 1}, 1),
        (["raise_9-1"], {"allowed_failed_count": 1, "run_max_try": 2}, 0),
        (["raise_9-1", "raise_9-2"], {"allowed_failed_count": 1, "run_max_try": 2}, 1),
        (["raise_9-1"], {"allowed_failed_percent": 10, "run_max_try": 1}, 0),
        (["raise_9-1"], {"allowed_failed_percent": 9.9, "run_max_try": 1}, 1),
    ],
)
def test_thresholds_at_their_edges(
    step: Step, names: List[str], settings: Dict[str, Any], code: int
) -> None:
    step.items(*names, count=10 - len(names))
    assert step.run(mini_batch_size=1, process_count_per_node=1, **settings) == code, step.log
    if code == 0:
        assert step.rows == step.expected() - Counter(names)
    else:
        assert "error: " in step.log and list(settings)[0] in step.log
        assert step.progress["state"] == "failed"


def test_workers_that_cannot_start_end_the_step(step: Step) -> None:
    step.items(count=4)
    step.script(init="raise RuntimeError('no model')")
    assert step.run(process_count_per_node=1) == 1
    assert "workers could not start on any node: RuntimeError: no model" in step.log
    assert step.log.count("could not start: RuntimeError") == 3


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_driver_that_is_killed_goes_on(step: Step, rounds: int) -> None:
    step.items("raise_9-1", count=300)
    step.script(body="time.sleep(0.01)")
    settings = {"mini_batch_size": 1, "run_max_try": 1}
    for number in range(1, rounds + 1):
        step.start(**settings)
        step.finished(number * 25)
        assert step.process is not None
        step.process.send_signal(signal.SIGKILL)
        step.wait()
        until(lambda: not step.workers())
    assert step.run(**settings) == 0, step.log
    assert step.rows == step.expected() - Counter(["raise_9-1"])
    assert "goes on: " in step.log
    tally = step.progress["tally"]
    assert (tally["planned"], tally["done"], tally["failed"]) == (301, 300, 1)


def test_an_input_that_has_changed_begins_anew(step: Step) -> None:
    step.items(count=60)
    step.script(body="time.sleep(0.01)")
    step.start(mini_batch_size=1)
    step.finished(10)
    assert step.process is not None
    step.process.kill()
    step.wait()
    (step.folder / "data" / "item-00000").rename(step.folder / "data" / "item-new")
    assert step.run() == 0, step.log
    assert step.rows == step.expected()
    assert "all begins anew" in step.log


def test_a_driver_that_is_asked_to_stop_leaves_nobody(step: Step) -> None:
    step.items(count=10)
    step.script(body="time.sleep(1000)")
    step.start()
    until(lambda: len(step.workers()) >= 3)
    assert step.process is not None
    step.process.terminate()
    assert step.wait() != 0
    assert step.workers() == []
    assert step.progress["state"] == "cancelled"


def test_what_a_script_starts_ends_with_its_worker(step: Step) -> None:
    step.items(count=4)
    step.script(init="__import__('subprocess').Popen(['sleep', '1000'])")
    assert step.run() == 0, step.log
    assert step.workers() == []


def test_a_worker_has_time_for_what_it_does_at_its_end(step: Step) -> None:
    """What a script logs last is sent when the interpreter ends."""
    step.items(count=4)
    late = "__import__('atexit').register(lambda: (time.sleep(0.5), times('ended')))"
    step.script(init=late)
    assert step.run(process_count_per_node=1) == 0, step.log
    assert (step.folder / "marks" / "ended").exists()


def test_nodes_have_workers_and_logs_of_their_own(step: Step) -> None:
    step.items(count=40)
    step.script(
        body="name = '{}/{}'.format(os.environ['AZ_BATCHAI_TASK_INDEX'], "
        "os.environ['AZUREML_NODE_COUNT']); time.sleep(0.02)"
    )
    assert step.run(node_count=2, process_count_per_node=1, mini_batch_size=1) == 0, step.log
    assert set(step.rows) <= {"0/2", "1/2"}
    assert sum(step.rows.values()) == 40


def test_each_worker_sees_its_gpu(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    step.items(count=40)
    step.script(body="name = os.environ['CUDA_VISIBLE_DEVICES']; time.sleep(0.02)")
    assert step.run(mini_batch_size=1) == 0, step.log
    assert set(step.rows) <= {"4", "7"}


def test_rows_that_are_only_counted_make_no_file(step: Step) -> None:
    step.items(count=9)
    assert step.run(output_action="summary_only") == 0, step.log
    assert step.progress["tally"]["rows"] == 9
    assert not list((step.folder / "out").iterdir())


def test_a_worker_that_leaks_is_replaced(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPWELL_WORKER_MEMORY", str(50 << 20))
    step.items(count=12)
    step.script(
        init="globals().update(kept=[])",
        body="kept.append(bytearray(os.urandom(1) * (30 << 20))); time.sleep(0.6)",
    )
    assert step.run(mini_batch_size=1, process_count_per_node=1) == 0, step.log
    assert step.rows == step.expected()
    lives = [worker["worker"]["life"] for worker in step.progress["workers"]]
    assert lives[0] > 1
