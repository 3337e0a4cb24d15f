"""Parallel steps: what a mini-batch costs, and what a second worker brings.

The driver is started as the server starts it; no server takes part. The peer is a
`multiprocessing.Pool` of as many processes whose `imap_unordered` writes the same rows to a file.
Start and end of both are taken off by a run of two mini-batches measured beside each long one.
"""

from __future__ import annotations

import json
import resource
import subprocess
import tempfile
import uuid
from pathlib import Path
from statistics import median
from typing import Dict

import measure
from workspace import PYTHON, ROOT, binary, environment

BATCHES = 10_000
ITEMS = 1_000_000
OVERHEAD_MAX_S = 0.001
PEER_MAX = 2.0
SCALING_MIN = 1.9

TRIVIAL = "def run(mini_batch):\n    return mini_batch\n"

BUSY = """
def run(mini_batch):
    total = 0
    for number in range(2_000_000):
        total += number * number
    return [total]
"""

POOL = """
import multiprocessing, sys
def run(item):
    return [item]
if __name__ == "__main__":
    items = ["%s/%06d" % (sys.argv[1], number) for number in range(int(sys.argv[2]))]
    with multiprocessing.Pool(2) as pool, open("rows", "w") as file:
        for rows in pool.imap_unordered(run, items):
            file.write("".join("%s\\n" % row for row in rows))
"""


PLAIN = """
import sys
from score import run
for number in range(int(sys.argv[1])):
    run([number])
"""


class Step:
    """A folder with files and an entry script; gone at the end of the `with` block."""

    def __init__(self, script: str, files: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="stepwell-bench-")
        self.folder = Path(self._folder.name)
        self.data = self.folder / "data"
        self.data.mkdir()
        for number in range(files):
            (self.data / f"{number:06d}").touch()
        (self.folder / "score.py").write_text(script)
        (self.folder / "pool.py").write_text(POOL)
        (self.folder / "plain.py").write_text(PLAIN)
        self._runs = 0
        self._files = files
        self._few = self.folder / "few"
        self._few.mkdir()
        for number in range(2):
            (self._few / str(number)).touch()

    def __enter__(self) -> Step:
        return self

    def __exit__(self, *error: object) -> None:
        self._folder.cleanup()

    def drive(self, workers: int, batch: int, files: int) -> int:
        """Run a step over all files, or over two; gives how many rows it has made."""
        self._runs += 1
        out = self.folder / f"run-{self._runs}"
        place = self.data if files == self._files else self._few
        settings = {
            "mini_batch_size": str(batch),
            "process_count_per_node": str(workers),
            "node_count": "1",
        }
        request = {
            "version": 1,
            "run": str(uuid.uuid4()),
            "task": {
                "entry_script": "score.py",
                "inputs": [{"port": "raw", "form": "files"}],
                "output": "rows",
                "settings": settings,
            },
            "inputs": {"raw": {"datastore": "local", "path": "raw", "local": str(place)}},
            "outputs": {"rows": {"datastore": "local", "path": "o", "local": str(out / "out")}},
            "state": str(out / "state"),
            "files": str(out / "files"),
        }
        out.mkdir()
        path = out / "request.json"
        path.write_text(json.dumps(request))
        variables: Dict[str, str] = {
            **environment(),
            "PYTHONPATH": str(ROOT / "python"),
            "STEPWELL_REQUEST": str(path),
            "STEPWELL_PYTHON": PYTHON,
        }
        line = [binary(), "drive-parallel"]
        done = subprocess.run(line, cwd=self.folder, env=variables, stdout=subprocess.DEVNULL)
        done.check_returncode()
        rows = out / "out" / "parallel_run_step.txt"
        with open(rows, "rb") as file:
            return sum(1 for _ in file)

    def plain(self, processes: int, batches: int) -> None:
        """So many mini-batches in each of some processes, without a driver."""
        line = [PYTHON, "plain.py", str(batches)]
        started = [subprocess.Popen(line, cwd=self.folder) for _ in range(processes)]
        if any([each.wait() for each in started]):
            raise SystemExit("error: the plain processes failed")

    def pool(self, items: int) -> None:
        """The same by a pool of two processes."""
        line = [PYTHON, "pool.py", str(self.data), str(items)]
        subprocess.run(line, cwd=self.folder, check=True)


def overhead(repetitions: int) -> measure.Figure:
    """What a trivial mini-batch costs, beside one of a pool."""
    with Step(TRIVIAL, BATCHES) as step:

        def each(work: measure.Seconds, start: measure.Seconds) -> float:
            return max(work() - start(), 1e-9) / (BATCHES - 2)

        def ours() -> float:
            return each(
                lambda: measure.timed(lambda: _check(step.drive(2, 1, BATCHES), BATCHES)),
                lambda: measure.timed(lambda: step.drive(2, 1, 2)),
            )

        def floor() -> float:
            return each(
                lambda: measure.timed(lambda: step.pool(BATCHES)),
                lambda: measure.timed(lambda: step.pool(2)),
            )

        step.drive(2, 1, 2)
        measured = measure.pairs(ours, floor, repetitions)
    name = f"a trivial mini-batch of {BATCHES:,}"
    relative = measure.relative(name, measured, PEER_MAX, "imap_unordered")
    absolute = measure.absolute(name, measured, OVERHEAD_MAX_S, "imap_unordered")
    note = "{} alone {}; {}".format(
        absolute.target, "met" if absolute.met else "MISSED", relative.note
    )
    return relative._replace(met=relative.met and absolute.met, note=note)


def million() -> measure.Figure:
    """A million items in mini-batches of a hundred, and the memory of the driver."""
    with Step(TRIVIAL, ITEMS) as step:
        seconds = measure.timed(lambda: _check(step.drive(2, 100, ITEMS), ITEMS))
    # Of all children of this process, the largest: workers hold a mini-batch each.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return measure.Figure(
        name=f"{ITEMS:,} items",
        value=f"{seconds:.1f} s",
        target="",
        met=None,
        ratio="",
        note=f"{ITEMS / seconds:,.0f} items/s; the largest process so far {peak:.0f} MB",
    )


def scaling(repetitions: int) -> measure.Figure:
    """How much faster two workers are than one on work of the processor alone.

    What the machine's two cores can do is measured in turn: the same mini-batches by one plain
    process, and half of them by each of two.
    """
    count = 40
    with Step(BUSY, count) as step:

        def run(workers: int) -> float:
            whole = measure.timed(lambda: step.drive(workers, 1, count))
            # Two mini-batches are the same share of the work on one worker as on two.
            return whole - measure.timed(lambda: step.drive(workers, 1, 2))

        def machine() -> float:
            return measure.timed(lambda: step.plain(1, count)) / measure.timed(
                lambda: step.plain(2, count // 2)
            )

        measured = measure.pairs(lambda: run(1) / run(2), machine, repetitions)
    times = median(pair.ours for pair in measured)
    can = median(pair.floor for pair in measured)
    calm = 2 * sum(pair.calm for pair in measured) > len(measured)
    return measure.Figure(
        name="two workers beside one",
        value=f"{times:.2f} x",
        target=f">= {SCALING_MIN:.2f} x",
        met=times >= SCALING_MIN if calm else None,
        ratio=f"{measure.ratio(measured):.2f} x",
        note=f"of what two plain processes gain, {can:.2f} x; {count} mini-batches",
    )


def _check(rows: int, expected: int) -> None:
    if rows != expected:
        raise SystemExit(f"error: {rows} rows instead of {expected}")
