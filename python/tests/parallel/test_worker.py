"""A real worker process, driven frame by frame over a real connection."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import pytest

LENGTHS = struct.Struct(">II")
PYTHON = str(Path(__file__).resolve().parents[2])


class Driver(object):
    """The driver's end of one worker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(60)
        self.process: Optional[subprocess.Popen[bytes]] = None

    def start(self, script: str, arguments: Tuple[str, ...] = (), **job: Any) -> Dict[str, Any]:
        """Start a worker of this script; gives what it says after its welcome."""
        (self.folder / "score.py").write_text(script)
        host, port = self.listener.getsockname()
        environment = {
            **os.environ,
            "PYTHONPATH": PYTHON,
            "STEPWELL_PARALLEL_DRIVER": f"{host}:{port}",
            "STEPWELL_PARALLEL_TOKEN": "secret",
            "STEPWELL_PARALLEL_WORKER": "3.1",
        }
        command = [sys.executable, "-m", "stepwell._parallel"]
        self.process = subprocess.Popen(command, cwd=self.folder, env=environment)
        self.socket, _ = self.listener.accept()
        self.socket.settimeout(60)
        self.reader = self.socket.makefile("rb")
        hello, _ = self.hear()
        assert hello["say"] == "hello" and hello["token"] == "secret" and hello["worker"] == "3.1"
        welcome = {
            "entry_script": "score.py",
            "arguments": list(arguments),
            "logging_level": "INFO",
            "output": "out",
            "rows": True,
            "logs": str(self.folder / "logs"),
            "node": 0,
            "process": 3,
            **job,
        }
        self.tell({"do": "welcome", "protocol": job.get("protocol", 1), "job": welcome})
        return self.hear()[0]

    def hear(self) -> Tuple[Dict[str, Any], bytes]:
        lengths = self.reader.read(LENGTHS.size)
        header, body = LENGTHS.unpack(lengths)
        return json.loads(self.reader.read(header)), self.reader.read(body)

    def tell(self, header: Dict[str, Any], body: Any = None) -> None:
        text = json.dumps(header).encode()
        payload = b"" if body is None else json.dumps(body).encode()
        self.socket.sendall(LENGTHS.pack(len(text), len(payload)) + text + payload)

    def run(
        self, files: List[str], batch: int = 0, attempt: int = 1, **more: Any
    ) -> Tuple[Dict[str, Any], str]:
        body = {"input": "raw", "files": files, **more}
        self.tell({"do": "run", "batch": batch, "try": attempt}, body)
        said, rows = self.hear()
        return said, rows.decode()

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(60)

    def close(self) -> None:
        self.listener.close()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    made = Driver(tmp_path)
    yield made
    made.close()


def test_init_runs_once_and_run_for_each_mini_batch(driver: Driver) -> None:
    script = """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--greeting")
known, rest = parser.parse_known_args()
count = 0
def init():
    global count
    count += 1
def run(mini_batch):
    return [f"{known.greeting} {item} {count}" for item in mini_batch]
def shutdown():
    open("shut", "w").close()
"""
    assert driver.start(script, ("--greeting", "hi", "--other", "1")) == {"say": "ready"}
    assert driver.run(["a", "b"])[1] == "hi a 1\nhi b 1\n"
    said, rows = driver.run(["c"], batch=7)
    assert (said["batch"], said["items"], said["rows"], rows) == (7, 1, 1, "hi c 1\n")
    driver.tell({"do": "leave"})
    assert driver.wait() == 0
    assert (driver.folder / "shut").exists()


@pytest.mark.parametrize(
    ("result", "rows", "text"),
    [
        ("[]", 0, ""),
        ("('x', 1, 2.5)", 3, "x\n1\n2.5\n"),
        ("__import__('numpy').array([1, 2])", 2, "1\n2\n"),
        ("__import__('pandas').DataFrame({'a': [1, 2], 'b': ['x', 'y z']})", 2, '1 x\n2 "y z"\n'),
        ("__import__('pandas').DataFrame({'a': []})", 0, ""),
    ],
)
def test_results_are_lines(driver: Driver, result: str, rows: int, text: str) -> None:
    driver.start(f"def run(mini_batch):\n    return {result}\n")
    said, made = driver.run(["a"])
    assert (said["say"], said["rows"], made) == ("done", rows, text)


@pytest.mark.parametrize("result", ["None", "'text'", "{'a': 1}", "5"])
def test_what_is_no_list_of_results_is_an_error(driver: Driver, result: str) -> None:
    driver.start(f"def run(mini_batch):\n    return {result}\n")
    said, _ = driver.run(["a"])
    assert said["say"] == "raised"
    assert "must return a list" in said["error"]


def test_rows_are_only_counted_when_nobody_wants_them(driver: Driver) -> None:
    driver.start("def run(mini_batch):\n    return mini_batch\n", rows=False)
    said, rows = driver.run(["a", "b"])
    assert (said["rows"], rows) == (2, "")


def test_an_exception_is_told_and_the_next_mini_batch_taken(driver: Driver) -> None:
    script = """
def run(mini_batch):
    if "bad" in mini_batch:
        raise ValueError("cannot read\\n" + mini_batch[0])
    if "exit" in mini_batch:
        raise SystemExit(3)
    return mini_batch
"""
    driver.start(script)
    said, _ = driver.run(["bad"])
    assert said["error"] == "ValueError: cannot read bad"
    assert "score.py" in said["detail"] and "_worker.py" not in said["detail"]
    assert driver.run(["exit"])[0]["error"] == "SystemExit: 3"
    assert driver.run(["good"])[1] == "good\n"


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("import no_such_module", "ModuleNotFoundError"),
        ("def init():\n    raise RuntimeError('no model')\ndef run(b):\n    pass", "no model"),
        ("def init():\n    pass", "defines no function run"),
        ("def run(b", "SyntaxError"),
        ("import sys\nsys.exit(2)", "SystemExit"),
    ],
)
def test_a_script_that_cannot_start_says_why(driver: Driver, script: str, error: str) -> None:
    said = driver.start(script)
    assert said["say"] == "unready"
    assert error in said["error"]
    assert driver.wait() == 1


def test_the_context_says_which_mini_batch_it_is(driver: Driver) -> None:
    script = """
def run(mini_batch, mini_batch_context):
    context = mini_batch_context
    return [context.minibatch_index, context.attempt, context.dataset_name]
"""
    driver.start(script)
    assert driver.run(["a"], batch=4, attempt=2)[1] == "4\n2\nraw\n"


def test_the_context_has_the_mini_batch_as_a_dataset_and_its_key_in_order(
    driver: Driver, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("x")
    script = """
def run(mini_batch, mini_batch_context):
    data = mini_batch_context.dataset
    return [type(data).__name__, data.to_path()[0], list(mini_batch_context.partition_key_value)]
"""
    driver.start(script)
    shown = driver.run([str(tmp_path / "a.txt")], key=[["user", "u"], ["genre", "rock"]])[1]
    assert shown == "FileDataset\n/a.txt\n['user', 'genre']\n"


def test_the_helper_of_v1_knows_the_place(driver: Driver) -> None:
    script = """
from azureml_user.parallel_run import EntryScript
def init():
    EntryScript().logger.debug("not written")
    EntryScript().logger.info("written")
def run(mini_batch):
    entry = EntryScript()
    return [entry.working_dir, entry.log_dir, entry.output_dir, entry.agent_name]
"""
    driver.start(script)
    here = driver.folder
    expected = [str(here), str(here / "logs"), str(here / "out"), "node0_process003"]
    assert driver.run(["a"])[1].splitlines() == expected
    log = here / "logs" / "entry_script_log" / "0" / "process003.log.txt"
    assert log.read_text().rstrip().endswith("|written")
    assert "not written" not in log.read_text()


def test_a_worker_ends_with_its_driver(driver: Driver) -> None:
    driver.start("def run(mini_batch):\n    return mini_batch\n")
    driver.reader.close()
    driver.socket.close()
    assert driver.wait() == 1


def test_another_version_of_the_protocol_is_refused(driver: Driver) -> None:
    with pytest.raises(struct.error):  # it leaves without a word
        driver.start("def run(mini_batch):\n    return mini_batch\n", protocol=2)
    assert driver.wait() == 1


def test_a_process_without_a_driver_says_so() -> None:
    environment = {**os.environ, "PYTHONPATH": PYTHON}
    command = [sys.executable, "-m", "stepwell._parallel"]
    made = subprocess.run(command, env=environment, stderr=subprocess.PIPE, check=False)
    assert made.returncode == 1
    assert b"the driver of a parallel step starts this" in made.stderr
