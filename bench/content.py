"""Reading content to know it: one large file on one core, and many small files on all cores.

The peer is `b3sum`, the program of the same digest; it is built once into the folder of built
programs. Both sides are whole processes on files that are in memory, and neither remembers digests.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from statistics import median

import measure
from workspace import ROOT

LARGE_BYTES = 1 << 30
SMALL_FILES = 10_000
SMALL_BYTES = 4_096


def large(repetitions: int) -> measure.Figure:
    """One file of a gigabyte: the target is a gigabyte a second on one core."""
    with tempfile.TemporaryDirectory(prefix="stepwell-bench-") as folder:
        path = Path(folder, "large")
        block = os.urandom(1 << 20)
        with path.open("wb") as file:
            for _ in range(LARGE_BYTES // len(block)):
                file.write(block)
        peer = [_b3sum(), "--num-threads", "1", "--no-mmap", str(path)]
        measured = measure.pairs(lambda: _run([_ours(), folder]), lambda: _run(peer), repetitions)
    name = "content of a file of 1 GB, one core"
    return measure.absolute(name, measured, LARGE_BYTES / 1e9, "`b3sum` on one thread")


def small(repetitions: int) -> measure.Figure:
    """Ten thousand small files: no slower than `find | xargs -P2 b3sum`."""
    with tempfile.TemporaryDirectory(prefix="stepwell-bench-") as folder:
        for number in range(SMALL_FILES):
            place = Path(folder, f"part{number % 100}")
            place.mkdir(exist_ok=True)
            (place / f"file{number}").write_bytes(os.urandom(SMALL_BYTES))
        line = "find '{}' -type f -print0 | xargs -0 -n 500 -P2 '{}' --num-threads 1"
        peer = ["sh", "-c", line.format(folder, _b3sum())]
        measured = measure.pairs(lambda: _run([_ours(), folder]), lambda: _run(peer), repetitions)
    figure = measure.absolute(
        f"content of {SMALL_FILES:,} small files", measured, None, "`xargs -P2 b3sum`"
    )
    times = median(pair.ours / pair.floor for pair in measured)
    return figure._replace(target="<= 1.00 x", met=times <= 1)


def _run(line: "list[str]") -> float:
    return measure.timed(lambda: subprocess.run(line, stdout=subprocess.DEVNULL, check=True))


def _target() -> Path:
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def _ours() -> str:
    """The library, as a program that hashes a folder."""
    program = _target() / "release" / "examples" / "content"
    if not program.exists():
        line = ["cargo", "build", "--quiet", "--release", "-p", "stepwell-data"]
        subprocess.run([*line, "--example", "content"], cwd=ROOT, check=True)
    return str(program)


def _b3sum() -> str:
    tools = _target() / "bench-tools"
    program = tools / "bin" / "b3sum"
    if not program.exists():
        line = ["cargo", "install", "--quiet", "--locked", "--root", str(tools), "b3sum"]
        subprocess.run(line, check=True)
    return str(program)
