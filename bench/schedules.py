"""Many schedules that are due in the same moment: how long until the last of their runs is stored.

Each starts a published pipeline of one step, which waits for the one slot of its target, so that
nothing but the firing is measured. The end is when the ledger has the last run.
"""

from __future__ import annotations

import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timezone
from http.client import HTTPConnection
from typing import Any, Dict, List
from urllib.parse import urlsplit

import measure
from published import Published

TARGET_S = 2.0
MAKERS = 16
PATIENCE_S = 120.0


def due_at_once(count: int) -> measure.Figure:
    """So many schedules, due in one moment."""
    with Published() as published:
        workspace = published.workspace
        pipeline = workspace.call("GET", "/published")["pipelines"][0]["id"]
        # How long making them takes is measured with some that fire much later.
        some = max(count // 50, MAKERS)
        begun = time.time()
        make(published, [body(pipeline, begun + 86_400) for _ in range(some)])
        each = (time.time() - begun) / some
        due = float(int(time.time() + each * count * 1.5 + 5))
        make(published, [body(pipeline, due) for _ in range(count)])
        if time.time() > due:
            raise RuntimeError("making them took longer than thought; try again")
        last = last_fired(published, due, count)
    took = last - due
    return measure.Figure(
        name=f"{count:,} schedules due at once",
        value=f"{took:.2f} s",
        target=f"<= {TARGET_S:.0f} s",
        met=took <= TARGET_S,
        ratio=f"{took / TARGET_S:.2f} x",
        note="of the target, until the last run is stored and in the ledger",
    )


def body(pipeline: str, due: float) -> Dict[str, Any]:
    """A schedule that fires at `due`, and a day later."""
    start = datetime.fromtimestamp(due, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    trigger = {"kind": "recurrence", "frequency": "Hour", "interval": 24, "start_time": start}
    return {
        "name": "bench",
        "pipeline": pipeline,
        "trigger": trigger,
        "submission": {"experiment": "bench"},
    }


def make(published: Published, bodies: List[Dict[str, Any]]) -> None:
    """Makes schedules over several connections, so that they share commits."""
    workspace = published.workspace
    place = urlsplit(workspace.url).netloc
    headers = {
        "Authorization": "Bearer " + workspace.token,
        "Content-Type": "application/json",
    }

    def some(own: List[Dict[str, Any]]) -> None:
        with closing(HTTPConnection(place)) as connection:
            for each in own:
                connection.request("POST", "/api/v1/schedules", json.dumps(each), headers)
                answer = connection.getresponse()
                reply = answer.read()
                if answer.status != 201:
                    raise RuntimeError(reply.decode())

    with ThreadPoolExecutor(MAKERS) as makers:
        list(makers.map(some, [bodies[number::MAKERS] for number in range(MAKERS)]))


def last_fired(published: Published, due: float, count: int) -> float:
    """When the ledger got the last of the runs, read from the database so as not to disturb."""
    path = published.workspace.folder / ".stepwell" / "stepwell.db"
    query = (
        "SELECT count(*), max(recorded_ms) FROM schedule_ledger "
        "WHERE outcome = 'fired' AND at_ms = ?"
    )
    deadline = due + PATIENCE_S
    while time.time() < deadline:
        time.sleep(max(due - time.time(), 0) + 0.1)
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            fired, last = database.execute(query, (int(due * 1000),)).fetchone()
        if fired == count:
            return float(last) / 1000
    raise RuntimeError(f"only {fired} of {count} have fired")
