"""What every native worker in Python needs: its request, its stop, its failure, calls home.

A worker is a module that does one step, started as `python -m stepwell._name`; `run` is all of its
`main`. It prints for people to standard output, which is the step's log. What it can count on is
described in CONTRIBUTING.md, "How to add a step kind"; `crates/worker` is the same in Rust.

No credential reaches a file, a log or an error: what is borrowed with `Worker.connection` stays in
memory, and the text of a `Connection` shows none.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from typing import Any, Callable, Dict, Mapping, NamedTuple, NoReturn, Optional

from stepwell import errors

VERSION = 1
REQUEST = "STEPWELL_REQUEST"
FAILURE = "STEPWELL_FAILURE"
EXIT_FAILED = 1
EXIT_USAGE = 64
DETAIL_LINES = 20


class Failure(Exception):
    """Why the step fails; it becomes the failure of its run."""

    def __init__(self, kind: str, summary: str, detail: str = "", hint: str = "") -> None:
        """Describe a failure.

        Args:
            kind: `user_code`, `environment`, `storage`, `timeout` or `internal`.
            summary: One sentence.
            detail: The last lines of a traceback or of another program's output.
            hint: What the user can do next.
        """
        super().__init__(summary)
        self.kind, self.summary, self.detail, self.hint = kind, summary, detail, hint


class Port(NamedTuple):
    """Where the data of an input or output is."""

    datastore: str
    path: str
    local: Optional[str]
    """Its absolute path on this machine; `None` for what is elsewhere and not staged."""


class Connection(object):
    """A datastore with what opens it."""

    def __init__(self, reply: Mapping[str, Any]) -> None:
        """Take the server's reply apart."""
        fields = dict(reply)
        self.credentials: Dict[str, str] = fields.pop("credentials")
        self.name: str = fields.pop("name")
        self.definition: Dict[str, Any] = fields
        """Where its data is, as at its registration, with its `kind`."""

    def __repr__(self) -> str:
        """The name and the kind, without credentials."""
        return f"Connection({self.name!r}, {self.definition.get('kind')!r})"


class Worker(object):
    """A worker with its request."""

    def __init__(self, request: Mapping[str, Any], failure: Optional[str] = None) -> None:
        """Take a request.

        Args:
            request: The JSON of `request.json`.
            failure: The path of the file for a failure.
        """
        if request.get("version") != VERSION:
            raise SystemExit(
                f"error: the request has version {request.get('version')} and this module knows "
                f"version {VERSION}: install the server and the SDK of the same release"
            )
        self.run: str = request["run"]
        self.task: Dict[str, Any] = request["task"]
        self.inputs = {name: _port(port) for name, port in request["inputs"].items()}
        self.outputs = {name: _port(port) for name, port in request["outputs"].items()}
        self.state: str = request["state"]
        self.files: str = request["files"]
        self._record: str = request.get("record", "")
        self._failure = failure
        self._is_stopping = False
        # Held until there is a request to stop. A `threading.Event` has a lock that its `wait`
        # takes, and that a signal's handler on the same thread would wait for without end.
        self._running = threading.Lock()
        self._running.acquire()
        self._metrics: Optional[Any] = None

    @classmethod
    def from_environment(cls) -> Worker:
        """The worker of the request that the environment names."""
        path = os.environ.get(REQUEST)
        if path is None:
            raise SystemExit(f"error: `{REQUEST}` is not set: the server starts this for a step")
        with open(path, encoding="utf-8") as file:
            return cls(json.load(file), os.environ.get(FAILURE))

    def stop_on_sigterm(self) -> None:
        """From here on a request to stop sets `is_stopping` and does not end the process."""
        signal.signal(signal.SIGTERM, lambda *_: self._stop())

    def _stop(self) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            self._running.release()

    @property
    def is_stopping(self) -> bool:
        """Whether the step was asked to stop. One that goes on is killed after some seconds."""
        return self._is_stopping

    def wait(self, seconds: float) -> bool:
        """Sleep, but not beyond a request to stop; whether there is one."""
        if self._running.acquire(timeout=max(0.0, seconds)):
            self._running.release()  # another thread may wait, too
        return self._is_stopping

    def text(self, argument: Mapping[str, str]) -> str:
        """The text of an argument of the task, such as `{"input": "raw"}`, on this machine."""
        ((kind, value),) = argument.items()
        if kind == "literal":
            return value
        ports = self.inputs if kind == "input" else self.outputs
        return ports[value].local or "" if value in ports else ""

    def show_progress(self, **progress: Any) -> None:
        """Show how far the step is; it replaces what was shown before."""
        os.makedirs(self.state, exist_ok=True)
        _replace(os.path.join(self.state, "progress.json"), progress)

    def record(self, written: Mapping[str, Any]) -> None:
        """Record what was written to datastores, so that the step can be reused."""
        _replace(self._record, written)

    def connection(self, datastore: str) -> Connection:
        """Borrow a datastore that the step names, with what opens it, for this attempt.

        Raises:
            Failure: The server refuses or does not answer.
        """
        from stepwell import connect

        path = f"/runs/{self.run}/datastores/{datastore}/connection"
        try:
            return Connection(connect().get(path))
        except errors.StepwellError as error:
            what = f"the credentials of datastore `{datastore}` could not be had: {error.message}"
            raise Failure("storage", what, hint=error.hint) from None

    def log_metric(self, name: str, value: float) -> None:
        """Log a metric of the run."""
        if self._metrics is None:
            from stepwell import connect
            from stepwell._metrics import MetricWriter

            self._metrics = MetricWriter(connect(), self.run)
        self._metrics.add(name, "scalar", value)

    def report(self, failure: Failure) -> None:
        """Say why the step fails, in its log and to its supervisor."""
        print(f"[stepwell] {failure.summary}", flush=True)
        if self._failure is not None:
            fields = ("kind", "summary", "detail", "hint")
            _replace(self._failure, {name: getattr(failure, name) for name in fields})


def run(work: Callable[[Worker], None]) -> NoReturn:
    """Do the step of the request in the environment: all of a worker's `main`.

    An exception that is no `Failure` is a fault of the worker, and is reported with its traceback.
    """
    worker = Worker.from_environment()
    worker.stop_on_sigterm()
    try:
        work(worker)
    except Failure as failure:
        worker.report(failure)
        sys.exit(EXIT_FAILED)
    except Exception as error:
        lines = traceback.format_exc().splitlines()
        print("\n".join(lines), file=sys.stderr, flush=True)
        detail = "\n".join(lines[-DETAIL_LINES:])
        worker.report(Failure("internal", f"the step's worker failed: {error}", detail))
        sys.exit(EXIT_FAILED)
    sys.exit(0)


def _port(port: Mapping[str, Any]) -> Port:
    return Port(port["datastore"], port["path"], port.get("local"))


def _replace(path: str, value: Mapping[str, Any]) -> None:
    """Write JSON so that readers see the old text or the new one."""
    aside = f"{path}.new"
    with open(aside, "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.replace(aside, path)
