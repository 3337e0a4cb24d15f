"""A throw-away project folder with its own embedded server, driven as the SDK drives it.

The binary is called for what only it knows (`connect`, `snapshot`, `stop`), everything else is
REST. Nothing here measures; a figure measures what it calls.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence
from urllib.parse import urlsplit

# The interpreter itself: a shim in front of it would slow both sides down alike.
PYTHON = os.path.realpath(sys.executable)

ROOT = Path(__file__).resolve().parent.parent
POLL_S = 20


def binary() -> str:
    """The `stepwell` program under test."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = os.environ.get("STEPWELL_BIN") or str(target / "release" / "stepwell")
    if not os.access(path, os.X_OK):
        sys.exit(
            f"error: there is no program `{path}`\n"
            "hint: `cargo build --release --bins`, or name one in STEPWELL_BIN"
        )
    return os.path.abspath(path)


def environment() -> Dict[str, str]:
    """This process's variables, without those that would lead to another server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STEPWELL_")}
    # With it, which some containers set, an interpreter compiles all modules at every start.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    kept["STEPWELL_BIN"] = binary()
    return kept


def bare_python(folder: Path) -> str:
    """An interpreter of a new virtual environment in which nothing is installed.

    Packages can make every start of an interpreter slow (by their `.pth` files). That adds the
    same to both sides of a ratio, and so hides what is between them.
    """
    line = [PYTHON, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(line, check=True)
    return str(folder / "bin" / "python")


class Workspace:
    """A folder and its server; gone at the end of the `with` block."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="stepwell-bench-"))
        self.pid = 0
        self.url = ""
        self.token = ""
        self._connection: Optional[http.client.HTTPConnection] = None

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *arguments: str) -> Any:
        """Calls the program in this folder; the JSON it prints, if it prints any."""
        line = [binary(), *arguments]
        done = subprocess.run(
            line, cwd=self.folder, env=environment(), stdout=subprocess.PIPE, check=True
        )
        return json.loads(done.stdout) if "--json" in arguments else None

    def connect(self) -> None:
        """Finds or starts the server."""
        found = self.command("connect", "--json")
        self.pid, self.url, self.token = found["pid"], found["url"], found["token"]
        self._connection = http.client.HTTPConnection(urlsplit(found["url"]).netloc)

    def stop(self) -> None:
        """Stops the server, and returns when it is gone."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self.command("stop")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One REST call that answers with JSON."""
        answer = self.request(method, path, body)
        return json.loads(answer) if answer else None

    def request(self, method: str, path: str, body: Any = None) -> bytes:
        """One REST call; the answer as it comes."""
        if self._connection is None:
            self.connect()
        connection = self._connection
        assert connection is not None
        headers = {
            "Authorization": "Bearer " + self.token,
            "Content-Type": "application/json",
        }
        text = None if body is None else json.dumps(body)
        connection.request(method, "/api/v1" + path, text, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.decode()}")
        return answer

    def script(self, text: str) -> str:
        """A snapshot that holds `main.py` with this text; its digest."""
        source = self.folder / "source"
        source.mkdir(exist_ok=True)
        (source / "main.py").write_text(text, encoding="utf-8")
        return self.snapshot(source)

    def snapshot(self, folder: Path) -> str:
        """Stores a folder; its digest."""
        digest: str = self.command("snapshot", str(folder), "--json")["snapshots"][0]["digest"]
        return digest

    def submit(self, steps: List[Dict[str, Any]], **more: Any) -> str:
        """Starts a pipeline; its id."""
        body = {"experiment": "bench", "steps": steps, **more}
        return str(self.call("POST", "/runs", body)["id"])

    def finish(self, run: str) -> None:
        """Waits until the run is over, which must be well."""
        while True:
            now = self.call("GET", f"/runs/{run}/wait?timeout_s={POLL_S}")
            if now["status"] == "Completed":
                return
            if now["status"] in ("Failed", "Canceled"):
                raise RuntimeError("the run ended {}: {}".format(now["status"], now["error"]))

    def log_of_only_step(self, run: str) -> str:
        """What the only step of a run has printed."""
        only = self.call("GET", "/runs?parent=" + run)["runs"][0]["id"]
        return self.request("GET", f"/runs/{only}/files/user_logs/std_log.txt").decode()


def step(
    snapshot: str,
    after: Sequence[int] = (),
    target: str = "local",
    python: str = PYTHON,
    cold: bool = False,
) -> Dict[str, Any]:
    """A step that runs `main.py` of a snapshot, warm if it can."""
    task = {
        "type": "process",
        "program": {"script": "main.py"},
        "snapshot": snapshot,
        "environment": {"kind": "interpreter", "python": python},
        "variables": {"STEPWELL_WARM": "off"} if cold else {},
    }
    kind = "PythonScriptStep"
    return {"name": "step", "kind": kind, "target": target, "task": task, "after": list(after)}
