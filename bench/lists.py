"""Questions about runs in a folder that has a hundred thousand of them.

The runs are copies of one, written into the database while no server runs: making them through
the API would take longer than all that is measured. The floor is the cheapest answer of the same
server in the same folder, so a ratio near one says that the number of runs does not matter.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import measure
from workspace import Workspace

RUNS = 100_000
CALLS = 50

COPY = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO runs (id, kind, experiment, number, display_name, status, parent, root, created_ms)
SELECT randomblob(16), kind, experiment, n + 1, display_name, 'Completed', NULL, id, created_ms
FROM numbers, (SELECT * FROM runs LIMIT 1)
"""


def newest(repetitions: int) -> measure.Figure:
    """`GET /runs?limit=1`: what every `... last` asks, and a page that is open."""
    with _many_runs() as workspace:
        name = f"newest of {RUNS:,} runs"
        return _figure(name, workspace, "/runs?limit=1", repetitions)


def short_id(repetitions: int) -> measure.Figure:
    """The last eight digits of an id, as the tables show them."""
    with _many_runs() as workspace:
        digits = _database(workspace).execute("SELECT hex(substr(id, 13)) FROM runs WHERE seq = 9")
        path = "/runs?id=" + str(digits.fetchone()[0]).lower()
        name = f"short id among {RUNS:,} runs"
        return _figure(name, workspace, path, repetitions)


def _figure(name: str, workspace: Workspace, path: str, repetitions: int) -> measure.Figure:
    def calls(path: str) -> float:
        start = time.perf_counter()
        for _ in range(CALLS):
            workspace.call("GET", path)
        return (time.perf_counter() - start) / CALLS

    known = workspace.call("GET", path)["runs"][0]["id"]
    measured = measure.pairs(
        lambda: calls(path), lambda: calls(f"/runs/{known}"), repetitions
    )
    return measure.absolute(name, measured, None, "one run by its id")


def _many_runs() -> Workspace:
    workspace = Workspace()
    run = workspace.call("POST", "/runs/interactive", {"experiment": "bench"})["id"]
    workspace.call("POST", f"/runs/{run}/end", {"status": "Completed"})
    workspace.stop()
    with closing(_database(workspace)) as database, database:
        database.execute(COPY, (RUNS,))
    workspace.connect()
    return workspace


def _database(workspace: Workspace) -> sqlite3.Connection:
    return sqlite3.connect(workspace.folder / ".stepwell" / "stepwell.db")
