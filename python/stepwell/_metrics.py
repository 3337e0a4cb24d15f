"""Metrics on their way to the server: written at once, sent in batches.

`MetricWriter.add` appends to a list and returns; a thread that starts with the first point sends
what has gathered every half second, or sooner when it is much. What is left is sent when the
interpreter ends. What cannot be sent even then is written into the folder `STEPWELL_SPOOL`, from
where the server takes it; so is every point of a step until it is sent, so that a script may be
killed or end by `os._exit` at any moment.

Each point is known by its writer and its number, and a batch is only let go when the server has
it, so a batch that is sent twice is logged once. A process that forks has a writer of its own:
the points of the parent stay the parent's.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from typing import Any, Dict, List, Optional, Tuple

from stepwell import errors
from stepwell._journal import Journal
from stepwell.client import Client

BATCH_POINTS_MAX = 1000
BATCH_WAIT_S = 0.5
PENDING_POINTS_MAX = 1_000_000

Point = Dict[str, Any]


class MetricWriter:
    """The points that one process logs to one run."""

    def __init__(self, client: Client, run: str) -> None:
        """Points go to the run with the id `run`."""
        self._client = client
        self._run = run
        self._begin()

    def _begin(self) -> None:
        """Become a writer that has written nothing, in this process."""
        self._writer = f"{os.getpid()}-{os.urandom(8).hex()}"
        self._next = 0
        self._pending: List[Point] = []
        self._journal = Journal(self._writer, self._run)
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._some = threading.Event()
        self._much = threading.Event()
        self._batch_points = BATCH_POINTS_MAX
        self._thread: Optional[threading.Thread] = None

    def add(
        self,
        name: str,
        kind: str,
        value: Any,
        step: Optional[int] = None,
        description: str = "",
    ) -> None:
        """Log one value; it must be what JSON can hold, as `plain` makes it."""
        point: Point = {
            "name": name,
            "kind": kind,
            "value": value,
            "step": step,
            "at_ms": int(time.time() * 1000),
        }
        if description:
            point["description"] = description
        with self._lock:
            self._journal.append(self._next + len(self._pending), point)
            self._pending.append(point)
            waiting = len(self._pending)
        if self._thread is None:
            self._start()
        if waiting == 1:
            self._some.set()
        elif waiting == BATCH_POINTS_MAX:
            self._much.set()
        elif waiting > PENDING_POINTS_MAX:
            self.flush()  # the server cannot keep up: the script must wait for it

    def flush(self) -> None:
        """Send everything that was logged before; raises when the server cannot be reached."""
        with self._sending:
            while self._send_batch():
                pass

    def close(self) -> None:
        """Send what is left, or else leave it in the spool folder."""
        if self._pending:
            try:
                self.flush()
            except (errors.StepwellError, OSError) as failure:
                self._spool(failure)
        with self._lock:
            self._journal.remove()

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            name = "stepwell-metrics"
            self._thread = threading.Thread(target=self._send_as_they_come, name=name, daemon=True)
            self._thread.start()
        _close_at_the_end_of_a_worker(self)

    def _send_as_they_come(self) -> None:
        while True:
            self._some.wait()
            self._much.wait(BATCH_WAIT_S)
            self._some.clear()
            self._much.clear()
            try:
                self.flush()
            except errors.ApiError as refused:
                self._spool(refused)
            except Exception:  # the points are kept, and tried again
                self._some.set()

    def _send_batch(self) -> bool:
        """Send the oldest points; false when there are none. Under `_sending`."""
        batch = self._pending[: self._batch_points]
        if not batch:
            return False
        body = {"writer": self._writer, "first": self._next, "points": batch}
        try:
            self._client.post(f"/runs/{self._run}/metrics", body, repeatable=True)
        except errors.TooLarge:
            if len(batch) == 1:
                raise
            self._batch_points = len(batch) // 2
        else:
            self._drop(len(batch))
        return True

    def _drop(self, count: int) -> None:
        with self._lock:
            del self._pending[:count]
            self._next += count
            if not self._pending:
                self._journal.clear()

    def _spool(self, failure: Exception) -> None:
        """Put what cannot be sent where the server finds it later, and say so."""
        with self._sending:
            batch = list(self._pending)
            body = {**self._journal.header, "first": self._next, "points": batch}
            folder = self._journal.folder
            kept = False
            if folder:
                kept = _write_aside(folder, f"{self._writer}-{self._next}", body)
            self._drop(len(batch))
        fate = f"are kept in {folder}" if kept else "are lost"
        sys.stderr.write(
            f"warning: {len(batch)} logged values of run {self._run} could not be sent and "
            f"{fate}: {failure}\n"
        )


def _write_aside(folder: str, name: str, body: Any) -> bool:
    import json

    target = os.path.join(folder, f"{name}.json")
    try:
        os.makedirs(folder, exist_ok=True)
        with open(target + ".part", "w", encoding="utf-8") as file:
            json.dump(body, file, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(target + ".part", target)
    except OSError:
        return False
    return True


_writers: Dict[Tuple[Client, str], MetricWriter] = {}
_all_writers: "weakref.WeakSet[MetricWriter]" = weakref.WeakSet()
_writers_lock = threading.Lock()


def writer(client: Client, run: str) -> MetricWriter:
    """The one writer of this process for a run."""
    with _writers_lock:
        found = _writers.get((client, run))
        if found is None:
            found = _writers[client, run] = MetricWriter(client, run)
            _all_writers.add(found)
        return found


def flush(client: Client, run: str) -> None:
    """Send what this process has logged to a run, if anything."""
    found = _writers.get((client, run))
    if found is not None:
        found.flush()


def close_all() -> None:
    """Send what is left of every writer."""
    for each in list(_all_writers):
        each.close()


def _after_fork() -> None:
    global _writers_lock
    _writers_lock = threading.Lock()
    for each in list(_all_writers):
        each._begin()


def _close_at_the_end_of_a_worker(writer: MetricWriter) -> None:
    """A `multiprocessing` worker ends without `atexit`; it has an end of its own to hook."""
    if "multiprocessing" in sys.modules:
        import multiprocessing
        from multiprocessing import util

        # `parent_process` is of Python 3.8; the name of a worker's process is as telling.
        if multiprocessing.current_process().name != "MainProcess":
            util.Finalize(writer, writer.close, exitpriority=10)


atexit.register(close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
