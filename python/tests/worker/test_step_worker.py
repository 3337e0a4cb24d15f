"""The helper of native workers in Python, as a process under the protocol."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

PYTHON = str(Path(__file__).parents[2])
RUN = "0192f5c4-1111-7222-8333-444455556666"
LENT = {"name": "blob", "kind": "s3", "bucket": "b", "credentials": {"session_token": "hidden"}}


class Home(BaseHTTPRequestHandler):
    """A server that lends one datastore and refuses all others."""

    asked: List[str] = []

    def do_GET(self) -> None:
        """Lend, or refuse."""
        self.asked.append(f"{self.path} {self.headers['authorization']}")
        known = "/blob/" in self.path
        refusal = {"error": {"code": "forbidden", "message": "not named", "hint": "name it"}}
        body = json.dumps(LENT if known else refusal).encode()
        self.send_response(200 if known else 403)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture
def home() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Home)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def start(folder: Path, body: str, url: str = "", version: int = 1) -> "subprocess.Popen[str]":
    """A worker whose work is `body`."""
    request: Dict[str, Any] = {
        "version": version,
        "run": RUN,
        "task": {"arguments": [{"literal": "-v"}, {"input": "raw"}, {"output": "made"}]},
        "inputs": {"raw": {"datastore": "blob", "path": "a/b", "local": None}},
        "outputs": {"made": {"datastore": "local", "path": "c", "local": "/data/c"}},
        "state": str(folder / "state"),
        "files": str(folder / "files"),
        "record": str(folder / "record.json"),
    }
    (folder / "request.json").write_text(json.dumps(request))
    script = folder / "worker.py"
    script.write_text(
        "from stepwell._worker import Failure, Worker, run\n"
        "def work(worker):\n    {}\nrun(work)\n".format(body.replace("\n", "\n    "))
    )
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("STEPWELL")},
        "PYTHONPATH": PYTHON,
        "STEPWELL_REQUEST": str(folder / "request.json"),
        "STEPWELL_FAILURE": str(folder / "failure.json"),
        "STEPWELL_URL": url,
        "STEPWELL_TOKEN": "pass",
    }
    return subprocess.Popen(
        [sys.executable, str(script)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_worker_reads_its_request_and_shows_its_progress(tmp_path: Path) -> None:
    worker = start(
        tmp_path,
        "print([worker.text(word) for word in worker.task['arguments']])\n"
        "print(worker.inputs['raw'].path)\n"
        "worker.show_progress(done=1)\nworker.show_progress(done=2)\nworker.record({'made': []})",
    )
    text, _ = worker.communicate(timeout=60)
    assert (worker.returncode, text) == (0, "['-v', '', '/data/c']\na/b\n")
    assert json.loads((tmp_path / "state" / "progress.json").read_text()) == {"done": 2}
    assert json.loads((tmp_path / "record.json").read_text()) == {"made": []}


def test_a_failure_is_recorded_for_the_run(tmp_path: Path) -> None:
    worker = start(tmp_path, "raise Failure('storage', 'it is full', hint='make room')")
    text, _ = worker.communicate(timeout=60)
    assert (worker.returncode, text) == (1, "[stepwell] it is full\n")
    failure = json.loads((tmp_path / "failure.json").read_text())
    expected = {"kind": "storage", "summary": "it is full", "detail": "", "hint": "make room"}
    assert failure == expected


def test_any_other_exception_is_a_fault_of_the_worker(tmp_path: Path) -> None:
    worker = start(tmp_path, "{}['absent']")
    worker.communicate(timeout=60)
    failure = json.loads((tmp_path / "failure.json").read_text())
    assert (worker.returncode, failure["kind"]) == (1, "internal")
    assert failure["detail"].endswith("KeyError: 'absent'")


def test_a_request_to_stop_is_a_flag(tmp_path: Path) -> None:
    worker = start(tmp_path, "print('ready', flush=True)\nassert worker.wait(60)\nprint('stopped')")
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    worker.send_signal(signal.SIGTERM)
    text, _ = worker.communicate(timeout=60)
    assert (worker.returncode, text) == (0, "stopped\n")


AT_EVERY_LINE = """
import signal, sys
from stepwell._worker import Worker
request = {"version": 1, "inputs": {}, "outputs": {}, "task": {}}
request.update(run="r", state="", files="")
lines, stopped = 1, 0
while stopped < lines:
    worker = Worker(request)
    worker.stop_on_sigterm()
    lines = 0

    def trace(frame, event, argument):
        global lines
        lines += event == "line"
        if event == "line" and lines == stopped + 1:
            signal.raise_signal(signal.SIGTERM)
        return trace

    sys.settrace(trace)
    asked = worker.wait(0.01)
    sys.settrace(None)
    assert worker.is_stopping and worker.wait(60), stopped
    stopped += 1
print(stopped > 1)
"""


def test_a_request_to_stop_may_come_at_any_moment_of_a_wait() -> None:
    worker = subprocess.run(
        [sys.executable, "-c", AT_EVERY_LINE],
        env={**os.environ, "PYTHONPATH": PYTHON},
        stdout=subprocess.PIPE,
        timeout=60,
        text=True,
        check=True,
    )
    assert worker.stdout == "True\n"


def test_a_datastore_is_lent_with_the_steps_token_and_prints_no_credential(
    tmp_path: Path, home: str
) -> None:
    worker = start(
        tmp_path,
        "lent = worker.connection('blob')\nassert lent.credentials['session_token'] == 'hidden'\n"
        "print(lent, lent.definition)\nworker.connection('other')",
        home,
    )
    text, _ = worker.communicate(timeout=60)
    assert text.startswith("Connection('blob', 's3') {'kind': 's3', 'bucket': 'b'}\n")
    assert "hidden" not in text + (tmp_path / "failure.json").read_text()
    failure = json.loads((tmp_path / "failure.json").read_text())
    assert failure["summary"].endswith("`other` could not be had: not named")
    assert failure["hint"] == "name it"
    assert Home.asked[0] == f"/api/v1/runs/{RUN}/datastores/blob/connection Bearer pass"


def test_a_request_of_another_release_is_refused(tmp_path: Path) -> None:
    worker = start(tmp_path, "pass", version=7)
    text, _ = worker.communicate(timeout=60)
    assert worker.returncode == 1 and "version 7" in text
