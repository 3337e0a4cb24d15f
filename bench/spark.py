"""Notebooks on Spark, against `spark-submit` of the same code.

The worker of one cold step is started as its supervisor starts it; what the engine adds to any step
is measured elsewhere. Both sides start Spark's JVM, which is nearly all of the time.

Ten small steps are one pipeline of a fresh folder, from its submission to its end. The first of
them starts the JVM, which the others use.
"""

from __future__ import annotations

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
from typing import Any, Dict, List, Optional, Sequence

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


def cold_notebook(repetitions: int) -> measure.Figure:
    """One notebook of one cell on `local[2]`, its executed copy and its event log kept."""
    home = _spark_home()
    if home is None:
        return _without_spark("cold notebook on Spark")
    variables = dict(environment(), PYTHONPATH=str(ROOT / "python"), PYSPARK_PYTHON=sys.executable)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "code.py").write_text(CODE)
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
        variables["STEPWELL_REQUEST"] = str(folder / "request.json")
        count = itertools.count()

        def cold() -> float:
            # A folder without a JVM; that of the step before ends when its folder is gone.
            data = folder / f"data-{next(count)}"
            variables["STEPWELL_DATA"] = str(data)
            taken = _started([sys.executable, "-m", "stepwell._spark"], folder, variables)
            shutil.rmtree(data)
            _await_end(str(data))
            return taken

        submit = [os.path.join(home, "bin", "spark-submit"), "--master", "local[2]", "code.py"]
        measured = measure.pairs(cold, lambda: _started(submit, folder, variables), repetitions)
    return measure.relative("cold notebook on Spark", measured, COLD_MAX, "spark-submit")


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

    measured = measure.pairs(ours, floor, repetitions)
    # Less than the peer's is what is claimed, so the verdict needs no ratio above one.
    figure = measure.relative(title, measured, SMALL_MAX, "spark-submit")
    return figure._replace(met=measure.ratio(measured) <= SMALL_MAX)


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
