r"""Rows of a database to a file, against the database's own client: `psql \copy` to CSV.

PostgreSQL is Debian's, started on a loopback port as in the tests; its table is in its cache. Both
sides get every row over one connection and write one file to the same folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List

import measure
from workspace import ROOT, binary

TABLE = """CREATE TABLE orders AS SELECT i::bigint AS id, 'customer ' || i % 5000 AS name,
    (i % 100000 / 100.0)::numeric(12, 2) AS price, random() AS share, i % 3 = 0 AS paid,
    TIMESTAMPTZ '2026-01-01' + i * INTERVAL '1 second' AS at, md5(i::text) AS token
    FROM generate_series(1, {}) i"""


def parquet(repetitions: int, rows: int) -> measure.Figure:
    """A table to Parquet."""
    return _figure("parquet", repetitions, rows)


def csv(repetitions: int, rows: int) -> measure.Figure:
    """The same table to CSV."""
    return _figure("csv", repetitions, rows)


def _figure(ending: str, repetitions: int, rows: int) -> measure.Figure:
    sys.path[:0] = [str(ROOT / "python" / "tests" / "datastores"), str(ROOT / "python")]
    import databases

    from azureml.core import Workspace
    from stepwell import datastores

    with tempfile.TemporaryDirectory(prefix="stepwell-bench-") as name:
        folder = Path(name)
        os.environ.update(STEPWELL_DATA=str(folder / ".stepwell"), STEPWELL_BIN=str(binary()))
        os.chdir(name)
        server = databases.Postgres()
        try:
            server.run(TABLE.format(rows))
            server.run("VACUUM ANALYZE orders")
            place = (Workspace.from_config(), "sales", "127.0.0.1", databases.DATABASE)
            who = (databases.USER, databases.PASSWORD)
            datastores.register_postgresql(*place, *who, server.port, enforce_ssl=False)
            ours = [str(binary()), "copy", "sales:orders", str(folder / ("ours." + ending))]
            line = r"\copy orders to '{}' with (format csv, header)".format(folder / "theirs.csv")
            theirs = ["psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(server.port)]
            theirs += ["-U", databases.USER, "-c", line, databases.DATABASE]
            os.environ.update(PGPASSWORD=databases.PASSWORD, PGSSLMODE="disable")
            _run(ours)
            measured = measure.pairs(
                lambda: measure.timed(lambda: _run(ours)),
                lambda: measure.timed(lambda: _run(theirs)),
                repetitions,
            )
        finally:
            os.chdir("/")
            server.stop()
            subprocess.run(
                [str(binary()), "stop", "--folder", name], check=False, stdout=subprocess.DEVNULL
            )
    title = f"{rows:,} rows of PostgreSQL to {ending}"
    return measure.relative(title, measured, 1.0, r"`psql \copy` to CSV")


def _run(line: List[str]) -> None:
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
