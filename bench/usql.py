"""U-SQL jobs over one large file, against DuckDB and PySpark on the same file.

Run it by hand: `cargo build --release --package stepwell-usql`, `pip install duckdb pyspark`, then
`python bench/usql.py --megabytes 1000`. It is no part of `make bench`, as DataFusion takes long to
build. Each program is a process of its own, its start included, as a step is; all get as much
memory, and their results are compared.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

import measure

ROOT = Path(__file__).resolve().parent.parent
REGIONS = 200
MOST = {"duckdb": 1.5, "pyspark": 0.2}


class Job(NamedTuple):
    """One question, in U-SQL and in the SQL that the peers share."""

    usql: str
    sql: str
    order: str


JOBS = {
    "group": Job(
        "SELECT region, COUNT(*) AS n, MAX(amount) AS top FROM @t WHERE amount > 10"
        " GROUP BY region",
        "SELECT region, COUNT(*) AS n, MAX(amount) AS top FROM t WHERE amount > 10 GROUP BY region",
        "region",
    ),
    "join": Job(
        "SELECT r.name, COUNT(*) AS n FROM @t AS t INNER JOIN @r AS r ON t.region == r.region"
        " GROUP BY r.name",
        "SELECT r.name, COUNT(*) AS n FROM t INNER JOIN r ON t.region = r.region GROUP BY r.name",
        "name",
    ),
    "window": Job(
        "SELECT region, day, SUM(n) OVER (PARTITION BY region ORDER BY day"
        " ROWS UNBOUNDED PRECEDING) AS running"
        " FROM (SELECT region, day, COUNT(*) AS n FROM @t GROUP BY region, day) AS g",
        "SELECT region, day, SUM(n) OVER (PARTITION BY region ORDER BY day"
        " ROWS UNBOUNDED PRECEDING) AS running"
        " FROM (SELECT region, day, COUNT(*) AS n FROM t GROUP BY region, day) AS g",
        "region, day",
    ),
}

SCRIPT = """
@t = EXTRACT id long, region string, amount double, day string
     FROM "/in.tsv" USING Extractors.Tsv(quoting: false);
@r = EXTRACT region string, name string FROM "/regions.tsv" USING Extractors.Tsv(quoting: false);
@answer = {usql};
OUTPUT @answer TO "/usql.csv" ORDER BY {order} USING Outputters.Csv(quoting: false);
"""

DUCKDB = """
import duckdb
duckdb.sql("SET memory_limit = '{memory}MB'")
duckdb.sql("CREATE VIEW t AS FROM read_csv('in.tsv', delim='\\t', quote='', header=false, columns="
           "{{'id': 'BIGINT', 'region': 'VARCHAR', 'amount': 'DOUBLE', 'day': 'VARCHAR'}})")
duckdb.sql("CREATE VIEW r AS FROM read_csv('regions.tsv', delim='\\t', header=false, columns="
           "{{'region': 'VARCHAR', 'name': 'VARCHAR'}})")
duckdb.sql("COPY ({sql} ORDER BY {order}) TO 'duckdb.csv' (HEADER false)")
"""

PYSPARK = """
from pyspark.sql import SparkSession
spark = (SparkSession.builder.master('local[*]').config('spark.ui.enabled', 'false')
         .config('spark.driver.memory', '{memory}m').getOrCreate())
spark.read.csv('in.tsv', sep='\\t', quote='',
               schema='id LONG, region STRING, amount DOUBLE, day STRING').createTempView('t')
spark.read.csv('regions.tsv', sep='\\t',
               schema='region STRING, name STRING').createTempView('r')
answer = spark.sql("{sql} ORDER BY {order}").coalesce(1)
answer.write.mode('overwrite').csv('pyspark.csv')
"""

PEERS = {"duckdb": DUCKDB, "pyspark": PYSPARK}
HELD: Dict[str, int] = {}


def main() -> int:
    """Measures and reports."""
    arguments = _arguments()
    program = _program()
    peers = [peer for peer in PEERS if importlib.util.find_spec(peer)]
    if not peers:
        sys.exit("error: there is no peer\nhint: `pip install duckdb pyspark`")
    missed = 0
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        _write(folder, arguments.megabytes)
        for job in JOBS:
            for peer in peers:
                figure = _against(folder, program, job, peer, arguments)
                print(figure, flush=True)
                missed += figure.met is False
    for name, held in sorted(HELD.items()):
        limit = arguments.memory
        print(f"{name}: at most {held} MB in memory, of {limit} MB it may use")
    return 1 if missed else 0


def _against(
    folder: Path, program: str, name: str, peer: str, arguments: argparse.Namespace
) -> measure.Figure:
    job = JOBS[name]
    values: Dict[str, object] = {**job._asdict(), "memory": arguments.memory}
    (folder / "job.usql").write_text(SCRIPT.format(**values))
    memory = f"--memory={arguments.memory}MB"
    ours = _timed("usql", [program, "run", "job.usql", memory], folder)
    theirs = _timed(peer, [sys.executable, "-c", PEERS[peer].format(**values)], folder)
    ours()
    theirs()
    _same(_rows(folder / "usql.csv"), _rows(folder / (peer + ".csv")))
    measured = measure.pairs(ours, theirs, arguments.repetitions)
    title = f"usql {name}, {arguments.megabytes} MB, against {peer}"
    return measure.relative(title, measured, MOST[peer], peer)


def _rows(path: Path) -> List[List[str]]:
    files = sorted(path.glob("part-*")) if path.is_dir() else [path]
    rows: List[List[str]] = []
    for file in files:
        with open(file, newline="") as lines:
            rows.extend(csv.reader(lines))
    return rows


def _same(ours: List[List[str]], theirs: List[List[str]]) -> None:
    def numbers(rows: List[List[str]]) -> List[Tuple[object, ...]]:
        return [tuple(_number(field) for field in row) for row in rows]

    if numbers(ours) != numbers(theirs):
        sys.exit(f"error: the results differ: {ours[:3]} and {theirs[:3]}")


def _number(field: str) -> object:
    try:
        return float(field)
    except ValueError:
        return field


def _timed(name: str, line: Sequence[str], folder: Path) -> Callable[[], float]:
    """Runs a program to its end; what it held in memory at most is noted (without its children)."""

    def run() -> None:
        with open(folder / "said", "w+") as said:
            process = subprocess.Popen(line, cwd=folder, stdout=said, stderr=said)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = status
            said.seek(0)
            if status:
                sys.exit(f"error: {name}: {said.read()}")
        HELD[name] = max(HELD.get(name, 0), usage.ru_maxrss >> 10)

    return lambda: measure.timed(run)


def _write(folder: Path, megabytes: int) -> None:
    """Rows of numbers and texts from a seed, and the names of the regions."""
    draw = random.Random(7)
    block: List[str] = []
    for number in range(100_000):
        row: Tuple[object, ...] = (
            number,
            f"region-{draw.randrange(REGIONS)}",
            round(draw.expovariate(0.02), 2),
            f"2012-02-{draw.randrange(1, 29):02}",
        )
        block.append("\t".join(str(field) for field in row) + "\n")
    text = "".join(block).encode()
    with open(folder / "in.tsv", "wb") as file:
        while file.tell() < megabytes << 20:
            file.write(text)
    names = (f"region-{number}\tname {number}\n" for number in range(REGIONS))
    (folder / "regions.tsv").write_text("".join(names))


def _program() -> str:
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = os.environ.get("STEPWELL_USQL") or str(target / "release" / "stepwell-usql")
    if not os.access(path, os.X_OK):
        sys.exit(
            f"error: there is no program `{path}`\nhint: `cargo build --release --package "
            "stepwell-usql`, or name one in STEPWELL_USQL"
        )
    return os.path.abspath(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000, help="how large the file is")
    parser.add_argument("--memory", type=int, default=1024, help="what each may use, in MB")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--folder", help="where the file is written; the system's if not given")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
