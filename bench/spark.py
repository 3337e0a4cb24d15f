"""Notebooks on Spark, against `spark-submit` of the same code.

The worker of one cold step is started as its supervisor starts it; what the engine adds to any step
is measured elsewhere. Both sides start Spark's JVM, which is nearly all of the time.

Ten small steps are one pipeline of a fresh folder, from its submission to its end. The first of
them starts the JVM, which the others use. An archive of Spark's classes is there, but for the
figure of the very first step on a machine.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

import measure
from workspace import ROOT, Workspace, environment

COLD_MAX = 1.15
SMALL_MAX = 0.3

CODE = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
rows = spark.range(1000000).selectExpr("id % 10 as k", "id").groupBy("k").sum("id")
print(rows.collect()[0])
"""


def cold_notebook(repetitions: int, first: bool = False) -> measure.Figure:
    """One notebook of one cell on `local[2]`, its executed copy and its event log kept.

    The archive of Spark's classes is there, as from the second step of a machine on; `first` is
    without it.
    """
    title = "first notebook on Spark" if first else "cold notebook on Spark"
    home = _spark_home()
    if home is None:
        return _without_spark(title)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "code.py").write_text(CODE)
        worker = _Worker(folder)
        if not first:
            worker.make_archive()

        def cold() -> float:
            taken = worker.run()
            worker.leave()
            if first:
                shutil.rmtree(worker.cache)
            return taken

        submit = [os.path.join(home, "bin", "spark-submit"), "--master", "local[2]", "code.py"]
        peer = dict(environment(), PYSPARK_PYTHON=sys.executable)
        measured = measure.pairs(cold, lambda: _started(submit, folder, peer), repetitions)
    return measure.relative(title, measured, COLD_MAX, "spark-submit")


class _Worker:
    """The worker of one step, in a data folder without a JVM each time."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache"
        self._folder = folder
        self._count = itertools.count()
        self._data = folder
        request = {
            "version": 1,
            "run": "bench",
            "task": {
                "name": "bench",
                "code": {"kind": "notebook", "path": "code.py"},
                "settings": {"master": "local[2]"},
            },
            "inputs": {},
            "outputs": {},
            "state": str(folder / "state"),
            "files": str(folder / "files"),
        }
        (folder / "request.json").write_text(json.dumps(request))
        self._variables = dict(
            environment(),
            PYTHONPATH=str(ROOT / "python"),
            PYSPARK_PYTHON=sys.executable,
            XDG_CACHE_HOME=str(self.cache),
            STEPWELL_REQUEST=str(folder / "request.json"),
        )

    def run(self) -> float:
        """Run the step; its JVM stays."""
        self._data = self._folder / f"data-{next(self._count)}"
        self._variables["STEPWELL_DATA"] = str(self._data)
        return _started([sys.executable, "-m", "stepwell._spark"], self._folder, self._variables)

    def leave(self) -> None:
        """End the JVM, which ends when its folder is gone."""
        shutil.rmtree(self._data)
        _await_end(str(self._data))

    def make_archive(self) -> None:
        """Have the archive of Spark's classes made, as the keeper of a first JVM does."""
        self.run()
        while not list(self.cache.glob("stepwell/spark/*/classes.jsa")):
            time.sleep(0.1)
        self.leave()


def small_notebooks(repetitions: int, steps: int = 10) -> measure.Figure:
    """A chain of small notebooks on `local[*]`, the JVM's start included."""
    title = f"{steps} small notebooks on Spark"
    home = _spark_home()
    if home is None:
        return _without_spark(title)
    variables = dict(environment(), PYSPARK_PYTHON=sys.executable)
    submit = [os.path.join(home, "bin", "spark-submit"), "--master", "local[*]", "code.py"]

    def ours() -> float:
        with Workspace() as workspace:
            source = workspace.folder / "source"
            source.mkdir()
            (source / "code.py").write_text(CODE)
            snapshot = workspace.snapshot(source)
            listed = [
                _step(snapshot, number, after=[number - 1] if number else [])
                for number in range(steps)
            ]
            client = {"sdk_path": str(ROOT / "python")}
            taken = measure.timed(lambda: workspace.finish(workspace.submit(listed, client=client)))
            data = str(workspace.folder)
        _await_end(data)
        return taken

    def floor() -> float:
        with tempfile.TemporaryDirectory() as name:
            (Path(name) / "code.py").write_text(CODE)
            return sum(_started(submit, Path(name), variables) for _ in range(steps))

    with tempfile.TemporaryDirectory() as name, _no_leftovers():
        (Path(name) / "code.py").write_text(CODE)
        worker = _Worker(Path(name))
        worker.make_archive()
        os.environ["XDG_CACHE_HOME"] = str(worker.cache)  # of the servers of this figure
        measured = measure.pairs(ours, floor, repetitions)
    # Less than the peer's is what is claimed, so the verdict needs no ratio above one.
    figure = measure.relative(title, measured, SMALL_MAX, "spark-submit")
    return figure._replace(met=measure.ratio(measured) <= SMALL_MAX)


@contextlib.contextmanager
def _no_leftovers() -> Iterator[None]:
    """Leave the variable of the folder of caches as it was."""
    before = os.environ.get("XDG_CACHE_HOME")
    try:
        yield
    finally:
        os.environ.pop("XDG_CACHE_HOME", None)
        if before is not None:
            os.environ["XDG_CACHE_HOME"] = before


def _step(snapshot: str, number: int, after: List[int]) -> Dict[str, Any]:
    task = {
        "type": "spark",
        "code": {"kind": "notebook", "path": "code.py"},
        "name": f"small-{number}",
        "snapshot": snapshot,
        "environment": {"kind": "interpreter", "python": sys.executable},
    }
    kind = "DatabricksStep"
    return {"name": task["name"], "kind": kind, "target": "local", "task": task, "after": after}


def _started(line: Sequence[str], folder: Path, variables: Dict[str, str]) -> float:
    quiet = subprocess.DEVNULL
    return measure.timed(
        lambda: subprocess.run(
            line, cwd=folder, env=variables, check=True, stdout=quiet, stderr=quiet
        )
    )


def _await_end(data: str) -> None:
    """Wait until no keeper has a slot in a data folder that is gone: it would disturb the peer."""
    while (
        subprocess.run(
            ["pgrep", "-f", "stepwell._spark._warm._keeper " + data], stdout=subprocess.DEVNULL
        ).returncode
        == 0
    ):
        time.sleep(0.1)


def _spark_home() -> Optional[str]:
    found = importlib.util.find_spec("pyspark")
    return os.path.dirname(found.origin) if found and found.origin else None


def _without_spark(title: str) -> measure.Figure:
    return measure.Figure(title, "-", "", None, "", "needs pyspark and Java")
