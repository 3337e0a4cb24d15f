"""A worker: imports the entry script, calls `init`, then `run` for each mini-batch.

Whatever the script raises is sent to the driver, and the next mini-batch is taken. A script that
hangs or ends the process is the driver's concern.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, Dict, Optional

from stepwell._parallel import _datasets, _place, _results
from stepwell._parallel._context import MiniBatchContext
from stepwell._parallel._script import EntryScript, in_one_line, traceback_of
from stepwell._parallel._wire import Connection

MEMORY_EVERY_S = 0.5


def work(connection: Connection, job: Dict[str, Any]) -> int:
    """Run mini-batches until the driver has none; gives the exit status."""
    _place.enter(job)
    try:
        script = EntryScript(job["entry_script"], job["arguments"])
        script.init()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also `sys.exit` of an argument parser
        detail = traceback_of(error)
        sys.stderr.write(detail)
        connection.say({"say": "unready", "error": in_one_line(error), "detail": detail})
        return 1
    connection.say({"say": "ready"})
    worker = _Worker(connection, script, bool(job["rows"]))
    while True:
        heard = connection.hear()
        if heard is None:
            return 1  # the driver has gone, and with it who would keep the rows
        header, body = heard
        if header["do"] == "leave":
            script.shutdown()
            return 0
        if header["do"] == "run":
            worker.run(header["batch"], header["try"], json.loads(body))


class _Worker(object):
    """Runs mini-batches of one script."""

    def __init__(self, connection: Connection, script: EntryScript, rows_wanted: bool) -> None:
        self._connection = connection
        self._script = script
        self._rows_wanted = rows_wanted
        self._next_look = 0.0

    def run(self, batch: int, attempt: int, body: Dict[str, Any]) -> None:
        """Run one mini-batch and tell how it went."""
        items: Optional[int] = None
        try:
            if "table" in body:
                from stepwell._parallel import _tables

                mini_batch = _tables.read(body)
                items = len(mini_batch)
                self._connection.say({"say": "began", "batch": batch, "items": items})
            else:
                mini_batch = body["files"]
                items = len(mini_batch)
            context = MiniBatchContext(
                batch,
                attempt,
                body["input"],
                body.get("key"),
                lambda: _datasets.of_mini_batch(body, mini_batch),
            )
            result = self._script.run(mini_batch, context)
            count, text = _results.rows(result, self._rows_wanted)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also `sys.exit`: the worker is not the script's to end
            detail = traceback_of(error)
            sys.stderr.write(f"mini-batch {batch} (try {attempt}):\n{detail}")
            self._connection.say(
                {
                    "say": "raised",
                    "batch": batch,
                    "items": items,
                    "error": in_one_line(error),
                    "detail": detail,
                }
            )
            return
        done: Dict[str, Any] = {"say": "done", "batch": batch, "items": items, "rows": count}
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + MEMORY_EVERY_S
            done["memory"] = _resident_bytes()
        self._connection.say(done, text)


def _resident_bytes() -> Optional[int]:
    """The resident memory of this process; see proc(5), `statm`."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
