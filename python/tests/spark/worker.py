"""Starts the worker of a Spark step as its supervisor does, with a request of the test's own."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, Optional, TypeVar

T = TypeVar("T")
QUICK = {
    # Small jobs: what takes time is Spark's start, and two hundred tasks for ten rows.
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}
HOME = Path(tempfile.mkdtemp(prefix="stepwell-spark-"))
"""The data folder of all steps that need none of their own: they share Spark's JVM."""
atexit.register(shutil.rmtree, str(HOME), ignore_errors=True)  # which ends when it is gone
LIMIT_S = 900.0  # a machine that builds meanwhile is slow


class Step(object):
    """One step: its request, its folders and, once started, its worker."""

    def __init__(
        self,
        folder: Path,
        code: Dict[str, Any],
        settings: Dict[str, Any],
        inputs: Optional[Dict[str, Path]] = None,
        outputs: Optional[Dict[str, Path]] = None,
        home: Path = HOME,
        **task: Any,
    ) -> None:
        self.folder = folder
        self.home = home
        self.source = folder / "source"
        self.files = folder / "files"
        self.state = folder / "state"
        self.failure_file = folder / "failure.json"
        self.log_file = folder / "log.txt"
        for each in (self.source, self.files, self.state):
            each.mkdir(parents=True, exist_ok=True)
        ports = [
            {
                name: {"datastore": "d", "path": name, "local": str(path)}
                for name, path in (given or {}).items()
            }
            for given in (inputs, outputs)
        ]
        self.request = {
            "version": 1,
            "run": "run-1",
            "task": {
                "type": "spark",
                "name": "step",
                "code": code,
                "target": "cpu",
                "settings": settings,
                **task,
            },
            "inputs": ports[0],
            "outputs": ports[1],
            "state": str(self.state),
            "files": str(self.files),
        }
        self.process: Optional[subprocess.Popen[bytes]] = None

    def write(self, name: str, text: str) -> None:
        """A file of the source directory."""
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def start(self, **environ: str) -> subprocess.Popen[bytes]:
        """Start the worker, in a process group of its own."""
        path = self.folder / "request.json"
        path.write_text(json.dumps(self.request))
        if self.failure_file.exists():
            self.failure_file.unlink()
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stepwell._spark"],
                cwd=str(self.source),
                env={
                    **os.environ,
                    # Of the checkout; an installed package needs none.
                    "PYTHONPATH": os.pathsep.join(each for each in sys.path if each),
                    "STEPWELL_REQUEST": str(path),
                    "STEPWELL_FAILURE": str(self.failure_file),
                    "STEPWELL_DATA": str(self.home),
                    "PYTHONUNBUFFERED": "1",
                    **environ,
                },
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self.process

    def run(self, **environ: str) -> int:
        """Start the worker and wait for its end; gives the exit status."""
        return self.start(**environ).wait(LIMIT_S)

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    @property
    def failure(self) -> Dict[str, str]:
        failure: Dict[str, str] = json.loads(self.failure_file.read_text())
        return failure

    @property
    def progress(self) -> Dict[str, Any]:
        try:
            progress: Dict[str, Any] = json.loads((self.state / "progress.json").read_text())
            return progress
        except FileNotFoundError:
            return {}


def until(get: Callable[[], T], holds: Callable[[T], object], what: str) -> T:
    """Get a value again and again until it `holds`."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        value = get()
        if holds(value):
            return value
        assert time.monotonic() < deadline, f"waited until {what}; last: {value!r}"
        time.sleep(0.02)
