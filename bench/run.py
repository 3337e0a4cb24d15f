"""The benchmarks of Stepwell: `make bench`, or `python bench/run.py [WORD...] [--quick]`.

One line per figure: the value, the target, whether it is met, and the ratio to a floor or peer
that was measured in turn with it. Words choose figures by their names. It ends with the engine
alone, unless figures were chosen. The exit status is 1 if a target is missed. UNSURE is neither:
the machine had other work to do, so the ratio proves nothing; run it again when it has not.

The programs must be built before: `cargo build --release --bins`.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
from typing import Callable, Dict, List

import content
import lists
import metrics
import parallel
import passing
import published
import reuse
import schedules
import slurm
import snapshot
import spark
import start
import steps
import tables
import transfer
import tuning
from measure import Figure
from workspace import PYTHON, ROOT, binary


def figures(quick: bool, megabytes: int) -> Dict[str, Callable[[], Figure]]:
    """Every figure by its short name, in the order of the report."""
    few, many = (4, 6) if quick else (7, 15)
    bind = functools.partial
    return {
        "chain": bind(steps.chain, 100, few),
        "chain-bare": bind(steps.chain, 100, few, bare=True),
        "chain-cold": bind(steps.chain, 100, few, bare=True, cold=True),
        "heavy": bind(steps.heavy, 20, few),
        "program-chain": bind(steps.program, 100, few, "shell loop"),
        **{
            "program-" + peer: bind(steps.program, 100, few, peer)
            for peer in ("make", "doit", "luigi")
        },
        **{
            "program-two-" + peer.split()[0]: bind(steps.program, 300, few, peer, 2)
            for peer in ("shell loop", "make", "doit", "luigi")
        },
        "program-one": bind(steps.program, 1, many, "shell loop"),
        "independent-cold": bind(
            steps.independent, 1_000, 2, 2 if quick else 4, bare=True, cold=True
        ),
        "independent": bind(steps.independent, 1_000, 2, 2 if quick else 4),
        "independent-bare": bind(steps.independent, 1_000, 2, 2 if quick else 4, bare=True),
        "isolated": bind(steps.isolated, 100, few),
        "ready": bind(start.ready, many),
        "memory": start.memory,
        "memory-warm": bind(start.memory_of_all, 2),
        "first-line-rest": bind(start.first_line, many),
        "first-line": bind(start.first_line_of_a_program, many),
        "unchanged-side-by-side": bind(reuse.side_by_side, few),
        "unchanged-chain": bind(reuse.chain, few),
        "content-large": bind(content.large, few),
        "content-small": bind(content.small, few),
        "passing": bind(passing.passing, few, megabytes),
        "copy-large": bind(transfer.large, few, megabytes),
        "copy-small": bind(transfer.small, few, 10_000),
        "copy-many": bind(transfer.small, 2, 100_000),
        **{"copy-" + kind: bind(transfer.store, kind, few, megabytes) for kind in transfer.STORES},
        "tables-parquet": bind(tables.parquet, few, 200_000 if quick else 1_000_000),
        "tables-csv": bind(tables.csv, few, 200_000 if quick else 1_000_000),
        "snapshot": bind(snapshot.unchanged, many),
        "import": bind(metrics.import_time, many),
        "metrics": bind(metrics.logged_one_by_one, few),
        "parallel": bind(parallel.overhead, few),
        "parallel-scaling": bind(parallel.scaling, few),
        "parallel-million": parallel.million,
        "slurm-steps": bind(slurm.overhead, 200 if quick else 1_000, 2),
        "slurm-queued": bind(slurm.queued, 1_000 if quick else 10_000),
        "published": bind(published.latency, few),
        "published-rate": bind(published.rate, 2_000 if quick else 10_000),
        "published-memory": bind(published.memory, 2_000 if quick else 10_000),
        "newest-run": bind(lists.newest, few),
        "short-id": bind(lists.short_id, few),
        "spark": bind(spark.cold_notebook, few),
        "spark-first": bind(spark.cold_notebook, few, first=True),
        "spark-small": bind(spark.small_notebooks, 2 if quick else 4),
        "trials": bind(tuning.trials, 200 if quick else 1_000, 2 if quick else 3),
        "schedules": bind(schedules.due_at_once, 1_000 if quick else 10_000),
    }


def main() -> int:
    """Measures and reports."""
    arguments = _arguments()
    known = figures(arguments.quick, arguments.megabytes)
    chosen = [name for name in known if _wanted(name, arguments.words)]
    if not chosen and "engine" not in arguments.words:
        names = ", ".join([*known, "engine"])
        sys.exit(f"error: no figure has such a name\nhint: there are {names}")
    print(f"{binary()}\n{PYTHON}\n", flush=True)
    missed = 0
    for name in chosen:
        figure = known[name]()
        print(figure, flush=True)
        missed += figure.met is False
    if not arguments.words or "engine" in arguments.words:
        _engine_alone()
    return 1 if missed else 0


def _wanted(name: str, words: List[str]) -> bool:
    return not words or any(word in name for word in words)


def _engine_alone() -> None:
    line = ["cargo", "bench", "--quiet", "-p", "stepwell-engine"]
    subprocess.run(line, cwd=ROOT, check=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="parts of the names of figures; all if none")
    parser.add_argument(
        "--megabytes",
        type=int,
        default=500,
        help="how much is passed between steps; 10000 is 10 GB",
    )
    parser.add_argument("--quick", action="store_true", help="few repetitions")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
