"""Metrics that a script logs one by one, and the weight of importing the SDK.

The script measures itself: it logs, then says how long that took until everything was with the
server. The floor writes as many lines to a file, each flushed, as a program without us would.
"""

from __future__ import annotations

import subprocess

import measure
from workspace import PYTHON, ROOT, Workspace, environment, step

COUNT = 1_000
IMPORT_MAX = 0.15

LOGS = """
import time
from azureml.core import Run

run = Run.get_context()
begin = time.perf_counter()
for number in range({count}):
    run.log("loss", 1.0 / (number + 1))
called = time.perf_counter() - begin
run.flush()
print(called, time.perf_counter() - begin, flush=True)
"""

WRITES = """
import time

begin = time.perf_counter()
with open("metrics.txt", "w") as file:
    for number in range({count}):
        file.write("loss %r\\n" % (1.0 / (number + 1)))
        file.flush()
print(time.perf_counter() - begin, flush=True)
"""


def logged_one_by_one(repetitions: int) -> measure.Figure:
    """What the calls cost the script, and what it takes until all are stored."""
    calls = []
    with Workspace() as workspace:
        script = workspace.script(LOGS.format(count=COUNT))

        def ours() -> float:
            called, stored = map(float, _output(workspace, script).split())
            calls.append(called / COUNT)
            return stored

        def floor() -> float:
            line = [PYTHON, "-c", WRITES.format(count=COUNT)]
            return float(subprocess.check_output(line, cwd=workspace.folder))

        ours()
        calls.clear()
        measured = measure.pairs(ours, floor, repetitions)
    name = f"{COUNT:,} metrics, until stored"
    figure = measure.absolute(name, measured, None, "lines to a file")
    each = f"{sorted(calls)[len(calls) // 2] * 1e6:.1f} us a call"
    return figure._replace(note=f"{each}; {figure.note}")


def import_time(repetitions: int) -> measure.Figure:
    """`from azureml.core import Workspace` in a new process, beside one that imports nothing."""
    variables = dict(environment(), PYTHONPATH=str(ROOT / "python"))

    def process(program: str) -> float:
        line = [PYTHON, "-c", program]
        return measure.timed(lambda: subprocess.run(line, env=variables, check=True))

    measured = measure.pairs(
        lambda: process("from azureml.core import Workspace"),
        lambda: process("pass"),
        repetitions,
    )
    return measure.absolute("import of the SDK, whole process", measured, IMPORT_MAX, "python")


def _output(workspace: Workspace, script: str) -> str:
    sdk = str(ROOT / "python")
    run = workspace.submit([step(script)], client={"sdk_path": sdk})
    workspace.finish(run)
    return workspace.log_of_only_step(run)
